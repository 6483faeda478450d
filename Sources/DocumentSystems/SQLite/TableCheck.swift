// What is declared held against what is there, before any job runs: a missing table or column would fail every job, a
// missing index would make every job slow.
internal import GRDB
internal import SyncJobs

extension SystemProblem {
    init(type: DocumentType, _ failure: JobFailure) {
        self.init(documentType: type, message: failure.message, remedy: failure.remedy, isFatal: true)
    }
}

/// Checks one document type's layout.
struct TableCheck {
    let type: DocumentType
    let layout: SQLiteTable
    let db: Database

    func problems() throws -> [SystemProblem] {
        let plan: TablePlan
        do {
            plan = try TablePlan(type: type, layout: layout) { table throws(JobFailure) in
                try PlanCache.schema(table, in: db)
            }
        } catch {
            return [SystemProblem(type: type, error)]
        }
        var problems = missingFields(plan)
        if try !isUnique([plan.name.name], in: layout.table) {
            problems.append(
                warning(
                    "\"\(plan.name.name)\" of \"\(layout.table)\" is not unique, two documents may have one name",
                    remedy: "CREATE UNIQUE INDEX … ON \(plan.table)(\(plan.name.sql))"))
        }
        for child in plan.children where try !isIndexed(child.select, placeholders: 1) {
            let table = layout.childTables[child.field]?.table ?? child.field
            problems.append(
                warning(
                    "reading the rows of a document in \"\(table)\" reads the whole table",
                    remedy: "CREATE INDEX … ON \(child.table)(\(child.parent.sql))"))
        }
        return problems
    }

    private func missingFields(_ plan: TablePlan) -> [SystemProblem] {
        var problems: [SystemProblem] = []
        func expect(_ field: String, _ list: ColumnList, _ what: String, table: String) {
            guard list.column(field) == nil else { return }
            let near = list.columns.first { $0.name.lowercased() == field.lowercased() }
            problems.append(
                SystemProblem(
                    documentType: type, message: "\(what) \"\(field)\" is no column of \"\(table)\"",
                    remedy: near.map { "the table writes it \"\($0.name)\"" } ?? "correct the name, or add the column",
                    isFatal: true))
        }
        if layout.jsonColumn == nil {
            for field in layout.shape.fields.keys.sorted() {
                expect(field, plan.list, "the declared field", table: layout.table)
            }
            if let version = layout.shape.version {
                expect(version.field, plan.list, "the version field", table: layout.table)
            }
            for field in layout.shape.tables.keys.sorted() where plan.child(field) == nil {
                expect(field, plan.list, "the child table without table and parent", table: layout.table)
            }
        }
        for child in plan.children {
            let table = layout.childTables[child.field]?.table ?? child.field
            for field in (layout.shape.tables[child.field]?.fields.keys.sorted() ?? []) {
                expect(field, child.list, "the declared field", table: table)
            }
            if plan.list.column(child.field) != nil {
                problems.append(
                    SystemProblem(
                        documentType: type,
                        message: "the child table \"\(child.field)\" has the name of a column of \"\(layout.table)\"",
                        remedy: "give the child table another name", isFatal: true))
            }
        }
        return problems
    }

    private func warning(_ message: String, remedy: String) -> SystemProblem {
        SystemProblem(documentType: type, message: message, remedy: remedy, isFatal: false)
    }

    private func isUnique(_ columns: [String], in table: String) throws -> Bool {
        let sql = """
            SELECT (SELECT group_concat(name) FROM pragma_index_info(i.name)) FROM pragma_index_list(?1) AS i
            WHERE i."unique" AND NOT i.partial
            UNION ALL SELECT group_concat(name) FROM pragma_table_info(?1) WHERE pk > 0
            """
        return try String?.fetchAll(db, sql: sql, arguments: [table]).contains {
            $0?.hasSameBytes(as: columns.joined(separator: ",")) ?? false
        }
    }

    private func isIndexed(_ sql: String, placeholders: Int) throws -> Bool {
        try QueryPlan.isIndexed(sql, placeholders: placeholders, in: db)
    }
}

/// Checks how jobs use a document type.
struct UseCheck {
    let reading: DocumentReading
    private var plan: TablePlan { reading.plan }

    func problems(fields: [String], matches: [[String]]) throws -> [SystemProblem] {
        var problems: [SystemProblem] = []
        let known: (String) -> Bool = { field in
            plan.jsonPosition != nil || plan.list.column(field) != nil || plan.child(field) != nil
        }
        for field in fields + matches.joined() where !known(field) {
            problems.append(SystemProblem(type: plan.type, plan.unknownField(field)))
        }
        for match in matches where !match.isEmpty && match.allSatisfy(known) {
            var query = DocumentQuery(type: plan.type, fields: JSONObject())
            for field in match { query.fields[field] = "x" }
            let search: (sql: String, arguments: [SQLiteValue])?
            do {
                search = try DocumentFinding(reading: reading).statement(query)
            } catch {
                problems.append(SystemProblem(type: plan.type, error))
                continue
            }
            guard let search else { continue }
            if try !QueryPlan.isIndexed(search.sql, placeholders: search.arguments.count, in: reading.db) {
                problems.append(
                    SystemProblem(
                        documentType: plan.type,
                        message: "a match by \(match.joined(separator: ", ")) reads the whole table",
                        remedy: "CREATE INDEX … ON \(plan.table)(\(match.map(indexed).joined(separator: ", ")))",
                        isFatal: false))
            }
        }
        return problems
    }

    private func indexed(_ field: String) -> String {
        guard let position = plan.jsonPosition, !field.hasSameBytes(as: plan.name.name),
            let path = DocumentFinding.path(field)
        else { return quoted(field) }
        return "json_extract(\(plan.list.columns[position].sql), '\(path)')"
    }
}

/// What SQLite says about how it would run a statement.
enum QueryPlan {
    /// Whether no table is read from end to end.
    static func isIndexed(_ sql: String, placeholders: Int, in db: Database) throws -> Bool {
        let arguments = StatementArguments(Array(repeating: DatabaseValue.null, count: placeholders))
        let steps = try Row.fetchAll(db, sql: "EXPLAIN QUERY PLAN \(sql)", arguments: arguments)
        return !steps.contains { row in
            let detail: String = row["detail"]
            return detail.hasPrefix("SCAN ") && !detail.contains("CONSTANT ROW")
        }
    }
}
