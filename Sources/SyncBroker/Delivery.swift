// What the broker handed over, in the words of jobs: the engine sees deliveries and never AMQP.

internal import AMQP
internal import SyncJobs

/// What a delivery is answered by.
public struct DeliveryTag: Sendable, Hashable {
    /// The connection's epoch.
    public let epoch: UInt64
    /// The channel: each queue has its own.
    public let channel: UInt16
    /// Counted by the broker from 1 on each channel of each epoch.
    public let number: UInt64

    /// Names a delivery.
    public init(epoch: UInt64, channel: UInt16, number: UInt64) {
        self.epoch = epoch
        self.channel = channel
        self.number = number
    }
}

/// One delivery: a message's body and what stands around it.
///
/// A class, because it goes through many hands and never changes.
public final class Delivery: Sendable {
    /// Which queue of the topology it came from.
    public enum Origin: Sendable, Hashable {
        /// A work queue, by its short name.
        case work(queue: String)
        /// The queue of change events.
        case changes
    }

    /// Names of the headers that Ferry sets on what it publishes to work queues.
    public enum Header {
        /// The turn of a message that was published for a job; absent on a producer's message, which is turn 0.
        public static let turn = OutboxMessage.Header.turn
        /// The ordering key, on which partitions hash.
        public static let orderKey = OutboxMessage.Header.orderKey
    }

    /// The delivery's tag.
    public let tag: DeliveryTag
    /// Where it came from.
    public let origin: Origin
    /// The turn, 0 for a producer's message.
    public let turn: Int
    /// How often the broker has handed it out before, as its queue counts; its delivery limit is about this number.
    public let deliveryCount: Int
    let original: AMQPDelivery

    init(_ delivery: AMQPDelivery, origin: Origin) {
        tag = DeliveryTag(epoch: delivery.epoch, channel: delivery.channel, number: delivery.tag)
        self.origin = origin
        func count(_ header: String) -> Int {
            guard case .int(let value) = delivery.header(header) else { return 0 }
            return Int(max(0, min(value, 1 << 40)))
        }
        turn = count(Header.turn)
        deliveryCount = delivery.redelivered ? count("x-delivery-count") : 0
        original = delivery
    }
}

/// What is done with a delivery, or with all of its channel up to it.
public struct Acknowledgement: Sendable, Hashable {
    /// What is said to the broker.
    public enum Kind: Sendable, Hashable {
        /// It is done; the broker forgets it.
        case acknowledge
        /// It is refused; the broker moves it to the dead letters as it is.
        case reject
    }

    /// The delivery.
    public let tag: DeliveryTag
    /// Whether all unanswered deliveries of its channel up to it are meant.
    public let multiple: Bool
    /// What is said.
    public let kind: Kind

    /// Makes an acknowledgement.
    public init(of tag: DeliveryTag, multiple: Bool, kind: Kind = .acknowledge) {
        self.tag = tag
        self.multiple = multiple
        self.kind = kind
    }
}

extension Delivery {
    /// The connection's epoch.
    public var epoch: UInt64 { tag.epoch }
    /// The key it was routed by.
    public var routingKey: String { original.routingKey }
    /// The AMQP `message_id`.
    public var messageID: String? { original.messageID }
    /// Whether the broker has handed it out before.
    public var isRedelivered: Bool { original.redelivered }
    /// The body; empty when it was omitted.
    public var body: [UInt8] { original.body }
    /// The size that the header announced, in bytes.
    public var bodyBytes: Int { original.bodyBytes }
    /// Whether the body was over the limit and not assembled.
    public var isBodyOmitted: Bool { original.isBodyOmitted }

    /// What to publish before answering this delivery when it is a canary of the topology check; nil for every other.
    public func canaryReport(in topology: Topology) -> OutgoingMessage? {
        Canary.report(for: original, topology: topology).map { .canaryReport($0) }
    }

    /// Whether a producer named only the type and not the queue: a worker forwards it to the type's queue.
    public var isRoutedByType: Bool {
        routingKey.hasPrefix(Topology.typeWord + ".")
    }
}
