// How long a store waits and how large its log gets, as values, so that tests can make minutes and megabytes small.
// Invariant: a checkpoint waits longer for readers than a read may be in its way.

/// The bounds of a store's waiting and of its write-ahead log.
struct StoreLimits: Sendable, Hashable {
    /// How long a call waits for another process's lock before it fails `busy`.
    ///
    /// Four to six writers on one file wait up to 1.9 s for each other.
    var busyTimeout: Duration = .seconds(30)
    /// From this size on the log is written back and begun anew.
    var maximumLogBytes = 64 << 20
    /// How much the log grows on before a checkpoint that readers were in the way of is tried again.
    var logStepBytes = 4 << 20
    /// How long a checkpoint of a log of that size waits for readers; writers wait for it meanwhile.
    ///
    /// Twice as long at twice the size: what writes too much for a snapshot that is being read is slowed down.
    var checkpointWait: Duration = .seconds(2)
    /// How long a read may be in the way of a checkpoint before it is cut off and begun again behind it.
    var readTime: Duration = .seconds(1)
    /// The most that a read waits for a checkpoint of another process, which may have been stopped in the middle.
    var gateTime: Duration = .seconds(10)
}

extension Duration {
    /// Whole milliseconds, at least 0.
    var milliseconds: Int {
        let (seconds, attoseconds) = components
        return max(0, Int(seconds) * 1_000 + Int(attoseconds / 1_000_000_000_000_000))
    }
}
