// Runs one attempt and answers when it ends, when its time is up, or when it is canceled, whichever is first. The work is a
// task of its own: a controller that hears of no cancellation is left behind, and its late result is dropped.

internal import Synchronization
internal import SyncJobs

/// Bounds a run in time, whatever its controller does.
struct RunSupervisor: Sendable {
    /// How a supervised run came to its end.
    enum Ending<Value: Sendable>: Sendable {
        /// By itself.
        case ended(Result<Value, any Error>)
        /// From outside; `leftover` is the work that may go on for a while.
        case interrupted(ActiveRun.Interruption, leftover: Leftover)
    }

    /// Work that was cut off, and may still be going on.
    final class Leftover: Sendable {
        private struct State {
            var isEnded = false
            var isPatienceOver = false
            var waiting: CheckedContinuation<Void, Never>?
            var atEnd: (@Sendable () -> Void)?
        }
        private let state = Mutex(State())

        /// The work has ended.
        func end() {
            settle { $0.isEnded = true }
            state.withLock { $0.atEnd.take() }?()
        }

        /// Calls `body` when the work ends, at once if it has.
        func whenEnded(_ body: @escaping @Sendable () -> Void) {
            let hasEnded = state.withLock { state in
                if !state.isEnded { state.atEnd = body }
                return state.isEnded
            }
            if hasEnded { body() }
        }

        private func settle(_ change: (inout State) -> Void) {
            let waiting = state.withLock { state in
                change(&state)
                defer { state.waiting = nil }
                return state.waiting
            }
            waiting?.resume()
        }

        /// Whether the work has ended within `patience`, or before the caller is cancelled; asked by one at a time.
        func ended(within patience: Duration) async -> Bool {
            // Owned here: cancelled as soon as the wait is over.
            let alarm = Task {
                do { try await Task.sleep(for: patience) } catch { return }
                settle { $0.isPatienceOver = true }
            }
            defer { alarm.cancel() }
            await withTaskCancellationHandler {
                await withCheckedContinuation { continuation in
                    let isOver = state.withLock { state in
                        if state.isEnded || state.isPatienceOver { return true }
                        state.waiting = continuation
                        return false
                    }
                    if isOver { continuation.resume() }
                }
            } onCancel: {
                settle { $0.isPatienceOver = true }
            }
            return state.withLock { state in
                state.isPatienceOver = false
                return state.isEnded
            }
        }
    }

    /// How long work that was cancelled may take to end before it is left behind.
    static let stopPatience = Duration.seconds(1)

    let runs: ActiveRuns
    let threads: ControllerThreads

    /// Runs `work` under the watch of `runs`.
    ///
    /// - Parameter isForeign: whether it is a user's code, which runs on threads of its own.
    func supervise<Value: Sendable>(
        _ run: ActiveRun, isForeign: Bool, _ work: @escaping @Sendable () async throws -> Value
    ) async -> Ending<Value> {
        runs.add([run])
        defer { runs.remove([run]) }
        let leftover = Leftover()
        let answer = FirstAnswer<Ending<Value>>()
        // Owned by this call: cancelled with it, and left behind only when it ends neither by itself nor when cancelled.
        let task = Task(executorPreference: isForeign ? threads : nil) {
            run.start()
            let result: Result<Value, any Error>
            do { result = .success(try await work()) } catch { result = .failure(error) }
            if run.end() { answer.give(.ended(result)) }
            leftover.end()
        }
        run.onInterruption { interruption in
            task.cancel()
            answer.give(.interrupted(interruption, leftover: leftover))
        }
        return await withTaskCancellationHandler {
            await answer.value
        } onCancel: {
            task.cancel()
            // Without it a controller that hears of no cancellation would keep the worker from ending; it ends by itself.
            Task {
                do { try await Task.sleep(for: Self.stopPatience) } catch { return }
                run.interrupt(.stopped)
            }
        }
    }
}

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

    /// Runs a hook that may take at most `patience`.
    ///
    /// - Throws: what it throws, or ``JobFailure`` (`timed_out`).
    func bound(_ patience: Duration, isForeign: Bool, _ work: @escaping @Sendable () async throws -> Void) async throws
    {
        guard isForeign else { return try await work() }
        let answer = FirstAnswer<Result<Void, any Error>>()
        // Owned by this call: cancelled when the patience is over, and left behind if it hears of no cancellation.
        let task = Task(executorPreference: threads) {
            do {
                try await work()
                answer.give(.success(()))
            } catch { answer.give(.failure(error)) }
        }
        // Owned by this call: cancelled as soon as there is an answer.
        let alarm = Task {
            do { try await Task.sleep(for: patience) } catch { return }
            // Told first, cancelled then: the hook may end well for having heard of the cancellation.
            answer.give(
                .failure(
                    JobFailure(
                        .timedOut, "it took longer than \(patience.text)", remedy: "do long work in a follow-up job")))
            task.cancel()
        }
        defer { alarm.cancel() }
        try await withTaskCancellationHandler {
            try await answer.value.get()
        } onCancel: {
            task.cancel()
            // As above: the worker is not kept from ending; it ends by itself.
            Task {
                do { try await Task.sleep(for: Self.stopPatience) } catch { return }
                answer.give(.failure(CancellationError()))
            }
        }
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

extension SyncJobType {
    /// Whether the sync logic is a user's code, which may block or never end.
    var hasForeignController: Bool { !controller.isDeclarative }
}

/// The first of several answers; later ones are dropped.
private final class FirstAnswer<Value: Sendable>: Sendable {
    private enum State {
        case open(CheckedContinuation<Value, Never>?)
        case given(Value)
        case taken
    }
    private let state = Mutex(State.open(nil))

    func give(_ value: Value) {
        let waiting = state.withLock { state -> CheckedContinuation<Value, Never>? in
            guard case .open(let waiting) = state else { return nil }
            state = waiting == nil ? .given(value) : .taken
            return waiting
        }
        waiting?.resume(returning: value)
    }

    /// The answer; asked for once.
    var value: Value {
        get async {
            await withCheckedContinuation { continuation in
                let given = state.withLock { state -> Value? in
                    if case .given(let value) = state {
                        state = .taken
                        return value
                    }
                    state = .open(continuation)
                    return nil
                }
                if let given { continuation.resume(returning: given) }
            }
        }
    }
}
