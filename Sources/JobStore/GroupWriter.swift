// The one writer. Whatever waits when it comes round goes into one transaction, and it never waits for more: an idle
// store commits a single write at once, a busy one shares the disk's flush among hundreds. Invariant: every accepted
// write is answered exactly once, after its transaction is on the disk or has failed.
internal import GRDB
internal import Logging
internal import SyncJobs
internal import Synchronization

/// Puts waiting writes into shared transactions.
final class GroupWriter: Sendable {
    /// The most writes in one transaction.
    static let maximumCount = 500
    /// The most bytes of content in one transaction, beyond its first write.
    static let maximumBytes = 16 << 20
    /// The most writes that wait; more are refused as `overloaded`.
    static let maximumWaiting = 100_000

    /// One write on its way.
    private struct Work: Sendable {
        let count: Int
        let bytes: Int
        /// Writes, and answers what to call once the transaction is on the disk; called again when the transaction is begun
        /// again.
        ///
        /// Throws what fails the whole transaction.
        let run: @Sendable (WriteContext) throws -> @Sendable () -> Void
        let fail: @Sendable (JobStoreError) -> Void
    }

    private struct State {
        var waiting: [Work] = []
        var isRunning = false
        var isClosed = false
        var transactionCount = 0
    }

    private let pool: DatabasePool
    private let types: DocumentTypeIDs
    private let settled: SettledMessages
    private let log: WriteAheadLog
    private let processes: StoreProcesses
    private let logger: Logger
    private let state = Mutex(State())

    init(
        pool: DatabasePool, types: DocumentTypeIDs, settled: SettledMessages, log: WriteAheadLog,
        processes: StoreProcesses, logger: Logger
    ) {
        self.processes = processes
        self.pool = pool
        self.types = types
        self.settled = settled
        self.log = log
        self.logger = logger
    }

    /// How many transactions were committed.
    var transactionCount: Int { state.withLock { $0.transactionCount } }

    /// How many writes wait for a transaction; those of the one that runs are not counted.
    var waitingCount: Int { state.withLock { $0.waiting.count } }

    /// Whether a transaction runs or is about to.
    var isRunning: Bool { state.withLock { $0.isRunning } }

    /// Whether `refuseFurther` was called.
    var isClosed: Bool { state.withLock { $0.isClosed } }

    /// Runs `body` in the next transaction, in a savepoint of its own, and answers when the transaction is on the
    /// disk.
    ///
    /// What `body` throws undoes its own writes alone; one that takes its own savepoint says so. A cancelled task
    /// still gets its answer: it must know the outcome.
    func write<Value: Sendable>(
        _ operation: String, count: Int = 1, bytes: Int = 0, inSavepoint: Bool = true,
        _ body: @escaping @Sendable (WriteContext) throws -> Value
    ) async throws(JobStoreError) -> Value {
        let result = await withCheckedContinuation {
            (answer: CheckedContinuation<Result<Value, JobStoreError>, Never>) in
            let work = Work(
                count: count, bytes: bytes,
                run: { context in
                    let result: Result<Value, JobStoreError>
                    do {
                        result = .success(
                            inSavepoint ? try context.inSavepoint { try body(context) } : try body(context))
                    } catch {
                        if context.failsTransaction(error) { throw error }
                        result = .failure(JobStoreError(error, operation: operation))
                    }
                    return { answer.resume(returning: result) }
                },
                fail: { answer.resume(returning: .failure($0)) })
            submit(work, operation: operation)
        }
        return try result.get()
    }

    private func submit(_ work: Work, operation: String) {
        let refusal: JobStoreError? = state.withLock { state in
            if state.isClosed { return .closed(operation) }
            if state.waiting.count >= Self.maximumWaiting {
                return JobStoreError(
                    .overloaded, operation: operation, message: "\(state.waiting.count) writes are waiting",
                    remedy: "the disk does not keep up; lower prefetch or concurrency")
            }
            state.waiting.append(work)
            if state.isRunning { return nil }
            state.isRunning = true
            pool.asyncWriteWithoutTransaction { db in self.drain(db) }
            return nil
        }
        if let refusal { work.fail(refusal) }
    }

    /// Refuses further writes; those that wait are still made.
    func refuseFurther() -> Bool {
        state.withLock { state in
            defer { state.isClosed = true }
            return !state.isClosed
        }
    }

    private func drain(_ db: Database) {
        while true {
            let batch = nextBatch()
            if batch.isEmpty { return }
            perform(batch, on: db)
        }
    }

    private func nextBatch() -> ArraySlice<Work> {
        state.withLock { state in
            var count = 0
            var bytes = 0
            let batch = state.waiting.prefix { work in
                let fits =
                    count == 0 || (count + work.count <= Self.maximumCount && bytes + work.bytes <= Self.maximumBytes)
                count += work.count
                bytes += work.bytes
                return fits
            }
            state.waiting.removeFirst(batch.count)
            if batch.isEmpty { state.isRunning = false }
            return batch
        }
    }

    private func perform(_ batch: ArraySlice<Work>, on db: Database) {
        let deletions = settled.next()
        let answers: [@Sendable () -> Void]
        do {
            do {
                answers = try commit(batch, deleting: deletions, isGuarded: false, on: db)
            } catch is WriteContext.NeedsGuard {
                answers = try commit(batch, deleting: deletions, isGuarded: true, on: db)
            }
        } catch {
            let failure = JobStoreError(error, operation: "commit")
            logger.error(
                "a transaction of the job store failed",
                metadata: ["writes": "\(batch.count)", "error": "\(failure)"])
            for work in batch { work.fail(failure) }
            return
        }
        settled.forget(deletions)
        state.withLock { $0.transactionCount += 1 }
        for answer in answers { answer() }
        log.keepSmall(db)
    }

    /// Commits a batch, and tells what to call now that it is on the disk.
    private func commit(
        _ batch: ArraySlice<Work>, deleting messages: [ExactString], isGuarded: Bool, on db: Database
    ) throws -> [@Sendable () -> Void] {
        let context = WriteContext(db: db, types: types, processes: processes, isGuarded: isGuarded)
        var answers: [@Sendable () -> Void] = []
        answers.reserveCapacity(batch.count)
        try db.inTransaction(.immediate) {
            try context.deleteMessages(messages)
            for work in batch { answers.append(try work.run(context)) }
            Failpoint.inCommit.pass()
            return .commit
        }
        context.publishTypes()
        return answers
    }
}

extension JobStoreError {
    /// A call after `close`.
    static func closed(_ operation: String) -> JobStoreError {
        JobStoreError(.closed, operation: operation, message: "the store is closed", remedy: "open it again")
    }
}
