// A declared layout held against the file's real tables: which columns are read and written how, and the SQL that never
// changes. What does not fit is a failure that names table and column.
internal import SyncJobs

/// A column that is read and written.
struct ColumnPlan: Sendable {
    let name: String
    let sql: String
    let affinity: Affinity
    let kind: FieldKind?
    let isGenerated: Bool

    init(_ schema: ColumnSchema, kind: FieldKind?) {
        name = schema.name
        sql = quoted(schema.name)
        affinity = schema.affinity
        self.kind = kind
        isGenerated = schema.isGenerated
    }

    /// Equality by the column's own collation, so that its index serves, and by bytes, so that nothing else is meant.
    func equals(_ placeholder: String) -> String {
        "\(sql) = \(placeholder) AND \(sql) = \(placeholder) COLLATE BINARY"
    }
}

/// The columns of one table in byte order of their names, and the list that selects them.
struct ColumnList: Sendable {
    let columns: [ColumnPlan]
    let selection: String

    init(_ columns: [ColumnPlan]) {
        self.columns = columns.sorted { $0.name.precedesByBytes($1.name) }
        selection = self.columns.map(\.sql).joined(separator: ", ")
    }

    func column(_ name: String) -> ColumnPlan? { columns.first { $0.name.hasSameBytes(as: name) } }
}

/// A child table held against the file.
struct ChildPlan: Sendable {
    let field: String
    let table: String
    let list: ColumnList
    let parent: ColumnPlan
    let rowKey: ColumnPlan
    /// Selects the rows of one parent, in the order of their keys.
    let select: String

    init(field: String, layout: SQLiteChildTable, shape: TableShape?, schema: TableSchema) throws(JobFailure) {
        func column(_ name: String, _ role: String) throws(JobFailure) -> ColumnPlan {
            guard let column = schema.column(name) else {
                throw TablePlan.missing(column: name, role: role, in: schema)
            }
            return ColumnPlan(column, kind: shape?.fields[name]?.kind)
        }
        self.field = field
        table = quoted(layout.table)
        parent = try column(layout.parentColumn, "parent")
        rowKey = try column(layout.rowKey, "row_key")
        let fields = schema.columns.filter {
            !$0.name.hasSameBytes(as: layout.parentColumn) || $0.name.hasSameBytes(as: layout.rowKey)
        }
        list = ColumnList(fields.map { ColumnPlan($0, kind: shape?.fields[$0.name]?.kind) })
        select =
            "SELECT \(list.selection) FROM \(table) WHERE \(parent.equals("?1"))"
            + " ORDER BY \(rowKey.sql) COLLATE BINARY"
    }
}

/// A document type's layout held against the file.
struct TablePlan: Sendable {
    let type: DocumentType
    let layout: SQLiteTable
    let table: String
    let list: ColumnList
    let name: ColumnPlan
    let namePosition: Int
    /// Where the JSON text stands in the list; nil when each field is a column.
    let jsonPosition: Int?
    let children: [ChildPlan]
    /// Whether SQLite gives an inserted document its name.
    let assignsNames: Bool
    /// Selects the rows whose name column equals a document's name in its own collation.
    let selectByName: String

    /// Text order for names in a column without affinity, where a number and its digits may stand side by side.
    var nameOrder: String { name.affinity == .none ? "CAST(\(name.sql) AS TEXT)" : name.sql }

    init(
        type: DocumentType, layout: SQLiteTable, schema: (_ table: String) throws(JobFailure) -> TableSchema
    ) throws(JobFailure) {
        let columns = try schema(layout.table)
        guard let nameColumn = columns.column(layout.nameColumn) else {
            throw Self.missing(column: layout.nameColumn, role: "name", in: columns)
        }
        var read = columns.columns
        if let json = layout.jsonColumn {
            guard columns.column(json) != nil else { throw Self.missing(column: json, role: "json", in: columns) }
            read = read.filter { $0.name.hasSameBytes(as: json) || $0.name.hasSameBytes(as: layout.nameColumn) }
        }
        self.type = type
        self.layout = layout
        table = quoted(layout.table)
        let list = ColumnList(read.map { ColumnPlan($0, kind: layout.shape.fields[$0.name]?.kind) })
        self.list = list
        name = ColumnPlan(nameColumn, kind: layout.shape.fields[nameColumn.name]?.kind)
        namePosition = list.columns.firstIndex { $0.name.hasSameBytes(as: nameColumn.name) } ?? 0
        jsonPosition = layout.jsonColumn.flatMap { json in
            list.columns.firstIndex { $0.name.hasSameBytes(as: json) }
        }
        assignsNames = columns.rowIDColumn.map { $0.hasSameBytes(as: nameColumn.name) } ?? false
        var children: [ChildPlan] = []
        for (field, child) in layout.childTables.sorted(by: { $0.key.precedesByBytes($1.key) }) {
            children.append(
                try ChildPlan(
                    field: field, layout: child, shape: layout.shape.tables[field], schema: try schema(child.table)))
        }
        self.children = children
        // A number in a column without affinity is found by its digits only when it is asked for as a number too.
        let other = name.affinity == .none ? " OR \(name.sql) = ?2" : ""
        selectByName = "SELECT \(list.selection) FROM \(table) WHERE \(name.sql) = ?1\(other)"
    }

    func child(_ field: String) -> ChildPlan? { children.first { $0.field.hasSameBytes(as: field) } }

    static func missing(column: String, role: String, in schema: TableSchema) -> JobFailure {
        let near = schema.columnIgnoringCase(column).map { "the table writes it \"\($0.name)\"" }
        let known = schema.columns.prefix(30).map(\.name).joined(separator: ", ")
        return JobFailure(
            .invalidTarget, "the table \"\(schema.name)\" has no column \"\(column)\" (\(role))",
            remedy: near ?? "correct the configuration; there are \(known)")
    }
}
