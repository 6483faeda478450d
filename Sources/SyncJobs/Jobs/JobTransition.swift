// The job's state machine, pure: from a run and its outcome to everything that one commit writes. No clock, no store, no
// broker, no chance of its own; the committer writes what stands here and nothing else.

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
    /// Whether the store had no record of the job when its run was prepared; it is what the commit tries first.
    public var isUnknown = false
    /// The run; nil when it was none (a job that waits, a snooze, one that is skipped unrun).
    public var attempt: Attempt?
    /// Which run decided it, a snooze's too; nil when the job was not run.
    public var runID: String?
    /// The target write that lands with the record.
    public var embeddedWrite: DocumentWrite?
    /// The write into the source that lands with the record.
    public var sourceWrite: DocumentWrite?
    /// The binding after the run.
    public var binding: Binding?
    /// A binding that is removed because its source was renamed.
    public var renamedFrom: BindingKey?
    /// The bindings for whose sake the job's request is made again, in place of those of its last run; nil leaves those.
    public var awaited: [BindingKey]?
    /// Records of children that begin with this commit; each has its message in ``outbox``.
    public var children: [SyncJob] = []
    /// What is owed to the broker once this is committed.
    public var outbox: [OutboxMessage]
    /// How the job is parked; nil when it is not.
    public var parking: Parking?

    /// When it was decided.
    public var at: Timestamp

    init(job: SyncJob, turn: Int, attempt: Attempt?, outbox: [OutboxMessage], at: Timestamp) {
        self.at = at
        self.job = job
        self.turn = turn
        self.attempt = attempt
        self.outbox = outbox
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
        var transition = JobTransition(
            job: job, turn: run.turn, attempt: isAttempt ? attempt : nil, outbox: outbox, at: now)
        transition.runID = run.runID
        transition.embeddedWrite = outcome.embeddedWrite
        transition.sourceWrite = outcome.sourceWrite
        transition.binding = outcome.binding
        transition.renamedFrom = outcome.renamedFrom
        transition.children = children
        transition.awaited = job.hasSeenItsSource ? outcome.awaited : nil
        transition.parking = parking
        return transition
    }

    /// The job is not run now: it waits for `reason`, until `due` where that is a time.
    ///
    /// Its delivery may be acknowledged after the commit: what is due comes again through the outbox; what is held or
    /// blocked stays in the store until somebody starts it.
    public static func wait(
        _ job: SyncJob, turn: Int, reason: WaitReason, until due: Timestamp?, now: Timestamp
    ) -> JobTransition {
        var waiting = job
        waiting.status = reason == .hold ? .pending : .queued
        waiting.waitReason = reason
        waiting.retryAfter = due
        waiting.nextTurn = turn + 1
        waiting.running = nil
        return JobTransition(
            job: waiting, turn: turn, attempt: nil, outbox: due.map { [.again(waiting, dueAt: $0)] } ?? [],
            at: now)
    }

    /// The job's delivery came before its time (the delay ladder is shorter than the wait): it waits on, as it is.
    public static func again(_ job: SyncJob, turn: Int, now: Timestamp) -> JobTransition {
        var waiting = job
        waiting.nextTurn = turn + 1
        return JobTransition(
            job: waiting, turn: turn, attempt: nil, outbox: [.again(waiting, dueAt: job.retryAfter)], at: now)
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
        return JobTransition(job: skipped, turn: turn, attempt: nil, outbox: [], at: now)
    }

    /// The job ends canceled without a run, because that was asked before its delivery came.
    public static func cancel(_ job: SyncJob, turn: Int, reason: String, now: Timestamp) -> JobTransition {
        var canceled = job
        canceled.cancel(reason)
        canceled.nextTurn = turn + 1
        canceled.endedAt = now
        return JobTransition(job: canceled, turn: turn, attempt: nil, outbox: [], at: now)
    }

    private static func deadLetter(
        for job: SyncJob, run: JobRun, failure: JobFailure, now: Timestamp
    ) -> OutboxMessage {
        let letter = DeadLetter(
            reason: failure, jobID: job.id, queue: job.queue, typeSlug: job.typeSlug, turn: run.turn, failedAt: now)
        return .deadLetter(letter, of: job, turn: run.turn, body: run.body)
    }
}

extension SyncJob {
    /// How a failed job goes on.
    enum GoesOn { case again, snoozed, forGood, canceled }

    /// The record with what the outcome says about the target; its status is set by what follows.
    fileprivate func ended(by run: JobRun, outcome: Outcome, now: Timestamp) -> SyncJob {
        var job = self
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
        job.cancelReason = nil
        job.deadLetteredAt = nil
        job.retryAfter = nil
        job.waitReason = nil
        job.running = nil
        job.progress = nil
        return job
    }

    /// The end `Canceled`; what it stood for is named.
    mutating func cancel(_ reason: String) {
        status = .canceled
        cancelReason = String(reason.prefix(500))
        retryAfter = nil
        waitReason = nil
        running = nil
        nameSuperseded()
    }

    /// A failed attempt: again by the policy or after the time that the failure asks for, or never.
    fileprivate mutating func fail(
        _ failure: JobFailure, policy: RetryPolicy, chance: Double, now: Timestamp
    ) -> GoesOn {
        error = failure
        switch failure.disposition {
        case .snooze(let delay):
            status = .queued
            endedAt = nil
            waitReason = .snooze
            retryAfter = now.advanced(by: max(delay, .seconds(1)))
            return .snoozed
        case .cancel:
            cancel(failure.message)
            return .canceled
        case .retryable(let after) where retryCount < policy.maxRetries:
            status = .failed
            retryCount += 1
            waitReason = .retry
            let delay = after ?? policy.delay(ofRetry: retryCount, chance: chance)
            retryAfter = now.advanced(by: max(delay, .seconds(1)))
            return .again
        case .retryable, .permanent:
            status = .failed
            deadLetteredAt = now
            nameSuperseded()
            return .forGood
        }
    }

    mutating func nameSuperseded() {
        guard !superseded.isEmpty else { return }
        notes.append("stood for the superseded " + superseded.prefix(20).joined(separator: ", "))
    }

    /// What the end of the relay will need; without children it has ended already, and runs `relay_finished` at once.
    fileprivate mutating func beginRelay(children: Int, type: SyncJobType) -> [OutboxMessage] {
        runsRelayFinished = true
        guard children == 0 else { return [] }
        relayRevision += 1
        return [relayFinishedMessage()]
    }

    /// The message of the job that runs `relay_finished` for this relay's revision.
    public func relayFinishedMessage() -> OutboxMessage {
        var finish = SyncRequest(
            id: relayFinishedID(revision: relayRevision), type: typeName, sourceName: request.sourceDocumentName)
        finish.context = request.context ?? (request.sourceDocumentName == nil ? JSONObject() : nil)
        finish.relayFinished = id
        finish.triggerType = request.triggerType
        finish.triggeredByDocumentType = request.triggeredByDocumentType
        finish.triggeredByDocumentName = request.triggeredByDocumentName
        finish.triggerDocumentTimestamp = request.triggerDocumentTimestamp
        finish.dryRun = request.dryRun
        finish.hops = request.hops
        finish.retryDelay = request.retryDelay
        finish.maxRetries = request.maxRetries
        finish.timeout = request.timeout
        finish.flags = request.flags
        finish.queue = queue
        return .request(RoutedRequest(finish, queue: queue, slug: typeSlug), owner: id, kind: .relayFinished)
    }
}
