// The documents of the embedded system, as the rest of Ferry sees them: loaded in batches, written conditionally,
// deleted into tombstones.
internal import Foundation
internal import GRDB
public import SyncJobs

extension JobStore {
    /// Loads documents in one read transaction; answers in the order of `keys`.
    ///
    /// - Throws: ``JobStoreError``.
    public func loadDocuments(_ keys: [DocumentKey]) async throws(JobStoreError) -> [DocumentState] {
        try await read("load") { [types, large] db in
            let statements = StatementShelf(db)
            return try keys.map { try DocumentRow.state(of: $0, types: types, large: large, in: db, statements) }
        }
    }

    /// The hashes of live documents, in one read transaction; nil for each that is deleted or not there.
    ///
    /// - Throws: ``JobStoreError``.
    public func documentHashes(_ keys: [DocumentKey]) async throws(JobStoreError) -> [Digest?] {
        try await read("load") { [types] db in
            try keys.map { key in
                guard let typeID = try types.idForReading(of: key.type, in: db) else { return nil }
                return try DocumentRow.liveHash(name: key.name.nameValue, typeID: typeID, in: db)
            }
        }
    }

    /// Makes conditional writes in one transaction, each on its own: a conflict or refusal of one leaves the others
    /// be.
    ///
    /// The same rules as for the write inside a job's commit; answers in the order of `writes`.
    ///
    /// - Throws: ``JobStoreError`` when nothing was written.
    public func writeDocuments(_ writes: [DocumentWrite]) async throws(JobStoreError) -> [WriteResult] {
        let now = Timestamp.now
        let ready = writes.map { write -> Result<ReadyWrite, JobFailure> in
            do throws(JobFailure) {
                return .success(try ReadyWrite(write, maximumBytes: maximumDocumentBytes, at: now))
            } catch { return .failure(error) }
        }
        let bytes = ready.reduce(0) { total, write in
            if case .success(let write) = write { total + write.bytes } else { total }
        }
        return try await writer.write("write", count: writes.count, bytes: bytes) { context in
            try ready.map { write in
                switch write {
                case .failure(let failure): .refused(failure)
                case .success(let write): try context.write(write)
                }
            }
        }
    }

    /// Inserts or replaces documents whatever is stored, for imports; in transactions of at most 200 documents.
    ///
    /// Answers how many of them were new or different.
    ///
    /// - Throws: ``JobStoreError``; earlier parts of the list are stored then. `invalid_argument` for a name of no or
    ///   too many bytes, `too_large` for a document over the limit: these before anything is stored.
    public func putDocuments(
        _ documents: [(DocumentKey, JSONObject, DocumentVersion?)]
    ) async throws(JobStoreError) -> Int {
        var ready: [DocumentImport] = []
        ready.reserveCapacity(documents.count)
        for (key, fields, version) in documents {
            ready.append(try DocumentImport(key, fields, version, maximumBytes: maximumDocumentBytes))
        }
        var changed = 0
        var rest = ready[...]
        while !rest.isEmpty {
            let part = Array(rest.prefix(200))
            rest = rest.dropFirst(part.count)
            let bytes = part.reduce(0) { $0 + $1.bytes }
            changed += try await writer.write("put", count: part.count, bytes: bytes) { context in
                try part.reduce(0) { try $0 + (context.put($1) ? 1 : 0) }
            }
        }
        return changed
    }

    /// Deletes a document; its last image stays as a tombstone.
    ///
    /// Answers whether it was there.
    ///
    /// - Throws: ``JobStoreError``.
    public func deleteDocument(_ key: DocumentKey) async throws(JobStoreError) -> Bool {
        let now = Timestamp.now
        return try await writer.write("delete") { context in
            let typeID = try context.typeID(key.type)
            guard let stored = try DocumentRow.stored(name: key.name.nameValue, typeID: typeID, in: context.db),
                !stored.isDeleted
            else { return false }
            try context.execute(
                "UPDATE documents SET is_deleted = 1, updated_at = ? WHERE id = ?",
                [now.columnValue, stored.id.databaseValue])
            try context.updateKeys(ofDocument: stored.id, typeID: typeID, from: stored.fields, to: nil)
            return true
        }
    }

    /// The live documents of a type in byte order of their names (names with a NUL last), after the name `after`.
    ///
    /// - Parameter limit: the most to answer; at most 10,000 are.
    /// - Throws: ``JobStoreError``.
    public func listDocuments(
        type: DocumentType, after: String? = nil, limit: Int
    ) async throws(JobStoreError) -> [Document] {
        let count = min(max(limit, 0), 10_000)
        return try await longRead("list") { [types] db in
            guard let typeID = try types.idForReading(of: type, in: db) else { return [] }
            let condition = after == nil ? "" : "AND name > ?"
            let sql = """
                SELECT \(DocumentRow.columns), name FROM documents
                WHERE type_id = ? AND is_deleted = 0 \(condition) ORDER BY name LIMIT ?
                """
            let name = after.map { [$0.nameValue] } ?? []
            return try db.allRows(sql, [typeID.databaseValue] + name + [count.databaseValue]) { row in
                var columns = ColumnReader(row)
                let (fields, version, _) = try DocumentRow.content(&columns)
                return Document(
                    key: DocumentKey(type: type, name: try columns.text()), fields: fields, version: version)
            }
        }
    }

    /// How many live documents a type has.
    ///
    /// - Throws: ``JobStoreError``.
    public func countDocuments(type: DocumentType) async throws(JobStoreError) -> Int {
        try await longRead("count") { [types] db in
            guard let typeID = try types.idForReading(of: type, in: db) else { return 0 }
            // Both counts are of index entries alone.
            let sql = """
                SELECT (SELECT count(*) FROM documents WHERE type_id = ?1)
                    - (SELECT count(*) FROM documents WHERE type_id = ?1 AND is_deleted = 1)
                """
            return try db.firstRow(sql, [typeID.databaseValue]) { $0[0] } ?? 0
        }
    }
}

/// A document that replaces whatever is stored.
struct DocumentImport: Sendable {
    let type: DocumentType
    let name: DatabaseValue
    let fields: JSONObject
    let hash: Digest
    let version: DocumentVersion?
    let bytes: Int
    /// What is stored of it, its name behind.
    let row: RowValues

    init(
        _ key: DocumentKey, _ fields: JSONObject, _ version: DocumentVersion?, maximumBytes: Int
    ) throws(JobStoreError) {
        func refuse(_ code: JobStoreError.Code, _ failure: JobFailure) -> JobStoreError {
            JobStoreError(code, operation: "put", message: failure.message, remedy: failure.remedy, cause: failure)
        }
        do throws(JobFailure) { try ReadyWrite.check(name: key.name) } catch { throw refuse(.invalidArgument, error) }
        let canonical = JSONValue.object(fields).canonicalBytes
        guard canonical.count <= maximumBytes else {
            throw refuse(.tooLarge, ReadyWrite.tooLarge(canonical.count, limit: maximumBytes))
        }
        type = key.type
        name = key.name.nameValue
        self.fields = fields
        self.version = version
        hash = Digest(of: canonical)
        bytes = canonical.count
        var row = DocumentRow.values(canonical: canonical, hash: hash, version, at: Timestamp.now)
        row.add(name: key.name)
        self.row = row
    }
}

extension WriteContext {
    /// Inserts or replaces a document; answers whether that made a difference.
    func put(_ document: DocumentImport) throws -> Bool {
        let typeID = try typeID(document.type)
        let stored = try DocumentRow.stored(name: document.name, typeID: typeID, in: db)
        if let stored, !stored.isDeleted, stored.hash == document.hash, stored.version == document.version {
            return false
        }
        let id = try store(document.row, typeID: typeID, row: stored?.id)
        let oldFields = stored.flatMap { $0.isDeleted ? nil : $0.fields }
        try updateKeys(ofDocument: id, typeID: typeID, from: oldFields, to: document.fields)
        return true
    }
}

enum DocumentRow {
    static let columns = "fields, version_order, version, is_deleted"

    /// A row's fields, version and whether it is a tombstone.
    static func content(_ columns: inout ColumnReader) throws -> (JSONObject, DocumentVersion?, isDeleted: Bool) {
        (try columns.object(), try columns.version(), try columns.bool())
    }

    /// A document as it is stored.
    struct Stored {
        let id: Int64
        let hash: Digest
        let fields: JSONObject
        let version: DocumentVersion?
        let isDeleted: Bool
    }

    /// The hash of a live document; nil when there is none.
    static func liveHash(name: DatabaseValue, typeID: Int64, in db: Database) throws -> Digest? {
        let sql = "SELECT hash FROM documents WHERE type_id = ? AND name = ? AND is_deleted = 0"
        return try db.firstRow(sql, [typeID.databaseValue, name]) { row in
            var columns = ColumnReader(row)
            return try columns.digest()
        }
    }

    /// A document with its row's number and hash; nil when there is no row.
    static func stored(name: DatabaseValue, typeID: Int64, in db: Database) throws -> Stored? {
        let sql = "SELECT \(columns), hash, id FROM documents WHERE type_id = ? AND name = ?"
        return try db.firstRow(sql, [typeID.databaseValue, name]) { row in
            var columns = ColumnReader(row)
            let (fields, version, isDeleted) = try content(&columns)
            return Stored(
                id: row[5], hash: try columns.digest(), fields: fields, version: version, isDeleted: isDeleted)
        }
    }
}
