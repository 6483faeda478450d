// From an outcome to a commit, and from the commit to what it owes: the one place where a run becomes true.

internal import JobStore
internal import Logging
internal import SyncBroker
internal import SyncJobs

/// Commits transitions and publishes what they owe.
struct Committer: Sendable {
    /// How a commit of a run ended.
    enum Result: Sendable {
        case committed(SyncJob)
        /// Something was committed meanwhile: look again, and run again if that is still due.
        case again(isConflict: Bool)
        /// Not even its failure can be stored.
        case unrecordable(JobFailure)
    }

    let store: JobStore
    let outbox: OutboxPublisher
    let patience: StorePatience
    let events: EventStream
    let now: @Sendable () -> Timestamp

    /// Commits what a run came to, and publishes what that owes.
    func commit(
        _ execution: Executor.Execution, of run: JobRun, type: SyncJobType, isLastConflict: Bool
    ) async throws(JobStoreError) -> Result {
        var outcome: Outcome
        switch execution.result {
        case .outcome(let decided): outcome = decided
        case .conflict(let reason), .overtaken(let reason):
            guard isLastConflict else { return .again(isConflict: true) }
            outcome = Self.tooManyConflicts(reason)
        }
        while true {
            let transition = JobTransition.next(
                run, outcome: outcome, type: type, chance: Double.random(in: 0..<1), now: now())
            Failpoint.beforeCommit.pass()
            let result = try await patience.attempt { () async throws(JobStoreError) in
                try await store.commit(transition)
            }
            switch result {
            case .committed(let record, let owed, let endedRelay):
                try await settle(record, owed: owed, endedRelay: endedRelay)
                return .committed(record)
            case .fenced: return .again(isConflict: false)
            case .conflict(let reason):
                guard isLastConflict else { return .again(isConflict: true) }
                outcome = Self.tooManyConflicts(reason)
            case .stale:
                // A target outside the store has been written already, or the source was made anew after a delete that this
                // run did not see: a run from a fresh read knows.
                if !isLastConflict { return .again(isConflict: true) }
                outcome = Outcome(.skipped(.stale))
            case .refused(let failure):
                if case .failed = outcome.end { return .unrecordable(failure) }
                outcome = Outcome(.failed(failure))
            }
        }
    }

    /// Commits a transition without a run; nil when the job has moved on meanwhile.
    func commit(_ transition: JobTransition) async throws(JobStoreError) -> SyncJob? {
        let result = try await patience.attempt { () async throws(JobStoreError) in try await store.commit(transition) }
        guard case .committed(let record, let owed, let endedRelay) = result else {
            try await publishOwed(jobID: transition.job.id)
            return nil
        }
        try await settle(record, owed: owed, endedRelay: endedRelay)
        return record
    }

    /// Commits what several runs decided, and publishes what that owes; nil for each whose run does not count: it is to be run
    /// again, from a fresh read.
    func commit(_ rows: [JobStore.CommitRows]) async throws(JobStoreError) -> [SyncJob?] {
        guard !rows.isEmpty else { return [] }
        for _ in rows { Failpoint.beforeCommit.pass() }
        let results = try await patience.attempt { () async throws(JobStoreError) in try await store.commit(rows) }
        var records: [SyncJob?] = []
        records.reserveCapacity(results.count)
        var owed: [OutboxMessage] = []
        for result in results {
            guard case .committed(let record, let more, let endedRelay) = result else {
                records.append(nil)
                continue
            }
            records.append(record)
            if endedRelay != nil || more.count >= OutboxPublisher.batchSize {
                try await settle(record, owed: more, endedRelay: endedRelay)
            } else {
                Failpoint.afterCommit.pass()
                owed += more
            }
        }
        var rest = owed[...]
        while !rest.isEmpty {
            _ = try await outbox.publish(Array(rest.prefix(OutboxPublisher.batchSize)))
            rest = rest.dropFirst(OutboxPublisher.batchSize)
        }
        return records
    }

    /// Publishes what a job owes, in pages, until nothing is left or the broker takes no more.
    func publishOwed(jobID: String) async throws(JobStoreError) {
        while true {
            let owed = try await patience.attempt { () async throws(JobStoreError) in
                try await store.owedMessages(jobID: jobID, limit: OutboxPublisher.batchSize)
            }
            if !owed.isEmpty { Failpoint.relayPage.pass() }
            guard !owed.isEmpty, try await outbox.publish(owed) else { return }
        }
    }

    /// Publishes what a commit owes, and tells of the relay that it ended.
    func settle(_ record: SyncJob, owed: [OutboxMessage], endedRelay: SyncJob?) async throws(JobStoreError) {
        Failpoint.afterCommit.pass()
        let isTaken = try await outbox.publish(owed)
        if isTaken, owed.count >= OutboxPublisher.batchSize { try await publishOwed(jobID: record.id) }
        guard let endedRelay else { return }
        let summary = try await patience.attempt { () async throws(JobStoreError) in
            try await store.relaySummary(of: endedRelay.id)
        }
        if let summary { events.send("relay.completed.\(endedRelay.typeSlug)", summary.json) }
    }

    private static func tooManyConflicts(_ reason: String) -> Outcome {
        Outcome(
            .failed(
                JobFailure(
                    .writeConflict,
                    "the target changed under each of \(JobRunner.maximumConflicts + 1) tries: \(reason)",
                    remedy:
                        "see who else writes this document; for an insert, add match: so that an existing one is found",
                    disposition: .retryable(after: nil))))
    }
}
