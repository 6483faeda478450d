// Rows of the source paired with rows of the target by their key. Keys are equal when the key's declared kind holds them
// to be equal; rows of the target without a key belong to somebody else and are never paired.

/// The rows of one document's child table, paired.
struct TablePairing {
    /// A row of the source that counts, with the target's row of the same key.
    struct Pair {
        /// Where the row stands in the source, from 0.
        let position: Int
        let key: JSONValue
        /// The target's row; nil for a new one.
        let before: JSONObject?
        /// The scope of the row's rules.
        let scope: Scope
    }

    let rule: TableRule
    /// The target's rows, those without a key among them.
    let existing: [JSONObject]
    private let source: [JSONObject]
    private let before: KeyedRowList
    private let scope: Scope

    /// Pairs the rows for `object`, the target; nil when the source's rows are missing or null.
    ///
    /// - Throws: ``JobFailure``, permanent, when source or target are no rows, or two of the target's have one key.
    init?(_ rule: TableRule, object: JSONObject, scope: Scope, shape: DocumentShape) throws {
        guard let value = rule.from.value(in: scope), !value.isNull else { return nil }
        self.rule = rule
        self.scope = scope
        existing = try Self.targetRows(object[rule.table], table: rule.table)
        before = try KeyedRowList(existing, rule: rule, kind: shape.tables[rule.table]?.fields[rule.rowKey.field]?.kind)
        source = try Self.sourceRows(value, rule: rule)
    }

    /// The source's rows that count, each as `change` makes it, by their keys.
    ///
    /// - Throws: ``TableRule/RowFailure`` for a ``RuleFailure`` in a row; ``JobFailure`` (`missing_row_key`,
    ///   `duplicate_row_key`); what `change` throws.
    func rows(_ change: (Pair) throws -> JSONObject) throws -> KeyedRowList {
        var result = KeyedRowList(kind: before.kind)
        for (position, row) in source.enumerated() {
            var rowScope = scope
            rowScope.row = row
            if let when = rule.when, !when.isTrue(in: rowScope) { continue }
            do {
                let key = try key(in: rowScope)
                let pair = Pair(position: position, key: key, before: before[key], scope: rowScope)
                guard result.add(try change(pair), key: key) else {
                    throw JobFailure(
                        .duplicateRowKey,
                        "two rows of \(rule.from) have the same key for \"\(rule.table).\(rule.rowKey.field)\"",
                        remedy: "correct the rows, or pair them by another row_key")
                }
            } catch let failure as RuleFailure {
                throw TableRule.RowFailure(failure: failure, table: rule, row: position)
            }
        }
        return result
    }

    private func key(in scope: Scope) throws -> JSONValue {
        guard let key = try rule.rowKey.value(in: scope), !key.isNull else {
            throw JobFailure(
                .missingRowKey, "a row of \(rule.from) has no key for \"\(rule.table).\(rule.rowKey.field)\"",
                remedy: "give every row its key, or leave such rows out with when:")
        }
        return key
    }

    private static func sourceRows(_ value: JSONValue, rule: TableRule) throws -> [JSONObject] {
        guard let rows = value.rows else {
            throw JobFailure(
                .coercionFailed, "the child table \"\(rule.table)\": \(rule.from) is no list of rows",
                remedy: "correct the source, or map another field")
        }
        return rows
    }

    private static func targetRows(_ value: JSONValue?, table: String) throws -> [JSONObject] {
        guard let value, !value.isNull else { return [] }
        guard let rows = value.rows else {
            throw JobFailure(
                .invalidTarget, "the target's \"\(table)\" is no list of rows",
                remedy: "correct the target, or map another field")
        }
        return rows
    }
}

/// Rows by their key, as the key's declared kind has it, in the order in which they were added.
struct KeyedRowList {
    private var rows: [JSONObject?] = []
    private var positions: [JSONValue: Int] = [:]
    let kind: FieldKind?

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

    /// What was not taken yet.
    var remaining: [JSONObject] { rows.compactMap { $0 } }

    subscript(key: JSONValue) -> JSONObject? { positions[normal(key)].flatMap { rows[$0] } }

    /// Adds a row; false when its key is there already.
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

extension JSONValue {
    /// The elements of an array of objects; nil for anything else.
    var rows: [JSONObject]? {
        guard let elements = arrayValue else { return nil }
        let rows = elements.compactMap(\.objectValue)
        return rows.count == elements.count ? rows : nil
    }
}
