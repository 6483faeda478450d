// One run of a job, as it begins: what its outcome is told of.

/// One run of a job: what was delivered and who ran it.
public struct JobRun: Sendable {
    /// The record as it was before the run (new, when the job was not known).
    public var job: SyncJob
    /// The delivery's turn.
    public var turn: Int
    /// Random; tells this run from any other of the job.
    public var runID: String
    /// Who ran it: `host:pid`.
    public var node: String
    /// When it began.
    public var startedAt: Timestamp
    /// The message's body, as received, for the dead letter.
    public var body: [UInt8]

    /// Makes a run.
    public init(job: SyncJob, turn: Int, runID: String, node: String, startedAt: Timestamp, body: [UInt8]) {
        self.job = job
        self.turn = turn
        self.runID = runID
        self.node = node
        self.startedAt = startedAt
        self.body = body
    }
}
