// Time that passes only when a test says so.

internal import Synchronization
public import SyncJobs

/// A clock that stands still until it is moved.
public final class TestClock: Sendable {
    /// Where a clock begins unless it is told otherwise: 2026-01-01T00:00:00Z.
    public static let start = Timestamp(microseconds: 1_767_225_600_000_000)

    private let instant: Mutex<Timestamp>

    /// A clock that shows `start`.
    public init(_ start: Timestamp = TestClock.start) { instant = Mutex(start) }

    /// What it shows.
    public var now: Timestamp { instant.withLock { $0 } }

    /// Moves it forward.
    public func advance(by duration: Duration) { instant.withLock { $0 = $0.advanced(by: duration) } }

    /// Moves it to `instant`; never back.
    public func advance(to later: Timestamp) { instant.withLock { $0 = max($0, later) } }
}
