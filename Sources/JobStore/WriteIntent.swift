// What a run is about to write to a system outside the store, noted before it does: when the process dies in between,
// the next run of the job can tell whether the write landed. Append-only; they go when the
// job has ended well, was canceled, or is pruned: a failed job that is retried may have written.
internal import GRDB
public import SyncJobs

/// A write to an outside system that may or may not have happened.
public struct WriteIntent: Sendable, Hashable {
    /// The job.
    public var jobID: String
    /// The turn of the run.
    public var turn: Int
    /// The run.
    public var runID: String
    /// The write: images before and after, difference, idempotency key.
    public var write: DocumentWrite
    /// When it was noted.
    public var recordedAt: Timestamp

    /// Makes an intent.
    public init(jobID: String, turn: Int, runID: String, write: DocumentWrite, recordedAt: Timestamp) {
        self.jobID = jobID
        self.turn = turn
        self.runID = runID
        self.write = write
        self.recordedAt = recordedAt
    }
}

extension JobStore {
    /// Notes an intent; once this has answered, the write may be made.
    ///
    /// - Throws: ``JobStoreError``; then the write must not be made.
    public func recordIntent(_ intent: WriteIntent) async throws(JobStoreError) {
        try await recordIntents([intent])
    }

    /// Notes several intents, all or none.
    ///
    /// - Throws: ``JobStoreError``; then none of the writes may be made.
    public func recordIntents(_ intents: [WriteIntent]) async throws(JobStoreError) {
        let rows = intents.map { intent in
            [
                intent.jobID.nameValue, intent.turn.databaseValue, intent.runID.nameValue,
                intent.write.storedJSON.columnValue, intent.recordedAt.columnValue,
            ]
        }
        try await writer.write("intent", count: rows.count, bytes: rows.reduce(0) { $0 + JobRow.size($1) }) { context in
            let sql = "INSERT INTO write_intents (job_id, turn, run_id, write, recorded_at) VALUES (?, ?, ?, ?, ?)"
            for row in rows { try context.execute(sql, row) }
            context.note(.intents)
        }
    }
}

enum WriteIntentRow {
    /// The newest unfinished intent of a job; nil when there is none.
    static func newest(ofJob jobID: String, in db: Database) throws -> WriteIntent? {
        let sql = """
            SELECT turn, run_id, write, recorded_at FROM write_intents WHERE job_id = ? ORDER BY sequence DESC LIMIT 1
            """
        return try db.firstRow(sql, [jobID.nameValue]) { row in
            var columns = ColumnReader(row)
            let turn = try columns.int()
            let runID = try columns.text()
            let write = try DocumentWrite(storedJSON: columns.object())
            return WriteIntent(
                jobID: jobID, turn: turn, runID: runID, write: write, recordedAt: try columns.timestamp())
        }
    }

    /// Removes what a job noted, now that it commits.
    static func removeAll(ofJob jobID: String, in context: WriteContext) throws {
        guard try context.mayHave(.intents) else { return }
        try context.execute("DELETE FROM write_intents WHERE job_id = ?", [jobID.nameValue])
    }
}

extension DocumentWrite {
    /// The whole write as JSON.
    var storedJSON: JSONValue {
        var object: JSONObject = [
            "system": .string(type.system), "type": .string(type.name), "fallback_name": .string(fallbackName),
            "diff": diff.json, "idempotency_key": .string(idempotencyKey.hex),
        ]
        object["before"] = before?.storedJSON
        object["after"] = after?.storedJSON
        return .object(object)
    }

    /// Reads `storedJSON`.
    init(storedJSON object: JSONObject) throws {
        guard let system = object["system"]?.stringValue, let name = object["type"]?.stringValue,
            let fallbackName = object["fallback_name"]?.stringValue,
            let diff = object["diff"].flatMap(Diff.init(json:)),
            let key = object["idempotency_key"]?.stringValue.flatMap(Digest.init(hex:))
        else { throw JobStoreError.unreadable("write") }
        self.init(
            type: DocumentType(system: system, name: name),
            before: try object["before"].map { try Document(storedJSON: $0) },
            after: try object["after"].map { try Document(storedJSON: $0) }, fallbackName: fallbackName, diff: diff,
            idempotencyKey: key)
    }
}

extension Document {
    fileprivate var storedJSON: JSONValue {
        var object: JSONObject = ["fields": .object(fields)]
        if let key {
            object["system"] = .string(key.type.system)
            object["type"] = .string(key.type.name)
            object["name"] = .string(key.name)
        }
        if let version {
            object["version"] = .string(version.text)
            object["version_order"] = .string(version.order.rawValue)
        }
        return .object(object)
    }

    fileprivate init(storedJSON: JSONValue) throws {
        guard let object = storedJSON.objectValue, let fields = object["fields"]?.objectValue else {
            throw JobStoreError.unreadable("document")
        }
        var key: DocumentKey?
        if let system = object["system"]?.stringValue, let type = object["type"]?.stringValue,
            let name = object["name"]?.stringValue
        {
            key = DocumentKey(type: DocumentType(system: system, name: type), name: name)
        }
        var version: DocumentVersion?
        if let text = object["version"]?.stringValue,
            let order = object["version_order"]?.stringValue.flatMap(VersionOrder.init(rawValue:))
        {
            version = DocumentVersion(order: order, text: text)
        }
        self.init(key: key, fields: fields, version: version)
    }
}

extension Digest {
    /// Reads 32 hexadecimal digits.
    fileprivate init?(hex: String) {
        let digits = hex.utf8.compactMap { Character(UnicodeScalar($0)).hexDigitValue.map { UInt8($0) } }
        guard digits.count == 32, hex.utf8.count == 32 else { return nil }
        self.init(bytes: stride(from: 0, to: 32, by: 2).map { digits[$0] << 4 | digits[$0 + 1] })
    }
}
