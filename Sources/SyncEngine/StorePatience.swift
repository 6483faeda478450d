// How long the engine waits for a store that is busy or full: nothing is acknowledged and nothing counts as an attempt
// meanwhile. A worker waits for as long as it takes, and gives its messages back when that is long.

internal import JobStore
internal import Logging

/// Calls of the store that are repeated until it answers.
struct StorePatience: Sendable {
    let limit: Duration
    let logger: Logger
    /// Hears of calls that wait for longer than `limit`, which then go on waiting; nil to let them fail.
    var outage: StoreOutage?

    /// Calls `work` until it succeeds, fails for good, or `limit` has passed and nobody hears of it.
    func attempt<Value: Sendable>(
        _ work: @Sendable () async throws(JobStoreError) -> Value
    ) async throws(JobStoreError) -> Value {
        let start = ContinuousClock.now
        var delay = Duration.milliseconds(50)
        var isOverdue = false
        defer { if isOverdue { outage?.leave() } }
        while true {
            let failure: JobStoreError
            do throws(JobStoreError) { return try await work() } catch { failure = error }
            guard failure.isTransient else { throw failure }
            if !isOverdue, ContinuousClock.now - start >= limit {
                guard let outage else { throw failure }
                outage.enter(failure)
                isOverdue = true
            }
            logger.warning("The store is not available; waiting", metadata: ["reason": .string("\(failure)")])
            // A cancelled wait ends at once, and so does the patience.
            do { try await Task.sleep(for: delay) } catch { throw failure }
            delay = min(delay * 2, .seconds(5))
        }
    }
}
