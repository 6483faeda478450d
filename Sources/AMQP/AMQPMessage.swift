// A message to be published, and the properties that travel with any message.
// Invariant: what `objection` lets pass can be encoded by librabbitmq, so a publish never fails half way.

/// The properties of a message (AMQP 0-9-1, class basic), each optional.
///
/// A property that arrives and is not UTF-8 is shown with its odd bytes escaped as `\xNN`, so that two different ones
/// stay different.
public struct AMQPProperties: Sendable, Hashable {
    /// MIME type of the body.
    public var contentType: String?
    /// MIME encoding of the body.
    public var contentEncoding: String?
    /// The message's identifier.
    public var messageID: String?
    /// Identifier of the message this one answers or belongs to.
    public var correlationID: String?
    /// Name of the message's type.
    public var type: String?
    /// Name of the application that sent it.
    public var appID: String?
    /// Name of the sending user; the broker refuses one that is not the connection's own.
    public var userID: String?
    /// Where answers are wanted.
    public var replyTo: String?
    /// Time to live in milliseconds, as decimal digits.
    public var expiration: String?
    /// When it was sent, in seconds since 1970-01-01 UTC.
    public var timestamp: Int64?
    /// Priority, 0–255.
    public var priority: UInt8?
    /// Whether the broker writes it to disk (delivery mode 2).
    public var persistent: Bool
    /// Headers, free-form.
    public var headers: AMQPTable

    /// Creates properties; what is left out is not sent.
    public init(
        contentType: String? = nil, contentEncoding: String? = nil, messageID: String? = nil,
        correlationID: String? = nil, type: String? = nil, appID: String? = nil, userID: String? = nil,
        replyTo: String? = nil, expiration: String? = nil, timestamp: Int64? = nil, priority: UInt8? = nil,
        persistent: Bool = true, headers: AMQPTable = [:]
    ) {
        self.contentType = contentType
        self.contentEncoding = contentEncoding
        self.messageID = messageID
        self.correlationID = correlationID
        self.type = type
        self.appID = appID
        self.userID = userID
        self.replyTo = replyTo
        self.expiration = expiration
        self.timestamp = timestamp
        self.priority = priority
        self.persistent = persistent
        self.headers = headers
    }

    /// The short strings with the names that errors use for them.
    private var shortStrings: [(name: String, value: String?)] {
        [
            ("content type", contentType), ("content encoding", contentEncoding), ("message id", messageID),
            ("correlation id", correlationID), ("type", type), ("app id", appID), ("user id", userID),
            ("reply-to", replyTo), ("expiration", expiration),
        ]
    }

    /// Bytes of the encoded property list, flags included.
    var encodedBytes: Int {
        var bytes = 2 + 1  // flags, delivery mode
        for case (_, let value?) in shortStrings { bytes += 1 + value.utf8.count }
        if timestamp != nil { bytes += 8 }
        if priority != nil { bytes += 1 }
        // Always counted with the header that the publisher adds.
        return bytes + AMQPValue.encodedBytes(of: headers) + PublishHeader.encodedBytes
    }

    fileprivate var objection: String? {
        for case (let name, let value?) in shortStrings where value.utf8.count > 255 {
            return "its \(name) has \(value.utf8.count) bytes; at most 255 are possible"
        }
        if let expiration, expiration.isEmpty || !expiration.utf8.allSatisfy({ (0x30...0x39).contains($0) }) {
            return "its expiration is not a number of milliseconds"
        }
        return AMQPValue.objection(to: headers).map { "its headers are unusable: \($0)" }
    }
}

/// A message for the broker.
public struct AMQPMessage: Sendable {
    /// The exchange it goes to.
    public var exchange: String
    /// The routing key, at most 255 bytes.
    public var routingKey: String
    /// Its properties.
    public var properties: AMQPProperties
    /// Its content.
    public var body: [UInt8]
    /// Whether the broker returns it when no queue takes it; without, it is dropped in silence.
    public var mandatory: Bool

    /// Creates a message.
    public init(
        exchange: String, routingKey: String, properties: AMQPProperties = AMQPProperties(), body: [UInt8],
        mandatory: Bool = true
    ) {
        self.exchange = exchange
        self.routingKey = routingKey
        self.properties = properties
        self.body = body
        self.mandatory = mandatory
    }

    /// What forbids sending this message over a connection with that `frameMax`, or nothing.
    func objection(frameMax: Int, username: String) -> String? {
        if exchange.utf8.count > 255 { return "the exchange's name has \(exchange.utf8.count) bytes, over 255" }
        if routingKey.utf8.count > 255 { return "its routing key has \(routingKey.utf8.count) bytes, over 255" }
        if let objection = properties.objection { return objection }
        if let userID = properties.userID, !userID.utf8.elementsEqual(username.utf8) {
            return "its user id is not the user of the connection, which the broker refuses"
        }
        // A content header is one frame (AMQP 0-9-1, 4.2.6.1): 8 bytes of framing, 12 of class, weight and size.
        let headerBytes = properties.encodedBytes + 20
        if headerBytes > frameMax {
            return "its properties and headers need \(headerBytes) bytes, a frame holds \(frameMax)"
        }
        return nil
    }
}

/// The header by which a returned message is matched to its publish: ids of messages may repeat, these numbers do not.
enum PublishHeader {
    /// The header's name; reserved for the publisher, which overwrites one that is there already.
    static let name = "ferry-publish"
    /// Bytes of the entry in an encoded table.
    static let encodedBytes = 1 + 13 + 9
}
