// What may begin, pure: jobs that need only the store are run together, as many as there are; those without code of one system
// elsewhere travel in convoys; each other one may wait for a system or a user's code, and takes one of the places that there
// are for that.

/// Jobs that are first of their keys and have not begun.
struct ReadyJobs: Sendable {
    /// Those that run together.
    var together = FIFO<QueuedJob>()
    /// Those that run by themselves.
    var alone = FIFO<QueuedJob>()
    /// Those that travel with others, by the names of their convoys.
    var convoys: [String: FIFO<QueuedJob>] = [:]

    /// How many there are.
    var count: Int { convoys.values.reduce(together.count + alone.count) { $0 + $1.count } }

    /// Adds a job behind those of its kind.
    mutating func append(_ job: QueuedJob) {
        if job.needsOnlyStore {
            together.append(job)
        } else if let convoy = job.convoy {
            convoys[convoy, default: FIFO()].append(job)
        } else {
            alone.append(job)
        }
    }

    /// Takes all of them, each kind in its order.
    mutating func takeAll() -> [QueuedJob] {
        var all = together.popFirst(together.count) + alone.popFirst(alone.count)
        for name in convoys.keys { all += convoys[name]?.popFirst(.max) ?? [] }
        return all
    }
}
