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

    /// This policy with what a request says instead; 0 retries are honoured.
    public func applying(_ request: SyncRequest) -> RetryPolicy {
        var policy = self
        if let delay = request.retryDelay { policy.delay = delay }
        if let retries = request.maxRetries { policy.maxRetries = retries }
        return policy
    }

    /// How long retry `number` (from 1) waits.
    ///
    /// `min(delay × 2^(number - 1), maximumDelay)` for an exponential backoff, else `delay`; then stretched by up to
    /// `jitter` of itself.
    ///
    /// - Parameter chance: at random in 0..<1.
    public func delay(ofRetry number: Int, chance: Double) -> Duration {
        var result = delay
        if backoff == .exponential {
            for _ in 1..<max(1, min(number, 64)) where result < maximumDelay { result *= 2 }
            result = min(result, max(maximumDelay, delay))
        }
        let stretch = Double(result.microseconds) * max(0, min(jitter, 1)) * max(0, min(chance, 1))
        return result + .microseconds(Int64(stretch))
    }
}
