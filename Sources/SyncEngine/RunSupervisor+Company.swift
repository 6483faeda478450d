// One piece of work that several runs share, under one watch: never a user's code. A run that is interrupted ends at once, and
// the work goes on for the others.

internal import Synchronization
internal import SyncJobs

extension RunSupervisor {
    /// Runs the work of several runs at once under the watch of `runs`; never a user's code.
    ///
    /// A run that is interrupted is told of at once, and the work goes on for the others: what it has come to for that one
    /// counts for nothing. The work is not cancelled, as it may be a write that can't be taken back.
    ///
    /// - Returns: nil when all of them were interrupted before the work had ended.
    func supervise<Value: Sendable>(
        _ company: [ActiveRun], _ work: @escaping @Sendable () async -> Value,
        interrupted: @escaping @Sendable (_ position: Int, ActiveRun.Interruption, Leftover) -> Void
    ) async -> Value? {
        runs.add(company)
        defer { runs.remove(company) }
        let answer = FirstAnswer<Value?>()
        let cutOff = CutOff()
        @Sendable func tell(_ position: Int, _ interruption: ActiveRun.Interruption) {
            guard let (leftover, count) = cutOff.add(position) else { return }
            interrupted(position, interruption, leftover)
            if count == company.count { answer.give(nil) }
        }
        // Owned by this call, and left behind only when all its runs were interrupted.
        Task {
            for run in company { run.start() }
            let value = await work()
            for run in company { _ = run.end() }
            cutOff.end()
            answer.give(value)
        }
        for (position, run) in company.enumerated() { run.onInterruption { tell(position, $0) } }
        let value = await withTaskCancellationHandler {
            await answer.value
        } onCancel: {
            // The worker is not kept from ending; it ends by itself.
            Task {
                do { try await Task.sleep(for: Self.stopPatience) } catch { return }
                for run in company { run.interrupt(.stopped) }
            }
        }
        // Whoever interrupts one may not have come to tell of it yet.
        for (position, run) in company.enumerated() { if let told = run.interruption { tell(position, told) } }
        return value
    }
}

/// Those runs of one work that were interrupted.
private final class CutOff: Sendable {
    private struct State {
        var positions: Set<Int> = []
        var leftovers: [RunSupervisor.Leftover] = []
        var isEnded = false
    }
    private let state = Mutex(State())

    /// Adds a run, and answers what is left of it and how many there are now; nil when it was added before.
    func add(_ position: Int) -> (leftover: RunSupervisor.Leftover, count: Int)? {
        let leftover = RunSupervisor.Leftover()
        let (count, isEnded) = state.withLock { state -> (Int?, Bool) in
            guard state.positions.insert(position).inserted else { return (nil, false) }
            state.leftovers.append(leftover)
            return (state.positions.count, state.isEnded)
        }
        guard let count else { return nil }
        if isEnded { leftover.end() }
        return (leftover, count)
    }

    /// The work has ended.
    func end() {
        let leftovers = state.withLock { state in
            state.isEnded = true
            return state.leftovers
        }
        for leftover in leftovers { leftover.end() }
    }
}
