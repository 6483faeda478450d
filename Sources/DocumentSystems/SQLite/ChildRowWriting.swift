// The rows of a document's child tables: removed first, then changed, then added, so that a unique key may move from
// one row to another within one write.
internal import SyncJobs
internal import Synchronization

/// Writes the child rows of one document.
struct ChildRowWriting {
    let writing: DocumentWriting
    let parentName: SQLiteValue
    private var plan: TablePlan { writing.plan }

    /// Applies the rows of `diff`; their values come from `after`, since a diff may have been masked for people.
    func apply(_ diff: Diff, after: Document) throws {
        for removed in diff.removed {
            guard let child = plan.child(removed.table) else { continue }
            try execute("DELETE FROM \(child.table)", [], child, key: removed.row[child.rowKey.name] ?? .null)
        }
        var rows: [String: [JSONValue: JSONObject]] = [:]
        func row(_ child: ChildPlan, _ key: JSONValue) -> JSONObject? {
            if let known = rows[child.field] { return known[key] }
            let elements = (after.fields[child.field]?.arrayValue ?? []).compactMap(\.objectValue)
            let table = Dictionary(
                elements.map { ($0[child.rowKey.name] ?? .null, $0) }, uniquingKeysWith: { first, _ in first })
            rows[child.field] = table
            return table[key]
        }
        for change in diff.rowChanged {
            guard let child = plan.child(change.table) else { continue }
            let current = row(child, change.rowKey)
            var values: [(column: ColumnPlan, value: SQLiteValue)] = []
            for field in change.changes {
                guard let column = try column(field.field, of: child, in: field.new) else { continue }
                values.append((column, try SQLiteValue(current?[field.field] ?? field.new, column: column)))
            }
            guard !values.isEmpty else { continue }
            try execute(writing.updating(child.table, values), values.map(\.value), child, key: change.rowKey)
        }
        for added in diff.added {
            guard let child = plan.child(added.table) else { continue }
            try insert(row(child, added.row[child.rowKey.name] ?? .null) ?? added.row, into: child)
        }
    }

    /// Inserts a row under the parent.
    func insert(_ row: JSONObject, into child: ChildPlan) throws {
        var values: [(column: ColumnPlan, value: SQLiteValue)] = []
        for member in row {
            guard let column = try column(member.key, of: child, in: member.value) else { continue }
            values.append((column, try SQLiteValue(member.value, column: column)))
        }
        if !values.contains(where: { $0.column.name.hasSameBytes(as: child.parent.name) }) {
            values.append((child.parent, parentName))
        }
        try writing.execute(writing.insertion(into: child.table, values), values.map(\.value))
    }

    /// A row's column; nil for the column of the parent's name when it says what is so anyway.
    private func column(_ field: String, of child: ChildPlan, in value: JSONValue) throws -> ColumnPlan? {
        if let column = child.list.column(field) { return try plan.checkWritable(column) }
        if field.hasSameBytes(as: child.parent.name) {
            if value.stringValue?.hasSameBytes(as: parentName.nameText)
                ?? (value.numberValue?.text == parentName.nameText)
            {
                return nil
            }
            throw JobFailure(
                .invalidTarget, "\(plan.type): a row of \"\(child.field)\" names another document as its parent",
                remedy: "take \"\(field)\" out of the mapping; it is filled with the document's name")
        }
        throw JobFailure(
            .invalidTarget, "\(plan.type): the child table \"\(child.field)\" has no field \"\(field.prefix(80))\"",
            remedy: "add the column, or correct the field's name")
    }

    private func execute(_ verb: String, _ values: [SQLiteValue], _ child: ChildPlan, key: JSONValue) throws {
        let rowKey = try SQLiteValue(key, column: child.rowKey)
        let count = values.count
        let condition =
            "\(child.parent.equals("?\(count + 1)")) AND \(child.rowKey.equals("?\(count + 2)"))"
        try writing.execute("\(verb) WHERE \(condition)", values + [parentName, rowKey])
        guard writing.db.changesCount == 1 else {
            throw JobFailure(
                .invalidTarget,
                "\(plan.type): \(writing.db.changesCount) rows of \"\(child.field)\" answer to one row key",
                remedy: "make \"\(child.rowKey.name)\" unique within a document, and look at the table's triggers")
        }
    }
}

/// Bounds how many different statements are kept prepared: each set of changed columns makes one.
final class StatementBudget: Sendable {
    private let known = Mutex<Set<String>>([])
    private let maximum: Int

    init(maximum: Int = 256) { self.maximum = maximum }

    func admits(_ sql: String) -> Bool {
        known.withLock { known in
            if known.contains(sql) { return true }
            guard known.count < maximum else { return false }
            known.insert(sql)
            return true
        }
    }
}
