// How wide the intake of each queue is, pure. Every subscription begins with one delivery at a time, because a broker counts
// what it delivers: were a message that kills the process delivered with its mates, each crash would count against all of
// them, and the delivery limit would take them too. Three deliveries without harm, or one that lasts, open it wide.

internal import SyncBroker

/// The intake of each queue since its subscription began.
struct Widening: Sendable {
    /// How many deliveries must have been answered first.
    static let neededAnswers = 3
    /// A delivery that is in hand for this long has done no harm: a long job does not hold up its queue.
    static let lastingTime = Duration.milliseconds(500)

    private var answers: [Delivery.Origin: Int] = [:]
    /// A worker has few queues: to look through them takes less than to hash one.
    private var wide: [Delivery.Origin] = []

    /// Whether a queue hands out one delivery at a time still.
    func isNarrow(_ origin: Delivery.Origin) -> Bool { !wide.contains(origin) }

    /// A delivery was answered; true when its queue is to be widened now.
    ///
    /// One that is suspect itself shows nothing about the others.
    mutating func answered(_ delivery: Delivery) -> Bool {
        guard isNarrow(delivery.origin), !delivery.isSuspect else { return false }
        answers[delivery.origin, default: 0] += 1
        guard answers[delivery.origin, default: 0] >= Self.neededAnswers else { return false }
        return widen(delivery.origin)
    }

    /// A delivery has been in hand for ``lastingTime``; true when its queue is to be widened now.
    mutating func lasted(_ delivery: Delivery) -> Bool {
        guard !delivery.isSuspect else { return false }
        return widen(delivery.origin)
    }

    private mutating func widen(_ origin: Delivery.Origin) -> Bool {
        guard isNarrow(origin) else { return false }
        wide.append(origin)
        return true
    }

    /// The queue's subscription ended; the next one begins narrow.
    mutating func narrow(_ origin: Delivery.Origin) {
        wide.removeAll { $0 == origin }
        answers[origin] = nil
    }
}

extension Delivery {
    /// From this many earlier deliveries on, a message may be what killed its process.
    static let suspectCount = 3
    /// From this many on, a message that has not begun is handed back by a worker that stops.
    static let wornCount = 10

    /// Whether it runs alone, so that nothing else is cut off with it.
    var isSuspect: Bool { deliveryCount >= Self.suspectCount }
    /// Whether its count must not grow by a stop that is none of its fault.
    var isWorn: Bool { deliveryCount >= Self.wornCount }
}
