// Publishes requests, change events, dead letters and what the outbox owes: always persistent, mandatory and confirmed.
// Headers come from an allow-list; nothing of a received message's headers is ever copied.

public import AMQP
public import Logging
public import SyncJobs

/// How publishing one message ended.
public enum PublishOutcome: Sendable, Hashable {
    /// The broker has it, safely.
    case confirmed
    /// The broker does not have it: nobody is bound for it, it refused, or it could not be reached in time.
    case failed(String)

    /// Whether the broker has it.
    public var isConfirmed: Bool { self == .confirmed }
}

/// Publishes over a connection of its own.
public struct MessagePublisher: Sendable {
    private let publisher: AMQPPublisher
    private let topology: Topology

    /// Prepares to publish into `topology`.
    public init(configuration: AMQPConfiguration, topology: Topology, maximumInFlight: Int = 1000, logger: Logger) {
        publisher = AMQPPublisher(configuration: configuration, maximumInFlight: maximumInFlight, logger: logger)
        self.topology = topology
    }

    /// Connects and reconnects until `close()`.
    ///
    /// - Throws: ``AMQPError`` that no retry mends: credentials, virtual host, configuration.
    public func run() async throws { try await publisher.run() }

    /// Waits for what is in flight, then closes the connection.
    public func close() async { await publisher.close() }

    /// Why the broker takes no messages at the moment (a memory or disk alarm); nil when it does.
    public var blockedReason: String? { publisher.blockedReason }

    /// Publishes messages; the outcomes are in the same order.
    public func publish(_ messages: [OutgoingMessage]) async -> [PublishOutcome] {
        guard !messages.isEmpty else { return [] }
        return await begin(messages).outcomes()
    }

    /// Lets messages go behind everything that was given before, without waiting for them.
    public func begin(_ messages: [OutgoingMessage]) -> PendingOutcomes {
        PendingOutcomes(pending: publisher.begin(messages.map { $0.message(in: topology) }))
    }
}

/// Messages that are on their way.
public struct PendingOutcomes: Sendable {
    fileprivate let pending: AMQPPendingPublish

    /// How publishing each of them ended, in the same order.
    public func outcomes() async -> [PublishOutcome] {
        await pending.results().map { result in
            switch result {
            case .confirmed: .confirmed
            case .returned(let code, let text): .failed("no queue takes it (\(code) \(text))")
            case .refused: .failed("the broker refused it")
            case .failed(let error): .failed(error.description)
            }
        }
    }
}

/// A message to publish.
public enum OutgoingMessage: Sendable {
    /// A request, into the given work queue.
    case request(SyncRequest, queue: String, slug: String)
    /// A request as it was received, into another work queue.
    case forward(Delivery, queue: String, slug: String)
    /// A change event.
    case change(ChangeEvent)
    /// What a commit owes; what is due later than `now` goes onto the delay ladder.
    case owed(OutboxMessage, now: Timestamp)
    /// Something happened: for whoever listens, and nobody has to.
    case event(name: String, JSONValue)
    /// A message that can't become a job, with its reason.
    case deadLetter(DeadLetter, body: [UInt8], messageID: String?)
    /// What a worker says about a canary.
    case canaryReport(AMQPMessage)
    /// A retry that lost its way, straight to its queue.
    case strayed(AMQPMessage)

    func message(in topology: Topology) -> AMQPMessage {
        switch self {
        case .request(let request, let queue, let slug):
            Self.json(
                .object(request.json), id: request.id, exchange: topology.requests,
                routingKey: topology.requestRoutingKey(queue: queue, slug: slug),
                headers: [Delivery.Header.orderKey: .string(request.orderKey(typeSlug: slug))])
        case .forward(let delivery, let queue, let slug):
            AMQPMessage(
                exchange: topology.requests, routingKey: topology.requestRoutingKey(queue: queue, slug: slug),
                properties: AMQPProperties(
                    contentType: "application/json", messageID: delivery.messageID,
                    headers: delivery.turn == 0 ? [:] : [Delivery.Header.turn: .int(Int64(delivery.turn))]),
                body: delivery.body)
        case .change(let event):
            Self.json(
                .object(event.json), id: event.id, exchange: topology.changes,
                routingKey: topology.changeRoutingKey(
                    documentType: event.documentType.name, event: event.event.rawValue), headers: [:])
        case .owed(let owed, let now):
            Self.owed(owed, now: now, topology: topology)
        case .event(let name, let content):
            // Not mandatory: a topic that nobody listens to would return it.
            AMQPMessage(
                exchange: topology.events, routingKey: name,
                properties: AMQPProperties(contentType: "application/json"), body: content.canonicalBytes,
                mandatory: false)
        case .deadLetter(let letter, let body, let messageID):
            AMQPMessage(
                exchange: topology.dead, routingKey: letter.routingKey,
                properties: AMQPProperties(messageID: messageID, headers: Self.table(letter.headers)), body: body)
        case .canaryReport(let message), .strayed(let message): message
        }
    }

    private static func owed(_ owed: OutboxMessage, now: Timestamp, topology: Topology) -> AMQPMessage {
        let properties = AMQPProperties(
            contentType: "application/json", messageID: owed.messageID, headers: table(owed.headers))
        if owed.kind == .change, let dot = owed.routingKey.lastIndex(of: ".") {
            let event = String(owed.routingKey[owed.routingKey.index(after: dot)...])
            let routingKey = topology.changeRoutingKey(
                documentType: String(owed.routingKey[..<dot]), event: event)
            return AMQPMessage(
                exchange: topology.changes, routingKey: routingKey, properties: properties, body: owed.body)
        }
        guard let queue = owed.queue else {
            return AMQPMessage(
                exchange: topology.dead, routingKey: owed.routingKey, properties: properties, body: owed.body)
        }
        let wait = owed.dueAt.map { $0.since(now) } ?? .zero
        guard wait > .zero else {
            return AMQPMessage(
                exchange: topology.requests,
                routingKey: topology.requestRoutingKey(queue: queue, slug: owed.routingKey), properties: properties,
                body: owed.body)
        }
        // Rounded up: never back before it is due.
        let seconds = Int((wait.microseconds + 999_999) / 1_000_000)
        let address = topology.delayAddress(seconds: seconds, queue: queue)
        return AMQPMessage(
            exchange: address.exchange, routingKey: address.routingKey, properties: properties, body: owed.body)
    }

    private static func json(
        _ value: JSONValue, id: String, exchange: String, routingKey: String, headers: AMQPTable
    ) -> AMQPMessage {
        AMQPMessage(
            exchange: exchange, routingKey: routingKey,
            properties: AMQPProperties(contentType: "application/json", messageID: id, headers: headers),
            body: value.canonicalBytes)
    }

    private static func table(_ headers: JSONObject) -> AMQPTable {
        var table: AMQPTable = [:]
        for member in headers {
            table[member.key] = member.value.numberValue?.int64.map { .int($0) } ?? .string(member.value.nameText ?? "")
        }
        return table
    }
}
