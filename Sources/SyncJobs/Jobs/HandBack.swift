// A job that its worker gives up without an attempt, because the worker stops: it comes again by a message of its own, which
// the broker counts from zero. Without that, each rolling deploy would bring a healthy long job nearer to its delivery limit.

extension JobTransition {
    /// The job is queued again, as it was before; what its run has saved stays for the next one.
    ///
    /// - Parameters:
    ///   - run: the run that was cut off; nil for a job that had not begun.
    ///   - due: when it may run again: later where a write of the run may still land; nil for at once.
    public static func handBack(
        _ job: SyncJob, turn: Int, run: JobRun?, until due: Timestamp?, now: Timestamp
    ) -> JobTransition {
        var waiting = job
        waiting.status = .queued
        waiting.waitReason = due == nil ? nil : .snooze
        waiting.retryAfter = due
        waiting.nextTurn = turn + 1
        waiting.endedAt = nil
        waiting.running = nil
        waiting.progress = nil
        return JobTransition(
            unrun: waiting, turn: turn, runID: run?.runID, outbox: [.again(waiting, dueAt: due)], at: now)
    }
}
