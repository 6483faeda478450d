// What a consumer is asked for, and what it has to tell.
// Invariant: `opened` comes before the deliveries of its epoch and `closed` after them; between the two, order is the
// broker's.

/// A queue to consume from.
public struct AMQPSubscription: Sendable, Hashable {
    /// The queue.
    public var queue: String
    /// How many unacknowledged deliveries the broker may have out here, 1 or more.
    public var prefetch: UInt16
    /// How many at the beginning, for each connection and after each cancellation by the broker, until ``AMQPConsumer/widen(queue:)``; nil for ``prefetch``.
    public var firstPrefetch: UInt16?
    /// Consumer arguments, such as `x-priority`.
    public var arguments: AMQPTable
    /// Whether nobody else may consume from the queue.
    public var exclusive: Bool

    /// Creates a subscription.
    public init(
        queue: String, prefetch: UInt16, firstPrefetch: UInt16? = nil, arguments: AMQPTable = [:],
        exclusive: Bool = false
    ) {
        self.queue = queue
        self.firstPrefetch = firstPrefetch
        self.prefetch = prefetch
        self.arguments = arguments
        self.exclusive = exclusive
    }
}

/// What a consumer has to tell.
public enum AMQPConsumerEvent: Sendable {
    /// Subscribed to all queues that exist; tags of lower epochs are void.
    case opened(epoch: UInt64)
    /// 1–256 deliveries: whatever had arrived, never a wait for more.
    case deliveries([AMQPDelivery])
    /// The broker ended this subscription, or its queue does not exist; it is resumed when the queue is there again.
    case cancelled(queue: String, epoch: UInt64)
    /// The connection is gone, all unacknowledged deliveries of this epoch with it; a new one follows.
    case closed(epoch: UInt64, error: AMQPError)
    /// The broker has an alarm (memory, disk) and takes no messages.
    case blocked(reason: String)
    /// The alarm is over.
    case unblocked
}
