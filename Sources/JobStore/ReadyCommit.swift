// One transition with all its rows, ready for the writer. Record, attempt, bindings, embedded writes, children and what is
// owed to the broker land together or not at all. Whether they may is asked inside the transaction: the turn, the lease,
// the source's version, the documents as they were read.
internal import GRDB
internal import SyncJobs

/// A transition with all its rows: text, hashes and arguments are made on the caller's thread.
struct ReadyCommit: Sendable {
    private let job: SyncJob
    private let turn: Int
    private let runID: String?
    private let isUnrun: Bool
    private let binding: Binding?
    private let renamedFrom: BindingKey?
    private let writes: [ReadyWrite]
    private let committedAt: Timestamp
    private let jobRow: JobRow.Values
    private let attemptRow: [DatabaseValue]?
    private let bindingRow: [DatabaseValue]?
    private let outbox: [OutboxMessage]
    private let outboxRows: [[DatabaseValue]]
    private let children: [ReadyChild]
    private let awaited: [BindingKey]?
    private let parking: Parking?
    /// About how much is written.
    let bytes: Int

    /// The rows of a child: its record and its first message.
    private struct ReadyChild: Sendable {
        let row: JobRow.Values
        let message: [DatabaseValue]?
    }

    /// - Throws: ``JobFailure`` when an embedded write can never be made.
    init(_ transition: JobTransition, maximumDocumentBytes: Int) throws(JobFailure) {
        var job = transition.job
        var binding = transition.binding
        var writes: [ReadyWrite] = []
        if let intended = transition.embeddedWrite {
            let ready = try ReadyWrite(intended, maximumBytes: maximumDocumentBytes)
            job.targetName = ready.receipt.name
            binding?.target = DocumentKey(type: ready.type, name: ready.receipt.name)
            binding?.isDeleted = ready.operation == .delete
            writes.append(ready)
        }
        if let intended = transition.sourceWrite {
            let ready = try ReadyWrite(intended, maximumBytes: maximumDocumentBytes)
            try Self.refuseSameDocument(ready, as: writes.first)
            writes.append(ready)
        }
        self.job = job
        self.binding = binding
        self.writes = writes
        turn = transition.turn
        parking = transition.parking
        runID = transition.attempt?.runID ?? transition.runID
        isUnrun = transition.attempt == nil
        renamedFrom = transition.renamedFrom
        let endedAt = transition.at
        committedAt = endedAt
        jobRow = JobRow.Values(job)
        attemptRow = transition.attempt.map { AttemptRow.values(of: $0) }
        awaited = transition.awaited
        bindingRow = binding.map { BindingRow.values(of: $0, at: endedAt) }
        var size = jobRow.bytes + writes.reduce(0) { $0 + $1.bytes }
        (children, outbox) = Self.children(of: transition, size: &size)
        outboxRows = outbox.map { message in
            let values = OutboxRow.values(of: message)
            size += JobRow.size(values)
            return values
        }
        bytes = size
    }

    /// The children with their messages, and the messages that are no child's.
    private static func children(
        of transition: JobTransition, size: inout Int
    ) -> ([ReadyChild], [OutboxMessage]) {
        guard !transition.children.isEmpty else { return ([], transition.outbox) }
        var messages: [ExactString: [DatabaseValue]] = [:]
        let ids = Set(transition.children.map { ExactString($0.id) })
        var others: [OutboxMessage] = []
        for message in transition.outbox {
            let id = ExactString(message.messageID)
            if message.kind == .child, ids.contains(id) {
                messages[id] = OutboxRow.values(of: message)
            } else {
                others.append(message)
            }
        }
        let children = transition.children.map { child in
            let row = JobRow.Values(child)
            let message = messages[ExactString(child.id)]
            size += row.bytes + (message.map(JobRow.size) ?? 0)
            return ReadyChild(row: row, message: message)
        }
        return (children, others)
    }

    private static func refuseSameDocument(_ write: ReadyWrite, as other: ReadyWrite?) throws(JobFailure) {
        guard let other, other.type == write.type, other.receipt.name.hasSameBytes(as: write.receipt.name) else {
            return
        }
        throw JobFailure(
            .invalidTarget, "the write into the source is a write to the target itself",
            remedy: "a document is no source of itself: correct the type's target, or leave out write_back")
    }

    /// Asks the conditions in their order, then writes in a savepoint.
    func perform(in context: WriteContext) throws -> JobStore.CommitResult {
        let known = try context.db.firstRow(
            "SELECT sequence, next_turn, order_key FROM jobs WHERE id = ?", [job.id.nameValue]
        ) { row in
            var columns = ColumnReader(row, from: 1)
            return (sequence: row[0] as Int64, nextTurn: try columns.int(), orderKey: try columns.optionalText())
        }
        if let known, known.nextTurn > turn { return .fenced }
        if let runID, try context.hasLostLease(runID: runID) { return .fenced }
        if let canceled = try canceledInstead(in: context) { return try canceled.perform(in: context) }
        let standing = try binding.map { try BindingRow.standing(of: $0, renamedFrom: renamedFrom, in: context.db) }
        if standing == .stale { return .stale }
        var places: [(typeID: Int64, row: Int64?)] = []
        for write in writes {
            switch try context.condition(of: write) {
            case .conflict(let text): return .conflict(text)
            case .holds(let typeID, let row): places.append((typeID, row))
            }
        }
        let end: EndEffects
        var asked = 0
        do {
            end = try context.inSavepoint {
                for (write, place) in zip(writes, places) {
                    try context.apply(write, typeID: place.typeID, row: place.row, at: committedAt)
                }
                try storeRecord(known?.sequence, in: context)
                if let renamedFrom { try BindingRow.remove(renamedFrom, in: context) }
                if let bindingRow, let store = standing?.store { try context.execute(store, bindingRow) }
                let end = try storeRest(orderKey: job.orderKey ?? known?.orderKey, in: context)
                asked = try context.ask(again: job, awaited: awaited, bound: binding, at: committedAt)
                return end
            }
        } catch let error as DatabaseError where !context.failsTransaction(error) {
            return .refused(Self.refusal(error))
        }
        return .committed(
            end.ownRelay ?? job, owed: try owed(isMore: known != nil || asked > 0, followedBy: end.owed, in: context),
            endedRelay: end.endedRelay ?? end.ownRelay)
    }

    /// The cancel that was asked before, for a job that would only wait now: what is held or blocked has no delivery that
    /// would bring it to light.
    private func canceledInstead(in context: WriteContext) throws -> ReadyCommit? {
        guard isUnrun, job.isOpen, let reason = try context.cancellation(of: job.id) else { return nil }
        let transition = JobTransition.cancel(job, turn: turn, reason: reason, now: committedAt)
        return try ReadyCommit(transition, maximumDocumentBytes: 0)
    }

    private func storeRecord(_ known: Int64?, in context: WriteContext) throws {
        if let known {
            try context.execute(jobRow.update, jobRow.arguments + [known.databaseValue])
            if let attemptRow { try context.execute(AttemptRow.insertForKnownJob, attemptRow + [job.id.nameValue]) }
        } else {
            try context.execute(jobRow.insert, jobRow.arguments)
            if let attemptRow { try context.execute(AttemptRow.insertForNewJob, attemptRow) }
        }
    }

    /// What stands beside the record: messages, children, and what the end of the run or of the job changes.
    private func storeRest(orderKey: String?, in context: WriteContext) throws -> EndEffects {
        if settlesWrites { try WriteIntentRow.removeAll(ofJob: job.id, in: context) }
        for row in outboxRows { try context.execute(OutboxRow.insert, row) }
        var born = 0
        for child in children {
            try context.execute(child.row.insertNew, child.row.arguments)
            guard context.db.changesCount > 0 else { continue }
            born += 1
            if let message = child.message { try context.execute(OutboxRow.insert, message) }
        }
        try context.freeLeases(ofJob: job.id)
        if let parking { try context.park(job.id, parking) }
        guard !job.isOpen else {
            return EndEffects(owed: parking == nil ? try context.unpark(job.id).map { [$0] } ?? [] : [])
        }
        return try context.end(job, orderKey: orderKey, relays: children.isEmpty ? nil : born)
    }

    /// Whether no later run of the job will want to know what this one meant to write elsewhere.
    ///
    /// After a failure one will, by itself or by hand: the write may have been made although its answer was lost. A
    /// write that was refused as a conflict was not.
    private var settlesWrites: Bool {
        job.status == .failed ? job.error?.code == .writeConflict : !job.isOpen
    }

    /// A job that was known may still owe what an earlier turn has left, and one that binds what others wait for owes their
    /// requests.
    private func owed(
        isMore: Bool, followedBy others: [OutboxMessage], in context: WriteContext
    ) throws -> [OutboxMessage] {
        var owed: [OutboxMessage]
        if isMore || !children.isEmpty {
            owed = try OutboxRow.messages("job_id = ?", [job.id.nameValue], limit: JobStore.owedPage, in: context.db)
        } else {
            owed = outbox.prefix(JobStore.owedPage).map { $0.filled(from: job) }
        }
        if owed.count + others.count < JobStore.owedPage { owed += others }
        return owed
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
