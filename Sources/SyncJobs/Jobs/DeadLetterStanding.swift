// What a message that came to the dead letters means for its job, pure: it may be the last word on it, the end of a job that
// still waits for the message, or a word that comes too late.
// Invariant: a job that has gone on is never touched, and none is left waiting for a message that will not come.

/// What a dead letter finds when it comes.
public enum DeadLetterStanding: Sendable {
    /// Somebody has to decide about it.
    case open
    /// Its job has gone on, or was over, without it.
    case superseded
    /// Its job ends with it, and somebody has to decide about both.
    case ends(SyncJob)
}

extension DeadLetterArrival {
    /// How the letter stands to what the store knows of its id.
    ///
    /// - Parameters:
    ///   - request: the body, where it is a request.
    ///   - job: the record of its id.
    ///   - seenHash: what was asked under its id, where that is remembered although the record is gone.
    public func standing(
        request: SyncRequest?, job: SyncJob?, seenHash: Digest?, types: SyncJobTypes, at time: Timestamp
    ) -> DeadLetterStanding {
        guard origin == .request else { return .open }
        if let job {
            guard isOwn(to: job) else { return .open }
            if job.nextTurn <= turn { return job.isOpen ? .ends(job) : .superseded }
            let isItsFailure = job.status == .failed && job.deadLetteredAt != nil && job.nextTurn == turn + 1
            return isItsFailure ? .open : .superseded
        }
        if let seenHash, reason != JobFailure.Code.idReused.rawValue, turn > 0 || seenHash == contentHash {
            return .superseded
        }
        // Only the broker gives up what was a job already; what a worker refuses never becomes one. A message of a record
        // that is not here is another store's: that one ends it, or nobody does.
        guard isByBroker, wasDelivered, reason != JobFailure.Code.bodyTooLarge.rawValue, let request,
            !request.hasRecordElsewhere(turn: turn), let type = types[request.syncJobType]
        else { return .open }
        return .ends(
            SyncJob(request: request, type: type, queue: queue ?? request.queue ?? type.queue, createdAt: time))
    }

    /// Whether the message was one of `job`, and not another request under the same id.
    private func isOwn(to job: SyncJob) -> Bool { DeadLetterRecord(self, at: job.createdAt).isOwn(to: job) }

    /// The failure with which its job ends.
    public var failure: JobFailure {
        JobFailure(JobFailure.Code(rawValue: reason) ?? .removedByBroker, error, remedy: remedy)
    }
}

extension JobTransition {
    /// The job ends without a run, because its message is among the dead letters: the broker gave it up, or a worker could
    /// not take it.
    ///
    /// The letter is there already, so none is owed.
    public static func deadLettered(
        _ job: SyncJob, turn: Int, failure: JobFailure, now: Timestamp
    ) -> JobTransition {
        var ended = job
        ended.status = .failed
        ended.error = failure
        ended.nextTurn = turn + 1
        ended.endedAt = now
        ended.deadLetteredAt = now
        ended.retryAfter = nil
        ended.waitReason = nil
        ended.running = nil
        ended.nameSuperseded()
        return JobTransition(unrun: ended, turn: turn, at: now)
    }
}

extension SyncRequest {
    /// Whether a message of this request and turn was published for a record, so that where there is none it is another
    /// store's: children are born as records, and so is whatever comes again.
    func hasRecordElsewhere(turn: Int) -> Bool { turn > 0 || parentSyncJob != nil }
}
