// Messages that are on their way: whoever gave them to the publisher can do something else before it asks for the results.
// Invariant: the results are set once; whoever waits is resumed once, and never on the thread's lock.
import Synchronization

/// Messages that were given to a publisher; their results come when the broker has answered.
public final class AMQPPendingPublish: Sendable {
    private struct State {
        var results: [AMQPPublishResult]?
        var waiters: [CheckedContinuation<[AMQPPublishResult], Never>] = []
    }

    private let state = Mutex(State())

    init() {}

    /// One result for each message, in the same order.
    ///
    /// Cancelling the task does not take back what is on its way; the results still come.
    public func results() async -> [AMQPPublishResult] {
        await withCheckedContinuation { continuation in
            let results = state.withLock { state in
                if state.results == nil { state.waiters.append(continuation) }
                return state.results
            }
            if let results { continuation.resume(returning: results) }
        }
    }

    func complete(_ results: [AMQPPublishResult]) {
        let waiters = state.withLock { state in
            guard state.results == nil else { return [CheckedContinuation<[AMQPPublishResult], Never>]() }
            state.results = results
            defer { state.waiters = [] }
            return state.waiters
        }
        for waiter in waiters { waiter.resume(returning: results) }
    }
}
