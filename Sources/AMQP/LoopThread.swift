// The thread that a connection lives on: runs the actor's jobs, lets it take a turn at its socket, sleeps.
// Invariant: everything of one connection happens here, in order; and nothing of a user's ever runs here, because
// while it ran no heartbeat would be sent.
import Synchronization

/// A serial executor on a thread of its own.
final class LoopThread: SerialExecutor {
    /// What to do after a turn.
    enum Next {
        /// There is more to do already.
        case again
        /// Nothing before the socket moves, somebody calls, or the time has passed.
        case sleep(socket: SocketHandle?, wantsWrite: Bool, timeout: Duration?)
        /// The connection is gone and the thread with it.
        case end
    }

    private struct State {
        var jobs: [UnownedJob] = []
        var isPoked = false
        var isAsleep = false
        var thread: UInt?
    }

    // librabbitmq decodes nested tables by recursion, and a hostile 128 KiB header nests 26,000 levels: 16 MiB hold
    // that. Only what is touched becomes memory.
    private static let stackBytes = 16 << 20

    private let state = Mutex(State())
    private let wakeup: Wakeup

    init() throws(AMQPError) { wakeup = try Wakeup() }

    /// Starts the thread; it ends when `turn` answers ``Next/end``.
    func start(turn: @escaping @Sendable () -> Next) throws(AMQPError) {
        try SystemThread.start(stackBytes: LoopThread.stackBytes) { self.run(turn) }
    }

    /// Makes the loop take a turn soon; from any thread.
    func poke() {
        let isAsleep = state.withLock { state in
            state.isPoked = true
            return state.isAsleep
        }
        if isAsleep { wakeup.signal() }
    }

    func enqueue(_ job: consuming ExecutorJob) {
        let job = UnownedJob(job)
        let isAsleep = state.withLock { state in
            state.jobs.append(job)
            return state.isAsleep
        }
        if isAsleep { wakeup.signal() }
    }

    func checkIsolated() {
        precondition(state.withLock { $0.thread } == SystemThread.current, "not on the connection's thread")
    }

    func isIsolatingCurrentContext() -> Bool? { state.withLock { $0.thread } == SystemThread.current }

    private func run(_ turn: @Sendable () -> Next) {
        state.withLock { $0.thread = SystemThread.current }
        var jobs: [UnownedJob] = []
        while true {
            state.withLock { state in
                swap(&jobs, &state.jobs)
                state.isPoked = false
            }
            for job in jobs { job.runSynchronously(on: asUnownedSerialExecutor()) }
            jobs.removeAll(keepingCapacity: true)
            switch turn() {
            case .again: continue
            case .end: return
            case .sleep(let socket, let wantsWrite, let timeout):
                let isIdle = state.withLock { state in
                    state.isAsleep = state.jobs.isEmpty && !state.isPoked
                    return state.isAsleep
                }
                guard isIdle else { continue }
                wakeup.sleep(socket: socket, wantsWrite: wantsWrite, timeout: timeout)
                state.withLock { $0.isAsleep = false }
            }
        }
    }
}
