// Documents of one type inside an open transaction: by name, in order, counted. The name is compared here by bytes,
// after SQLite has found candidates by the column's own collation and affinity.
internal import GRDB
internal import JobStore
internal import SyncJobs

/// A document together with what its row holds beyond its fields.
struct StoredDocument {
    let document: Document
    /// The name column's value as it is stored, by which the row and its child rows are found again.
    let rawName: SQLiteValue
    /// The members of the JSON column; empty when each field is a column.
    let json: JSONObject
}

/// Reads documents of one type.
struct DocumentReading {
    let db: Database
    let plan: TablePlan
    let encoding: TextEncoding
    let limit: Int

    /// The document of this name; nil when there is none.
    func document(named name: String) throws -> StoredDocument? {
        let digits = SQLiteValue.integerName(name)
        let first = plan.name.affinity.readsNumbers ? digits ?? .text(ExactString(name)) : .text(ExactString(name))
        var arguments = [first.argument]
        if plan.name.affinity == .none { arguments.append((digits ?? .null).argument) }
        var found: PartialDocument?
        try db.eachRow(plan.selectByName, arguments) { row in
            guard let rawName = try rawName(of: row), rawName.nameText.hasSameBytes(as: name) else { return true }
            guard found == nil else {
                throw JobFailure(
                    .ambiguousMatch, "the table \"\(plan.layout.table)\" has two rows named \"\(name.prefix(80))\"",
                    remedy: "remove one of them, and give the column \"\(plan.name.name)\" a unique index")
            }
            found = try partial(row, rawName)
            return true
        }
        return try found.map { try complete($0) }
    }

    /// Up to `limit` documents whose names come after `name`.
    func documents(after name: String?, limit: Int) throws -> [Document] {
        var condition = "\(plan.name.sql) IS NOT NULL"
        var arguments: [DatabaseValue] = []
        if let name {
            let digits = plan.name.affinity.readsNumbers ? SQLiteValue.integerName(name) : nil
            let value = digits ?? .text(ExactString(name))
            condition += " AND \(plan.nameOrder) > ?1 COLLATE BINARY"
            arguments.append(value.argument)
        }
        let sql =
            "SELECT \(plan.list.selection) FROM \(plan.table) WHERE \(condition)"
            + " ORDER BY \(plan.nameOrder) COLLATE BINARY LIMIT \(limit)"
        return try documents(sql: sql, arguments: arguments)
    }

    /// How many rows have a name.
    func count() throws -> Int {
        try Int.fetchOne(db, sql: "SELECT count(*) FROM \(plan.table) WHERE \(plan.name.sql) IS NOT NULL") ?? 0
    }

    /// The documents of a statement that selects the plan's list; those that `isWanted` refuses don't count.
    func documents(
        sql: String, arguments: [DatabaseValue], limit: Int = .max, where isWanted: (JSONObject) -> Bool = { _ in true }
    ) throws -> [Document] {
        var found: [PartialDocument] = []
        guard limit > 0 else { return [] }
        try db.eachRow(sql, arguments, isKept: false) { row in
            guard let rawName = try rawName(of: row) else { return true }
            let candidate = try partial(row, rawName)
            if isWanted(candidate.fields) { found.append(candidate) }
            return found.count < limit
        }
        return try found.map { try complete($0).document }
    }

    /// A document before its child tables are read.
    private struct PartialDocument {
        let rawName: SQLiteValue
        var fields: JSONObject
        let json: JSONObject
        var reading: RowReading
    }

    /// The name column's value; nil for a row without a name, which is no document.
    private func rawName(of row: StoredRow) throws -> SQLiteValue? {
        switch row.storage(plan.namePosition) {
        case .null: return nil
        case .integer(let number): return .integer(number)
        case .text:
            // A name has a bound of its own, far below that of a document.
            var reading = RowReading(type: plan.type, name: nil, encoding: encoding, limit: limit)
            return .text(ExactString(try reading.string(row, plan.namePosition, column: plan.name.name)))
        case .real, .blob:
            throw JobFailure(
                .invalidTarget,
                "\(plan.type): a name in the column \"\(plan.name.name)\" is neither text nor a whole number",
                remedy: "correct the row, or declare another column as name")
        }
    }

    private func partial(_ row: StoredRow, _ rawName: SQLiteValue) throws -> PartialDocument {
        var reading = RowReading(type: plan.type, name: rawName, encoding: encoding, limit: limit)
        guard let jsonPosition = plan.jsonPosition else {
            let fields = try reading.object(row, plan.list)
            return PartialDocument(rawName: rawName, fields: fields, json: JSONObject(), reading: reading)
        }
        let column = plan.list.columns[jsonPosition]
        var json = JSONObject()
        switch row.storage(jsonPosition) {
        case .null: break
        case let storage:
            var text = ""
            if case .text = storage { text = try reading.string(row, jsonPosition, column: column.name) }
            guard let object = try reading.json(text, column: column.name).objectValue else {
                throw JobFailure(
                    .invalidTarget, "\(reading.subject): the column \"\(column.name)\" holds no JSON object",
                    remedy: "correct the row in the file")
            }
            json = object
        }
        var fields = json
        fields[plan.name.name] = try reading.value(row, plan.namePosition, column: plan.name)
        return PartialDocument(rawName: rawName, fields: fields, json: json, reading: reading)
    }

    private func complete(_ partial: PartialDocument) throws -> StoredDocument {
        var partial = partial
        for child in plan.children {
            var elements: [JSONValue] = []
            try db.eachRow(child.select, [partial.rawName.argument]) { row in
                elements.append(.object(try partial.reading.object(row, child.list)))
                return true
            }
            partial.fields[child.field] = .array(elements)
        }
        let key = DocumentKey(type: plan.type, name: partial.rawName.nameText)
        let version = try plan.layout.shape.version(in: partial.fields)
        return StoredDocument(
            document: Document(key: key, fields: partial.fields, version: version), rawName: partial.rawName,
            json: partial.json)
    }
}

extension SQLiteValue {
    /// The whole number that a name is written as, exactly so; nil for any other name.
    static func integerName(_ name: String) -> SQLiteValue? {
        guard let number = Int64(name), String(number).hasSameBytes(as: name) else { return nil }
        return .integer(number)
    }

    /// A stored name as text.
    var nameText: String {
        switch self {
        case .integer(let value): String(value)
        case .text(let text): text.text
        case .real(let value): value.description
        case .null: ""
        }
    }
}
