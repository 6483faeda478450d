// A job's row: which columns it has, and how a record becomes one and comes back. Encoding and decoding follow one
// list.
internal import GRDB
internal import SyncJobs

enum JobRow {
    /// The columns in the order in which they are encoded.
    private static let names = [
        "id", "request_hash", "request", "type_name", "type_slug", "source_system", "source_type", "source_name",
        "queue", "status", "skip_reason", "no_target_reason", "operation", "target_system", "target_type",
        "target_name", "diff", "current_data", "updated_data", "error_code", "error", "notes", "retry_count",
        "next_turn", "created_at", "started_at", "ended_at", "dead_lettered_at",
    ]
    /// Those that follow, with the values that they have where a job is plain: it ended in its first run, and had nothing
    /// to do with others.
    ///
    /// These are the columns' defaults too.
    private static let laterNames = [
        ("parent", "NULL"), ("cancel_reason", "NULL"), ("related_job", "NULL"), ("superseded", "NULL"),
        ("attempt_count", "1"), ("retry_after", "NULL"), ("wait_reason", "NULL"), ("order_key", "NULL"),
        ("progress", "NULL"), ("run_id", "NULL"), ("run_node", "NULL"), ("heartbeat_at", "NULL"),
        ("cancel_asked", "NULL"), ("relay_revision", "0"), ("runs_relay_finished", "0"), ("dedup_key", "NULL"),
    ]

    /// What is selected for `job(from:)`.
    static let columns = (names + laterNames.map(\.0)).joined(separator: ", ")
    private static let select = JobStatement("SELECT \(columns) FROM jobs WHERE id = ?")

    /// A record as column values, with the statements that store it: a plain one names and binds no later column.
    struct Values: Sendable {
        let row: RowValues
        private let isPlain: Bool
        /// About how much is stored.
        var bytes: Int { row.size }

        init(_ job: SyncJob) {
            isPlain = JobRow.isPlain(job)
            var row = RowValues(columns: names.count + (isPlain ? 0 : laterNames.count), bytes: 1_000)
            JobRow.add(job, to: &row)
            if !isPlain { JobRow.addLater(job, to: &row) }
            self.row = row
        }

        var insert: JobStatement { isPlain ? JobRow.insertPlain : JobRow.insert }
        /// As `insert`, but a record that exists stays as it is.
        var insertNew: JobStatement { isPlain ? JobRow.insertNewPlain : JobRow.insertNew }
        /// The same values, then the sequence.
        ///
        /// The time of the first receipt stays.
        var update: JobStatement { isPlain ? JobRow.updatePlain : JobRow.update }
        /// The same for a record of the same request that was received no later.
        var updateOfSameRequest: JobStatement {
            isPlain ? JobRow.updatePlainOfSameRequest : JobRow.updateOfSameRequest
        }
    }

    /// What follows from the request and never changes: named in an update, SQLite would write each of its indexes anew.
    private static let ofRequest: Set = [
        "id", "request_hash", "request", "source_system", "source_type", "source_name", "created_at", "parent",
        "dedup_key",
    ]

    private static let allNames = names + laterNames.map(\.0)
    private static let insertPlain = JobStatement(insert(names))
    private static let insert = JobStatement(insert(allNames))
    private static let insertNewPlain = JobStatement(insert(names) + unlessKnown)
    private static let insertNew = JobStatement(insert(allNames) + unlessKnown)
    private static let updatePlain = JobStatement(updatePlain(leaving: []))
    private static let updatePlainOfSameRequest = JobStatement(updatePlain(leaving: ofRequest))
    private static let update = JobStatement(update(leaving: []))
    private static let updateOfSameRequest = JobStatement(update(leaving: ofRequest))
    private static let unlessKnown = " ON CONFLICT (id) DO NOTHING"

    private static func insert(_ names: [String]) -> String {
        "INSERT INTO jobs (\(names.joined(separator: ", "))) VALUES (\(names.map { _ in "?" }.joined(separator: ", ")))"
    }

    private static func updatePlain(leaving left: Set<String>) -> String {
        update(names, leaving: left, and: laterNames.filter { !left.contains($0.0) }.map { "\($0.0) = \($0.1)" })
    }

    private static func update(leaving left: Set<String>) -> String { update(allNames, leaving: left) }

    private static func update(
        _ names: [String], leaving left: Set<String>, and constants: [String] = []
    ) -> String {
        let assignments = names.enumerated().filter { !left.contains($0.element) }.map { position, name in
            name == "created_at" ? "created_at = min(created_at, ?\(position + 1))" : "\(name) = ?\(position + 1)"
        }
        return """
            UPDATE jobs SET \((assignments + constants).joined(separator: ", ")) WHERE sequence = ?\(names.count + 1)
            """
    }

    private static func add(_ job: SyncJob, to row: inout RowValues) {
        row.add(name: job.id)
        row.add(job.requestHash)
        row.add(json: .object(job.request.json))
        row.add(name: job.typeName)
        row.add(text: job.typeSlug)
        row.add(name: job.sourceType.system)
        row.add(name: job.sourceType.name)
        row.add(name: job.request.sourceDocumentName)
        row.add(name: job.queue)
        row.add(text: job.status.rawValue)
        row.add(text: job.skipReason?.rawValue)
        row.add(text: job.noTargetReason?.rawValue)
        row.add(text: job.operation?.rawValue)
        row.add(name: job.targetType?.system)
        row.add(name: job.targetType?.name)
        row.add(name: job.targetName)
        row.add(json: job.diff?.json)
        row.add(json: job.currentData.map { .object($0) })
        row.add(json: job.updatedData.map { .object($0) })
        row.add(text: job.error?.code.rawValue)
        row.add(json: job.error?.storedJSON)
        row.add(json: list(job.notes))
        row.add(job.retryCount)
        row.add(job.nextTurn)
        row.add(job.createdAt)
        row.add(job.startedAt)
        row.add(job.endedAt)
        row.add(job.deadLetteredAt)
    }

    private static func addLater(_ job: SyncJob, to row: inout RowValues) {
        row.add(name: job.request.parentSyncJob)
        row.add(name: job.cancelReason)
        row.add(name: job.relatedJob)
        row.add(json: list(job.superseded))
        row.add(job.attemptCount)
        row.add(job.retryAfter)
        row.add(text: job.waitReason?.rawValue)
        row.add(name: job.orderKey)
        row.add(json: job.progress?.json)
        row.add(name: job.running?.runID)
        row.add(name: job.running?.node)
        row.add(job.running?.heartbeat)
        row.add(job.running?.isCancelAsked)
        row.add(job.relayRevision)
        row.add(job.runsRelayFinished)
        row.add(name: job.request.dedupKey)
    }

    /// Whether every later column has the value that `laterNames` gives it.
    private static func isPlain(_ job: SyncJob) -> Bool {
        job.attemptCount == 1 && job.retryAfter == nil && job.waitReason == nil && job.orderKey == nil
            && job.running == nil && job.progress == nil && job.request.parentSyncJob == nil
            && job.request.dedupKey == nil && job.cancelReason == nil && job.relatedJob == nil
            && job.superseded.isEmpty && job.relayRevision == 0 && !job.runsRelayFinished
    }

    /// About how many bytes the values of a row take.
    static func size(_ values: [DatabaseValue]) -> Int {
        values.reduce(0) { total, value in
            switch value.storage {
            case .string(let text): total + text.utf8.count
            case .blob(let data): total + data.count
            default: total + 4
            }
        }
    }

    /// The list of notes; NULL for none.
    static func notes(_ notes: [String]) -> DatabaseValue { list(notes)?.columnValue ?? .null }

    private static func list(_ texts: [String]) -> JSONValue? {
        texts.isEmpty ? nil : .array(texts.map { .string($0) })
    }

    /// The record in a row that was selected with `columns`.
    static func job(from row: StoredRow, at position: Int = 0) throws -> SyncJob {
        var columns = ColumnReader(row, from: position)
        let id = try columns.text()
        let requestHash = try columns.digest()
        let request = try columns.request(id: id)
        let typeName = try columns.text()
        let typeSlug = try columns.text()
        let sourceType = DocumentType(system: try columns.text(), name: try columns.text())
        _ = try columns.optionalText()
        let queue = try columns.text()
        let status = try columns.word(JobStatus.self)
        let skipReason = try columns.optionalWord(SkipReason.self)
        let noTargetReason = try columns.optionalWord(NoTargetReason.self)
        let operation = try columns.optionalWord(SyncJobs.Operation.self)
        let targetSystem = try columns.optionalText()
        let targetTypeName = try columns.optionalText()
        let targetName = try columns.optionalText()
        let diff = try columns.optionalJSON()
        let currentData = try columns.optionalObject()
        let updatedData = try columns.optionalObject()
        _ = try columns.optionalText()
        let error = try columns.optionalJSON()
        let notes = try columns.optionalJSON()
        let retryCount = try columns.int()
        let nextTurn = try columns.int()
        var job = SyncJob(
            stored: request, requestHash: requestHash, typeName: typeName, typeSlug: typeSlug, sourceType: sourceType,
            queue: queue, status: status, createdAt: try columns.timestamp())
        job.startedAt = columns.optionalTimestamp()
        job.endedAt = columns.optionalTimestamp()
        job.deadLetteredAt = columns.optionalTimestamp()
        job.skipReason = skipReason
        job.noTargetReason = noTargetReason
        job.operation = operation
        if let targetSystem, let targetTypeName {
            job.targetType = DocumentType(system: targetSystem, name: targetTypeName)
        }
        job.targetName = targetName
        job.diff = try diff.map { json in
            guard let diff = Diff(json: json) else { throw JobStoreError.unreadable("diff") }
            return diff
        }
        job.currentData = currentData
        job.updatedData = updatedData
        job.error = try error.map { try JobFailure(storedJSON: $0) }
        job.notes = notes?.arrayValue?.compactMap(\.stringValue) ?? []
        job.retryCount = retryCount
        job.nextTurn = nextTurn
        try readLater(&columns, into: &job)
        return job
    }

    /// Reads the later columns.
    private static func readLater(_ columns: inout ColumnReader, into job: inout SyncJob) throws {
        _ = try columns.optionalText()
        job.cancelReason = try columns.optionalText()
        job.relatedJob = try columns.optionalText()
        job.superseded = try columns.optionalJSON()?.arrayValue?.compactMap(\.stringValue) ?? []
        job.attemptCount = try columns.int()
        job.retryAfter = columns.optionalTimestamp()
        job.waitReason = try columns.optionalWord(WaitReason.self)
        job.orderKey = try columns.optionalText()
        job.progress = try columns.optionalJSON().flatMap(JobProgress.init(json:))
        let runID = try columns.optionalText()
        let node = try columns.optionalText()
        let heartbeat = columns.optionalTimestamp()
        let isCancelAsked = try columns.optionalBool() ?? false
        if let runID, let node, let heartbeat {
            job.running = RunningRun(runID: runID, node: node, heartbeat: heartbeat, isCancelAsked: isCancelAsked)
        }
        job.relayRevision = try columns.int()
        job.runsRelayFinished = try columns.bool()
        _ = try columns.optionalText()
    }

    /// The record of a job with its attempts and, when it relayed, the counts of its children; nil when there is none.
    static func wholeJob(id: String, in db: Database) throws -> (sequence: Int64, job: SyncJob)? {
        let sql = "SELECT sequence, \(columns) FROM jobs WHERE id = ?"
        let found = try db.firstRow(sql, [id.nameValue]) { row -> (Int64, SyncJob) in
            (row[0], try job(from: row, at: 1))
        }
        guard case (let sequence, var job)? = found else { return nil }
        job.attempts = try AttemptRow.attempts(ofJob: sequence, in: db)
        if job.status == .relayed { job.childCounts = try RelayRows.counts(of: id, in: db) }
        return (sequence, job)
    }

    /// The record of this sequence without attempts; nil when there is none.
    static func job(sequence: Int64, in db: Database) throws -> SyncJob? {
        try db.firstRow("SELECT \(columns) FROM jobs WHERE sequence = ?", [sequence.databaseValue]) {
            try job(from: $0)
        }
    }

    /// The record of a job without attempts; nil when there is none.
    static func job(id: String, in db: Database) throws -> SyncJob? {
        try job(id: id, in: StatementShelf(db))
    }

    /// The same where many are looked up.
    static func job(id: String, in statements: StatementShelf) throws -> SyncJob? {
        try statements.firstRow(select, arguments: { $0.add(name: id) }, read: { try job(from: $0) })
    }
}

extension ColumnReader {
    /// A request, stored as its JSON.
    mutating func request(id: String) throws -> SyncRequest {
        do {
            // It was within the limits in force when it was taken, which may have been wider than the defaults.
            return try SyncRequest(decoding: bytes(), messageID: id, maximumDepth: 10_000)
        } catch let error as JobFailure {
            throw JobStoreError(
                .corrupt, operation: "read",
                message: "the request of a stored job can't be read: \(error.code.rawValue)",
                remedy: "something else has written to the file; restore a backup, or correct the row")
        }
    }
}
