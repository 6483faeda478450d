// Watches over all runs that are under way: their time, their heartbeat, their cancellation. One look twice a second
// serves them all, so that a short job costs two entries in a dictionary and no timer.

internal import JobStore
internal import Logging
internal import Synchronization
internal import SyncJobs

/// The runs under way in this process.
final class ActiveRuns: Sendable {
    /// Between two looks.
    static let interval = Duration.milliseconds(250)
    /// How long a lease holds that is not renewed.
    static let leaseTime = Duration.seconds(60)

    private let store: JobStore
    private let now: @Sendable () -> Timestamp
    private let logger: Logger
    private let runs = Mutex<[String: ActiveRun]>([:])
    private let isOver = Atomic(false)

    init(store: JobStore, now: @escaping @Sendable () -> Timestamp, logger: Logger) {
        self.store = store
        self.now = now
        self.logger = logger
    }

    func add(_ begun: [ActiveRun]) {
        runs.withLock { runs in for run in begun { runs[run.run.runID] = run } }
        guard isOver.load(ordering: .sequentiallyConsistent) else { return }
        for run in begun { run.interrupt(.handedBack) }
    }

    /// Gives up all runs, those that begin later too: the worker stops.
    func handBack() {
        isOver.store(true, ordering: .sequentiallyConsistent)
        for run in runs.withLock({ Array($0.values) }) { run.interrupt(.handedBack) }
    }

    func remove(_ ended: [ActiveRun]) {
        runs.withLock { runs in for run in ended { runs.removeValue(forKey: run.run.runID) } }
    }

    /// The run of a job; of two (a redelivery while the first still runs) the one that began last.
    func run(ofJob jobID: String) -> ActiveRun? {
        runs.withLock { runs in
            runs.values.filter { $0.jobID.hasSameBytes(as: jobID) }.max { $0.creation < $1.creation }
        }
    }

    /// Watches until it is cancelled.
    func watch() async {
        while !Task.isCancelled {
            do { try await Task.sleep(for: Self.interval) } catch { return }
            await look()
        }
    }

    /// One look: ends what is overdue, shows that the long ones are alive, and learns which of them to cancel.
    func look() async {
        let instant = ContinuousClock.now
        let all = runs.withLock { Array($0.values) }
        for run in all where run.isOverdue(at: instant) { run.interrupt(.timedOut) }
        var beating: [ActiveRun] = []
        var beats: [JobStore.Heartbeat] = []
        for run in all {
            let beat = run.takeBeat(at: instant)
            guard beat.isDue else { continue }
            beating.append(run)
            beats.append(heartbeat(of: run, progress: beat.progress))
        }
        guard !beats.isEmpty else { return }
        do {
            for (run, answer) in zip(beating, try await store.beat(beats)) {
                switch answer {
                case .goOn: break
                case .cancel(let reason): run.interrupt(.canceled(reason))
                case .fenced: run.interrupt(.fenced)
                }
            }
        } catch {
            // A heartbeat decides nothing: the commit asks again whether the run counts.
            logger.warning("Heartbeats were not stored", metadata: ["reason": .string("\(error)")])
        }
    }

    private func heartbeat(of run: ActiveRun, progress: JobProgress?) -> JobStore.Heartbeat {
        let at = now()
        return JobStore.Heartbeat(
            job: run.run.job, turn: run.run.turn, runID: run.run.runID, node: run.run.node,
            startedAt: run.run.startedAt, at: at, progress: progress, leaseKey: run.leaseKey,
            leaseUntil: run.leaseKey.map { _ in at.advanced(by: Self.leaseTime) })
    }
}
