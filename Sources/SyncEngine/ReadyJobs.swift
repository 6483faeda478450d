// What may begin, pure: jobs that need only the store are run together, as many as there are; those without code of one system
// elsewhere travel in convoys; quick code of users is run in series, which takes one of the places that there are for what may
// wait for anything; each other job takes a place for itself.

/// Jobs that are first of their keys and have not begun.
struct ReadyJobs: Sendable {
    /// Those that need only the store.
    var together = FIFO<QueuedJob>()
    /// Those that travel with others, by the names of their convoys.
    var convoys: [String: FIFO<QueuedJob>] = [:]
    /// Those that run in series.
    var inSeries = FIFO<QueuedJob>()
    /// Those that run by themselves.
    var alone = FIFO<QueuedJob>()

    /// How many there are.
    var count: Int { convoys.values.reduce(together.count + inSeries.count + alone.count) { $0 + $1.count } }

    /// Whether a series is to have a place before the jobs that run by themselves: for the last one who came first counts.
    func seriesGoesFirst(places: Int) -> Bool {
        guard let series = inSeries.first, places > 0 else { return false }
        guard places == 1, let alone = alone.first else { return true }
        return series.receivedAt <= alone.receivedAt
    }

    /// Adds a job behind those of its kind.
    mutating func append(_ job: QueuedJob) {
        switch job.pace {
        case .storeOnly: together.append(job)
        case .convoy(let name): convoys[name, default: FIFO()].append(job)
        case .quick: inSeries.append(job)
        case .open: alone.append(job)
        }
    }

    /// Takes all of them, each kind in its order.
    mutating func takeAll() -> [QueuedJob] {
        var all = together.popFirst(.max) + inSeries.popFirst(.max) + alone.popFirst(.max)
        for name in convoys.keys { all += convoys[name]?.popFirst(.max) ?? [] }
        return all
    }
}
