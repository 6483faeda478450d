// A run of a job, as its record keeps it once it is over, and while it is under way.

/// One run of a job.
public struct Attempt: Sendable, Hashable {
    /// Counted from 1.
    public var number: Int
    /// Which run it was; random.
    public var runID: String
    /// The turn of the delivery that was run.
    public var turn: Int
    /// Who ran it: `host:pid`.
    public var node: String
    /// When it began.
    public var startedAt: Timestamp
    /// When it ended.
    public var endedAt: Timestamp
    /// The status it led to.
    public var outcome: JobStatus
    /// Why it failed.
    public var error: JobFailure?

    /// Makes an attempt.
    public init(
        number: Int, runID: String, turn: Int, node: String, startedAt: Timestamp, endedAt: Timestamp,
        outcome: JobStatus, error: JobFailure?
    ) {
        self.number = number
        self.runID = runID
        self.turn = turn
        self.node = node
        self.startedAt = startedAt
        self.endedAt = endedAt
        self.outcome = outcome
        self.error = error
    }
}

/// A run that is under way.
public struct RunningRun: Sendable, Hashable {
    /// Which run it is.
    public var runID: String
    /// Who runs it: `host:pid`.
    public var node: String
    /// When it last showed that it is alive.
    public var heartbeat: Timestamp
    /// Whether it was asked to stop.
    public var isCancelAsked: Bool

    /// Names a run.
    public init(runID: String, node: String, heartbeat: Timestamp, isCancelAsked: Bool = false) {
        self.runID = runID
        self.node = node
        self.heartbeat = heartbeat
        self.isCancelAsked = isCancelAsked
    }
}
