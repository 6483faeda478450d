// The job's state machine, pure: from a run and its outcome to everything that one commit writes. No clock, no store, no
// broker, no chance of its own; the committer writes what stands here and nothing else.

/// Everything that one commit writes for one job.
///
/// A copy holds the same until it is changed: it is handed on to the commit as it is.
public struct JobTransition: Sendable {
    /// The record after the run.
    ///
    /// Its `nextTurn` is above the run's turn.
    public var job: SyncJob {
        _read { yield parts.job }
        _modify { yield &parts.job }
    }
    /// The turn the store must still be at or below for the commit to count: the fence.
    public var turn: Int {
        get { parts.turn }
        set { parts.turn = newValue }
    }
    /// Whether the store had no record of the job when its run was prepared; it is what the commit tries first.
    public var isUnknown: Bool {
        get { parts.isUnknown }
        set { parts.isUnknown = newValue }
    }
    /// The run; nil when it was none (a job that waits, a snooze, one that is skipped unrun).
    public var attempt: Attempt? {
        get { parts.attempt }
        set { parts.attempt = newValue }
    }
    /// Which run decided it, a snooze's too; nil when the job was not run.
    public var runID: String? {
        get { parts.runID }
        set { parts.runID = newValue }
    }
    /// The target write that lands with the record.
    public var embeddedWrite: DocumentWrite? {
        get { parts.embeddedWrite }
        set { parts.embeddedWrite = newValue }
    }
    /// The write into the source that lands with the record.
    public var sourceWrite: DocumentWrite? {
        get { parts.sourceWrite }
        set { parts.sourceWrite = newValue }
    }
    /// The binding after the run.
    public var binding: Binding? {
        get { parts.binding }
        set { parts.binding = newValue }
    }
    /// A binding that is removed because its source was renamed.
    public var renamedFrom: BindingKey? {
        get { parts.renamedFrom }
        set { parts.renamedFrom = newValue }
    }
    /// The bindings for whose sake the job's request is made again, in place of those of its last run; nil leaves those.
    public var awaited: [BindingKey]? {
        get { parts.awaited }
        set { parts.awaited = newValue }
    }
    /// Records of children that begin with this commit; each has its message in ``outbox``.
    public var children: [SyncJob] {
        get { parts.children }
        set { parts.children = newValue }
    }
    /// What is owed to the broker once this is committed.
    public var outbox: [OutboxMessage] {
        get { parts.outbox }
        set { parts.outbox = newValue }
    }
    /// How the job is parked; nil when it is not.
    public var parking: Parking? {
        get { parts.parking }
        set { parts.parking = newValue }
    }

    /// When it was decided.
    public var at: Timestamp {
        get { parts.at }
        set { parts.at = newValue }
    }

    private struct Parts: Sendable {
        var job: SyncJob
        var turn: Int
        var isUnknown: Bool = false
        var attempt: Attempt?
        var runID: String?
        var embeddedWrite: DocumentWrite?
        var sourceWrite: DocumentWrite?
        var binding: Binding?
        var renamedFrom: BindingKey?
        var awaited: [BindingKey]?
        var children: [SyncJob] = []
        var outbox: [OutboxMessage] = []
        var parking: Parking?
        var at: Timestamp
    }
    private var held: HeldOnce<Parts>
    private var parts: Parts {
        _read { yield held.value }
        _modify { yield &held.value }
    }

    private init(held: HeldOnce<Parts>) { self.held = held }

    /// What becomes of a job that did not run, or whose run was no attempt.
    init(
        unrun job: SyncJob, turn: Int, runID: String? = nil, outbox: [OutboxMessage] = [], parking: Parking? = nil,
        at: Timestamp
    ) {
        held = HeldOnce(Parts(job: job, turn: turn, runID: runID, outbox: outbox, parking: parking, at: at))
    }

    /// What follows from `outcome` for the job of `run`.
    ///
    /// - Parameters:
    ///   - type: the job's type: its retry policy, and what its children are.
    ///   - chance: at random in 0..<1, for the retry's jitter; asked for where there is a retry.
    public static func next(
        _ run: JobRun, outcome: Outcome, type: SyncJobType, chance: @autoclosure () -> Double, now: Timestamp
    ) -> JobTransition {
        var job = run.job.ended(by: run, outcome: outcome, now: now)
        var children: [SyncJob] = []
        var outbox: [OutboxMessage] = []
        var isAttempt = true
        var parking: Parking?
        switch outcome.end {
        case .finished: job.status = .finished
        case .skipped(let reason):
            job.status = .skipped
            job.skipReason = reason
        case .noTarget(let reason):
            job.status = .noTarget
            job.noTargetReason = reason
        case .canceled(let reason): job.cancel(reason)
        case .relayed(let requests):
            job.status = .relayed
            children = requests.map { request in
                var child = SyncJob(request: request, type: type, queue: request.queue ?? job.queue, createdAt: now)
                if type.onFailure == .block { child.orderKey = request.orderKey(of: type) }
                return child
            }
            outbox = children.map { .child($0, owner: job.id) }
        case .failed(let failure) where failure.isOutage:
            parking = job.park(after: failure, type: type, now: now)
            isAttempt = false
        case .failed(let failure):
            let goesOn = job.fail(
                failure, policy: type.retryPolicy.applying(job.request), chance: chance(), now: now)
            isAttempt = goesOn != .snoozed
            outbox = goesOn == .forGood ? [deadLetter(for: job, run: run, failure: failure, now: now)] : []
            if let due = job.retryAfter { outbox.append(.again(job, dueAt: due)) }
        }
        if isAttempt { job.attemptCount += 1 }
        if job.status != .failed, job.status != .canceled, !job.isOpen {
            outbox += outcome.followUps.map { .request($0, owner: job.id, kind: .followUp) }
        }
        if outcome.runsRelayFinished { outbox += job.beginRelay(children: children.count, type: type) }
        let attempt = Attempt(
            number: job.attemptCount, runID: run.runID, turn: run.turn, node: run.node, startedAt: run.startedAt,
            endedAt: now, outcome: job.status, error: job.error)
        return JobTransition(
            held: HeldOnce(
                Parts(
                    job: job, turn: run.turn, attempt: isAttempt ? attempt : nil, runID: run.runID,
                    embeddedWrite: outcome.embeddedWrite, sourceWrite: outcome.sourceWrite,
                    binding: outcome.binding, renamedFrom: outcome.renamedFrom,
                    awaited: job.hasSeenItsSource ? outcome.awaited : nil, children: children, outbox: outbox,
                    parking: parking, at: now)))
    }

    /// The job is not run now: it waits for `reason`, until `due` where that is a time.
    ///
    /// Its delivery may be acknowledged after the commit: what is due comes again through the outbox; what is held or
    /// blocked stays in the store until somebody starts it.
    public static func wait(
        _ job: SyncJob, turn: Int, reason: WaitReason, until due: Timestamp?, now: Timestamp
    ) -> JobTransition {
        let waiting = job.waiting(turn: turn, reason: reason, until: due)
        return JobTransition(
            unrun: waiting, turn: turn, outbox: due.map { [.again(waiting, dueAt: $0)] } ?? [], at: now)
    }

    /// The job's delivery came before its time (the delay ladder is shorter than the wait): it waits on, as it is.
    public static func again(_ job: SyncJob, turn: Int, now: Timestamp) -> JobTransition {
        var waiting = job
        waiting.nextTurn = turn + 1
        return JobTransition(
            unrun: waiting, turn: turn, outbox: [.again(waiting, dueAt: job.retryAfter)], at: now)
    }

    /// The job ends without a run: superseded by another job, or a duplicate of the one that holds its dedup key.
    public static func skip(
        _ job: SyncJob, turn: Int, reason: SkipReason, because other: String, now: Timestamp
    ) -> JobTransition {
        var skipped = job
        skipped.status = .skipped
        skipped.skipReason = reason
        skipped.relatedJob = other
        skipped.nextTurn = turn + 1
        skipped.endedAt = now
        skipped.retryAfter = nil
        skipped.waitReason = nil
        return JobTransition(unrun: skipped, turn: turn, at: now)
    }

    /// The job ends canceled without a run, because that was asked before its delivery came.
    public static func cancel(_ job: SyncJob, turn: Int, reason: String, now: Timestamp) -> JobTransition {
        var canceled = job
        canceled.cancel(reason)
        canceled.nextTurn = turn + 1
        canceled.endedAt = now
        return JobTransition(unrun: canceled, turn: turn, at: now)
    }

    private static func deadLetter(
        for job: SyncJob, run: JobRun, failure: JobFailure, now: Timestamp
    ) -> OutboxMessage {
        let letter = DeadLetter(
            reason: failure, jobID: job.id, queue: job.queue, typeSlug: job.typeSlug, turn: run.turn, failedAt: now)
        return .deadLetter(letter, of: job, turn: run.turn, body: run.body)
    }
}
