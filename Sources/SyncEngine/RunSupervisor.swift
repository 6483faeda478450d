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
        let promise = UserCode<Ending<Value>>.Promise()
        // Owned by this call: cancelled with it, and left behind only when it ends neither by itself nor when cancelled.
        let task = Task(executorPreference: isForeign ? threads : nil) {
            promise.keep(await Self.work(run, work))
        }
        return await watch(run, UserCode(task: task, promise: promise)) { .interrupted($0, leftover: $1) }
    }

    /// Runs `work`; nil when it was interrupted meanwhile.
    static func work<Value: Sendable>(
        _ run: ActiveRun, _ work: @Sendable () async throws -> Value
    ) async -> Ending<Value>? {
        run.start()
        let result: Result<Value, any Error>
        do { result = .success(try await work()) } catch { result = .failure(error) }
        return run.end() ? .ended(result) : nil
    }

    /// Waits for a run that is under way and among `runs`: for its own end, or for what ends it from outside.
    func watch<Answer: Sendable>(
        _ run: ActiveRun, _ code: UserCode<Answer>,
        _ interrupted: @escaping @Sendable (ActiveRun.Interruption, Leftover) -> Answer
    ) async -> Answer {
        defer { runs.remove([run]) }
        run.onInterruption { interruption in
            code.task.cancel()
            code.promise.answer.give(interrupted(interruption, code.promise.leftover))
        }
        return await withTaskCancellationHandler {
            await code.promise.answer.value
        } onCancel: {
            code.task.cancel()
            // Without it a controller that hears of no cancellation would keep the worker from ending; it ends by itself.
            Task {
                do { try await Task.sleep(for: Self.stopPatience) } catch { return }
                run.interrupt(.stopped)
            }
        }
    }
}

extension RunSupervisor {
    /// What a hook came to.
    typealias HookResult = Result<Void, any Error>

    /// Runs a user's hook that may take at most `patience`; then it has failed (`timed_out`).
    func bound(_ patience: Duration, _ hook: @escaping @Sendable () async -> HookResult) async -> HookResult {
        let promise = UserCode<HookResult>.Promise()
        // Owned by this call: cancelled when the patience is over, and left behind if it hears of no cancellation.
        let task = Task(executorPreference: threads) { promise.keep(await hook()) }
        return await bound(patience, UserCode(task: task, promise: promise))
    }

    /// Waits for a hook that is under way, for at most `patience`; then it has failed (`timed_out`).
    func bound(_ patience: Duration, _ code: UserCode<HookResult>) async -> HookResult {
        let answer = code.promise.answer
        // Owned by this call: cancelled as soon as there is an answer.
        let alarm = Task {
            do { try await Task.sleep(for: patience) } catch { return }
            // Told first, cancelled then: the hook may end well for having heard of the cancellation.
            answer.give(
                .failure(
                    JobFailure(
                        .timedOut, "it took longer than \(patience.text)", remedy: "do long work in a follow-up job")))
            code.task.cancel()
        }
        defer { alarm.cancel() }
        return await withTaskCancellationHandler {
            await answer.value
        } onCancel: {
            code.task.cancel()
            // As above: the worker is not kept from ending; it ends by itself.
            Task {
                do { try await Task.sleep(for: Self.stopPatience) } catch { return }
                answer.give(.failure(CancellationError()))
            }
        }
    }
}

extension SyncJobType {
    /// Whether the sync logic is a user's code, which may block or never end.
    var hasForeignController: Bool { !controller.isDeclarative }
}
