// Publishes what commits owe. A job's own rows are published before its delivery is acknowledged; what the broker would not
// take then stays in the store's custody and is tried again here, as is what an earlier process left behind.

internal import JobStore
internal import Logging
internal import SyncBroker
internal import SyncJobs

/// Publishes the outbox.
struct OutboxPublisher: Sendable {
    /// How many rows go out together.
    static let batchSize = 500

    let store: JobStore
    let publisher: any MessageSink
    let patience: StorePatience
    let now: @Sendable () -> Timestamp
    let logger: Logger
    /// Whether what is owed stays in the store's custody, for somebody who has a broker.
    var leavesOwed = false

    /// Publishes `owed` and settles what the broker confirmed.
    ///
    /// What it did not take stays owed.
    ///
    /// - Returns: whether the broker took all of it.
    @discardableResult
    func publish(_ owed: [OutboxMessage]) async throws(JobStoreError) -> Bool {
        guard !owed.isEmpty else { return true }
        if leavesOwed { return false }
        let instant = now()
        Failpoint.beforePublish.pass()
        let outcomes = await publisher.publish(owed.map { .owed($0, now: instant) })
        var confirmed: [String] = []
        for (message, outcome) in zip(owed, outcomes) {
            switch outcome {
            case .confirmed: confirmed.append(message.id)
            case .failed(let reason):
                logger.error(
                    "An owed message was not taken by the broker; it stays in the store and is tried again",
                    metadata: [
                        "job_id": .string(message.jobID), "outbox_id": .string(message.id), "reason": .string(reason),
                    ])
            }
        }
        guard !confirmed.isEmpty else { return false }
        let settled = confirmed
        Failpoint.afterPublish.pass()
        try await patience.attempt { () async throws(JobStoreError) in try await store.settle(settled) }
        return settled.count == owed.count
    }

    /// Publishes what this store owes and owed at the last look already, whoever left it; answers what it owes now.
    ///
    /// A row that is seen for the first time is most likely about to be published by the job that wrote it.
    func publishLeftovers(seenBefore: Set<String>) async throws(JobStoreError) -> Set<String> {
        let owed = try await patience.attempt { () async throws(JobStoreError) in
            try await store.deleteSettled()
            return try await store.owedMessages(limit: Self.batchSize)
        }
        try await publish(owed.filter { seenBefore.contains($0.id) })
        return Set(owed.map(\.id))
    }
}
