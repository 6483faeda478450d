// Publishes what commits owe. A job's own rows are published before its delivery is acknowledged; what the broker would not
// take then stays in the store's custody, from where Leftovers tries again.

internal import JobStore
internal import Logging
internal import SyncBroker
internal import Synchronization
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
    /// What is on its way to the broker.
    let inHand = MessagesInHand()

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
        inHand.add(owed)
        defer { inHand.remove(owed) }
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
}

/// The messages that are on their way to the broker, by id: nobody needs to publish them a second time.
final class MessagesInHand: Sendable {
    private let counts = Mutex<[String: Int]>([:])

    func add(_ messages: [OutboxMessage]) {
        counts.withLock { counts in
            for message in messages { counts[message.id, default: 0] += 1 }
        }
    }

    func remove(_ messages: [OutboxMessage]) {
        counts.withLock { counts in
            for message in messages {
                guard let count = counts[message.id] else { continue }
                counts[message.id] = count > 1 ? count - 1 : nil
            }
        }
    }

    func contains(_ id: String) -> Bool { counts.withLock { $0[id] != nil } }
}
