// Relays as their children's rows tell: counts by status, and which of them failed. Nothing is kept in counters.
internal import GRDB
public import SyncJobs

extension JobStore {
    /// How many children a job has, by status; statuses without children are left out.
    ///
    /// - Throws: ``JobStoreError``.
    public func children(counts parent: String) async throws(JobStoreError) -> [JobStatus: Int] {
        try await read("children") { db in try RelayRows.counts(of: parent, in: db) }
    }

    /// How the children of a relay have ended so far; nil when there is no such record.
    ///
    /// Its `failedChildren` are those that are over, in the order of their birth.
    ///
    /// - Throws: ``JobStoreError``.
    public func relaySummary(of parent: String) async throws(JobStoreError) -> RelaySummary? {
        try await read("relay") { db in
            let sql = "SELECT relay_revision FROM jobs WHERE id = ?"
            guard let revision = try db.firstRow(sql, [parent.nameValue], { $0[0] as Int }) else { return nil }
            return RelaySummary(
                parentID: parent, revision: revision, counts: try RelayRows.counts(of: parent, in: db),
                failedChildren: try RelayRows.failedChildren(of: parent, in: db))
        }
    }
}

enum RelayRows {
    static func counts(of parent: String, in db: Database) throws -> [JobStatus: Int] {
        let sql = "SELECT status, count(*) FROM jobs WHERE parent = ? GROUP BY status"
        let counts = try db.allRows(sql, [parent.nameValue]) { row in
            var columns = ColumnReader(row)
            return (try columns.word(JobStatus.self), try columns.int())
        }
        return Dictionary(uniqueKeysWithValues: counts)
    }

    fileprivate static func failedChildren(of parent: String, in db: Database) throws -> [RelaySummary.FailedChild] {
        let sql = """
            SELECT id, status, error FROM jobs
            WHERE parent = ? AND status IN ('Failed', 'Canceled') AND is_open = 0
            ORDER BY sequence LIMIT \(RelaySummary.maximumFailedChildren)
            """
        return try db.allRows(sql, [parent.nameValue]) { row in
            var columns = ColumnReader(row)
            let id = try columns.text()
            let status = try columns.word(JobStatus.self)
            let error = try columns.optionalJSON().map { try JobFailure(storedJSON: $0) }
            return RelaySummary.FailedChild(id: id, status: status, error: status == .failed ? error : nil)
        }
    }
}
