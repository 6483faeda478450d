// What operators did: who, when, what, why. Rows are only ever added.
internal import GRDB
public import SyncJobs

/// One action of an operator.
public struct AuditEntry: Sendable, Hashable {
    /// When, by the clock of the machine on which it was done.
    public var at: Timestamp
    /// What: "retry", "cancel" and so on.
    public var action: String
    /// Who.
    public var actor: String
    /// To what: a job's id, a type's slug.
    public var subject: String
    /// Why, as the operator wrote it.
    public var reason: String?
}

extension JobStore {
    /// Records an action of an operator.
    ///
    /// - Throws: ``JobStoreError``.
    public func audit(action: String, actor: String, subject: String, reason: String?) async throws(JobStoreError) {
        let now = Timestamp.now
        try await writer.write("audit") { context in
            try context.audit(action: action, actor: actor, subject: subject, reason: reason, at: now)
        }
    }

    /// The newest actions, newest first.
    ///
    /// - Parameters:
    ///   - limit: the most to answer; at most 10,000 are.
    ///   - subject: only actions on this one, by bytes; nil for all.
    /// - Throws: ``JobStoreError``.
    public func auditEntries(limit: Int = 100, subject: String? = nil) async throws(JobStoreError) -> [AuditEntry] {
        let count = min(max(limit, 0), 10_000)
        return try await read("audit") { db in
            let condition = subject == nil ? "" : "WHERE subject = ?"
            let sql = "SELECT at, action, actor, subject, reason FROM audit \(condition) ORDER BY sequence DESC LIMIT ?"
            let arguments = (subject.map { [$0.nameValue] } ?? []) + [count.databaseValue]
            return try db.allRows(sql, arguments) { row in
                var columns = ColumnReader(row)
                return AuditEntry(
                    at: try columns.timestamp(), action: try columns.text(), actor: try columns.text(),
                    subject: try columns.text(), reason: try columns.optionalText())
            }
        }
    }
}

extension WriteContext {
    /// Records an action of an operator.
    func audit(action: String, actor: String, subject: String, reason: String?, at time: Timestamp) throws {
        try execute(
            "INSERT INTO audit (at, action, actor, subject, reason) VALUES (?, ?, ?, ?, ?)",
            [time.columnValue, action.nameValue, actor.nameValue, subject.nameValue, reason.nameValue])
    }
}
