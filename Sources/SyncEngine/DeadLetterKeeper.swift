// The keeper: moves dead letters from the broker's queue into the store, where people can see, mend and replay them.
// Invariant: commit, then acknowledge; a letter is in the queue or in the store at any time, and never in neither. A job that
// waits for a message that has become a letter ends in the same commit.

internal import JobStore
internal import Logging
internal import Synchronization
internal import SyncBroker
internal import SyncJobs

/// Keeps dead letters.
final class DeadLetterKeeper: Sendable {
    private struct State {
        var isBusy = false
        var kept = 0
    }

    private let consumer: DeadLetterConsumer
    private let keeping: DeadLetterKeeping
    private let topology: Topology
    private let inbox: Inbox
    private let logger: Logger
    private let state = Mutex(State())

    init(
        consumer: DeadLetterConsumer, keeping: DeadLetterKeeping, topology: Topology, inbox: Inbox, logger: Logger
    ) {
        self.consumer = consumer
        self.keeping = keeping
        self.topology = topology
        self.inbox = inbox
        self.logger = logger
    }

    /// The queue's name on the broker.
    var queue: String { consumer.queue }
    /// Whether no letter is being kept.
    var isIdle: Bool { state.withLock { !$0.isBusy } }
    /// How many letters were kept.
    var kept: Int { state.withLock { $0.kept } }

    /// Connects and reconnects until `close()`.
    ///
    /// - Throws: `AMQPError` that no retry mends.
    func connect() async throws { try await consumer.run() }

    /// Keeps what comes until `close()`.
    ///
    /// - Throws: ``JobStoreError`` that waiting does not mend; the letter is the broker's again.
    func run() async throws {
        for await deliveries in consumer.deliveries {
            for delivery in deliveries { try await take(delivery) }
        }
    }

    /// Takes no more letters; the one at hand is still answered.
    func stopIntake() async { await consumer.stopIntake() }

    /// Closes the connection.
    func close() async { await consumer.close() }

    private func take(_ delivery: DeadLetterDelivery) async throws {
        state.withLock { $0.isBusy = true }
        defer { state.withLock { $0.isBusy = false } }
        if let report = delivery.canaryReport(in: topology) {
            // The check waits for it for a few seconds and no longer: once is enough.
            _ = await inbox.publisher.publish([report])
            return await consumer.acknowledge(delivery)
        }
        guard !delivery.original.isBodyOmitted else {
            // Larger than any broker takes. It is left alone: an answer would lose its body.
            return logger.error(
                "A dead letter is too large to be kept; it stays in the queue, and the keeper waits behind it",
                metadata: ["bytes": .stringConvertible(delivery.original.bodyBytes)])
        }
        if let again = delivery.strayed(in: topology) {
            logger.warning(
                "A message that was due found no queue; it is sent on its way again",
                metadata: ["job_id": .string(delivery.original.properties.messageID ?? "-")])
            if await inbox.publishForCertain(again) { await consumer.acknowledge(delivery) }
            return
        }
        Failpoint.letterReceived.pass()
        try await keeping.keep(delivery.original)
        Failpoint.letterStored.pass()
        state.withLock { $0.kept += 1 }
        await consumer.acknowledge(delivery)
    }
}
