// One job from its delivery to the point where it may be acknowledged: inbox, waiting, admission, run, commit, what is owed.
// The order is the promise: nothing is answered to the broker before the commit, and nothing owed is left unpublished behind
// an answer.

internal import JobStore
internal import Logging
internal import SyncBroker
internal import SyncJobs

/// Takes jobs to their end.
struct JobRunner: Sendable {
    /// How one delivery of a job ended.
    enum Ending: Sendable {
        /// It is committed; `leftover` is a controller that does not end although its run is over.
        case committed(SyncJob, leftover: RunSupervisor.Leftover?)
        /// It waits in the store, or comes again later.
        case waiting(SyncJob)
        /// The worker stops; the job comes again by another message, and this was no attempt.
        case handedBack
        /// The job had ended before this delivery.
        case duplicate
        /// It can't be this job: a dead letter, which the broker has.
        case refused
        /// The worker stops before the run could end; nothing is committed, the broker delivers it again.
        case abandoned
    }

    /// How often a run is repeated because its target changed under it.
    static let maximumConflicts = 5
    /// A delivery that is this much too early is not sent away once more.
    private static let earliness = Duration.milliseconds(1_500)

    let executor: Executor
    let supervisor: RunSupervisor
    let inbox: Inbox
    let committer: Committer
    let outages: OutageGuard
    let store: JobStore
    let patience: StorePatience
    let node: String
    /// The slugs of declarative types whose documents are all in the store.
    let storeOnlyTypes: Set<String>
    /// The convoys of declarative types with documents elsewhere, by the types' slugs.
    let convoyTypes: [String: String]
    let quickTypes: QuickTypes
    let now: @Sendable () -> Timestamp
    let logger: Logger

    /// What the store knows about the jobs of a batch, in one read transaction.
    func prepare(
        _ jobs: [QueuedJob], isFirstLook: Bool = false
    ) async throws(JobStoreError) -> [JobStore.Preparation] {
        try await inbox.prepare(jobs, isFirstLook: isFirstLook)
    }

    /// Runs a job to the point where its delivery may be answered.
    func run(_ job: QueuedJob, preparation: JobStore.Preparation) async throws(JobStoreError) -> Ending {
        let ending = try await take(job, preparation: preparation)
        if job.probing != nil { try await outages.probeEnded(job) }
        return ending
    }

    private func take(_ job: QueuedJob, preparation first: JobStore.Preparation) async throws(JobStoreError) -> Ending {
        Failpoint.prepared.pass()
        var preparation = first
        var lastConflict = job.conflictedRun
        var conflicts = lastConflict == nil ? 0 : 1
        var endedRun: String?
        while true {
            // A conflict says that nothing was written: what is found as this run meant it is somebody else's write.
            if let lastConflict, preparation.intent?.runID == lastConflict { preparation.intent = nil }
            if let over = try await inbox.endingWithoutRun(job, preparation: preparation) { return over }
            var record = preparation.job ?? job.newRecord()
            record.superseded = job.superseded
            let run = JobRun(
                job: record, turn: job.turn, runID: RunID.next(), node: node, startedAt: now(), body: job.body)
            let later = waitingTransition(job, preparation: preparation)
            switch try await admit(job, run: run, after: endedRun, isToRun: later == nil) {
            case .admitted: break
            case .ended(let ending): return ending
            case .underWay:
                // Its delivery is kept meanwhile: that run may be a dead process's, and then this one is the next.
                do { try await Task.sleep(for: .seconds(1)) } catch { return .abandoned }
                preparation = try await prepare([job])[0]
                continue
            }
            if let later { return try await wait(later) }
            let supervised = try await supervise(job, run: run, preparation: preparation)
            if case .conflict? = supervised.execution?.result { lastConflict = run.runID }
            switch try await conclude(
                job, run: run, supervised, isLastConflict: conflicts >= Self.maximumConflicts)
            {
            case .ended(let ending): return ending
            case .again(let isConflict):
                if isConflict { conflicts += 1 }
                endedRun = supervised.leftover == nil ? run.runID : nil
                preparation = try await prepare([job])[0]
            }
        }
    }

    enum Conclusion {
        case ended(Ending)
        /// The run counts for nothing: from a fresh read.
        case again(isConflict: Bool)
    }

    /// Makes true what a run came to.
    func conclude(
        _ job: QueuedJob, run: JobRun, _ supervised: Supervised, isLastConflict: Bool
    ) async throws(JobStoreError) -> Conclusion {
        if supervised.isHandedBack {
            return .ended(try await handBack(job, run: run, hasEnded: supervised.leftover == nil))
        }
        guard let execution = supervised.execution else { return .ended(.duplicate) }
        // What a cancellation does to a run is no failure of the job.
        if Task.isCancelled, execution.result.isCutShort { return .ended(.abandoned) }
        switch try await committer.commit(execution, of: run, type: job.type, isLastConflict: isLastConflict) {
        case .unrecordable(let failure): return .ended(await inbox.refuse(job, failure: failure))
        case .committed(let record):
            try await outages.ran(job, execution.result)
            await finish(record, handle: execution.handle, job: job)
            return .ended(.committed(record, leftover: supervised.leftover))
        case .again(let isConflict): return .again(isConflict: isConflict)
        }
    }

    /// Ends jobs without a run, each because its winner stands for it.
    ///
    /// - Returns: nil where the winner turns out to be over (a message that came twice): nobody stands for that job then.
    func supersede(_ batch: [(loser: QueuedJob, winner: QueuedJob)]) async throws -> [Ending?] {
        let found = try await prepare(batch.map(\.loser) + batch.map(\.winner))
        return try await withThrowingTaskGroup(of: (Int, Ending?).self) { group in
            for (position, (loser, winner)) in batch.enumerated() {
                group.addTask {
                    let preparation = found[position]
                    if let over = try await inbox.endingWithoutRun(loser, preparation: preparation) {
                        return (position, over)
                    }
                    guard !inbox.isOver(winner, preparation: found[batch.count + position]) else {
                        return (position, nil)
                    }
                    return (position, try await supersede(loser, preparation: preparation, by: winner.request.id))
                }
            }
            var endings = [Ending?](repeating: nil, count: batch.count)
            for try await (position, ending) in group { endings[position] = ending }
            return endings
        }
    }

    private func supersede(
        _ job: QueuedJob, preparation: JobStore.Preparation, by winner: String
    ) async throws(JobStoreError) -> Ending {
        let skipped = JobTransition.skip(
            preparation.job ?? job.newRecord(), turn: job.turn, reason: .superseded, because: winner, now: now())
        guard let record = try await committer.commit(skipped) else { return .duplicate }
        return .committed(record, leftover: nil)
    }

    // MARK: waiting

    /// A job that is not to run yet: held, before its time, or parked because what it needs stands still.
    private func waitingTransition(_ job: QueuedJob, preparation: JobStore.Preparation) -> JobTransition? {
        let instant = now()
        let known = preparation.job
        if let known, job.probing == nil, let due = known.retryAfter, due.since(instant) > Self.earliness {
            return .again(known, turn: job.turn, now: instant)
        }
        if known == nil, job.request.hold {
            return .wait(job.newRecord(), turn: job.turn, reason: .hold, until: nil, now: instant)
        }
        if known == nil, let due = job.request.notBefore, due.since(instant) > Self.earliness {
            return .wait(job.newRecord(), turn: job.turn, reason: .notBefore, until: due, now: instant)
        }
        guard let parking = preparation.parking else { return nil }
        return .park(known ?? job.newRecord(), turn: job.turn, parking, now: instant)
    }

    private func wait(_ transition: JobTransition) async throws(JobStoreError) -> Ending {
        guard let record = try await committer.commit(transition) else { return .duplicate }
        return .waiting(record)
    }

    // MARK: admission

    private enum Admitted {
        case admitted
        case ended(Ending)
        /// Another run of this job holds its lease.
        case underWay
    }

    /// Keys that must be claimed: nil when it may go on.
    ///
    /// A job that only waits holds its dedup key as well; order and lease are asked for before a run alone.
    private func admit(
        _ job: QueuedJob, run: JobRun, after endedRun: String?, isToRun: Bool
    ) async throws(JobStoreError) -> Admitted {
        let request = job.request
        let isBlocking = isToRun && job.type.onFailure == .block
        let isExclusive = isToRun && job.type.isExclusive
        guard request.dedupKey != nil || isExclusive || isBlocking else { return .admitted }
        let instant = now()
        var question = JobStore.AdmissionRequest(
            job: run.job, turn: run.turn, runID: run.runID, dedupKey: request.dedupKey,
            orderKey: isBlocking ? job.orderKey.text : nil, leaseKey: isExclusive ? job.orderKey.text : nil,
            leaseUntil: instant.advanced(by: ActiveRuns.leaseTime), now: instant)
        question.endedRunID = endedRun
        let asked = question
        let admission = try await patience.attempt { () async throws(JobStoreError) in try await store.admit(asked) }
        switch admission {
        case .run: return .admitted
        case .duplicate(let holder):
            let skipped = JobTransition.skip(run.job, turn: run.turn, reason: .duplicate, because: holder, now: instant)
            guard let record = try await committer.commit(skipped) else { return .ended(.duplicate) }
            return .ended(.committed(record, leftover: nil))
        case .leased(let holder, let until):
            // Another run of this job: a commit would raise the turn and fence it. The lease ends with that run.
            if holder.hasSameBytes(as: job.request.id) { return .underWay }
            let later = min(until, instant.advanced(by: .seconds(5)))
            let waiting = JobTransition.wait(run.job, turn: run.turn, reason: .snooze, until: later, now: instant)
            return .ended(try await wait(waiting))
        case .blocked: return .ended(.waiting(run.job))
        }
    }
}
