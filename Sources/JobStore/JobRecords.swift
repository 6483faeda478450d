// Reading records: one by its id, lists by a filter, counts. Nothing here writes but the notes.
internal import GRDB
public import SyncJobs

extension JobStore {
    /// The most notes a record keeps.
    public static let maximumNotes = 100

    /// The record of a job with its attempts and, when it relayed, the counts of its children; nil when there is none.
    ///
    /// - Throws: ``JobStoreError``.
    public func job(id: String) async throws(JobStoreError) -> SyncJob? {
        try await read("job") { db in try JobRow.wholeJob(id: id, in: db)?.job }
    }

    /// The jobs that `filter` means, newest first, without attempts.
    ///
    /// - Throws: ``JobStoreError``; `invalid_argument` for a limit that is not 1…10,000.
    public func jobs(_ filter: JobFilter) async throws(JobStoreError) -> [SyncJob] { try await jobPage(filter).jobs }

    /// The jobs that `filter` means, newest first, without attempts, and where the next part begins.
    ///
    /// - Throws: ``JobStoreError``; `invalid_argument` for a limit that is not 1…10,000.
    public func jobPage(_ filter: JobFilter) async throws(JobStoreError) -> JobPage {
        guard (1...JobFilter.maximumLimit).contains(filter.limit) else {
            throw JobStoreError(
                .invalidArgument, operation: "jobs",
                message: "the limit \(filter.limit) is not 1…\(JobFilter.maximumLimit)",
                remedy: "ask for fewer records, and page through them")
        }
        return try await longRead("jobs") { db in
            var page = JobPage(jobs: [], nextSequence: nil)
            for sequence in try JobSearch(filter).sequences(in: db) {
                guard let job = try JobRow.job(sequence: sequence, in: db) else { continue }
                page.jobs.append(job)
                page.nextSequence = sequence
            }
            if page.jobs.count < filter.limit { page.nextSequence = nil }
            return page
        }
    }

    /// How many jobs `filter` means, by status; statuses without jobs are left out.
    ///
    /// Paging and limit do not count.
    ///
    /// - Throws: ``JobStoreError``.
    public func countJobs(_ filter: JobFilter = JobFilter()) async throws(JobStoreError) -> [JobStatus: Int] {
        try await longRead("count") { db in try JobSearch(filter).counts(in: db) }
    }

    /// Appends a note of at most 500 characters to a job's record: what a `finished` hook threw.
    ///
    /// A record keeps the first 100 notes.
    ///
    /// - Throws: ``JobStoreError``; `unknown_job` when there is none.
    public func note(jobID: String, _ text: String) async throws(JobStoreError) {
        let note = String(text.prefix(500))
        try await writer.write("note", bytes: note.utf8.count) { context in
            let found = try context.db.firstRow("SELECT notes FROM jobs WHERE id = ?", [jobID.nameValue]) { row in
                var columns = ColumnReader(row)
                return try columns.optionalJSON()?.arrayValue?.compactMap(\.stringValue) ?? []
            }
            guard let notes = found else {
                throw JobStoreError(
                    .unknownJob, operation: "note", message: "there is no job of this id",
                    remedy: "it may have been pruned; nothing is lost but the note")
            }
            guard notes.count < Self.maximumNotes else { return }
            try context.execute(
                "UPDATE jobs SET notes = ? WHERE id = ?", [JobRow.notes(notes + [note]), jobID.nameValue])
        }
    }
}

/// A run's row.
enum AttemptRow {
    /// Adds the run of the job whose row was inserted just before.
    static let insertForNewJob = insert(job: "last_insert_rowid()")
    /// Adds a run; the job's sequence stands behind the values.
    static let insertForKnownJob = insert(job: "?9")

    private static func insert(job: String) -> JobStatement {
        JobStatement(
            """
            INSERT INTO attempts (job, turn, number, run_id, node, started_at, ended_at, outcome, error)
            VALUES (\(job), ?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)
            """)
    }

    /// The columns' values but the job's sequence.
    static func values(of attempt: Attempt) -> RowValues {
        var row = RowValues(columns: 8, bytes: 100)
        row.add(attempt.turn)
        row.add(attempt.number)
        row.add(name: attempt.runID)
        row.add(name: attempt.node)
        row.add(attempt.startedAt)
        row.add(attempt.endedAt)
        row.add(text: attempt.outcome.rawValue)
        row.add(json: attempt.error?.storedJSON)
        return row
    }

    /// A job's runs, oldest first.
    static func attempts(ofJob sequence: Int64, in db: Database) throws -> [Attempt] {
        let sql = """
            SELECT turn, number, run_id, node, started_at, ended_at, outcome, error FROM attempts
            WHERE job = ? ORDER BY turn
            """
        return try db.allRows(sql, [sequence.databaseValue]) { row in
            var columns = ColumnReader(row)
            let turn = try columns.int()
            let number = try columns.int()
            let runID = try columns.text()
            let node = try columns.text()
            let startedAt = try columns.timestamp()
            let endedAt = try columns.timestamp()
            let outcome = try columns.word(JobStatus.self)
            let error = try columns.optionalJSON().map { try JobFailure(storedJSON: $0) }
            return Attempt(
                number: number, runID: runID, turn: turn, node: node, startedAt: startedAt, endedAt: endedAt,
                outcome: outcome, error: error)
        }
    }
}
