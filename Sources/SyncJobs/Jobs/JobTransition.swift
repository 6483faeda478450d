// The job's state machine, pure: from a run and its outcome to everything that one commit writes. No clock, no store, no
// broker; the committer writes what stands here and nothing else.

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

/// Everything that one commit writes for one job.
public struct JobTransition: Sendable {
    /// The record after the run.
    ///
    /// Its `nextTurn` is above the run's turn.
    public var job: SyncJob
    /// The turn the store must still be at or below for the commit to count: the fence.
    public var turn: Int
    /// The run.
    public var attempt: Attempt
    /// The target write that lands with the record.
    public var embeddedWrite: DocumentWrite?
    /// The binding after the run.
    public var binding: Binding?
    /// What is owed to the broker once this is committed.
    public var outbox: [OutboxMessage]

    /// What follows from `outcome` for the job of `run`.
    public static func next(_ run: JobRun, outcome: Outcome, now: Timestamp) -> JobTransition {
        var job = run.job
        job.nextTurn = run.turn + 1
        job.startedAt = run.startedAt
        job.endedAt = now
        job.operation = outcome.operation
        job.targetType = outcome.targetType ?? job.targetType
        job.targetName = outcome.targetName
        job.diff = outcome.diff
        job.currentData = outcome.currentData
        job.updatedData = outcome.updatedData
        job.notes = outcome.notes
        job.error = nil
        job.skipReason = nil
        job.noTargetReason = nil
        var outbox: [OutboxMessage] = []
        switch outcome.end {
        case .finished: job.status = .finished
        case .skipped(let reason):
            job.status = .skipped
            job.skipReason = reason
        case .noTarget(let reason):
            job.status = .noTarget
            job.noTargetReason = reason
        case .failed(let failure):
            job.status = .failed
            job.error = failure
            job.deadLetteredAt = now
            outbox = [deadLetter(for: job, run: run, failure: failure, now: now)]
        }
        let attempt = Attempt(
            number: job.retryCount + 1, runID: run.runID, turn: run.turn, node: run.node, startedAt: run.startedAt,
            endedAt: now, outcome: job.status, error: job.error)
        return JobTransition(
            job: job, turn: run.turn, attempt: attempt, embeddedWrite: outcome.embeddedWrite,
            binding: outcome.binding, outbox: outbox)
    }

    private static func deadLetter(
        for job: SyncJob, run: JobRun, failure: JobFailure, now: Timestamp
    ) -> OutboxMessage {
        let letter = DeadLetter(
            reason: failure, jobID: job.id, queue: job.queue, typeSlug: job.typeSlug, turn: run.turn, failedAt: now)
        return OutboxMessage(
            jobID: job.id, turn: run.turn, kind: .deadLetter, routingKey: letter.routingKey, headers: letter.headers,
            body: run.body)
    }
}
