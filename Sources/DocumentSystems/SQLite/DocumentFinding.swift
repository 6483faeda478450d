// Documents by equal fields. SQLite finds by the column's own collation and affinity; what it finds only because it
// takes text for a number ("007" for 7), or JSON's true for 1, is sorted out here.
internal import GRDB
internal import SyncJobs

/// A search in one document type.
struct DocumentFinding {
    /// One condition: its SQL, its arguments, and what a found document must hold.
    private struct Condition {
        var sql: String
        var arguments: [SQLiteValue]
    }

    let reading: DocumentReading
    private var plan: TablePlan { reading.plan }

    /// Up to `query.limit` documents in the order of their names.
    func documents(_ query: DocumentQuery) throws -> [Document] {
        guard let search = try statement(query) else { return [] }
        return try reading.documents(
            sql: search.sql, arguments: search.arguments.map(\.argument),
            limit: max(0, query.limit)
        ) { fields in
            query.fields.allSatisfy { isEqual(fields[$0.key], to: $0.value, field: $0.key) }
        }
    }

    /// The statement of a query; nil when nothing can be found because no column could hold the value.
    func statement(_ query: DocumentQuery) throws(JobFailure) -> (sql: String, arguments: [SQLiteValue])? {
        guard !query.fields.isEmpty else {
            throw JobFailure(
                .invalidTarget, "a search in \(plan.type) names no field", remedy: "give at least one field")
        }
        var conditions: [String] = []
        var arguments: [SQLiteValue] = []
        for member in query.fields {
            guard let condition = try condition(member, after: arguments.count) else { return nil }
            conditions.append(condition.sql)
            arguments += condition.arguments
        }
        let sql =
            "SELECT \(plan.list.selection) FROM \(plan.table) WHERE \(conditions.joined(separator: " AND "))"
            + " ORDER BY \(plan.nameOrder) COLLATE BINARY"
        return (sql, arguments)
    }

    private func condition(_ member: JSONObject.Member, after count: Int) throws(JobFailure) -> Condition? {
        if plan.jsonPosition != nil, !member.key.hasSameBytes(as: plan.name.name) {
            return try jsonCondition(member, after: count)
        }
        guard let column = plan.list.column(member.key) else { throw plan.unknownField(member.key) }
        switch member.value {
        case .null: return Condition(sql: "\(column.sql) IS NULL", arguments: [])
        case .number(let number):
            var values = SQLiteValue(number, affinity: column.affinity).map { [$0] } ?? []
            if column.affinity == .text || column.affinity == .none {
                // Digits in a column that keeps text: as they were asked for, and as a declared decimal writes them.
                values.append(.text(ExactString(number.text)))
                if case .decimal(let places) = column.kind {
                    values.append(.text(ExactString(number.decimal.rounded(toPlaces: places))))
                }
            }
            return Self.anyOf(values, column.sql, after: count)
        case .string(let text):
            var values: [SQLiteValue] =
                SQLiteValue.isRounded(text, by: column.affinity) ? [] : [.text(ExactString(text))]
            if column.affinity == .none, let digits = SQLiteValue.integerName(text) { values.append(digits) }
            return Self.anyOf(values, column.sql, after: count)
        case .bool, .array, .object:
            return Self.anyOf([try SQLiteValue(member.value, column: column)], column.sql, after: count)
        }
    }

    private static func anyOf(_ values: [SQLiteValue], _ column: String, after count: Int) -> Condition? {
        guard !values.isEmpty else { return nil }
        let alternatives = values.indices.map { "\(column) = ?\(count + $0 + 1)" }
        return Condition(sql: "(\(alternatives.joined(separator: " OR ")))", arguments: values)
    }

    /// A member of the JSON text, written so that an index on the same expression serves.
    private func jsonCondition(_ member: JSONObject.Member, after count: Int) throws(JobFailure) -> Condition? {
        guard let position = plan.jsonPosition, let path = Self.path(member.key) else {
            throw JobFailure(
                .invalidTarget, "\(plan.type) can't be searched by the field \"\(member.key.prefix(80))\"",
                remedy: "search by a field whose name has no quotes, backslashes or control characters")
        }
        let column = plan.list.columns[position].sql
        let expression = "json_extract(\(column), '\(path)')"
        var values: [SQLiteValue]
        switch member.value {
        case .null: return Condition(sql: "json_type(\(column), '\(path)') = 'null'", arguments: [])
        case .bool(let truth): values = [.integer(truth ? 1 : 0)]
        case .string(let text):
            values = [.text(ExactString(text))]
            // SQLite's JSON functions may end a text at its first NUL.
            if let end = text.utf8.firstIndex(of: 0) { values.append(.text(ExactString(String(text[..<end])))) }
        case .number(let number):
            // The nearest Double finds candidates; the exact comparison follows.
            values = [number.int64.map { .integer($0) } ?? Double(number.text).map { .real($0) } ?? .null]
        case .array, .object:
            throw JobFailure(
                .invalidTarget, "\(plan.type) can't be searched for \(member.value.kind) in \"\(member.key)\"",
                remedy: "search by a text, a number or a truth value")
        }
        return Self.anyOf(values, expression, after: count)
    }

    /// The path of a member in SQLite's notation, as a literal; nil for a name that the notation can't say.
    static func path(_ field: String) -> String? {
        let isPlain = field.utf8.allSatisfy { byte in
            (0x30...0x39).contains(byte) || (0x41...0x5A).contains(byte | 0x20) || (0x61...0x7A).contains(byte)
                || (0x41...0x5A).contains(byte) || byte == UInt8(ascii: "_")
        }
        if isPlain, let first = field.utf8.first, !(0x30...0x39).contains(first) { return "$.\(field)" }
        guard !field.utf8.contains(where: { $0 < 0x20 || $0 == UInt8(ascii: "\"") || $0 == UInt8(ascii: "\\") }) else {
            return nil
        }
        return "$.\"\(field.replacing("'", with: "''"))\""
    }

    private func isEqual(_ stored: JSONValue?, to wanted: JSONValue, field: String) -> Bool {
        guard let stored else { return false }
        if plan.jsonPosition != nil, !field.hasSameBytes(as: plan.name.name) {
            return FieldComparison.areEqual(stored, wanted, kind: plan.layout.shape.fields[field]?.kind)
        }
        switch (stored, wanted) {
        case (.number(let number), .string(let text)): return number.text.hasSameBytes(as: text)
        case (.string(let text), .number(let number)): return JSONNumber(text) == number
        // Equal by the column's own collation, which only SQLite knows.
        case (.string, .string): return true
        case (.number(let number), .bool(let truth)): return number == JSONNumber(truth ? 1 : 0)
        case (.bool(let truth), .number(let number)): return number == JSONNumber(truth ? 1 : 0)
        case (.bool(let truth), .string(let text)): return text == (truth ? "1" : "0")
        case (.string(let text), .bool(let truth)): return text == (truth ? "1" : "0")
        default:
            return FieldComparison.areEqual(stored, wanted, kind: plan.layout.shape.fields[field]?.kind)
        }
    }
}

extension TablePlan {
    /// A field that is no column.
    func unknownField(_ field: String) -> JobFailure {
        let near = list.columns.first { $0.name.lowercased() == field.lowercased() }
        return JobFailure(
            .invalidTarget,
            "\(type) has no field \"\(field.prefix(80))\": the table \"\(layout.table)\" has no such column",
            remedy: near.map { "the table writes it \"\($0.name)\"" } ?? "add the column, or correct the field's name")
    }
}
