// What the management API tells of one queue beyond what AMQP does. Invariant: what the broker does not say is nil, never
// zero: a queue that has been quiet since the node's start has no figures at all.

public import SyncJobs

/// Figures of one queue.
public struct QueueFigures: Sendable, Hashable {
    /// Messages that a consumer holds and has not answered.
    public var unacknowledged: Int?
    /// Messages that are neither ready nor with a consumer: they expired, and what they are bound for does not take them.
    public var stuck: Int?
    /// How many come in in a second.
    public var publishedPerSecond: Double?
    /// How many are answered in a second.
    public var acknowledgedPerSecond: Double?
    /// When the oldest ready message was published, where publishers say so and the broker tells.
    public var oldest: Timestamp?

    /// Reads what the API lists for a queue.
    init(_ queue: JSONObject) {
        func int(_ name: String) -> Int? { queue[name]?.numberValue.flatMap { Int($0.text) } }
        unacknowledged = int("messages_unacknowledged")
        if let all = int("messages"), let ready = int("messages_ready") {
            stuck = max(0, all - ready - (unacknowledged ?? 0))
        }
        let rates = queue["message_stats"]?.objectValue
        func rate(_ name: String) -> Double? {
            rates?[name]?.objectValue?["rate"]?.numberValue.flatMap { Double($0.text) }
        }
        publishedPerSecond = rate("publish_details")
        acknowledgedPerSecond = rate("ack_details")
        // Whole seconds since 1970; an empty string where there is none.
        oldest = int("head_message_timestamp").map { Timestamp(microseconds: Int64($0) * 1_000_000) }
    }
}
