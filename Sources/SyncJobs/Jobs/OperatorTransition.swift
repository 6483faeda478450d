// What an operator's action makes of a job, pure: the record as it shall be, or why the action makes no sense for it.

/// Why an operator's action does nothing to a job.
public struct OperatorRefusal: Error, Sendable, Hashable {
    /// The reason, in one sentence without a full stop.
    public let sentence: String

    /// Refuses.
    public init(_ sentence: String) { self.sentence = sentence }
}

extension SyncJob {
    /// A held job, queued: its message is owed at its `nextTurn`.
    ///
    /// - Throws: ``OperatorRefusal`` for a job that is not `Pending`.
    public func started() throws(OperatorRefusal) -> SyncJob {
        guard status == .pending else {
            throw OperatorRefusal("it is \(whereItIs), and only a Pending job can be started")
        }
        var job = self
        job.status = .queued
        job.waitReason = nil
        job.retryAfter = nil
        return job
    }

    /// A job that has not begun to run, or that failed, stopped for good; a delivery of it on its way is void.
    ///
    /// A running job can't be stopped from outside: it is asked to.
    ///
    /// - Throws: ``OperatorRefusal`` for a job that runs, or that ended otherwise.
    public func canceled(reason: String, at time: Timestamp) throws(OperatorRefusal) -> SyncJob {
        switch status {
        case .pending, .queued, .failed: break
        case .started: throw OperatorRefusal("it runs, and can only be asked to stop")
        case .relayed:
            throw OperatorRefusal("it is \(whereItIs): its children do the work, and are canceled one by one")
        case .finished, .skipped, .noTarget, .canceled:
            throw OperatorRefusal("it is \(whereItIs), and there is nothing left to cancel")
        }
        var job = self
        job.cancel(reason)
        job.endedAt = time
        job.nextTurn += 1
        return job
    }

    /// A failed job, queued again with all its retries; what is on its way for it is void.
    ///
    /// - Throws: ``OperatorRefusal`` for a job that is not `Failed`.
    public func retried() throws(OperatorRefusal) -> SyncJob {
        guard status == .failed else {
            throw OperatorRefusal("it is \(whereItIs), and only a Failed job can be retried")
        }
        var job = self
        job.status = .queued
        job.retryCount = 0
        job.retryAfter = nil
        job.waitReason = nil
        job.deadLetteredAt = nil
        job.error = nil
        job.endedAt = nil
        job.nextTurn += 1
        return job
    }

    /// The status and since when.
    private var whereItIs: String {
        let since = status.isEnd ? endedAt : startedAt
        return status.rawValue + (since.map { " since \($0)" } ?? "")
    }
}
