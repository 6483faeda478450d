// Conditional writes of embedded documents. All that can be computed is computed before the write waits for the
// writer: inside the transaction there are one look at the stored hash and one statement.
internal import GRDB
internal import SyncJobs

/// A write with everything that will be stored, ready for the writer.
final class ReadyWrite: Sendable {
    let operation: SyncJobs.Operation
    let type: DocumentType
    var name: DatabaseValue { receipt.name.nameValue }
    /// The hash of what must be stored now; nil for an insert.
    let expectedHash: Digest?
    let oldFields: JSONObject?
    let newFields: JSONObject?
    /// Fields, hash, version and time, the name and the expected hash; nil for a delete.
    let row: RowValues?
    let bytes: Int
    /// When it is made.
    let time: Timestamp
    /// What to answer once it is made.
    let receipt: WriteReceipt

    /// - Throws: ``JobFailure`` when the write can never be made.
    init(_ write: DocumentWrite, maximumBytes: Int, at time: Timestamp) throws(JobFailure) {
        operation = write.operation
        type = write.type
        self.time = time
        let text: String
        switch operation {
        case .insert: text = write.after?.key?.name ?? write.fallbackName
        case .update, .delete:
            guard let known = write.before?.key?.name else {
                throw JobFailure(
                    .invalidTarget, "the write names no document",
                    remedy: "report it: an engine must name what it changes")
            }
            text = known
        }
        try Self.check(name: text)
        expectedHash = write.before?.fieldsHash
        oldFields = write.before?.fields
        guard let after = write.after else {
            guard operation == .delete else {
                throw JobFailure(
                    .invalidTarget, "the write has no document to insert",
                    remedy: "report it: an engine must say what it writes")
            }
            (newFields, row, bytes) = (nil, nil, 0)
            receipt = WriteReceipt(name: text, stored: nil)
            return
        }
        // Fields that the write does not name are left as they are.
        let merged = write.before?.fields.overlaid(with: after.fields) ?? after.fields
        let canonical = JSONValue.object(merged).canonicalBytes
        guard canonical.count <= maximumBytes else { throw Self.tooLarge(canonical.count, limit: maximumBytes) }
        newFields = merged
        var row = DocumentRow.values(canonical: canonical, hash: Digest(of: canonical), after.version, at: time)
        row.add(name: text)
        row.add(expectedHash)
        self.row = row
        bytes = canonical.count
        let key = DocumentKey(type: write.type, name: text)
        receipt = WriteReceipt(name: text, stored: Document(key: key, fields: merged, version: after.version))
    }

    static func check(name: String) throws(JobFailure) {
        guard !name.isEmpty, name.utf8.count <= DocumentKey.maximumNameBytes else {
            throw JobFailure(
                .invalidTarget, "a document's name has \(name.utf8.count) bytes",
                remedy: "use 1 to \(DocumentKey.maximumNameBytes) bytes")
        }
    }

    static func tooLarge(_ size: Int, limit: Int) -> JobFailure {
        JobFailure(
            .documentTooLarge, "the document has \(size) bytes; the limit is \(limit)",
            remedy: "make it smaller, or raise max_document")
    }
}

/// Where a write meets what is stored.
enum WriteCondition {
    /// It may be made; the row's number, if there is one.
    case holds(typeID: Int64, row: Int64?)
    /// Something else is stored.
    case conflict(String)
}

extension WriteContext {
    /// Compares what is stored with what the write expects.
    func condition(of write: ReadyWrite) throws -> WriteCondition {
        let typeID = try typeID(write.type)
        let sql = "SELECT id, is_deleted, hash FROM documents WHERE type_id = ? AND name = ?"
        let found = try db.firstRow(sql, [typeID.databaseValue, write.name]) { row in
            var columns = ColumnReader(row, from: 1)
            return (id: row[0] as Int64, isDeleted: try columns.bool(), hash: try columns.digest())
        }
        guard let expected = write.expectedHash else {
            guard let found else { return .holds(typeID: typeID, row: nil) }
            return found.isDeleted ? .holds(typeID: typeID, row: found.id) : .conflict("the document exists already")
        }
        guard let found else { return .conflict("the document is not there") }
        if found.isDeleted { return .conflict("the document was deleted since it was read") }
        if found.hash != expected { return .conflict("the document was changed since it was read") }
        return .holds(typeID: typeID, row: found.id)
    }

    /// Makes an update where its condition holds, which the statement asks itself; false, and nothing is written, where it does
    /// not, or where an index has to change with the document.
    func update(_ write: ReadyWrite) throws -> Bool {
        guard write.operation == .update, write.expectedHash != nil, let row = write.row else { return false }
        let typeID = try typeID(write.type)
        let changesKeys = try indexes(ofType: typeID).contains { index in
            write.oldFields?[index.field] != write.newFields?[index.field]
        }
        return try !changesKeys && statements.run(DocumentRow.updateUnchanged, row, typeID) > 0
    }

    /// Makes a write whose condition holds.
    func apply(_ write: ReadyWrite, typeID: Int64, row: Int64?) throws {
        if let values = write.row {
            let id = try store(values, typeID: typeID, row: row)
            try updateKeys(ofDocument: id, typeID: typeID, from: write.oldFields, to: write.newFields)
        } else if let row {
            try execute(
                "UPDATE documents SET is_deleted = 1, updated_at = ? WHERE id = ?",
                [write.time.columnValue, row.databaseValue])
            try updateKeys(ofDocument: row, typeID: typeID, from: write.oldFields, to: nil)
        }
    }

    /// Stores fields, hash, version and time as a live document; answers the row's number.
    ///
    /// - Parameter values: the document's, and its name.
    func store(_ values: RowValues, typeID: Int64, row: Int64?) throws -> Int64 {
        if let row {
            try statements.run(DocumentRow.update, values, first: DocumentRow.contentCount, row)
            return row
        }
        try statements.run(DocumentRow.insert, values, first: DocumentRow.contentCount + 1, typeID)
        return db.lastInsertedRowID
    }

    /// Makes a write if its condition holds.
    func write(_ write: ReadyWrite) throws -> WriteResult {
        switch try condition(of: write) {
        case .conflict(let text): return .conflict(text)
        case .holds(let typeID, let row):
            try apply(write, typeID: typeID, row: row)
            return .written(write.receipt)
        }
    }
}

extension DocumentRow {
    /// How many values are the document's own: fields, hash, version and time.
    ///
    /// The name stands behind them.
    fileprivate static let contentCount = 5
    private static let assignments =
        "UPDATE documents SET fields = ?1, hash = ?2, version_order = ?3, version = ?4, updated_at = ?5"
    fileprivate static let update = JobStatement("\(assignments), is_deleted = 0 WHERE id = ?6")
    // What is not deleted stays so unsaid: to say it would touch the index of what is.
    fileprivate static let updateUnchanged = JobStatement(
        "\(assignments) WHERE name = ?6 AND hash = ?7 AND type_id = ?8 AND is_deleted = 0")
    fileprivate static let insert = JobStatement(
        """
        INSERT INTO documents (fields, hash, version_order, version, updated_at, name, type_id, is_deleted)
        VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, 0)
        """)

    /// What is stored of a document beside its name.
    static func values(
        canonical: [UInt8], hash: Digest, _ version: DocumentVersion?, at time: Timestamp
    ) -> RowValues {
        var row = RowValues(columns: 7, bytes: canonical.count + 100)
        row.add(canonical: canonical)
        row.add(hash)
        row.add(text: version?.order.rawValue)
        row.add(name: version?.text)
        row.add(time)
        return row
    }
}
