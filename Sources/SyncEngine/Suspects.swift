// What begins next, pure: whatever is ready, up to the places that are free; but a job whose message was delivered again and
// again begins when nothing else runs, and nothing else begins while it runs. So a crash costs it alone a delivery.

internal import SyncJobs

/// Lets suspects run alone.
struct Suspects: Sendable {
    /// How long a suspect waits for the end of what runs.
    ///
    /// A run of twenty minutes must not hold up all others for that long.
    static let patience = Duration.seconds(30)

    /// Whether a suspect runs.
    private(set) var isOneRunning = false
    private var waitingSince: ContinuousClock.Instant?

    /// What is to begin now, from the front of `ready`.
    ///
    /// - Parameters:
    ///   - running: how many jobs run.
    ///   - places: how many more may.
    mutating func next(
        from ready: inout FIFO<QueuedJob>, running: Int, places: Int, at instant: ContinuousClock.Instant
    ) -> [QueuedJob] {
        guard !isOneRunning, places > 0 else { return [] }
        guard let first = ready.first, first.isSuspect else {
            return ready.popFirst(places) { !$0.isSuspect }
        }
        let since = waitingSince ?? instant
        waitingSince = since
        guard running == 0 || instant - since >= Self.patience, let suspect = ready.popFirst() else { return [] }
        waitingSince = nil
        isOneRunning = true
        return [suspect]
    }

    /// Whether a suspect is kept waiting.
    var isOneWaiting: Bool { waitingSince != nil }

    /// A job has ended, or was given up.
    mutating func ended(_ job: QueuedJob) {
        if job.isSuspect { isOneRunning = false }
    }

    /// What waited was thrown away.
    mutating func forgetWaiting() { waitingSince = nil }
}

extension QueuedJob {
    /// Whether its message was delivered so often that it runs alone.
    var isSuspect: Bool { delivery?.isSuspect ?? false }
}
