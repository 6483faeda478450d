// Puts a content together from its frames: method (deliver, return, get-ok), then header, then bodies.
// Invariant: contents never interleave on a channel (AMQP 0-9-1, 4.2.6), so one slot for each is enough; a frame out of order
// is a protocol violation. What is over the limit is counted but not kept.

/// The method that a content belongs to.
enum ContentMethod: Sendable {
    case deliver(consumerTag: String, tag: UInt64, redelivered: Bool, exchange: String, routingKey: String)
    case returned(replyCode: Int, text: String, exchange: String, routingKey: String)
    case getOk(tag: UInt64, redelivered: Bool, exchange: String, routingKey: String)

    var exchange: String {
        switch self {
        case .deliver(_, _, _, let exchange, _), .returned(_, _, let exchange, _), .getOk(_, _, let exchange, _):
            exchange
        }
    }

    var routingKey: String {
        switch self {
        case .deliver(_, _, _, _, let key), .returned(_, _, _, let key), .getOk(_, _, _, let key): key
        }
    }
}

/// What comes before the body of a content: its method and its header.
///
/// A class, because it is a dozen strings that are handed on as they are.
final class ContentHead: Sendable {
    let method: ContentMethod
    let properties: AMQPProperties
    /// Bytes of body that the header announced.
    let bodyBytes: Int
    let isBodyOmitted: Bool

    init(method: ContentMethod, properties: AMQPProperties, bodyBytes: Int, isBodyOmitted: Bool) {
        self.method = method
        self.properties = properties
        self.bodyBytes = bodyBytes
        self.isBodyOmitted = isBodyOmitted
    }
}

/// A complete content.
struct Content {
    let head: ContentHead
    let body: [UInt8]
}

struct ContentAssembler {
    /// What has come of a content: its method, or its head and a part of its body.
    private var method: ContentMethod?
    private var head: ContentHead?
    private var body: [UInt8] = []
    private var missingBytes: UInt64 = 0
    /// Bodies above this many bytes are not kept.
    var maximumBodyBytes: Int

    init(maximumBodyBytes: Int) { self.maximumBodyBytes = maximumBodyBytes }

    /// Whether a content has begun and is not complete.
    var isInside: Bool { method != nil || head != nil }

    /// Takes in the method that announces a content.
    mutating func begin(_ method: consuming ContentMethod) throws(AMQPError) {
        guard !isInside else { throw ContentAssembler.violation("a new message inside an unfinished one") }
        self.method = consume method
    }

    /// Takes in the content header; gives the content if that was all (an empty body has no body frame).
    mutating func header(
        bodyBytes: UInt64, properties: consuming AMQPProperties
    ) throws(AMQPError) -> Content? {
        guard let method = method.take() else {
            throw ContentAssembler.violation("a content header without its method")
        }
        let head = ContentHead(
            method: method, properties: properties, bodyBytes: Int(clamping: bodyBytes),
            isBodyOmitted: bodyBytes > UInt64(max(maximumBodyBytes, 0)))
        guard bodyBytes > 0 else { return Content(head: head, body: []) }
        self.head = head
        missingBytes = bodyBytes
        return nil
    }

    /// Takes in a body frame of `count` bytes; gives the content when it is complete.
    ///
    /// `append` copies them behind what is there; it is not called for an omitted body.
    mutating func body(count: Int, append: (inout [UInt8]) -> Void) throws(AMQPError) -> Content? {
        guard let head else { throw ContentAssembler.violation("a body without its header") }
        guard count <= missingBytes else { throw ContentAssembler.violation("a body longer than announced") }
        if !head.isBodyOmitted {
            if body.isEmpty { body.reserveCapacity(head.bodyBytes) }
            append(&body)
        }
        missingBytes -= UInt64(count)
        guard missingBytes == 0 else { return nil }
        self.head = nil
        return Content(head: head, body: exchange(&body, with: []))
    }

    private static func violation(_ message: String) -> AMQPError {
        AMQPError(
            .protocolViolation, operation: "read from the broker", message: message,
            remedy: "The connection is made anew; if it goes on, look at what stands between here and the broker.")
    }
}
