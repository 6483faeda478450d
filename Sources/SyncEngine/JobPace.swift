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
