// The ladder of delays: twenty levels, level N a queue that holds messages for 2^N seconds and then passes them to
// level N-1; the routing key is the delay in bits, highest first, and then the work queue.
// Invariant: a message waits in level N exactly if bit N of its delay is set, and leaves the ladder with its key unchanged.

extension Topology {
    /// How many levels the ladder has.
    public static let delayLevelCount = 20

    /// The longest delay in seconds, twelve days; what is due later is delayed again when it comes back.
    public static let maximumDelaySeconds = (1 << delayLevelCount) - 1

    /// Where to publish a message that is to come back later.
    public struct DelayAddress: Sendable, Hashable {
        /// The exchange of the highest level that the delay needs.
        public let exchange: String
        /// The delay in bits, then the work queue.
        public let routingKey: String
        /// The delay in force, in seconds: the asked one within 1…``Topology/maximumDelaySeconds``.
        public let seconds: Int
    }

    /// Where to publish a message so that it arrives in a work queue after `seconds`.
    ///
    /// A delay below 1 s is 1 s, one above ``maximumDelaySeconds`` is that.
    public func delayAddress(seconds: Int, queue: String) -> DelayAddress {
        let bounded = min(max(seconds, 1), Self.maximumDelaySeconds)
        let level = Int.bitWidth - 1 - bounded.leadingZeroBitCount
        return DelayAddress(
            exchange: delay(level), routingKey: delayRoutingKey(seconds: bounded, destination: queue), seconds: bounded)
    }

    /// The routing key of a delayed message: twenty words `0` or `1`, highest bit first, then the destination.
    ///
    /// The destination is a work queue's short name.
    public func delayRoutingKey(seconds: Int, destination: String) -> String {
        let bounded = min(max(seconds, 1), Self.maximumDelaySeconds)
        let bits = delayLevels.reversed().map { (bounded >> $0) & 1 == 1 ? "1" : "0" }
        return (bits + [destination]).joined(separator: ".")
    }

    /// The name of level `level`'s exchange and queue.
    public func delay(_ level: Int) -> String { named("delay.\(level < 10 ? "0" : "")\(level)") }

    /// The levels, 0 to 19.
    var delayLevels: Range<Int> { 0..<Self.delayLevelCount }

    /// A set bit leads into the level's queue, a clear one past it to the next lower level, or out.
    func delayBindings(level: Int) -> [Binding] {
        let before = String(repeating: "*.", count: Self.delayLevelCount - 1 - level)
        return [
            Binding(
                source: delay(level), destinationKind: .queue, destination: delay(level), routingKey: "\(before)1.#"),
            Binding(
                source: delay(level), destinationKind: .exchange, destination: level == 0 ? resume : delay(level - 1),
                routingKey: "\(before)0.#"),
        ]
    }
}
