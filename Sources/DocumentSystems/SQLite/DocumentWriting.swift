// Conditional writes of documents of one type inside an open write transaction, each in a savepoint: the document is
// read again, compared with what the write was computed from, and only then touched. Only what the diff names is
// written.
internal import GRDB
internal import JobStore
internal import SyncJobs

/// Writes documents of one type.
struct DocumentWriting {
    let reading: DocumentReading
    let statements: StatementBudget
    var db: Database { reading.db }
    var plan: TablePlan { reading.plan }

    /// Makes one write, or says why not.
    func receipt(for write: DocumentWrite) throws -> WriteReceipt {
        switch (write.before, write.after) {
        case (nil, let after?): try insert(after, fallbackName: write.fallbackName)
        case (let before?, let after?): try update(before, after, diff: write.diff)
        case (let before?, nil): try delete(before)
        case (nil, nil): throw WriteStop.conflict("a write without a document before and after does nothing")
        }
    }

    private func current(_ before: Document) throws -> StoredDocument {
        guard let name = before.key?.name, let current = try reading.document(named: name) else {
            throw WriteStop.conflict("the document is not there any more")
        }
        // The same as comparing the hashes of both, without hashing.
        guard current.document.fields.isWritten(like: before.fields) else {
            throw WriteStop.conflict("the document has changed since it was read")
        }
        return current
    }

    // MARK: - Insert

    private func insert(_ after: Document, fallbackName: String) throws -> WriteReceipt {
        let name = try insertedName(after, fallbackName: fallbackName)
        if let name {
            guard name.utf8.count <= DocumentKey.maximumNameBytes else { throw nameTooLong }
            if try reading.document(named: name) != nil {
                throw WriteStop.conflict("a document of this name exists already")
            }
        }
        var values = try columnValues(of: after)
        if let name, !values.contains(where: { $0.column.name.hasSameBytes(as: plan.name.name) }) {
            values.append((plan.name, SQLiteValue.integerName(name).flatMap(integerName) ?? .text(ExactString(name))))
        }
        try execute(insertion(into: plan.table, values), values.map(\.value))
        let storedName = name ?? String(db.lastInsertedRowID)
        guard let inserted = try reading.document(named: storedName) else { throw nameNotKept }
        let children = ChildRowWriting(writing: self, parentName: inserted.rawName)
        for child in plan.children {
            let rows = after.fields[child.field] ?? .null
            guard rows.isNull || rows.arrayValue != nil else { throw plan.notATable(child.field) }
            for row in rows.arrayValue ?? [] {
                guard let object = row.objectValue else { throw plan.notATable(child.field) }
                try children.insert(object, into: child)
            }
        }
        return try receipt(storedName)
    }

    /// The name that the document says it has; nil when SQLite shall give one.
    private func insertedName(_ after: Document, fallbackName: String) throws -> String? {
        var fieldName: String?
        switch after.fields[plan.name.name] ?? .null {
        case .null: break
        case .string(let text): fieldName = text
        case .number(let number):
            guard let integer = number.int64 else { throw nameNotKept }
            fieldName = String(integer)
        default: throw nameNotKept
        }
        guard let keyName = after.key?.name else {
            return fieldName ?? (plan.assignsNames ? nil : fallbackName)
        }
        if let fieldName, !fieldName.hasSameBytes(as: keyName) {
            throw WriteStop.refused(
                JobFailure(
                    .invalidTarget, "\(plan.type): the target's name and its field \"\(plan.name.name)\" differ",
                    remedy: "name the target in one place, or equally in both"))
        }
        return keyName
    }

    /// A whole number stays text in a column that keeps text.
    private func integerName(_ value: SQLiteValue) -> SQLiteValue? {
        plan.name.affinity.readsNumbers ? value : nil
    }

    private func columnValues(of document: Document) throws -> [(column: ColumnPlan, value: SQLiteValue)] {
        var values: [(column: ColumnPlan, value: SQLiteValue)] = []
        var json = JSONObject()
        for member in document.fields where plan.child(member.key) == nil {
            if plan.jsonPosition != nil, !member.key.hasSameBytes(as: plan.name.name) {
                json[member.key] = member.value
            } else if member.key.hasSameBytes(as: plan.name.name), member.value.isNull {
                continue
            } else {
                let column = try writable(member.key)
                values.append((column, try SQLiteValue(member.value, column: column)))
            }
        }
        if let position = plan.jsonPosition {
            values.append((plan.list.columns[position], .text(ExactString(JSONValue.object(json).canonicalText))))
        }
        return values
    }

    // MARK: - Update

    private func update(_ before: Document, _ after: Document, diff: Diff) throws -> WriteReceipt {
        let current = try current(before)
        let name = current.rawName.nameText
        var fields = diff.changed.map(\.field)
        let tables = diff.added.map(\.table) + diff.removed.map(\.table) + diff.rowChanged.map(\.table)
        for table in tables where plan.child(table) == nil {
            // A declared child table that lives in a column of its own is written whole.
            if !fields.contains(where: { $0.hasSameBytes(as: table) }) { fields.append(table) }
        }
        var values: [(column: ColumnPlan, value: SQLiteValue)] = []
        var json = current.json
        for field in fields {
            // The values come from the document, since a diff may have been masked for people.
            let value = after.fields[field] ?? .null
            if plan.child(field) != nil { throw plan.notATable(field) }
            if field.hasSameBytes(as: plan.name.name) {
                guard Self.isName(value, name) else { throw nameChange }
            } else if plan.jsonPosition != nil {
                json[field] = value
            } else {
                let column = try writable(field)
                values.append((column, try SQLiteValue(value, column: column)))
            }
        }
        if let position = plan.jsonPosition, json != current.json {
            values.append((plan.list.columns[position], .text(ExactString(JSONValue.object(json).canonicalText))))
        }
        if !values.isEmpty {
            let sql = updating(plan.table, values) + " WHERE " + plan.name.equals("?\(values.count + 1)")
            try execute(sql, values.map(\.value) + [current.rawName])
        }
        try ChildRowWriting(writing: self, parentName: current.rawName).apply(diff, after: after)
        return try receipt(name)
    }

    private static func isName(_ value: JSONValue, _ name: String) -> Bool {
        switch value {
        case .string(let text): text.hasSameBytes(as: name)
        case .number(let number): number.int64.map { String($0).hasSameBytes(as: name) } ?? false
        default: false
        }
    }

    // MARK: - Delete

    private func delete(_ before: Document) throws -> WriteReceipt {
        let current = try current(before)
        for child in plan.children {
            let sql = "DELETE FROM \(child.table) WHERE \(child.parent.equals("?1"))"
            try execute(sql, [current.rawName])
        }
        try execute("DELETE FROM \(plan.table) WHERE \(plan.name.equals("?1"))", [current.rawName])
        guard try reading.document(named: current.rawName.nameText) == nil else {
            throw WriteStop.refused(
                ConstraintVerdict.violation(
                    plan.type.description, "the row is still there after it was deleted",
                    "look at the triggers of the table"))
        }
        return WriteReceipt(name: current.rawName.nameText, stored: nil)
    }

    // MARK: - Statements

    func insertion(into table: String, _ values: [(column: ColumnPlan, value: SQLiteValue)]) -> String {
        // OR ABORT: a conflict clause in the owner's schema (REPLACE, ROLLBACK) must not decide over other documents.
        guard !values.isEmpty else { return "INSERT OR ABORT INTO \(table) DEFAULT VALUES" }
        let columns = values.map(\.column.sql).joined(separator: ", ")
        let places = values.indices.map { "?\($0 + 1)" }.joined(separator: ", ")
        return "INSERT OR ABORT INTO \(table) (\(columns)) VALUES (\(places))"
    }

    func updating(_ table: String, _ values: [(column: ColumnPlan, value: SQLiteValue)]) -> String {
        let assignments = values.enumerated().map { "\($1.column.sql) = ?\($0 + 1)" }
        return "UPDATE OR ABORT \(table) SET \(assignments.joined(separator: ", "))"
    }

    func execute(_ sql: String, _ values: [SQLiteValue]) throws {
        try db.eachRow(sql, values.map(\.argument), isKept: statements.admits(sql)) { _ in true }
    }

    private func writable(_ field: String) throws(JobFailure) -> ColumnPlan {
        guard let column = plan.list.column(field) else { throw plan.unknownField(field) }
        return try plan.checkWritable(column)
    }

    private func receipt(_ name: String) throws -> WriteReceipt {
        guard let stored = try reading.document(named: name) else { throw nameNotKept }
        return WriteReceipt(name: name, stored: stored.document)
    }

    // MARK: - Refusals

    private var nameNotKept: WriteStop {
        .refused(
            JobFailure(
                .invalidTarget,
                "\(plan.type): the table \"\(plan.layout.table)\" does not keep the name as it was given",
                remedy: "give a name that fits the type of the column \"\(plan.name.name)\", and look at its triggers"))
    }

    private var nameTooLong: WriteStop {
        .refused(
            JobFailure(
                .invalidTarget, "\(plan.type): the name has over \(DocumentKey.maximumNameBytes) bytes",
                remedy: "map a shorter name"))
    }

    private var nameChange: WriteStop {
        .refused(
            JobFailure(
                .invalidTarget, "\(plan.type): the field \"\(plan.name.name)\" is the document's name and can't change",
                remedy: "map it with only: insert"))
    }
}

extension TablePlan {
    /// A child table must be an array of objects.
    func notATable(_ field: String) -> WriteStop {
        .refused(
            JobFailure(
                .invalidTarget, "\(type): the child table \"\(field)\" takes a list of objects",
                remedy: "map rows with tables:, or leave the field out"))
    }

    /// Refuses a column that SQLite computes.
    func checkWritable(_ column: ColumnPlan) throws(JobFailure) -> ColumnPlan {
        guard !column.isGenerated else {
            throw JobFailure(
                .invalidTarget, "\(type): the column \"\(column.name)\" is computed by the file",
                remedy: "take the field out of the mapping")
        }
        return column
    }
}
