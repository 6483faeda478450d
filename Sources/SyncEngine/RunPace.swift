// Whether a user's code is quick, by what its runs took, pure.

/// How quick the runs of a type have been of late.
///
/// What runs in series is measured. A type that turns out slow is not run so for a while; then it is tried again.
struct RunPace: Sendable {
    /// The mean run of a quick type is shorter.
    static let quickness = Duration.milliseconds(1)
    /// How long a type counts as slow.
    static let slowTime = Duration.seconds(2)

    /// Of the last runs, the newest weighing most.
    private var mean = Duration.zero
    private var slowUntil: ContinuousClock.Instant?

    /// Takes note of a run that took so long.
    mutating func note(_ time: Duration, at instant: ContinuousClock.Instant) {
        mean += (time - mean) / 16
        guard mean >= Self.quickness else { return }
        mean = .zero
        slowUntil = instant + Self.slowTime
    }

    /// Whether the next run may be expected to be quick.
    func isQuick(at instant: ContinuousClock.Instant) -> Bool { slowUntil.map { $0 <= instant } ?? true }
}
