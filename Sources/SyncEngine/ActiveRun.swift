// One run that is under way, as those see it who watch over it. Invariant: it is over exactly once, by its own end, its
// timeout, or a cancellation; what comes after that is void.

internal import JobStore
internal import Synchronization
internal import SyncJobs

/// A run under way.
final class ActiveRun: Sendable {
    /// Why a run was ended from outside.
    enum Interruption: Sendable, Hashable {
        /// Its time was up.
        case timedOut
        /// It was canceled, for this reason.
        case canceled(String)
        /// A later turn of the job has been committed: whatever it decides counts for nothing.
        case fenced
        /// The worker stops and the grace is over: the job comes again, and this was no attempt.
        case handedBack
        /// The worker stops, and it did not end when it was cancelled: the broker delivers its job again.
        case stopped
    }

    private struct State {
        var interruption: Interruption?
        var begin: ContinuousClock.Instant?
        var isEnded = false
        var interrupt: (@Sendable (Interruption) -> Void)?
        var progress: JobProgress?
        var isProgressNew = false
        var lastBeat: ContinuousClock.Instant?
        var lastTold: ContinuousClock.Instant?
    }

    let run: JobRun
    /// When it was made.
    let creation = ContinuousClock.now
    private let timeout: Duration
    /// The key of the lease that the run holds; nil for none.
    let leaseKey: String?
    private let state = Mutex(State())

    init(run: JobRun, timeout: Duration, leaseKey: String?) {
        self.run = run
        self.leaseKey = leaseKey
        self.timeout = timeout
    }

    var jobID: String { run.job.id }

    /// Why it was ended from outside; nil when it was not.
    var interruption: Interruption? { state.withLock { $0.interruption } }

    /// Its work begins: from here on its time counts.
    ///
    /// Waiting for a thread, while other controllers hold them all, is none of it.
    func start() { state.withLock { $0.begin = .now } }

    /// Whether its time is up at `instant`.
    func isOverdue(at instant: ContinuousClock.Instant) -> Bool {
        state.withLock { state in state.begin.map { $0 + timeout <= instant } ?? false }
    }

    /// Calls `body` when the run is interrupted, at once if that has happened.
    func onInterruption(_ body: @escaping @Sendable (Interruption) -> Void) {
        let happened = state.withLock { state in
            state.interrupt = body
            return state.interruption
        }
        if let happened { body(happened) }
    }

    /// Ends the run from outside; the first word counts.
    func interrupt(_ interruption: Interruption) {
        let body = state.withLock { state -> (@Sendable (Interruption) -> Void)? in
            guard state.interruption == nil, !state.isEnded else { return nil }
            state.interruption = interruption
            return state.interrupt
        }
        body?(interruption)
    }

    /// The run has ended by itself; false when it had been interrupted before.
    func end() -> Bool {
        state.withLock { state in
            state.isEnded = true
            state.interrupt = nil
            return state.interruption == nil
        }
    }

    /// Asked right before anything outside the store is changed.
    ///
    /// - Throws: ``JobFailure`` when the run is over: its write is not made.
    func requireActive() throws(JobFailure) {
        guard state.withLock({ $0.interruption }) == nil else {
            throw JobFailure(
                .canceled, "the run is over: its time was up, or it was canceled",
                remedy: "let the controller call checkCancellation() in long work", disposition: .retryable(after: nil))
        }
    }

    // MARK: heartbeats

    /// Takes note of how far the run has come; true when it is time to tell others, at most twice a second.
    func report(_ progress: JobProgress, at instant: ContinuousClock.Instant = .now) -> Bool {
        state.withLock { state in
            state.progress = progress
            state.isProgressNew = true
            if let last = state.lastTold, instant - last < .milliseconds(500) { return false }
            state.lastTold = instant
            return true
        }
    }

    /// Whether a heartbeat is due: the first after two seconds, then each second, or when there is news.
    func takeBeat(at instant: ContinuousClock.Instant) -> (isDue: Bool, progress: JobProgress?) {
        state.withLock { state in
            guard let begin = state.begin else { return (false, nil) }
            let isFirst = state.lastBeat == nil && instant - begin >= .seconds(2)
            let sinceLast = state.lastBeat.map { instant - $0 } ?? .zero
            let isDue =
                !state.isEnded
                && (isFirst || (state.lastBeat != nil && (sinceLast >= .seconds(1) || state.isProgressNew)))
            guard isDue else { return (false, nil) }
            state.lastBeat = instant
            state.isProgressNew = false
            return (true, state.progress)
        }
    }
}
