// How the diff of two images is computed: values are compared by what their fields are declared to hold, rows of declared
// child tables are paired by their row key, everything else is compared whole.

extension Diff {
    /// The difference from `before` to `after`; an insert lists every field from null, a delete every field to null.
    ///
    /// Fields that `after` does not have are left alone, unless `after` is nil.
    ///
    /// - Throws: ``JobFailure`` (permanent, `duplicate_row_key`, `missing_row_key`) when rows can't be paired.
    public init(from before: Document?, to after: Document?, shape: DocumentShape) throws(JobFailure) {
        self.init()
        let old = before?.fields.members ?? []
        let new = after?.fields.members ?? old
        let isDelete = after == nil
        var next = 0
        // By position: to take each member out would be to count up what is in it.
        for position in new.indices {
            let field = new[position].key
            let place = Self.position(of: field, in: old, from: &next)
            let isSame = !isDelete && place.map { old[$0].value.isWritten(like: new[position].value) } ?? false
            // Rows are paired even so: whether they can be is found out by that.
            if isSame, shape.tables.isEmpty { continue }
            let newValue = isDelete ? .null : new[position].value
            let oldValue = place.map { old[$0].value } ?? .null
            if let table = shape.tables[field], Self.isTable(oldValue), Self.isTable(newValue) {
                try addRows(table: field, shape: table, old: oldValue, new: newValue)
            } else if !isSame, !FieldComparison.areEqual(oldValue, newValue, kind: shape.fields[field]?.kind) {
                if changed.isEmpty { changed.reserveCapacity(4) }
                changed.append(FieldChange(field: field, old: oldValue, new: newValue))
            }
        }
    }

    /// Where a field stands among members, for one who asks for fields in their order, which is that of their bytes.
    ///
    /// - Parameter next: where to begin; afterwards, where to begin for the next field.
    private static func position(of field: String, in members: [JSONObject.Member], from next: inout Int) -> Int? {
        while next < members.count {
            if members[next].key.hasSameBytes(as: field) {
                next += 1
                return next - 1
            }
            guard members[next].key.precedesByBytes(field) else { return nil }
            next += 1
        }
        return nil
    }

    private static func isTable(_ value: JSONValue) -> Bool {
        switch value {
        case .null: true
        case .array(let rows): rows.allSatisfy { $0.objectValue != nil }
        default: false
        }
    }

    private mutating func addRows(
        table: String, shape: TableShape, old: JSONValue, new: JSONValue
    ) throws(JobFailure) {
        // Rows without a key that the target has already are somebody's own: they are never paired, and stay.
        let own = Set((old.arrayValue ?? []).filter { ($0.objectValue?[shape.rowKey] ?? .null).isNull })
        let oldRows = try KeyedRows(old, table: table, rowKey: shape.rowKey, except: own)
        let newRows = try KeyedRows(new, table: table, rowKey: shape.rowKey, except: own)
        for (key, row) in newRows.rows {
            guard let before = oldRows[key] else {
                added.append(Row(table: table, row: row))
                continue
            }
            let changes = row.members.compactMap { member -> FieldChange? in
                let oldValue = before[member.key] ?? .null
                let kind = shape.fields[member.key]?.kind
                if FieldComparison.areEqual(oldValue, member.value, kind: kind) { return nil }
                return FieldChange(field: member.key, old: oldValue, new: member.value)
            }
            if !changes.isEmpty { rowChanged.append(RowChange(table: table, rowKey: key, changes: changes)) }
        }
        let kept = own.isEmpty ? [] : Set(new.arrayValue ?? [])
        for element in own.isEmpty ? [] : old.arrayValue ?? [] {
            guard let row = element.objectValue, own.contains(element), !kept.contains(element) else { continue }
            removed.append(Row(table: table, row: row))
        }
        for (key, row) in oldRows.rows where newRows[key] == nil { removed.append(Row(table: table, row: row)) }
    }
}

/// The rows of a child table by their row key.
struct KeyedRows {
    private(set) var rows: [(key: JSONValue, row: JSONObject)] = []
    private var positions: [JSONValue: Int] = [:]

    init(_ value: JSONValue, table: String, rowKey: String, except own: Set<JSONValue>) throws(JobFailure) {
        for element in value.arrayValue ?? [] {
            guard let row = element.objectValue, own.isEmpty || !own.contains(element) else { continue }
            guard let key = row[rowKey], !key.isNull else {
                throw JobFailure(
                    .missingRowKey, "a row of the child table \"\(table)\" has no \"\(rowKey)\"",
                    remedy: "give every row its key, or declare another row_key for the table")
            }
            guard positions.updateValue(rows.count, forKey: key) == nil else {
                throw JobFailure(
                    .duplicateRowKey, "two rows of the child table \"\(table)\" have the same \"\(rowKey)\"",
                    remedy: "correct the rows, or declare another row_key for the table")
            }
            rows.append((key, row))
        }
    }

    subscript(key: JSONValue) -> JSONObject? { positions[key].map { rows[$0].row } }
}
