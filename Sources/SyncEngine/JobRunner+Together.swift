// The way of most jobs: one of a declarative type whose documents are all in the store waits for nothing but the store. Such
// jobs are decided one after the other and committed in one transaction: no task, no watch and no hop for each. What turns
// out not to be so plain goes the way of JobRunner.run, which knows everything.

internal import JobStore
internal import Logging
internal import SyncJobs

extension JobRunner {
    /// What a job that needs only the store came to, before its commit.
    ///
    /// A class, because it is large and passed on in lists.
    final class Decided: Sendable {
        let job: QueuedJob
        let handle: JobHandle?
        let rows: JobStore.CommitRows
        /// What the run came to, where it tells how the systems are that it needs.
        let finding: Executor.Execution.Result?

        init(job: QueuedJob, execution: Executor.Execution, rows: JobStore.CommitRows) {
            self.job = job
            self.rows = rows
            handle = execution.handle
            finding = job.pace == .storeOnly ? nil : execution.result
        }
    }

    /// How a job that was decided together with others ended.
    struct Ended: Sendable {
        let job: QueuedJob
        /// Nil where it has to be run by itself, from a fresh read.
        var ending: Ending?
        /// What is still to be waited for before its delivery is answered; nil for nothing.
        var pendingHook: (@Sendable () async -> Void)?
    }

    /// What a job's run may wait for, and how long it may take: how it is run.
    func pace(of job: QueuedJob) -> JobPace {
        guard isPlain(job) else { return .open }
        let slug = job.type.slug
        if storeOnlyTypes.contains(slug) { return .storeOnly }
        if let convoy = convoyTypes[slug] { return .convoy(convoy) }
        return quickTypes.contains(slug) ? .quick : .open
    }

    /// Whether a job is its type's plain work, which waits for no other job and no instant.
    private func isPlain(_ job: QueuedJob) -> Bool {
        let type = job.type
        guard !type.isExclusive, type.onFailure != .block, job.probing == nil, !job.isSuspect else { return false }
        let request = job.request
        if request.hold || request.notBefore != nil || request.dedupKey != nil || request.relayFinished != nil {
            return false
        }
        // The parent of a relay decides about thousands, and commits them.
        if case .multiple = type.controller.way { return request.namesItsTarget }
        return true
    }

    /// What was decided of a wave.
    struct DecidedWave: Sendable {
        var decided: [Decided] = []
        /// Those that have to be run by themselves.
        var others: [QueuedJob] = []
        /// How much was read of targets that had to be searched for, in bytes of JSON.
        var foundBytes = 0
    }

    /// Decides what becomes of those jobs of a wave that need only the store, without committing it.
    func decide(_ wave: [QueuedJob], _ preparations: [JobStore.Preparation]) async -> DecidedWave {
        var decisions = [Decided?](repeating: nil, count: wave.count)
        var searching: [(position: Int, run: JobRun)] = []
        var beginnings: [Executor.Beginning] = []
        for (position, (job, preparation)) in zip(wave, preparations).enumerated() where job.pace == .storeOnly {
            guard let active = begin(job, preparation: preparation),
                // Where the store is in trouble, the job's own run waits for the end of that.
                let begun = try? await executor.begin(job, active: active, preparation: preparation)
            else { continue }
            if begun.searches {
                searching.append((position, active.run))
                beginnings.append(begun)
            } else {
                decisions[position] = await decided(job, active.run, preparation, begun)
            }
        }
        await executor.search(&beginnings)
        var result = DecidedWave()
        for ((position, run), begun) in zip(searching, beginnings) {
            if case .begun(let frame) = begun { result.foundBytes += frame.found?.bytes ?? 0 }
            decisions[position] = await decided(wave[position], run, preparations[position], begun)
        }
        result.decided.reserveCapacity(wave.count)
        for (job, decided) in zip(wave, decisions) where job.pace == .storeOnly {
            if let decided { result.decided.append(decided) } else { result.others.append(job) }
        }
        return result
    }

    /// What a run that was begun has decided; nil where it has to be run again.
    private nonisolated(nonsending) func decided(
        _ job: QueuedJob, _ run: JobRun, _ preparation: JobStore.Preparation, _ begun: Executor.Beginning
    ) async -> Decided? {
        // As above.
        guard let execution = try? await executor.execute(begun) else { return nil }
        return decided(job, run, preparation, execution)
    }

    /// A run of a job that is to be run now, and of which nothing but its record is known; nil for any other.
    func begin(_ job: QueuedJob, preparation: JobStore.Preparation) -> ActiveRun? {
        guard preparation.isPlain(for: job, at: now()) else { return nil }
        Failpoint.prepared.pass()
        var record = preparation.job ?? job.newRecord()
        record.superseded = job.superseded
        let run = JobRun(
            job: record, turn: job.turn, runID: RunID.next(), node: node, startedAt: now(), body: job.body)
        return ActiveRun(run: run, timeout: job.request.timeout ?? job.type.timeout, leaseKey: nil)
    }

    /// What a run has decided; nil where it has to be run again.
    func decided(
        _ job: QueuedJob, _ run: JobRun, _ preparation: JobStore.Preparation, _ execution: Executor.Execution
    ) -> Decided? {
        guard case .outcome(let outcome) = execution.result else { return nil }
        // What a cancellation does to a run is no failure of the job.
        if Task.isCancelled, execution.result.isCutShort { return nil }
        var transition = JobTransition.next(
            run, outcome: outcome, type: job.type, chance: Double.random(in: 0..<1), now: now())
        transition.isUnknown = preparation.job == nil
        return Decided(
            job: job, execution: execution, rows: store.rows(of: transition, begunWith: preparation))
    }

    /// Makes true what was decided, in as few transactions as possible, and publishes what it owes.
    func commit(_ decided: [Decided]) async throws(JobStoreError) -> [Ended] {
        let records = try await committer.commit(decided.map(\.rows))
        var ended: [Ended] = []
        ended.reserveCapacity(decided.count)
        var quick: [(decided: Decided, record: SyncJob)] = []
        for (decided, record) in zip(decided, records) {
            guard let record else {
                ended.append(Ended(job: decided.job))
                continue
            }
            if let finding = decided.finding { try await outages.ran(decided.job, finding) }
            if decided.job.pace == .quick {
                quick.append((decided, record))
            } else {
                await finish(record, handle: decided.handle, job: decided.job)
                ended.append(Ended(job: decided.job, ending: .committed(record, leftover: nil)))
            }
        }
        for ((decided, record), pending) in zip(quick, await finishInSeries(quick)) {
            ended.append(
                Ended(job: decided.job, ending: .committed(record, leftover: nil), pendingHook: pending))
        }
        return ended
    }
}

extension JobStore.Preparation {
    /// Whether the job is to be run now, and nothing but its record is known of it.
    fileprivate func isPlain(for queued: QueuedJob, at instant: Timestamp) -> Bool {
        guard intent == nil, cancelReason == nil, seenHash == nil, checkpoint == nil, parking == nil else {
            return false
        }
        guard let known = job else { return true }
        // The child of a relay, or a retry that is due.
        return queued.turn >= known.nextTurn && (known.retryAfter.map { $0 <= instant } ?? true)
            && (queued.turn > 0 || known.requestHash == queued.request.contentHash)
    }
}
