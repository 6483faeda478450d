// Takes deliveries from the topology's queues. Reconnecting, epochs and prefetch are AMQP's; here they get their names.

public import AMQP
public import Logging

/// What the broker's side of a worker reports.
public enum ConsumerEvent: Sendable {
    /// Subscribed; tags of lower epochs are void, what they stood for will be delivered again.
    case opened(epoch: UInt64)
    /// What has arrived.
    case deliveries([Delivery])
    /// The broker ended a subscription (the queue was deleted); it is taken up again with backoff.
    case cancelled(queue: String)
    /// The connection is gone; it is made again with backoff.
    case closed(AMQPError)
    /// The broker takes nothing for now (memory or disk alarm).
    case blocked(reason: String)
    /// The broker takes messages again.
    case unblocked
}

/// Consumes work queues and, if wanted, change events, over one connection, each on a channel of its own.
public struct WorkConsumer: Sendable {
    private let consumer: AMQPConsumer
    private let origins: [String: Delivery.Origin]

    /// Prepares to consume.
    ///
    /// - Parameters:
    ///   - queues: how many unacknowledged deliveries may be held of each work queue, by its short name.
    ///   - changesPrefetch: likewise of change events; nil leaves them to other workers.
    ///   - maximumBodyBytes: larger bodies are not assembled; their deliveries say so.
    public init(
        configuration: AMQPConfiguration, topology: Topology, queues: [String: Int], changesPrefetch: Int?,
        maximumBodyBytes: Int, logger: Logger
    ) {
        var origins: [String: Delivery.Origin] = [:]
        var subscriptions: [AMQPSubscription] = []
        func subscribe(_ name: String, _ origin: Delivery.Origin, _ prefetch: Int) {
            origins[name] = origin
            subscriptions.append(
                AMQPSubscription(queue: name, prefetch: UInt16(clamping: max(1, prefetch)), firstPrefetch: 1))
        }
        for (queue, prefetch) in queues.sorted(by: { $0.key < $1.key }) {
            subscribe(topology.workQueue(queue), .work(queue: queue), prefetch)
        }
        if let changesPrefetch { subscribe(topology.changes, .changes, changesPrefetch) }
        self.origins = origins
        consumer = AMQPConsumer(
            configuration: configuration, subscriptions: subscriptions, maximumBodyBytes: maximumBodyBytes,
            logger: logger)
    }

    /// Where the deliveries of each queue come from, by the queue's name on the broker.
    public var queues: [String: Delivery.Origin] { origins }

    /// The names of the queues on the broker.
    public var queueNames: [String] { origins.keys.sorted() }

    /// The names of the queues on the broker, without some work queues that are given by their short names.
    public func queueNames(except paused: Set<String>) -> [String] {
        origins.filter { origin in
            if case .work(let queue) = origin.value { !paused.contains(queue) } else { true }
        }.keys.sorted()
    }

    /// Takes nothing of these work queues, named by their short names, and takes of all others again.
    ///
    /// What was delivered before stays valid.
    public func setPaused(_ queues: Set<String>) async {
        var names: Set<String> = []
        for (name, origin) in origins {
            if case .work(let queue) = origin, queues.contains(queue) { names.insert(name) }
        }
        await consumer.setPaused(names)
    }

    /// What happens, in order; for one reader.
    public var events: AsyncMapSequence<AsyncStream<AMQPConsumerEvent>, ConsumerEvent> {
        let origins = self.origins
        return consumer.events.map { event in
            switch event {
            case .opened(let epoch): .opened(epoch: epoch)
            case .deliveries(let deliveries): .deliveries(Self.deliveries(deliveries, origins))
            case .cancelled(let queue, _): .cancelled(queue: queue)
            case .closed(_, let error): .closed(error)
            case .blocked(let reason): .blocked(reason: reason)
            case .unblocked: .unblocked
            }
        }
    }

    /// What has come, with where it came from: of one queue mostly.
    private static func deliveries(
        _ arrived: [AMQPDelivery], _ origins: [String: Delivery.Origin]
    ) -> [Delivery] {
        guard var queue = arrived.first?.queue else { return [] }
        var origin = origins[queue] ?? .work(queue: queue)
        return arrived.map { delivery in
            if delivery.queue != queue {
                queue = delivery.queue
                origin = origins[queue] ?? .work(queue: queue)
            }
            return Delivery(delivery, origin: origin)
        }
    }

    /// Connects and reconnects until `close()`.
    ///
    /// - Throws: ``AMQPError`` that no retry mends: credentials, virtual host, configuration.
    public func run() async throws { try await consumer.run() }

    /// Answers deliveries, in one hop for the batch; those of older epochs are dropped, the broker delivers them again.
    public func acknowledge(_ list: [Acknowledgement]) async {
        await consumer.acknowledge(
            list.map {
                AMQPAcknowledgement(
                    epoch: $0.tag.epoch, channel: $0.tag.channel, tag: $0.tag.number, multiple: $0.multiple,
                    kind: $0.kind == .acknowledge ? .acknowledge : .reject(requeue: false))
            })
    }

    /// Takes as many deliveries of one queue as it was made for: each subscription begins with one at a time.
    ///
    /// Without effect on subscriptions of another epoch.
    public func widen(_ origin: Delivery.Origin, epoch: UInt64) async {
        for (name, known) in origins where known == origin { await consumer.widen(queue: name, epoch: epoch) }
    }

    /// Takes as many deliveries of one queue as it was made for, beside those that are unanswered.
    ///
    /// Without effect on subscriptions of another epoch.
    public func renew(_ origin: Delivery.Origin, epoch: UInt64) async {
        for (name, known) in origins where known == origin { await consumer.renew(queue: name, epoch: epoch) }
    }

    /// Whether deliveries of a queue, named as on the broker, should be coming.
    public func isConsuming(_ queue: String) async -> Bool { await consumer.isConsuming(queue) }

    /// Closes the connection and makes no other before `resume()`; unanswered deliveries go back to the broker.
    public func suspend() async { await consumer.suspend() }

    /// Connects again after `suspend()`.
    public func resume() { consumer.resume() }

    /// Closes the connection and makes another; unanswered deliveries go back to the broker.
    public func reopen() async { await consumer.reopen() }

    /// Takes no more deliveries; answering still works.
    public func stopIntake() async { await consumer.stopIntake() }

    /// Closes the connection; unanswered deliveries go back to the broker.
    public func close() async { await consumer.close() }
}
