// What the broker hands over, and the answer to it.
// Invariant: a tag means nothing without its epoch and channel; they travel together, and what is stale is dropped, never sent.

/// A message that the broker handed over and that waits for its acknowledgement.
public struct AMQPDelivery: Sendable {
    /// The connection it came on; its tag is void on any other.
    public let epoch: UInt64
    /// The channel it came on: each queue of a connection has one of its own, the first of them 1.
    public let channel: UInt16
    /// The delivery tag, counted by the broker from 1 on each channel of each epoch.
    public let tag: UInt64
    /// The queue it was taken from.
    public let queue: String
    /// Whether it was handed out before.
    public let redelivered: Bool
    private let head: ContentHead
    /// Its content; empty when ``isBodyOmitted``.
    public let body: [UInt8]

    /// The exchange it was published to.
    public var exchange: String { head.method.exchange }
    /// The routing key it was published with.
    public var routingKey: String { head.method.routingKey }
    /// Its properties.
    public var properties: AMQPProperties { head.properties }
    /// Its identifier, one of the properties.
    public var messageID: String? { head.properties.messageID }
    /// The name of its type, one of the properties.
    public var type: String? { head.properties.type }
    /// Bytes of content that the message's header announced.
    public var bodyBytes: Int { head.bodyBytes }
    /// Whether the content was over the limit: its frames were discarded and ``body`` is empty.
    public var isBodyOmitted: Bool { head.isBodyOmitted }

    /// One of its headers.
    public func header(_ name: String) -> AMQPValue? { head.properties.headers[name] }

    init(epoch: UInt64, channel: UInt16, tag: UInt64, queue: String, redelivered: Bool, content: Content) {
        self.epoch = epoch
        self.channel = channel
        self.tag = tag
        self.queue = queue
        self.redelivered = redelivered
        head = content.head
        body = content.body
    }

    /// Creates a delivery, for tests of code that consumes them.
    public init(
        epoch: UInt64, channel: UInt16 = 1, tag: UInt64, queue: String, redelivered: Bool = false,
        exchange: String = "", routingKey: String = "", properties: AMQPProperties = AMQPProperties(), body: [UInt8],
        bodyBytes: Int? = nil, isBodyOmitted: Bool = false
    ) {
        let method = ContentMethod.deliver(
            consumerTag: "", tag: tag, redelivered: redelivered, exchange: exchange, routingKey: routingKey)
        let head = ContentHead(
            method: method, properties: properties, bodyBytes: bodyBytes ?? body.count, isBodyOmitted: isBodyOmitted)
        self.init(
            epoch: epoch, channel: channel, tag: tag, queue: queue, redelivered: redelivered,
            content: Content(head: head, body: body))
    }
}

/// The answer to one delivery, or to all of its channel up to it.
public struct AMQPAcknowledgement: Sendable, Hashable {
    /// What the broker shall do with the message.
    public enum Kind: Sendable, Hashable {
        /// It is done; forget it.
        case acknowledge
        /// Put it back, or (without `requeue`) dead-letter or drop it.
        case reject(requeue: Bool)
    }

    /// The epoch of the delivery.
    public let epoch: UInt64
    /// The channel of the delivery.
    public let channel: UInt16
    /// The tag of the delivery.
    public let tag: UInt64
    /// Whether all unanswered deliveries of the channel with lower tags are meant as well.
    public let multiple: Bool
    /// The answer.
    public let kind: Kind

    /// Creates an answer.
    ///
    /// The channel is 1 where one queue alone is consumed.
    public init(
        epoch: UInt64, channel: UInt16 = 1, tag: UInt64, multiple: Bool = false, kind: Kind = .acknowledge
    ) {
        self.epoch = epoch
        self.channel = channel
        self.tag = tag
        self.multiple = multiple
        self.kind = kind
    }
}
