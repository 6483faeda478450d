// What may begin, pure: jobs that need only the store are run together, as many as there are; quick code of users is run in
// series, which takes one of the places that there are for users' code; each other job takes a place for itself.

/// Jobs that are first of their keys and have not begun.
struct ReadyJobs: Sendable {
    /// Those that need only the store.
    var together = FIFO<QueuedJob>()
    /// Those that run in series.
    var inSeries = FIFO<QueuedJob>()
    /// Those that run by themselves.
    var alone = FIFO<QueuedJob>()

    /// How many there are.
    var count: Int { together.count + inSeries.count + alone.count }

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
        case .quick: inSeries.append(job)
        case .open: alone.append(job)
        }
    }

    /// Takes all of them, each kind in its order.
    mutating func takeAll() -> [QueuedJob] {
        together.popFirst(together.count) + inSeries.popFirst(inSeries.count) + alone.popFirst(alone.count)
    }
}
