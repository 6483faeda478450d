// Conditional writes of embedded documents. All that can be computed is computed before the write waits for the
// writer: inside the transaction there are one look at the stored hash and one statement.
internal import GRDB
internal import SyncJobs

/// A write with everything that will be stored, ready for the writer.
struct ReadyWrite: Sendable {
    let operation: SyncJobs.Operation
    let type: DocumentType
    let name: DatabaseValue
    /// The hash of what must be stored now; nil for an insert.
    let expectedHash: Digest?
    let oldFields: JSONObject?
    let newFields: JSONObject?
    let fieldsText: DatabaseValue
    let hash: Digest?
    let version: DocumentVersion?
    let bytes: Int
    /// What to answer once it is made.
    let receipt: WriteReceipt

    /// - Throws: ``JobFailure`` when the write can never be made.
    init(_ write: DocumentWrite, maximumBytes: Int) throws(JobFailure) {
        operation = write.operation
        type = write.type
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
        name = text.nameValue
        expectedHash = write.before?.fieldsHash
        oldFields = write.before?.fields
        guard let after = write.after else {
            (newFields, fieldsText, hash, version, bytes) = (nil, .null, nil, nil, 0)
            receipt = WriteReceipt(name: text, stored: nil)
            return
        }
        // Fields that the write does not name are left as they are.
        let merged = write.before?.fields.overlaid(with: after.fields) ?? after.fields
        let canonical = JSONValue.object(merged).canonicalBytes
        guard canonical.count <= maximumBytes else { throw Self.tooLarge(canonical.count, limit: maximumBytes) }
        newFields = merged
        fieldsText = String(decoding: canonical, as: UTF8.self).databaseValue
        hash = Digest(of: canonical)
        version = after.version
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

    /// Makes a write whose condition holds.
    func apply(_ write: ReadyWrite, typeID: Int64, row: Int64?, at time: Timestamp) throws {
        if let row, write.operation == .delete {
            try execute(
                "UPDATE documents SET is_deleted = 1, updated_at = ? WHERE id = ?",
                [time.columnValue, row.databaseValue])
            try updateKeys(ofDocument: row, typeID: typeID, from: write.oldFields, to: nil)
            return
        }
        let values = [
            write.fieldsText, write.hash?.columnValue ?? .null, write.version?.order.rawValue.databaseValue ?? .null,
            (write.version?.text).nameValue, time.columnValue,
        ]
        let id = try store(values, typeID: typeID, name: write.name, row: row)
        try updateKeys(ofDocument: id, typeID: typeID, from: write.oldFields, to: write.newFields)
    }

    /// Stores fields, hash, version and time as a live document; answers the row's number.
    func store(_ values: [DatabaseValue], typeID: Int64, name: DatabaseValue, row: Int64?) throws -> Int64 {
        if let row {
            let sql = """
                UPDATE documents
                SET fields = ?, hash = ?, version_order = ?, version = ?, updated_at = ?, is_deleted = 0
                WHERE id = ?
                """
            try execute(sql, values + [row.databaseValue])
            return row
        }
        let sql = """
            INSERT INTO documents (fields, hash, version_order, version, updated_at, is_deleted, type_id, name)
            VALUES (?, ?, ?, ?, ?, 0, ?, ?)
            """
        try execute(sql, values + [typeID.databaseValue, name])
        return db.lastInsertedRowID
    }

    /// Makes a write if its condition holds.
    func write(_ write: ReadyWrite, at time: Timestamp) throws -> WriteResult {
        switch try condition(of: write) {
        case .conflict(let text): return .conflict(text)
        case .holds(let typeID, let row):
            try apply(write, typeID: typeID, row: row, at: time)
            return .written(write.receipt)
        }
    }
}
