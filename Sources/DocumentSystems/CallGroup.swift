// A door at which single calls become batches: what is waiting goes together into one call, and the next batch gathers
// while it runs. Invariant: nobody ever waits for a batch to fill, and every caller is answered exactly once. No actor: one that
// a task calls which prefers threads of its own may have to wait for one of those threads, and everybody else with it.
internal import SyncJobs
internal import Synchronization

/// Puts concurrent single calls together into batched ones.
final class CallGroup<Request: Sendable, Response: Sendable>: Sendable {
    /// What becomes of a caller that is cancelled while its call runs.
    enum Cancellation: Sendable {
        /// It is answered at once, the result is dropped: right for reading.
        case leaves
        /// It stays until the result is there: right for writing, whose effect can't be taken back.
        case stays
    }

    typealias Perform = @Sendable ([Request]) async throws(JobFailure) -> [Response]
    private typealias Answer = Result<Response, JobFailure>

    private let maximumBatch: Int
    private let maximumWaiting: Int
    private let cancellation: Cancellation
    private let perform: Perform
    private let state = Mutex(State())

    private struct State {
        var waiting: [(id: Int, request: Request)] = []
        var callers: [Int: CheckedContinuation<Answer, Never>] = [:]
        var nextID = 0
        var running: Task<Void, Never>?
    }

    /// How many calls wait for the next batch.
    var waitingCount: Int { state.withLock { $0.waiting.count } }

    init(
        maximumBatch: Int = 500, maximumWaiting: Int = 20_000, cancellation: Cancellation,
        perform: @escaping Perform
    ) {
        self.maximumBatch = maximumBatch
        self.maximumWaiting = maximumWaiting
        self.cancellation = cancellation
        self.perform = perform
    }

    func call(_ request: Request) async throws(JobFailure) -> Response {
        guard !Task.isCancelled else { throw JobFailure(CancellationError()) }
        let (id, callers) = state.withLock { state in
            state.nextID += 1
            return (state.nextID, state.callers.count)
        }
        guard callers < maximumWaiting else {
            throw JobFailure(
                .systemUnavailable, "\(callers) calls wait for the system already",
                remedy: "it is tried again; if it lasts, lower the worker's concurrency or look at the system",
                disposition: .retryable(after: nil))
        }
        let answer = await withTaskCancellationHandler {
            await withCheckedContinuation { caller in
                state.withLock { state in
                    state.callers[id] = caller
                    state.waiting.append((id, request))
                    // Kept in `running` until the group is drained, so the task has an owner and an end.
                    if state.running == nil { state.running = Task { await self.drain() } }
                }
                // Where the cancellation came first, it has found no caller.
                if Task.isCancelled { cancel(id) }
            }
        } onCancel: {
            cancel(id)
        }
        return try answer.get()
    }

    private func cancel(_ id: Int) {
        let isWaiting = state.withLock { state in
            guard let position = state.waiting.firstIndex(where: { $0.id == id }) else { return false }
            state.waiting.remove(at: position)
            return true
        }
        if isWaiting || cancellation == .leaves { answer(id, .failure(JobFailure(CancellationError()))) }
    }

    private func drain() async {
        while let batch = nextBatch() { await run(batch) }
    }

    private func nextBatch() -> [(id: Int, request: Request)]? {
        state.withLock { state in
            let batch = Array(state.waiting.prefix(maximumBatch))
            state.waiting.removeFirst(batch.count)
            if batch.isEmpty { state.running = nil }
            return batch.isEmpty ? nil : batch
        }
    }

    private func run(_ batch: [(id: Int, request: Request)]) async {
        do {
            let responses = try await perform(batch.map(\.request))
            guard responses.count == batch.count else {
                let failure = JobFailure.permanent(
                    "the system gave \(responses.count) answers to \(batch.count) calls",
                    remedy: "report it as a fault of the system's adapter")
                for call in batch { answer(call.id, .failure(failure)) }
                return
            }
            for (call, response) in zip(batch, responses) { answer(call.id, .success(response)) }
        } catch  where error.disposition == .permanent && batch.count > 1 {
            // One of them is at fault; asked one by one, it alone fails.
            for call in batch { await run([call]) }
        } catch {
            for call in batch { answer(call.id, .failure(error)) }
        }
    }

    private func answer(_ id: Int, _ answer: Answer) {
        state.withLock { $0.callers.removeValue(forKey: id) }?.resume(returning: answer)
    }
}
