// One transition with all its rows, ready for the writer. Record, attempt, bindings, embedded writes, children and what is
// owed to the broker land together or not at all. Whether they may is asked inside the transaction: the turn, the lease,
// the source's version, the documents as they were read, that nobody else was bound to a target that was found.
internal import GRDB
internal import SyncJobs

/// A transition with all its rows: text, hashes and arguments are made on the caller's thread.
///
/// A class, because it is large and passed on in lists.
final class ReadyCommit: Sendable {
    private let job: SyncJob
    private let turn: Int
    private let isUnknown: Bool
    private let isTakenForNew: Bool
    private let runID: String?
    private let isUnrun: Bool
    private let binding: Binding?
    private let renamedFrom: BindingKey?
    /// Whether its target is found, and nothing is written to it but with this commit.
    private let isTargetFound: Bool
    private let writes: [ReadyWrite]
    private let committedAt: Timestamp
    private let jobRow: JobRow.Values
    private let attemptRow: RowValues?
    private let bindingRow: RowValues?
    /// How the binding stands to what the run has read; nil where that is not known, or does not decide.
    private let standingAsRead: BindingRow.Standing?
    private let outbox: [OutboxMessage]
    private let outboxRows: [RowValues]
    private let children: [ReadyChild]
    private let awaited: [BindingKey]?
    private let parking: Parking?
    /// About how much is written.
    let bytes: Int

    /// The rows of a child: its record and its first message.
    private struct ReadyChild: Sendable {
        let row: JobRow.Values
        let message: RowValues?
    }

    /// - Throws: ``JobFailure`` when an embedded write can never be made.
    init(
        _ transition: JobTransition, begunWith preparation: JobStore.Preparation = JobStore.Preparation(),
        maximumDocumentBytes: Int
    ) throws(JobFailure) {
        let read = preparation.binding
        var job = transition.job
        var binding = transition.binding
        var writes: [ReadyWrite] = []
        if let intended = transition.embeddedWrite {
            let ready = try ReadyWrite(intended, maximumBytes: maximumDocumentBytes, at: transition.at)
            let name = ready.receipt.name
            // Unless it changes, the record is shared with the transition's.
            if job.targetName?.hasSameBytes(as: name) != true { job.targetName = name }
            binding?.settle(
                DocumentKey(type: ready.type, name: ready.receipt.name), isDeleted: ready.operation == .delete)
            writes.append(ready)
        }
        if let intended = transition.sourceWrite {
            let ready = try ReadyWrite(intended, maximumBytes: maximumDocumentBytes, at: transition.at)
            try Self.refuseSameDocument(ready, as: writes.first)
            writes.append(ready)
        }
        self.job = job
        self.binding = binding
        self.writes = writes
        turn = transition.turn
        isUnknown = transition.isUnknown
        isTakenForNew = preparation.isTakenForNew
        parking = transition.parking
        runID = transition.attempt?.runID ?? transition.runID
        isUnrun = transition.attempt == nil
        renamedFrom = transition.renamedFrom
        isTargetFound = job.status == .skipped || transition.embeddedWrite.map { $0.operation != .insert } ?? false
        let endedAt = transition.at
        committedAt = endedAt
        jobRow = JobRow.Values(job)
        attemptRow = transition.attempt.map { AttemptRow.values(of: $0) }
        awaited = transition.awaited
        bindingRow = binding.map { BindingRow.values(of: $0, inPlaceOf: read, at: endedAt) }
        standingAsRead = binding.flatMap { binding in
            read.flatMap { BindingRow.standing(of: binding, asRead: $0) }
        }
        var size = jobRow.bytes + writes.reduce(0) { $0 + $1.bytes }
        (children, outbox) = Self.children(of: transition, size: &size)
        outboxRows = outbox.map { message in
            let values = OutboxRow.values(of: message)
            size += values.size
            return values
        }
        bytes = size
    }

    /// The children with their messages, and the messages that are no child's.
    private static func children(
        of transition: JobTransition, size: inout Int
    ) -> ([ReadyChild], [OutboxMessage]) {
        guard !transition.children.isEmpty else { return ([], transition.outbox) }
        var messages: [ExactString: RowValues] = [:]
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
            size += row.bytes + (message?.size ?? 0)
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

    /// Writes where all conditions hold, and says which does not where one doesn't.
    func perform(in context: WriteContext) throws -> JobStore.CommitResult {
        try performUnasked(in: context) ?? performAsking(in: context)
    }

    /// The way of most: a job that was not known when it was prepared, and whose target is as it was read.
    ///
    /// Its conditions stand in the statements that write, instead of being asked first.
    ///
    /// - Returns: nil where a condition does not hold, or there is more to ask; nothing is written then.
    private func performUnasked(in context: WriteContext) throws -> JobStore.CommitResult? {
        guard isUnknown, !isUnrun, !context.isGuarded, renamedFrom == nil, writes.count <= 1, children.isEmpty else {
            return nil
        }
        if let runID, try context.hasLostLease(runID: runID) { return nil }
        let standing = standingAsRead == nil ? try standing(in: context) : nil
        if try standing == .stale || isTargetTaken(standing, in: context) { return nil }
        return try context.inSavepoint {
            if let write = writes.first, try !context.update(write) { return nil }
            guard try context.statements.run(jobRow.insertNew, jobRow.row) > 0 else {
                // It became known meanwhile, and what was written has to be undone.
                if writes.isEmpty { return nil }
                throw WriteContext.NeedsGuard()
            }
            if let attemptRow { try context.statements.run(AttemptRow.insertForNewJob, attemptRow) }
            if let standingAsRead, let bindingRow,
                try !BindingRow.store(bindingRow, standingAsRead, asReadIn: context.statements)
            {
                // It is another meanwhile, and what was written has to be undone.
                throw WriteContext.NeedsGuard()
            }
            return try storeOthers(beside: standing, sequence: nil, orderKey: job.orderKey, in: context)
        }
    }

    private func standing(in context: WriteContext) throws -> BindingRow.Standing? {
        try binding.map {
            try BindingRow.standing(of: $0, renamedFrom: renamedFrom, in: context.statements)
        }
    }

    /// Whether a first contact has found a target that another source was bound to since it looked.
    ///
    /// Two sources that match one document would else both be bound to it where neither changes it.
    private func isTargetTaken(_ standing: BindingRow.Standing?, in context: WriteContext) throws -> Bool {
        guard standing == .new, isTargetFound, let binding, !binding.isDeleted else { return false }
        return try BindingRow.isTargetTaken(from: binding, renamedFrom: renamedFrom, in: context.statements)
    }

    /// Asks the conditions in their order, then writes in a savepoint.
    private func performAsking(in context: WriteContext) throws -> JobStore.CommitResult {
        let known = try KnownRecord.find(job.id, in: context.statements)
        if let known, isTakenForNew || known.nextTurn > turn { return .fenced }
        if let runID, try context.hasLostLease(runID: runID) { return .fenced }
        if let canceled = try canceledInstead(in: context) { return try canceled.perform(in: context) }
        let standing = try standing(in: context)
        if standing == .stale { return .stale }
        if try isTargetTaken(standing, in: context) { return .conflict("another source was bound to it meanwhile") }
        var places: [(typeID: Int64, row: Int64?)] = []
        for write in writes {
            switch try context.condition(of: write) {
            case .conflict(let text): return .conflict(text)
            case .holds(let typeID, let row): places.append((typeID, row))
            }
        }
        do {
            return try context.inSavepoint {
                for (write, place) in zip(writes, places) {
                    try context.apply(write, typeID: place.typeID, row: place.row)
                }
                try storeRecord(known, in: context)
                return try storeOthers(
                    beside: standing, sequence: known?.sequence, orderKey: job.orderKey ?? known?.orderKey, in: context)
            }
        } catch let error as DatabaseError where !context.failsTransaction(error) {
            return .refused(Self.refusal(error))
        }
    }

    /// Stores what there is beside the record and the documents.
    ///
    /// - Parameter sequence: the record's, where it was known before.
    private func storeOthers(
        beside standing: BindingRow.Standing?, sequence: Int64?, orderKey: String?, in context: WriteContext
    ) throws -> JobStore.CommitResult {
        if let renamedFrom { try BindingRow.remove(renamedFrom, in: context) }
        if let bindingRow, let standing { try BindingRow.store(bindingRow, standing, in: context.statements) }
        let end = try storeRest(orderKey: orderKey, in: context)
        let asked = try context.ask(again: job, awaited: awaited, bound: binding, at: committedAt)
        return .committed(
            end.ownRelay ?? job,
            owed: try owed(isMore: sequence != nil || asked > 0, followedBy: end.owed, in: context),
            endedRelay: end.endedRelay ?? end.ownRelay)
    }

    /// The cancel that was asked before, for a job that would only wait now: what is held or blocked has no delivery that
    /// would bring it to light.
    private func canceledInstead(in context: WriteContext) throws -> ReadyCommit? {
        guard isUnrun, job.isOpen, let reason = try context.cancellation(of: job.id) else { return nil }
        let transition = JobTransition.cancel(job, turn: turn, reason: reason, now: committedAt)
        return try ReadyCommit(transition, maximumDocumentBytes: 0)
    }

    private func storeRecord(_ known: KnownRecord?, in context: WriteContext) throws {
        if let known {
            let isSameRequest = known.requestHash == job.requestHash && known.createdAt <= job.createdAt
            try context.statements.run(
                isSameRequest ? jobRow.updateOfSameRequest : jobRow.update, jobRow.row, known.sequence)
            if let attemptRow {
                try context.statements.run(AttemptRow.insertForKnownJob, attemptRow, known.sequence)
            }
        } else {
            try context.statements.run(jobRow.insert, jobRow.row)
            if let attemptRow { try context.statements.run(AttemptRow.insertForNewJob, attemptRow) }
        }
    }

    /// What stands beside the record: messages, children, and what the end of the run or of the job changes.
    private func storeRest(orderKey: String?, in context: WriteContext) throws -> EndEffects {
        if settlesWrites { try WriteIntentRow.removeAll(ofJob: job.id, in: context) }
        for row in outboxRows { try context.statements.run(OutboxRow.insert, row) }
        var born = 0
        for child in children {
            guard try context.statements.run(child.row.insertNew, child.row.row) > 0 else { continue }
            born += 1
            if let message = child.message { try context.statements.run(OutboxRow.insert, message) }
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
