// Publishing from a command: one publisher for as long as the command needs it, everything confirmed, in order.
// Invariant: when this returns, each message has an outcome; nothing is left in flight.

internal import AMQP
internal import SyncBroker
internal import SyncJobs

/// Publishes with confirms and keeps count.
actor ConfirmedPublishing {
    /// A message that the broker did not take.
    struct Refusal: Sendable, Hashable {
        /// The message's id.
        let id: String
        /// The broker's words.
        let reason: String
    }

    /// Messages that are on their way.
    struct Batch: Sendable {
        let ids: [String]
        fileprivate let pending: PendingOutcomes?
    }

    /// How many refusals are kept by name.
    static let maximumNamed = 20
    /// How many messages are unconfirmed at a time.
    static let maximumInFlight = 2000

    private let publisher: MessagePublisher
    /// How many messages the broker has.
    private(set) var confirmed = 0
    /// How many it did not take.
    private(set) var refusedCount = 0
    /// The first of those.
    private(set) var refusals: [Refusal] = []

    private init(_ publisher: MessagePublisher) { self.publisher = publisher }

    /// Publishes in order and waits for the confirms; answers the ids of what the broker has.
    @discardableResult
    func publish(_ messages: [(id: String, message: OutgoingMessage)]) async -> [String] {
        await settle(begin(messages))
    }

    /// Lets messages go, behind everything that was given before.
    nonisolated func begin(_ messages: [(id: String, message: OutgoingMessage)]) -> Batch {
        Batch(ids: messages.map(\.id), pending: messages.isEmpty ? nil : publisher.begin(messages.map(\.message)))
    }

    /// Waits for the confirms of a batch; answers the ids of what the broker has.
    @discardableResult
    func settle(_ batch: Batch) async -> [String] {
        guard let outcomes = await batch.pending?.outcomes() else { return [] }
        var taken: [String] = []
        for (id, outcome) in zip(batch.ids, outcomes) {
            switch outcome {
            case .confirmed: taken.append(id)
            case .failed(let reason):
                refusedCount += 1
                if refusals.count < Self.maximumNamed { refusals.append(Refusal(id: id, reason: reason)) }
            }
        }
        confirmed += taken.count
        return taken
    }

    /// Fails, naming what the broker did not take.
    func requireAllConfirmed() throws {
        guard refusedCount > 0 else { return }
        let named = refusals.map { "  \(VisibleText.bare($0.id, limit: 100)): \($0.reason)" }
        let more = refusedCount > refusals.count ? ["  … and \(refusedCount - refusals.count) more"] : []
        throw CommandFailure(
            .broker,
            "the broker did not take \(refusedCount) of \(refusedCount + confirmed) messages:\n"
                + (named + more).joined(separator: "\n") + "\n",
            remedy: "ferry topology check says what is missing; then send them again with the same ids")
    }

    /// Connects, runs `body`, waits for what is in flight and disconnects.
    ///
    /// - Throws: ``AMQPError`` when the broker cannot be reached, and what `body` throws.
    static func with<Result: Sendable>(
        _ configuration: AMQPConfiguration, composition: Composition,
        _ body: (ConfirmedPublishing) async throws -> Result
    ) async throws -> Result {
        // The publisher itself waits for a broker to come back; a command should rather say at once that there is none.
        let probe = try await AMQPConnection.open(configuration, logger: composition.logger)
        await probe.close()
        let publisher = MessagePublisher(
            configuration: configuration, topology: composition.topology, maximumInFlight: maximumInFlight,
            logger: composition.logger)
        return try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await publisher.run() }
            let result = try await body(ConfirmedPublishing(publisher))
            await publisher.close()
            try await group.waitForAll()
            return result
        }
    }
}
