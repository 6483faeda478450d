// When a queue's subscription is made anew because jobs that wait behind others of their key hold its places, pure. The new one
// has the whole prefetch, beside what the one before it still holds: so a slow key does not keep away the jobs of all others.

internal import SyncBroker

/// How much of each queue's prefetch is held by jobs that wait behind others of their key.
struct Crowding: Sendable {
    /// The part of a prefetch that may be held so.
    private static let share = 4

    private struct Waiting {
        /// Those that were delivered to earlier subscriptions, up to the delivery `end`, and those of the present one.
        var earlier = 0
        var present = 0
        var end: UInt64 = 0
        var last: UInt64 = 0
    }

    private var queues: [Delivery.Origin: Waiting] = [:]

    /// The queues of which something waited.
    var origins: some Collection<Delivery.Origin> { queues.keys }

    /// A delivery's job waits behind another of its key.
    mutating func waits(_ delivery: Delivery) {
        var waiting = queues[delivery.origin] ?? Waiting()
        if delivery.tag.number > waiting.end {
            waiting.present += 1
            waiting.last = max(waiting.last, delivery.tag.number)
        } else {
            waiting.earlier += 1
        }
        queues[delivery.origin] = waiting
    }

    /// It is its turn, or another stands for it.
    mutating func waitsNoMore(_ delivery: Delivery) {
        guard let waiting = queues[delivery.origin] else { return }
        if delivery.tag.number > waiting.end {
            queues[delivery.origin]?.present -= 1
        } else {
            queues[delivery.origin]?.earlier -= 1
        }
    }

    /// Whether a queue is to be subscribed to anew, which is taken for done.
    ///
    /// No more than a whole prefetch waits so beside the places of the present subscription.
    mutating func isToRenew(_ origin: Delivery.Origin, prefetch: Int) -> Bool {
        guard var waiting = queues[origin], waiting.present > 0, waiting.present * Self.share >= prefetch,
            waiting.earlier + waiting.present <= prefetch
        else { return false }
        waiting.earlier += waiting.present
        waiting.present = 0
        waiting.end = waiting.last
        queues[origin] = waiting
        return true
    }
}
