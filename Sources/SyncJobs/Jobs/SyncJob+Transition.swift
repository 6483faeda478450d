// What a run, its failure or a wait makes of the record: the parts of a transition that are the record's own. Pure.

extension SyncJob {
    /// How a failed job goes on.
    enum GoesOn { case again, snoozed, forGood, canceled }

    /// The record with what the outcome says about the target; its status is set by what follows.
    func ended(by run: JobRun, outcome: Outcome, now: Timestamp) -> SyncJob {
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

    /// The record while it is not run for `reason`, until `due` where that is a time.
    func waiting(turn: Int, reason: WaitReason, until due: Timestamp?) -> SyncJob {
        var job = self
        job.status = reason == .hold ? .pending : .queued
        job.waitReason = reason
        job.retryAfter = due
        job.nextTurn = turn + 1
        job.running = nil
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
    mutating func fail(
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
    mutating func beginRelay(children: Int, type: SyncJobType) -> [OutboxMessage] {
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
