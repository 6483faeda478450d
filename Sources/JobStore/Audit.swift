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
        let values = [
            Timestamp.now.columnValue, action.nameValue, actor.nameValue, subject.nameValue, reason.nameValue,
        ]
        try await writer.write("audit") { context in
            try context.execute(
                "INSERT INTO audit (at, action, actor, subject, reason) VALUES (?, ?, ?, ?, ?)", values)
        }
    }

    /// The newest actions, newest first.
    ///
    /// - Parameter limit: the most to answer; at most 10,000 are.
    /// - Throws: ``JobStoreError``.
    public func auditEntries(limit: Int = 100) async throws(JobStoreError) -> [AuditEntry] {
        let count = min(max(limit, 0), 10_000)
        return try await read("audit") { db in
            let sql = "SELECT at, action, actor, subject, reason FROM audit ORDER BY sequence DESC LIMIT ?"
            return try db.allRows(sql, [count.databaseValue]) { row in
                var columns = ColumnReader(row)
                return AuditEntry(
                    at: try columns.timestamp(), action: try columns.text(), actor: try columns.text(),
                    subject: try columns.text(), reason: try columns.optionalText())
            }
        }
    }
}
