// The rule for one child table: rows of the source are paired with rows of the target by the row key. The result holds
// whole rows, in the target's order, so that nothing but what the rules name ever changes.

/// The rule for one child table of the target.
struct TableRule: Sendable {
    /// What happens to target rows whose source row is gone.
    enum Removed: String, Sendable, CaseIterable { case delete, keep }

    var table: String
    var from: Path
    var rowKey: FieldRule
    var when: Expression?
    var removed: Removed
    var fields: [FieldRule]
    var line: Int
    var place: String

    /// A failure in one row of the table.
    struct RowFailure: Error {
        let failure: RuleFailure
        let table: TableRule
        let row: Int
    }

    /// Sets the table; a missing or null source leaves it alone.
    ///
    /// - Throws: ``RowFailure``, or ``JobFailure`` (permanent) when rows can't be read or paired.
    func apply(to object: inout JSONObject, in scope: Scope, shape: DocumentShape) throws {
        guard let source = from.value(in: scope), !source.isNull else { return }
        let kind = shape.tables[table]?.fields[rowKey.field]?.kind
        let existing = try targetRows(object[table])
        var mapped = PairedRows(kind: kind)
        let before = try PairedRows(existing, rule: self, kind: kind)
        for (position, row) in try sourceRows(source).enumerated() {
            var rowScope = scope
            rowScope.row = row
            if let when, !when.isTrue(in: rowScope) { continue }
            do { try map(rowScope, before: before, into: &mapped) } catch let failure as RuleFailure {
                throw RowFailure(failure: failure, table: self, row: position)
            }
        }
        var result: [JSONValue] = []
        for row in existing {
            let key = row[rowKey.field] ?? .null
            if key.isNull {
                // A row without a key never came from here: it is somebody's own.
                result.append(.object(row))
            } else if let after = mapped.take(key) {
                result.append(.object(after))
            } else if removed == .keep {
                result.append(.object(row))
            }
        }
        result += mapped.remaining.map { .object($0) }
        object[table] = .array(result)
    }

    private func map(_ scope: Scope, before: PairedRows, into mapped: inout PairedRows) throws {
        guard let key = try rowKey.value(in: scope), !key.isNull else {
            throw JobFailure(
                .missingRowKey, "a row of \(from) has no key for \"\(table).\(rowKey.field)\"",
                remedy: "give every row its key, or leave such rows out with when:")
        }
        let old = before[key]
        var row = old ?? [rowKey.field: key]
        for rule in fields { try rule.apply(to: &row, in: scope, isInsert: old == nil) }
        guard mapped.add(row, key: key) else {
            throw JobFailure(
                .duplicateRowKey, "two rows of \(from) have the same key for \"\(table).\(rowKey.field)\"",
                remedy: "correct the rows, or pair them by another row_key")
        }
    }

    private func sourceRows(_ value: JSONValue) throws -> [JSONObject] {
        let elements = value.arrayValue ?? [value]
        let rows = elements.compactMap(\.objectValue)
        guard value.arrayValue != nil, rows.count == elements.count else {
            throw JobFailure(
                .coercionFailed, "the child table \"\(table)\": \(from) is no list of rows",
                remedy: "correct the source, or map another field")
        }
        return rows
    }

    private func targetRows(_ value: JSONValue?) throws -> [JSONObject] {
        let elements = value?.arrayValue ?? []
        let rows = elements.compactMap(\.objectValue)
        let isTable = value == nil || value == .null || value?.arrayValue != nil
        guard isTable, rows.count == elements.count else {
            throw JobFailure(
                .invalidTarget, "the target's \"\(table)\" is no list of rows",
                remedy: "correct the target, or map another field")
        }
        return rows
    }
}

/// Rows by their key, as the key's declared kind has it.
private struct PairedRows {
    private var rows: [JSONObject?] = []
    private var positions: [JSONValue: Int] = [:]
    private let kind: FieldKind?

    init(kind: FieldKind?) { self.kind = kind }

    /// The target's rows; those without a key are left out.
    init(_ existing: [JSONObject], rule: TableRule, kind: FieldKind?) throws {
        self.init(kind: kind)
        for row in existing {
            guard let key = row[rule.rowKey.field], !key.isNull else { continue }
            guard add(row, key: key) else {
                throw JobFailure(
                    .duplicateRowKey,
                    "two rows of the target's \"\(rule.table)\" have the same \"\(rule.rowKey.field)\"",
                    remedy: "correct the target's rows, or pair them by another row_key")
            }
        }
    }

    var remaining: [JSONObject] { rows.compactMap { $0 } }

    subscript(key: JSONValue) -> JSONObject? { positions[normal(key)].flatMap { rows[$0] } }

    mutating func add(_ row: JSONObject, key: JSONValue) -> Bool {
        guard positions.updateValue(rows.count, forKey: normal(key)) == nil else { return false }
        rows.append(row)
        return true
    }

    mutating func take(_ key: JSONValue) -> JSONObject? {
        guard let position = positions[normal(key)] else { return nil }
        defer { rows[position] = nil }
        return rows[position]
    }

    /// One value for every key that the declared kind holds to be equal.
    private func normal(_ key: JSONValue) -> JSONValue {
        switch kind {
        case .text: key.writtenText.map { .string($0) } ?? key
        case .integer, .decimal:
            Conversion.text.apply(to: key).flatMap { Conversion.decimal(places: 30).apply(to: $0) } ?? key
        default: key
        }
    }
}
