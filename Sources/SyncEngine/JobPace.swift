// How a job is run, by what its run may wait for and how long it may take, pure.

/// What the run of a job may wait for, and how long it may take.
enum JobPace: Sendable, Hashable {
    /// It waits for nothing but the store: a declarative type whose documents are all there.
    case storeOnly
    /// It waits for the store and for the systems of this convoy: a declarative type with documents elsewhere.
    case convoy(String)
    /// It is a user's code, whose runs have been quick so far.
    case quick
    /// It may take its time.
    case open
}

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
