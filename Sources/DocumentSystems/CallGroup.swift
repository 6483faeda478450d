// A door at which single calls become batches: what is waiting goes together into one call, and the next batch gathers
// while it runs. Invariant: nobody ever waits for a batch to fill, and every caller is answered exactly once.
internal import SyncJobs

/// Puts concurrent single calls together into batched ones.
actor CallGroup<Request: Sendable, Response: Sendable> {
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
    private var waiting: [(id: Int, request: Request)] = []
    private var callers: [Int: CheckedContinuation<Answer, Never>] = [:]
    private var nextID = 0
    private var running: Task<Void, Never>?
    /// How many calls wait for the next batch.
    var waitingCount: Int { waiting.count }

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
        guard callers.count < maximumWaiting else {
            throw JobFailure(
                .systemUnavailable, "\(callers.count) calls wait for the system already",
                remedy: "it is tried again; if it lasts, lower the worker's concurrency or look at the system",
                disposition: .retryable(after: nil))
        }
        let id = nextID
        nextID += 1
        let answer = await withTaskCancellationHandler {
            await withCheckedContinuation { caller in
                callers[id] = caller
                waiting.append((id, request))
                // Kept in `running` until the group is drained, so the task has an owner and an end.
                if running == nil { running = Task { await self.drain() } }
            }
        } onCancel: {
            // Ends as soon as the actor has a moment; the group itself keeps it from outliving its caller's answer.
            Task { await self.cancel(id) }
        }
        return try answer.get()
    }

    private func cancel(_ id: Int) {
        if let position = waiting.firstIndex(where: { $0.id == id }) {
            waiting.remove(at: position)
        } else if cancellation == .stays {
            return
        }
        answer(id, .failure(JobFailure(CancellationError())))
    }

    private func drain() async {
        while !waiting.isEmpty {
            let batch = Array(waiting.prefix(maximumBatch))
            waiting.removeFirst(batch.count)
            await run(batch)
        }
        running = nil
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
        callers.removeValue(forKey: id)?.resume(returning: answer)
    }
}
