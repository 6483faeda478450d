// Takes messages out of the dead letters' queue, one at a time and of any size that a broker takes.
// Invariant: a message is answered only by its acknowledgement; nothing of this queue is ever rejected.

public import AMQP
public import Logging
internal import SyncJobs

/// One message of the dead letters' queue.
public struct DeadLetterDelivery: Sendable {
    /// The message.
    public let original: AMQPDelivery

    /// What to publish before answering it when it is a canary of the topology check; nil for every other.
    public func canaryReport(in topology: Topology) -> OutgoingMessage? {
        Canary.report(for: original, topology: topology).map { .canaryReport($0) }
    }

    /// What to publish before answering it when it only strayed: it came down the delay ladder for a queue of ours, and the
    /// broker knew of no binding in that moment; nil for every other.
    ///
    /// RabbitMQ 3.10 hands on what is due while it starts, before it has read its bindings (seen once in fifteen kills); what
    /// passes through several exchanges keeps the name of the first. The message goes straight to its queue, once: were that
    /// gone for good, it would come back from there as a dead letter.
    public func strayed(in topology: Topology) -> OutgoingMessage? {
        let headers = original.properties.headers
        let isOfLadder =
            original.exchange == topology.resume
            || topology.delayLevels.contains { topology.delay($0) == original.exchange }
        guard isOfLadder, headers[DeadLetter.Header.reason.rawValue] == nil,
            let queue = original.routingKey.split(separator: ".").last.map(String.init),
            topology.queueNames.contains(queue)
        else { return nil }
        // An allow-list: with its x-death the message could close a cycle.
        let kept = headers.filter { [Delivery.Header.turn, Delivery.Header.orderKey].contains($0.key) }
        return .strayed(
            AMQPMessage(
                exchange: topology.requests, routingKey: topology.requestRoutingKey(queue: queue, slug: "again"),
                properties: AMQPProperties(
                    contentType: "application/json", messageID: original.properties.messageID, headers: kept),
                body: original.body))
    }
}

/// Consumes the queue of dead letters, over a connection of its own.
public struct DeadLetterConsumer: Sendable {
    /// The largest message that any RabbitMQ takes (`max_message_size`, at most 512 MiB).
    private static let maximumBodyBytes = 536_870_912

    /// The queue's name on the broker.
    public let queue: String
    private let consumer: AMQPConsumer

    /// Prepares to consume.
    public init(configuration: AMQPConfiguration, topology: Topology, logger: Logger) {
        queue = topology.dead
        // One at a time: each may be as large as the broker takes.
        consumer = AMQPConsumer(
            configuration: configuration, subscriptions: [AMQPSubscription(queue: topology.dead, prefetch: 1)],
            maximumBodyBytes: Self.maximumBodyBytes, logger: logger)
    }

    /// The messages, in order; for one reader, and until `close()`.
    public var deliveries: AsyncCompactMapSequence<AsyncStream<AMQPConsumerEvent>, [DeadLetterDelivery]> {
        consumer.events.compactMap { event in
            guard case .deliveries(let deliveries) = event else { return nil }
            return deliveries.map { DeadLetterDelivery(original: $0) }
        }
    }

    /// Connects and reconnects until `close()`.
    ///
    /// - Throws: ``AMQPError`` that no retry mends: credentials, virtual host, configuration.
    public func run() async throws { try await consumer.run() }

    /// The message is kept: the broker may forget it.
    public func acknowledge(_ delivery: DeadLetterDelivery) async {
        await consumer.acknowledge([
            AMQPAcknowledgement(
                epoch: delivery.original.epoch, channel: delivery.original.channel, tag: delivery.original.tag)
        ])
    }

    /// Takes no more messages; answering still works.
    public func stopIntake() async { await consumer.stopIntake() }

    /// Closes the connection; an unanswered message goes back to the broker.
    public func close() async { await consumer.close() }
}
