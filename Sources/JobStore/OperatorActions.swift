// What operators do to jobs: start, cancel, retry. What a job becomes is decided in SyncJobs; here it lands with all that
// follows from it (messages, keys, relay, the next job of its key) and with its audit entry, in one transaction.
internal import GRDB
public import SyncJobs

extension JobStore {
    /// What an operator does to jobs; the raw value stands in the audit.
    public enum OperatorAction: String, Sendable, CaseIterable {
        /// A held job is queued.
        case start
        /// A job is stopped for good.
        case cancel
        /// A failed job is queued again, with all its retries.
        case retry
    }

    /// What became of an operator's action on one job.
    public enum ActionResult: Sendable, Hashable {
        /// It is done; the record as stored.
        ///
        /// What follows from it is in the outbox.
        case done(SyncJob)
        /// The cancel waits for the job: for its run to see it, or, without a record, for its first delivery.
        case asked(SyncJob?)
        /// Nothing was changed; one sentence without a full stop says why.
        case refused(String)
    }

    /// The most ids of one ``perform(_:ids:actor:reason:at:)``.
    public static let maximumActionCount = 500

    /// Does the same to several jobs, in one transaction; answers in the order of `ids`.
    ///
    /// Each job for which something was done or asked gets an audit entry.
    ///
    /// - Throws: ``JobStoreError``; then nothing is done. `invalid_argument` for more than 500 ids.
    public func perform(
        _ action: OperatorAction, ids: [String], actor: String, reason: String?, at time: Timestamp
    ) async throws(JobStoreError) -> [ActionResult] {
        guard ids.count <= Self.maximumActionCount else {
            throw JobStoreError(
                .invalidArgument, operation: action.rawValue,
                message: "\(ids.count) ids are more than \(Self.maximumActionCount)", remedy: "give them in parts")
        }
        let deed = OperatorDeed(action: action, actor: actor, reason: reason, at: time)
        return try await writer.write(action.rawValue, count: ids.count, bytes: 1_000 * ids.count) { context in
            try ids.map { id in
                do {
                    let result = try deed.perform(on: id, in: context)
                    try context.audit(action: action.rawValue, actor: actor, subject: id, reason: reason, at: time)
                    return result
                } catch let refusal as OperatorRefusal { return .refused(refusal.sentence) }
            }
        }
    }
}

/// One action of one operator, for any number of jobs.
private struct OperatorDeed: Sendable {
    let action: JobStore.OperatorAction
    let actor: String
    let reason: String?
    let at: Timestamp

    /// - Throws: ``OperatorRefusal`` before anything is written.
    func perform(on id: String, in context: WriteContext) throws -> JobStore.ActionResult {
        guard let job = try JobRow.job(id: id, in: context.db) else { return try ask(of: id, in: context) }
        switch action {
        case .start:
            let started = try job.started()
            try context.claimKeys(of: job, at: at)
            try context.queue(started)
            return .done(started)
        case .retry:
            let retried = try job.retried()
            try context.claimKeys(of: job, at: at)
            try context.queue(retried)
            try context.resolveLetters(of: retried, as: .replayed, actor: actor, reason: reason, at: at)
            return .done(retried)
        case .cancel where job.status == .started:
            return .asked(try ask(toStop: job, in: context))
        case .cancel:
            let canceled = try job.canceled(reason: cancelReason, at: at)
            try context.storeRecord(canceled)
            try context.resolveLetters(of: canceled, as: .discarded, actor: actor, reason: cancelReason, at: at)
            if job.isOpen { _ = try context.end(canceled, orderKey: canceled.orderKey) }
            return .done(canceled)
        }
    }

    private var cancelReason: String { reason ?? "canceled by \(actor)" }

    /// A job without a record can only be canceled, and only before its first delivery.
    private func ask(of id: String, in context: WriteContext) throws -> JobStore.ActionResult {
        if try SeenRow.requestHash(of: id, in: context.db) != nil {
            throw OperatorRefusal("it ended long ago, and its record was pruned")
        }
        guard action == .cancel else { throw OperatorRefusal("there is no record of it") }
        guard !id.isEmpty, id.utf8.count <= SyncRequest.maximumIDBytes else {
            throw OperatorRefusal("no job can have this id")
        }
        try context.askCancel(of: id, reason: cancelReason, at: at)
        return .asked(nil)
    }

    private func ask(toStop job: SyncJob, in context: WriteContext) throws -> SyncJob {
        try context.askCancel(of: job.id, reason: cancelReason, at: at)
        var asked = job
        asked.running?.isCancelAsked = true
        try context.execute("UPDATE jobs SET cancel_asked = 1 WHERE id = ?", [job.id.nameValue])
        return asked
    }
}
