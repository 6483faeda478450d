// Removes ended records when their time is over: in small transactions, now and then, never what is alive or unresolved.

internal import JobStore
internal import Logging
internal import SyncJobs

/// Keeps the store to its retention.
struct Pruner: Sendable {
    /// Between two rounds.
    static let interval = Duration.seconds(3_600)

    let store: JobStore
    let retention: JobStore.Retention
    let now: @Sendable () -> Timestamp
    let logger: Logger

    /// Prunes every hour until it is cancelled.
    func run() async {
        while !Task.isCancelled {
            do { try await Task.sleep(for: Self.interval) } catch { return }
            await round()
        }
    }

    private func round() async {
        var removed = 0
        do {
            while !Task.isCancelled {
                let report = try await store.prune(retention, now: now())
                let count = report.counts.values.reduce(0, +) + report.deadLetters
                removed += count
                if count == 0 { break }
            }
        } catch {
            // Nothing depends on it: the next round tries again.
            logger.warning("Old records were not removed", metadata: ["reason": .string("\(error)")])
        }
        guard removed > 0 else { return }
        logger.info("Old records were removed", metadata: ["count": .stringConvertible(removed)])
    }
}
