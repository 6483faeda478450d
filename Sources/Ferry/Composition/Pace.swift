// How often somebody who follows along looks: at an interval, and more rarely where looking itself takes long, so that a
// watcher never keeps a store busy.

/// The time between two looks.
struct Pace: Sendable, Hashable {
    /// The least time between two looks.
    let interval: Duration
    /// Looking takes at most one part in so many of the time.
    static let share = 5

    /// Waits after a look that began at `start`.
    ///
    /// - Throws: `CancellationError`.
    func wait(since start: ContinuousClock.Instant) async throws {
        try await Task.sleep(for: rest(after: ContinuousClock.now - start))
    }

    /// How long to wait after a look that took so long.
    func rest(after took: Duration) -> Duration { max(interval - took, took * (Self.share - 1), .milliseconds(1)) }
}
