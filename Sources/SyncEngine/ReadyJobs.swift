// What may begin, pure: jobs that need only the store are run together, as many as there are; each other one may wait for a
// system or a user's code, and takes one of the places that there are for that.

/// Jobs that are first of their keys and have not begun.
struct ReadyJobs: Sendable {
    /// Those that run together.
    var together = FIFO<QueuedJob>()
    /// Those that run by themselves.
    var alone = FIFO<QueuedJob>()

    /// How many there are.
    var count: Int { together.count + alone.count }

    /// Adds a job behind those of its kind.
    mutating func append(_ job: QueuedJob) {
        if job.needsOnlyStore { together.append(job) } else { alone.append(job) }
    }

    /// Takes all of them, each kind in its order.
    mutating func takeAll() -> [QueuedJob] { together.popFirst(together.count) + alone.popFirst(alone.count) }
}
