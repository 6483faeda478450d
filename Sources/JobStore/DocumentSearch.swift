// Finding embedded documents by equal fields, always through an index: a hash of each indexed field's value leads to
// the candidates, and the values themselves decide. A field that is searched for the first time gets its index then.
// Invariant: from the moment an index has a row in document_indexes, every write of its type keeps it.
internal import Foundation
internal import GRDB
public import SyncJobs

/// An index over one field of a document type.
struct FieldIndex: Sendable {
    let id: Int64
    let field: String
    /// Whether all documents of the type are in it.
    let isReady: Bool

    /// The indexes of a document type.
    static func all(ofType typeID: Int64, in db: Database) throws -> [FieldIndex] {
        let sql = "SELECT id, is_ready, field FROM document_indexes WHERE type_id = ?"
        return try db.allRows(sql, [typeID.databaseValue]) { row in
            var columns = ColumnReader(row, from: 1)
            let isReady = try columns.bool()
            return FieldIndex(id: row[0], field: try columns.text(), isReady: isReady)
        }
    }

    /// What stands in the index for `value`: equal for equal JSON values, however their numbers are written.
    static func digest(of value: JSONValue) -> Digest { Digest(of: normalForm(value)) }

    private static func normalForm(_ value: JSONValue) -> JSONValue {
        switch value {
        case .null, .bool, .string: return value
        case .number(let number):
            let decimal = number.decimal
            return [.bool(decimal.isNegative), .array(decimal.digits.map { .int(Int($0)) }), .int(decimal.exponent)]
        case .array(let elements): return .array(elements.map(normalForm))
        case .object(var object):
            for member in object { object[member.key] = normalForm(member.value) }
            return .object(object)
        }
    }
}

extension JobStore {
    /// The most indexed fields of one document type.
    public static let maximumIndexes = 32

    /// Finds live documents whose fields equal those of the queries: by JSON value, so `0.10` finds `0.1`, and null
    /// finds null but not a missing field.
    ///
    /// One read transaction; answers in the order of `queries`, each list in the order in which its documents were
    /// made.
    ///
    /// A query of fields without any index first makes one for each: that reads every document of the type, once.
    ///
    /// - Throws: ``JobStoreError``; `invalid_argument` for a query without fields.
    public func findDocuments(_ queries: [DocumentQuery]) async throws(JobStoreError) -> [[Document]] {
        guard queries.allSatisfy({ !$0.fields.isEmpty }) else {
            throw JobStoreError(
                .invalidArgument, operation: "find", message: "a query names no field",
                remedy: "name at least one field, or list the documents")
        }
        var answers = try await foundWithIndexes(queries)
        for (query, answer) in zip(queries, answers) where answer == nil {
            try await ensureIndex(type: query.type, fields: query.fields.keys)
        }
        if answers.contains(where: { $0 == nil }) { answers = try await foundWithIndexes(queries) }
        return answers.map { $0 ?? [] }
    }

    /// Nil for each query that none of the indexes serves.
    private func foundWithIndexes(_ queries: [DocumentQuery]) async throws(JobStoreError) -> [[Document]?] {
        try await read("find") { [types] db in
            var finding = DocumentFinding(types: types, db: db)
            return try queries.map { try finding.documents($0) }
        }
    }

    /// Makes indexes over top-level fields of a document type, for `findDocuments`.
    ///
    /// Does nothing for those that are there. Other writes go on meanwhile: documents are read in parts of 500.
    ///
    /// - Throws: ``JobStoreError``; `too_many_indexes` beyond 32 fields of one type. A call that ended half-way is
    ///   continued by the next one.
    public func ensureIndex(type: DocumentType, fields: [String]) async throws(JobStoreError) {
        let pending = try await writer.write("index") { context in
            let typeID = try context.typeID(type)
            var known = try FieldIndex.all(ofType: typeID, in: context.db)
            for field in fields where !known.contains(where: { $0.field.hasSameBytes(as: field) }) {
                guard known.count < Self.maximumIndexes else {
                    throw JobStoreError(
                        .tooManyIndexes, operation: "index",
                        message: "\(type) has \(known.count) indexed fields already",
                        remedy: "search by one of those fields first")
                }
                try context.execute(
                    "INSERT INTO document_indexes (type_id, field, is_ready) VALUES (?, ?, 0)",
                    [typeID.databaseValue, field.nameValue])
                known.append(FieldIndex(id: context.db.lastInsertedRowID, field: field, isReady: false))
            }
            context.forgetIndexes()
            return known.filter { index in !index.isReady && fields.contains { $0.hasSameBytes(as: index.field) } }
                .map { (index: $0, typeID: typeID) }
        }
        guard let typeID = pending.first?.typeID else { return }
        try await fill(pending.map(\.index), typeID: typeID)
    }

    private func fill(_ indexes: [FieldIndex], typeID: Int64) async throws(JobStoreError) {
        var last: DatabaseValue?
        repeat {
            let after = last
            last = try await writer.write("index", count: 500) { context in
                let condition = after == nil ? "" : "AND name > ?"
                let sql = """
                    SELECT id, name, fields FROM documents
                    WHERE type_id = ? AND is_deleted = 0 \(condition) ORDER BY name LIMIT 500
                    """
                let rows = try context.db.allRows(sql, [typeID.databaseValue] + (after.map { [$0] } ?? [])) { row in
                    var columns = ColumnReader(row, from: 2)
                    return (id: row[0] as Int64, name: row[1] as DatabaseValue, fields: try columns.object())
                }
                for row in rows {
                    for index in indexes { try context.addKey(row.fields[index.field], to: index, document: row.id) }
                }
                if rows.count == 500 { return rows.last?.name }
                for index in indexes {
                    try context.execute(
                        "UPDATE document_indexes SET is_ready = 1 WHERE id = ?", [index.id.databaseValue])
                }
                return nil
            }
        } while last != nil
    }
}

/// Searches in one transaction.
private struct DocumentFinding {
    private let types: DocumentTypeIDs
    private let db: Database
    private let statements: StatementShelf
    /// The indexes of the types that were searched so far.
    private var indexes: [Int64: [FieldIndex]] = [:]

    init(types: DocumentTypeIDs, db: Database) {
        self.types = types
        self.db = db
        statements = StatementShelf(db)
    }

    /// The documents; nil when none of the fields is indexed.
    mutating func documents(_ query: DocumentQuery) throws -> [Document]? {
        guard let typeID = try types.idForReading(of: query.type, in: db) else { return [] }
        let indexes = try indexes(ofType: typeID).filter { $0.isReady && query.fields[$0.field] != nil }
        guard !indexes.isEmpty else { return nil }
        var documents: [Document] = []
        guard query.limit > 0 else { return documents }
        try statements.eachRow(
            Self.select[indexes.count - 1],
            arguments: { row in
                for index in indexes {
                    row.add(index.id)
                    row.add(FieldIndex.digest(of: query.fields[index.field] ?? .null))
                }
            }
        ) { row in
            var columns = ColumnReader(row)
            let bytes = columns.byteCount
            let (fields, version, isDeleted) = (try columns.object(), try columns.version(), try columns.bool())
            guard !isDeleted, query.fields.allSatisfy({ fields[$0.key] == $0.value }) else { return true }
            let hash = try columns.digest()
            let key = DocumentKey(type: query.type, name: try columns.text())
            documents.append(
                Document(key: key, fields: fields, version: version, storedWith: hash, byteCount: bytes))
            return documents.count < query.limit
        }
        return documents
    }

    private mutating func indexes(ofType typeID: Int64) throws -> [FieldIndex] {
        if let known = indexes[typeID] { return known }
        let found = try FieldIndex.all(ofType: typeID, in: db)
        indexes[typeID] = found
        return found
    }

    /// By so many indexes, from one on.
    private static let select = (0..<JobStore.maximumIndexes).map { JobStatement(select(others: $0)) }

    /// The first index leads; a candidate must be in each of the others too before its fields are looked at.
    private static func select(others: Int) -> String {
        let condition = """
             AND EXISTS (SELECT 1 FROM document_keys other
                WHERE other.index_id = ? AND other.value = ? AND other.document_id = found.document_id)
            """
        return """
            SELECT \(DocumentRow.columns), hash, name FROM document_keys found
            JOIN documents ON documents.id = found.document_id
            WHERE found.index_id = ? AND found.value = ?\(String(repeating: condition, count: others))
            ORDER BY found.document_id
            """
    }
}

extension WriteContext {
    /// Brings the indexes of a document's type to its new fields; nil where it was or is not live.
    func updateKeys(ofDocument id: Int64, typeID: Int64, from old: JSONObject?, to new: JSONObject?) throws {
        for index in try indexes(ofType: typeID) {
            let before = old?[index.field]
            let after = new?[index.field]
            if before == after { continue }
            if let before {
                try execute(
                    "DELETE FROM document_keys WHERE index_id = ? AND value = ? AND document_id = ?",
                    [index.id.databaseValue, FieldIndex.digest(of: before).columnValue, id.databaseValue])
            }
            try addKey(after, to: index, document: id)
        }
    }

    fileprivate func addKey(_ value: JSONValue?, to index: FieldIndex, document id: Int64) throws {
        guard let value else { return }
        try execute(
            "INSERT INTO document_keys (index_id, value, document_id) VALUES (?, ?, ?) ON CONFLICT DO NOTHING",
            [index.id.databaseValue, FieldIndex.digest(of: value).columnValue, id.databaseValue])
    }
}
