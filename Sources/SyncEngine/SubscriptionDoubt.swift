// Whether the broker has lost a subscription of this worker, pure. RabbitMQ 3.10 says nothing when a queue is deleted and made
// anew in the same moment: it consumes from the new one by itself, and takes as many deliveries of it for old ones as the
// old one had made; they reach nobody and stay unacknowledged. No question over AMQP shows that, so a worker that has become
// idle connects anew, once: what was swallowed comes back, and a consumer without a past swallows nothing.

/// What is doubted of each subscription, from one look to the next.
struct SubscriptionDoubt: Sendable {
    /// What a look at one queue has found.
    struct Look: Sendable, Hashable {
        /// Which connection consumes.
        var epoch: UInt64
        /// How many deliveries have come from the queue over it.
        var taken: Int
        /// How many of them are in hand.
        var inHand: Int
        /// How many messages wait, as the broker says.
        var messages: Int
        /// How many consumers the queue has, as the broker says.
        var consumers: Int
    }

    private struct Doubt: Sendable {
        var look: Look
        var count: Int
    }

    private var doubts: [String: Doubt] = [:]

    /// Takes in a look; true when the second in a row says that the subscription is lost.
    ///
    /// A queue without consumers has none of ours. One that has messages, and hands out none to a worker with empty hands,
    /// has forgotten it, whoever else consumes.
    mutating func isLost(_ queue: String, _ look: Look) -> Bool {
        let before = doubts[queue]
        let hasStoodStill = before.map { $0.look.epoch == look.epoch && $0.look.taken == look.taken } ?? false
        let isDoubtful = look.consumers == 0 || (look.messages > 0 && look.inHand == 0 && hasStoodStill)
        let isSameConnection = before.map { $0.look.epoch == look.epoch } ?? false
        let count = isDoubtful ? (isSameConnection ? before?.count ?? 0 : 0) + 1 : 0
        doubts[queue] = Doubt(look: look, count: count)
        guard count >= 2 else { return false }
        doubts[queue] = nil
        return true
    }

    private var last: (epoch: UInt64, taken: Int) = (0, 0)

    /// Whether a worker has become idle: it has had deliveries over this connection, none since the last look, and none is
    /// in hand.
    mutating func isIdle(epoch: UInt64, taken: Int, inHand: Int) -> Bool {
        defer { last = (epoch, taken) }
        return taken > 0 && inHand == 0 && last == (epoch, taken)
    }

    /// The queue was not looked at, or is not there.
    mutating func forget(_ queue: String) { doubts[queue] = nil }
}
