// A user's code under way. Whoever waits for it may get its answer from elsewhere first: its time is up, or it is canceled. It is
// then left behind, and its own answer is dropped.

internal import Synchronization

/// Code of a user that runs in a task of its own.
struct UserCode<Answer: Sendable>: Sendable {
    /// What the code will have come to.
    struct Promise: Sendable {
        let answer = FirstAnswer<Answer>()
        let leftover = RunSupervisor.Leftover()

        /// The code has ended; nil when it has nothing to say any more.
        func keep(_ value: Answer?) {
            if let value { answer.give(value) }
            leftover.end()
        }
    }

    let task: Task<Void, Never>
    let promise: Promise
}

/// The first of several answers; later ones are dropped.
final class FirstAnswer<Value: Sendable>: Sendable {
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
