// Reading dead letters: one by its id, lists by a filter, groups. Nothing here writes.
internal import GRDB
public import SyncJobs

extension JobStore {
    /// The letter whose id is `id`, or the only one whose id begins with it; nil when there is none, or several.
    ///
    /// - Throws: ``JobStoreError``.
    public func deadLetter(id: String) async throws(JobStoreError) -> DeadLetterRecord? {
        try await read("dead letter") { db in
            let sql = "SELECT \(DeadLetterRow.columns) FROM dead_letters WHERE id >= ? AND id < ? LIMIT 2"
            let found = try db.allRows(sql, [id.nameValue, (id + "~").nameValue]) {
                try DeadLetterRow.letter(from: $0)
            }
            return found.count == 1 && !id.isEmpty ? found[0] : nil
        }
    }

    /// All versions of a letter's body, the original first.
    ///
    /// - Throws: ``JobStoreError``.
    public func revisions(ofLetter letter: DeadLetterRecord) async throws(JobStoreError) -> [DeadLetterRevision] {
        try await read("revisions") { db in try DeadLetterRow.revisions(of: letter.sequence, in: db) }
    }

    /// The letters that `filter` means, oldest first unless told otherwise.
    ///
    /// - Throws: ``JobStoreError``; `invalid_argument` for a limit that is not 1…10,000.
    public func deadLetters(
        _ filter: DeadLetterFilter, newestFirst: Bool = false
    ) async throws(JobStoreError) -> [DeadLetterRecord] {
        guard (1...JobFilter.maximumLimit).contains(filter.limit) else {
            throw JobStoreError(
                .invalidArgument, operation: "dead letters",
                message: "the limit \(filter.limit) is not 1…\(JobFilter.maximumLimit)",
                remedy: "ask for fewer letters, and page through them")
        }
        return try await read("dead letters") { db in
            let (condition, arguments) = filter.conditions
            let sql = """
                SELECT \(DeadLetterRow.columns) FROM dead_letters AS letter WHERE \(condition)
                ORDER BY sequence \(newestFirst ? "DESC" : "ASC") LIMIT \(filter.limit)
                """
            return try Self.rows(sql, arguments, in: db) { try DeadLetterRow.letter(from: $0) }
        }
    }

    /// How many letters `filter` means, and the highest sequence among them (0 for none); the limit does not count.
    ///
    /// - Throws: ``JobStoreError``.
    public func countDeadLetters(
        _ filter: DeadLetterFilter
    ) async throws(JobStoreError) -> (count: Int, lastSequence: Int64) {
        try await read("count") { db in
            let (condition, arguments) = filter.conditions
            let sql = "SELECT count(*), coalesce(max(sequence), 0) FROM dead_letters AS letter WHERE \(condition)"
            return try Self.rows(sql, arguments, in: db) { (count: $0[0] as Int, lastSequence: $0[1] as Int64) }.first
                ?? (0, 0)
        }
    }

    /// The letters that `filter` means by their groups, the largest first.
    ///
    /// - Throws: ``JobStoreError``.
    public func deadLetterGroups(_ filter: DeadLetterFilter) async throws(JobStoreError) -> [DeadLetterGroup] {
        try await read("dead letter groups") { db in
            let (condition, arguments) = filter.conditions
            let sql = """
                SELECT letter.group_key, letter.type_slug, letter.reason, letter.shape, found.count, found.oldest,
                    found.newest, letter.id, letter.error
                FROM (
                    SELECT max(sequence) AS last, count(*) AS count, min(first_failed_at) AS oldest,
                        max(last_failed_at) AS newest
                    FROM dead_letters AS letter WHERE \(condition) GROUP BY group_key
                ) AS found JOIN dead_letters AS letter ON letter.sequence = found.last
                ORDER BY found.count DESC, found.last DESC LIMIT \(JobFilter.maximumLimit)
                """
            return try Self.rows(sql, arguments, in: db) { row in
                var columns = ColumnReader(row)
                return DeadLetterGroup(
                    key: try columns.text(), typeSlug: try columns.optionalText(), reason: try columns.text(),
                    shape: try columns.text(), count: try columns.int(), oldest: try columns.timestamp(),
                    newest: try columns.timestamp(), example: try columns.text(), exampleError: try columns.text())
            }
        }
    }

    /// The letters about a job, and the one it was replayed from, oldest first; at most 100.
    ///
    /// - Throws: ``JobStoreError``.
    public func deadLetters(ofJob jobID: String) async throws(JobStoreError) -> [DeadLetterRecord] {
        try await read("dead letters") { db in
            let sql = """
                SELECT \(DeadLetterRow.columns) FROM dead_letters
                WHERE job_id = ?1 OR replayed_as = ?1 ORDER BY sequence LIMIT 100
                """
            return try db.allRows(sql, [jobID.nameValue]) { try DeadLetterRow.letter(from: $0) }
        }
    }

    /// Rows of a statement that is made for one filter, and kept for no other.
    private static func rows<Value>(
        _ sql: String, _ arguments: [DatabaseValue], in db: Database, _ read: (StoredRow) throws -> Value
    ) throws -> [Value] {
        var values: [Value] = []
        try db.eachRow(sql, arguments, isKept: false) { row in
            values.append(try read(row))
            return true
        }
        return values
    }
}
