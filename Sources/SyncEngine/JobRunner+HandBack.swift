// How a worker that stops gives jobs up: each is committed as queued, with a message of its own owed, before its delivery is
// acknowledged. So a deploy costs a job neither an attempt nor a delivery.

internal import JobStore
internal import SyncBroker
internal import SyncJobs

extension JobRunner {
    /// Gives a run up that was cut off.
    ///
    /// - Parameter hasEnded: whether its controller has; else it goes on until the process ends, and the next run waits for that.
    func handBack(_ job: QueuedJob, run: JobRun, hasEnded: Bool) async throws(JobStoreError) -> Ending {
        let instant = now()
        let transition = JobTransition.handBack(
            run.job, turn: run.turn, run: run, until: hasEnded ? nil : instant.advanced(by: Worker.closingTime),
            now: instant)
        return try await handBack(transition)
    }

    /// Gives up jobs that have not begun; `.abandoned` for one that is left to the broker.
    func handBack(_ jobs: [QueuedJob]) async throws(JobStoreError) -> [Ending] {
        let found = try await prepare(jobs)
        var endings: [Ending] = []
        for (job, preparation) in zip(jobs, found) {
            if let over = try await inbox.endingWithoutRun(job, preparation: preparation) {
                endings.append(over)
            } else if job.isToWait(known: preparation.job) {
                // What it is to wait for, its own run finds out.
                endings.append(.abandoned)
            } else {
                var record = preparation.job ?? job.newRecord()
                record.superseded = job.superseded
                endings.append(
                    try await handBack(.handBack(record, turn: job.turn, run: nil, until: nil, now: now())))
            }
        }
        return endings
    }

    private func handBack(_ transition: JobTransition) async throws(JobStoreError) -> Ending {
        guard let record = try await committer.commit(transition) else { return .duplicate }
        // A cancel that was asked for meanwhile has ended it instead.
        return record.isOpen ? .handedBack : .committed(record, leftover: nil)
    }
}

extension QueuedJob {
    /// Whether it is held or before its time.
    fileprivate func isToWait(known: SyncJob?) -> Bool {
        known.map { $0.retryAfter != nil } ?? (request.hold || request.notBefore != nil)
    }
}
