// Users' code, one piece after the other on one of their threads: no task and no change of threads for each. A piece that takes
// its time ends the series: what has ended is answered, that piece goes on as a task of its own, the others have not begun.

internal import Synchronization

/// Pieces of users' code that are expected to be quick.
final class Series<Value: Sendable>: Sendable {
    /// What became of the pieces.
    struct Ended: Sendable {
        /// What the first ones came to, in their order.
        var values: [Value]
        /// The next, where it takes its time.
        var late: UserCode<Value>?
    }

    /// How long a piece may take; it is found out after twice that at the latest.
    static var patience: Duration { .milliseconds(10) }

    private struct State {
        var values: [Value] = []
        /// Whether a thread was found.
        var hasBegun = false
        /// Whether a piece is under way.
        var isBusy = false
        /// Whether no further one begins.
        var isOver = false
        /// Where the piece that takes its time gives its answer.
        var late: UserCode<Value>.Promise?
    }

    private let count: Int
    private let piece: @Sendable (Int) async -> (value: Value, isToGoOn: Bool)
    private let state = Mutex(State())
    private let over = FirstAnswer<Void>()

    /// - Parameters:
    ///   - count: how many pieces there are.
    ///   - piece: runs the one of that number, and tells whether the next is worth a try.
    init(_ count: Int, _ piece: @escaping @Sendable (Int) async -> (value: Value, isToGoOn: Bool)) {
        self.count = count
        self.piece = piece
    }

    /// Runs the pieces until all have ended, one is slow or not worth going on behind, or the caller is cancelled.
    func run(on threads: ControllerThreads) async -> Ended {
        // Owned by this call: it ends with the last piece, or is the slow piece's from then on.
        let task = Task(executorPreference: threads) { [self] in
            for number in 0..<count where !Task.isCancelled && begin() {
                let (value, isToGoOn) = await piece(number)
                end(with: value, isToGoOn: isToGoOn)
            }
            over.give(())
        }
        // Owned by this call: cancelled as soon as the series is over.
        let watch = Task { [self] in
            var seen: Int?
            while true {
                let done = progress
                // To wait for a thread, while others hold them all, is none of its time.
                if let done, done == seen { return over.give(()) }
                seen = done
                do { try await Task.sleep(for: Self.patience) } catch { return }
            }
        }
        await withTaskCancellationHandler {
            await over.value
        } onCancel: {
            task.cancel()
            if progress == nil { over.give(()) }
        }
        watch.cancel()
        return close(task)
    }

    /// How many have ended; nil before the first has begun.
    private var progress: Int? { state.withLock { $0.hasBegun ? $0.values.count : nil } }

    private func begin() -> Bool {
        state.withLock { state in
            state.hasBegun = true
            state.isBusy = !state.isOver
            return state.isBusy
        }
    }

    private func end(with value: Value, isToGoOn: Bool) {
        let late = state.withLock { state in
            if state.late == nil { state.values.append(value) }
            state.isBusy = false
            if !isToGoOn { state.isOver = true }
            return state.late
        }
        late?.keep(value)
    }

    private func close(_ task: Task<Void, Never>) -> Ended {
        state.withLock { state in
            state.isOver = true
            if state.isBusy { state.late = UserCode.Promise() }
            return Ended(values: state.values, late: state.late.map { UserCode(task: task, promise: $0) })
        }
    }
}
