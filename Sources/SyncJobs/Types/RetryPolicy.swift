// How often and when a failed job comes back.

/// The retry policy of a type or a job.
public struct RetryPolicy: Sendable, Hashable {
    /// How the delay grows.
    public enum Backoff: String, Sendable, Hashable, CaseIterable {
        /// Always the base delay.
        case fixed
        /// Doubled each time, up to the cap.
        case exponential
    }

    /// The base delay.
    public var delay: Duration = .seconds(300)
    /// How it grows.
    public var backoff: Backoff = .fixed
    /// The longest delay of an exponential backoff.
    public var maximumDelay: Duration = .seconds(86_400)
    /// The fraction by which a delay is stretched at random, 0…1.
    public var jitter: Double = 0.1
    /// How many retries follow a failed first attempt; 0 means none.
    public var maxRetries: Int = 3

    /// The defaults of the specification.
    public init() {}
}
