// The commit of a job: record, attempt, binding, embedded write and what is owed to the broker land together or not at
// all. Whether they may is asked inside the transaction: the turn, the source's version, the target as it was read.
internal import GRDB
public import SyncJobs

extension JobStore {
    /// How a commit ended.
    public enum CommitResult: Sendable, Hashable {
        /// Everything is on the disk: the record as stored (its target's name from the write), and what the job owes.
        case committed(SyncJob, owed: [OutboxMessage])
        /// A later turn has been committed already; the whole result is discarded.
        case fenced
        /// The target document is no longer what the run read; nothing was written.
        case conflict(String)
        /// A later version of the source was applied already; nothing was written.
        case stale
        /// The write can never be made, or a row of the job breaks a rule of the schema; nothing was written.
        case refused(JobFailure)
    }

    /// Commits what a run decided, in one transaction with whatever else is waiting.
    ///
    /// A cancelled task still waits for the answer.
    ///
    /// - Throws: ``JobStoreError`` when the transaction failed as a whole: nothing is stored, nothing may be acked.
    public func commit(_ transition: JobTransition) async throws(JobStoreError) -> CommitResult {
        let ready: ReadyCommit
        do throws(JobFailure) {
            ready = try ReadyCommit(transition, maximumDocumentBytes: maximumDocumentBytes)
        } catch { return .refused(error) }
        // It takes its savepoint itself, and only once all its conditions hold.
        return try await writer.write("commit", bytes: ready.bytes, inSavepoint: false) { try ready.perform(in: $0) }
    }

    /// Commits what several runs decided, each on its own, in transactions of at most 500; answers in the same order.
    ///
    /// - Throws: ``JobStoreError`` when a transaction failed as a whole. Those of earlier parts are stored then; a
    ///   repeated commit of them is `fenced`.
    public func commit(_ transitions: [JobTransition]) async throws(JobStoreError) -> [CommitResult] {
        var results: [CommitResult] = []
        var rest = transitions[...]
        while !rest.isEmpty {
            let part = rest.prefix(GroupWriter.maximumCount).map { transition -> Result<ReadyCommit, JobFailure> in
                do throws(JobFailure) {
                    return .success(try ReadyCommit(transition, maximumDocumentBytes: maximumDocumentBytes))
                } catch { return .failure(error) }
            }
            rest = rest.dropFirst(part.count)
            let bytes = part.reduce(0) { total, ready in
                if case .success(let ready) = ready { total + ready.bytes } else { total }
            }
            results += try await writer.write("commit", count: part.count, bytes: bytes) { context in
                try part.map { ready in
                    switch ready {
                    case .success(let ready): try ready.perform(in: context)
                    case .failure(let failure): .refused(failure)
                    }
                }
            }
        }
        return results
    }
}

/// A transition with all its rows, ready for the writer: text, hashes and arguments are made on the caller's thread.
private struct ReadyCommit: Sendable {
    private let job: SyncJob
    private let turn: Int
    private let binding: Binding?
    private let write: ReadyWrite?
    private let committedAt: Timestamp
    private let jobRow: StatementArguments
    private let attemptRow: StatementArguments?
    private let bindingRow: StatementArguments?
    private let outbox: [OutboxMessage]
    private let outboxRows: [StatementArguments]
    /// About how much is written.
    let bytes: Int

    /// - Throws: ``JobFailure`` when the embedded write can never be made.
    init(_ transition: JobTransition, maximumDocumentBytes: Int) throws(JobFailure) {
        var job = transition.job
        var binding = transition.binding
        var write: ReadyWrite?
        if let intended = transition.embeddedWrite {
            let ready = try ReadyWrite(intended, maximumBytes: maximumDocumentBytes)
            job.targetName = ready.receipt.name
            binding?.target = DocumentKey(type: ready.type, name: ready.receipt.name)
            binding?.storedHash = ready.hash
            binding?.isDeleted = ready.operation == .delete
            write = ready
        }
        self.job = job
        self.binding = binding
        self.write = write
        turn = transition.turn
        let endedAt = transition.at
        committedAt = endedAt
        let jobValues = JobRow.values(of: job)
        jobRow = StatementArguments(columns: jobValues)
        attemptRow = transition.attempt.map { StatementArguments(columns: AttemptRow.values(of: $0)) }
        bindingRow = binding.map { StatementArguments(columns: BindingRow.values(of: $0, at: endedAt)) }
        outbox = transition.outbox
        let outboxValues = transition.outbox.map(OutboxRow.values)
        outboxRows = outboxValues.map { StatementArguments(columns: $0) }
        bytes = JobRow.size(jobValues) + (write?.bytes ?? 0) + outboxValues.reduce(0) { $0 + JobRow.size($1) }
    }

    /// Asks the conditions in their order, then writes in a savepoint.
    func perform(in context: WriteContext) throws -> JobStore.CommitResult {
        let known = try context.db.firstRow("SELECT sequence, next_turn FROM jobs WHERE id = ?", [job.id.nameValue]) {
            (sequence: $0[0] as Int64, nextTurn: $0[1] as Int)
        }
        if let known, known.nextTurn > turn { return .fenced }
        if let binding, try BindingRow.isStale(binding, in: context.db) { return .stale }
        var place: (typeID: Int64, row: Int64?)?
        if let write {
            switch try context.condition(of: write) {
            case .conflict(let text): return .conflict(text)
            case .holds(let typeID, let row): place = (typeID, row)
            }
        }
        do {
            try context.inSavepoint {
                if let write, let place {
                    try context.apply(write, typeID: place.typeID, row: place.row, at: committedAt)
                }
                try storeRecord(known?.sequence, in: context)
            }
        } catch let error as DatabaseError where !context.failsTransaction(error) {
            return .refused(Self.refusal(error))
        }
        // A job that was known may still owe what an earlier turn has left.
        let owed = known == nil ? outbox : try OutboxRow.messages(ofJob: job.id, in: context.db)
        return .committed(job, owed: owed)
    }

    private func storeRecord(_ known: Int64?, in context: WriteContext) throws {
        if let known {
            try context.execute(JobRow.update, jobRow + [known])
            if let attemptRow { try context.execute(AttemptRow.insertForKnownJob, attemptRow + [job.id.nameValue]) }
        } else {
            try context.execute(JobRow.insert, jobRow)
            if let attemptRow { try context.execute(AttemptRow.insertForNewJob, attemptRow) }
        }
        if let bindingRow { try context.execute(BindingRow.upsert, bindingRow) }
        try WriteIntentRow.removeAll(ofJob: job.id, in: context)
        for row in outboxRows { try context.execute(OutboxRow.insert, row) }
    }

    private static func refusal(_ error: DatabaseError) -> JobFailure {
        if error.resultCode.primaryResultCode == .SQLITE_TOOBIG {
            return JobFailure(
                .documentTooLarge, "the record is larger than the store can hold",
                remedy: "make the document or the message smaller")
        }
        return JobFailure(
            .constraintViolated, "the record breaks a rule of the store's schema: \(error.message ?? "no details")",
            remedy: "report it with the message")
    }
}
