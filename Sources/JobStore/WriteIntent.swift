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
    /// The binding that the commit will store, by which older sources are fenced; nil where there is none to fence by.
    ///
    /// Not read back.
    public var binding: Binding?
    /// Whether its source can be asked for again, which tells more than a comparison with the intents of others.
    ///
    /// Not read back.
    public var isSourceLoaded = false

    /// Makes an intent.
    public init(
        jobID: String, turn: Int, runID: String, write: DocumentWrite, recordedAt: Timestamp, binding: Binding? = nil
    ) {
        self.binding = binding
        self.jobID = jobID
        self.turn = turn
        self.runID = runID
        self.write = write
        self.recordedAt = recordedAt
    }
}

extension JobStore {
    /// Whether a write may be made.
    public enum IntentResult: Sendable, Hashable {
        /// The intent is on the disk: the write may be made.
        case noted
        /// Another run of the job has ended, or a newer source was applied, since the job was prepared: nothing is noted, and
        /// it is to be prepared anew.
        case outdated
        /// Another job is about to write a newer version of the same source: nothing is noted, and the write is not to be made.
        case stale
    }

    /// Notes an intent; once this has answered ``IntentResult/noted``, the write may be made.
    ///
    /// The stale fence of a target outside the store: whoever wrote a newer version before this run read the target has noted
    /// that before, so it is seen here, as an intent or as the binding of its commit; and over what is written later the
    /// write's own condition does not hold.
    ///
    /// - Throws: ``JobStoreError``; then the write must not be made.
    @discardableResult
    public func recordIntent(_ intent: WriteIntent) async throws(JobStoreError) -> IntentResult {
        try await recordIntents([intent])[0]
    }

    /// Notes several intents, in one transaction unless they are too large for one; answers for each, in the same order.
    ///
    /// - Throws: ``JobStoreError``; then none of the writes may be made.
    @discardableResult
    public func recordIntents(_ intents: [WriteIntent]) async throws(JobStoreError) -> [IntentResult] {
        var results: [IntentResult] = []
        results.reserveCapacity(intents.count)
        var rows: [(WriteIntent, RowValues)] = []
        var bytes = 0
        for intent in intents {
            let values = WriteIntentRow.values(of: intent)
            rows.append((intent, values))
            bytes += values.size
            guard bytes >= GroupWriter.maximumBytes || rows.count >= GroupWriter.maximumCount else { continue }
            results += try await recordIntents(rows, bytes: bytes)
            (rows, bytes) = ([], 0)
        }
        if !rows.isEmpty { results += try await recordIntents(rows, bytes: bytes) }
        return results
    }

    private func recordIntents(
        _ rows: [(WriteIntent, RowValues)], bytes: Int
    ) async throws(JobStoreError) -> [IntentResult] {
        try await writer.write("intent", count: rows.count, bytes: bytes) { context in
            try rows.map { intent, values in
                let result = try WriteIntentRow.standing(of: intent, in: context)
                guard result == .noted else { return result }
                try context.statements.run(WriteIntentRow.insert, values)
                context.note(.intents)
                return .noted
            }
        }
    }
}

enum WriteIntentRow {
    static let insert = JobStatement(
        """
        INSERT INTO write_intents (job_id, turn, run_id, write, recorded_at, fence, version_order, source_version)
        VALUES (?, ?, ?, ?, ?, ?, ?, ?)
        """)
    private static let selectLater = JobStatement("SELECT 1 FROM jobs WHERE id = ? AND next_turn > ?")
    private static let delete = JobStatement("DELETE FROM write_intents WHERE job_id = ?")

    static func values(of intent: WriteIntent) -> RowValues {
        let version = intent.binding?.sourceVersion
        var row = RowValues(columns: 8, bytes: 1_000)
        row.add(name: intent.jobID)
        row.add(intent.turn)
        row.add(name: intent.runID)
        row.add(json: intent.write.storedJSON)
        row.add(intent.recordedAt)
        row.add(version == nil ? nil : intent.binding?.key.fence)
        row.add(text: version?.order.rawValue)
        row.add(name: version?.text)
        return row
    }

    /// Whether the write may be made: no later turn of the job is over, no newer source was applied, none is under way.
    ///
    /// A job that has ended without a commit of its write (a failure for good) holds up nobody.
    static func standing(of intent: WriteIntent, in context: WriteContext) throws -> JobStore.IntentResult {
        let isOver = try context.statements.firstRow(
            selectLater, Int64(intent.turn), arguments: { $0.add(name: intent.jobID) }, read: { _ in true })
        if isOver == true { return .outdated }
        guard let binding = intent.binding, let version = binding.sourceVersion else { return .noted }
        if try BindingRow.standing(of: binding, renamedFrom: nil, in: context.statements) == .stale { return .outdated }
        if intent.isSourceLoaded { return .noted }
        let others = try context.db.allRows(
            """
            SELECT version_order, source_version FROM write_intents WHERE fence = ? AND job_id <> ?
                AND NOT EXISTS (SELECT 1 FROM jobs WHERE jobs.id = write_intents.job_id AND is_open = 0)
            """, [binding.key.fence.columnValue, intent.jobID.nameValue]
        ) { row in
            var columns = ColumnReader(row)
            return try columns.version()
        }
        return others.contains { $0.map { version.isOlder(than: $0) } ?? false } ? .stale : .noted
    }

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
        try context.statements.run(delete) { $0.add(name: jobID) }
    }
}

extension BindingKey {
    /// What intents about one source and target are found by.
    fileprivate var fence: Digest {
        Digest(ofParts: [typeSlug, source.type.system, source.type.name, source.name, key])
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
