// What a connection tells the consumer or publisher it works for.
// Invariant: every call comes from the loop thread, so none may block or run code of a user; they move values into
// something that another thread reads.

/// A message that a publisher wants sent, with the number that its header shall carry.
struct Outgoing {
    let message: AMQPMessage
    let number: UInt64
}

protocol ConnectionListener: AnyObject, Sendable {
    func received(_ deliveries: [AMQPDelivery])
    func confirmed(_ tag: UInt64, multiple: Bool, acknowledged: Bool)
    func returned(_ number: UInt64, replyCode: Int, text: String)
    /// The broker ended the subscription to this queue.
    func cancelled(queue: String)
    func blocked(reason: String)
    func unblocked()
    /// Nothing more will come.
    func ended()
    /// Whether ``takeOutgoing(atMost:)`` would give something.
    var hasOutgoing: Bool { get }
    /// Messages to send now; each is sent, in this order, or the connection ends.
    func takeOutgoing(atMost limit: Int) -> [Outgoing]
}

extension ConnectionListener {
    func received(_ deliveries: [AMQPDelivery]) {}
    func confirmed(_ tag: UInt64, multiple: Bool, acknowledged: Bool) {}
    func returned(_ number: UInt64, replyCode: Int, text: String) {}
    func cancelled(queue: String) {}
    func ended() {}
    var hasOutgoing: Bool { false }
    func takeOutgoing(atMost limit: Int) -> [Outgoing] { [] }
}
