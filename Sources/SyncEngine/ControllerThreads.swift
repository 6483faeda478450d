// The threads that users' controllers run on. A controller that never yields would hold one of the few threads that Swift
// shares, and with it the committer and the connections; here it holds one of these, which is written off and replaced.

internal import Foundation
internal import Synchronization

/// A task executor with threads of its own, which grows when a thread is lost.
final class ControllerThreads: TaskExecutor {
    /// The most threads that are written off before the process has to end.
    static let maximumWrittenOff = 16

    private struct State {
        var jobs: [UnownedJob] = []
        var head = 0
        var threads = 0
        var idle = 0
        var writtenOff = 0
    }

    private let state = Mutex(State())
    private let arrival = DispatchSemaphore(value: 0)
    /// How many threads work, beside those written off.
    private let size: Int

    /// Prepares `size` threads; each is started when there is work for it.
    init(size: Int) { self.size = max(1, size) }

    /// How many threads are held by controllers that do not end.
    var writtenOff: Int { state.withLock { $0.writtenOff } }

    func enqueue(_ job: consuming ExecutorJob) {
        let job = UnownedJob(job)
        let needsThread = state.withLock { state in
            state.jobs.append(job)
            return addsThread(&state)
        }
        if needsThread { start() }
        arrival.signal()
    }

    /// Whether a thread is to be started: more work waits than threads do, and there may be more of them.
    private func addsThread(_ state: inout State) -> Bool {
        guard state.idle < state.jobs.count - state.head, state.threads < size + state.writtenOff else { return false }
        state.threads += 1
        return true
    }

    /// A controller does not end: its thread is no longer counted on.
    ///
    /// - Returns: false when too many are lost, and the process should drain and end.
    func writeOff() -> Bool {
        let (isBearable, needsThread) = state.withLock { state in
            state.writtenOff += 1
            // What waits for a thread must not wait for more work to come.
            return (state.writtenOff <= Self.maximumWrittenOff, addsThread(&state))
        }
        if needsThread { start() }
        return isBearable
    }

    /// A controller that was written off has ended after all.
    func takeBack() { state.withLock { $0.writtenOff = max(0, $0.writtenOff - 1) } }

    private func start() {
        let thread = Thread { [self] in
            while true {
                state.withLock { $0.idle += 1 }
                arrival.wait()
                guard let job = next() else { continue }
                job.runSynchronously(on: asUnownedTaskExecutor())
            }
        }
        thread.name = "ferry.user-code"
        thread.stackSize = 4 << 20
        thread.start()
    }

    private func next() -> UnownedJob? {
        state.withLock { state in
            state.idle -= 1
            guard state.head < state.jobs.count else { return nil }
            let job = state.jobs[state.head]
            state.head += 1
            if state.head == state.jobs.count || state.head > 1_024 {
                state.jobs.removeFirst(state.head)
                state.head = 0
            }
            return job
        }
    }
}
