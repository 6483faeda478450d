// Puts a content together from its frames: method (deliver, return, get-ok), then header, then bodies.
// Invariant: contents never interleave on a channel (AMQP 0-9-1, 4.2.6), so one slot for each is enough; a frame out of order
// is a protocol violation. What is over the limit is counted but not kept.

/// The method that a content belongs to.
enum ContentMethod: Hashable {
    case deliver(consumerTag: String, tag: UInt64, redelivered: Bool, exchange: String, routingKey: String)
    case returned(replyCode: Int, text: String, exchange: String, routingKey: String)
    case getOk(tag: UInt64, redelivered: Bool, exchange: String, routingKey: String)
}

/// A complete content.
struct Content: Hashable {
    let method: ContentMethod
    let properties: AMQPProperties
    let body: [UInt8]
    let bodyBytes: Int
    let isBodyOmitted: Bool
}

struct ContentAssembler {
    private enum State {
        case idle
        case method(ContentMethod)
        case body(ContentMethod, AMQPProperties, bytes: [UInt8], expected: UInt64, received: UInt64, omitted: Bool)
    }

    private var state = State.idle
    /// Bodies above this many bytes are not kept.
    var maximumBodyBytes: Int

    init(maximumBodyBytes: Int) { self.maximumBodyBytes = maximumBodyBytes }

    /// Whether a content has begun and is not complete.
    var isInside: Bool {
        if case .idle = state { false } else { true }
    }

    /// Takes in the method that announces a content.
    mutating func begin(_ method: ContentMethod) throws(AMQPError) {
        guard case .idle = state else { throw ContentAssembler.violation("a new message inside an unfinished one") }
        state = .method(method)
    }

    /// Takes in the content header; gives the content if that was all (an empty body has no body frame).
    mutating func header(bodyBytes: UInt64, properties: AMQPProperties) throws(AMQPError) -> Content? {
        guard case .method(let method) = state else {
            throw ContentAssembler.violation("a content header without its method")
        }
        guard bodyBytes > 0 else {
            state = .idle
            return Content(method: method, properties: properties, body: [], bodyBytes: 0, isBodyOmitted: false)
        }
        let omitted = bodyBytes > UInt64(max(maximumBodyBytes, 0))
        state = .body(method, properties, bytes: [], expected: bodyBytes, received: 0, omitted: omitted)
        return nil
    }

    /// Takes in a body frame of `count` bytes; gives the content when it is complete.
    ///
    /// `append` copies them behind what is there; it is not called for an omitted body.
    mutating func body(count: Int, append: (inout [UInt8]) -> Void) throws(AMQPError) -> Content? {
        guard case .body(let method, let properties, var bytes, let expected, var received, let omitted) = state else {
            throw ContentAssembler.violation("a body without its header")
        }
        // Only one reference to the bytes may live while they grow, else every frame copies all that came before.
        state = .idle
        received += UInt64(count)
        guard received <= expected else { throw ContentAssembler.violation("a body longer than announced") }
        if !omitted {
            if bytes.isEmpty { bytes.reserveCapacity(Int(expected)) }
            append(&bytes)
        }
        guard received == expected else {
            state = .body(
                method, properties, bytes: bytes, expected: expected, received: received, omitted: omitted)
            return nil
        }
        return Content(
            method: method, properties: properties, body: bytes, bodyBytes: Int(clamping: expected),
            isBodyOmitted: omitted)
    }

    private static func violation(_ message: String) -> AMQPError {
        AMQPError(
            .protocolViolation, operation: "read from the broker", message: message,
            remedy: "The connection is made anew; if it goes on, look at what stands between here and the broker.")
    }
}
