// How a document type is laid out in somebody's SQLite file, as declared in the configuration: plain values, checked
// against the file only when it is opened.
public import SyncJobs

/// The layout of one document type in a SQLite file.
public struct SQLiteTable: Sendable, Hashable {
    /// The table (or view) that holds the documents, a row each.
    public var table: String
    /// The column that holds the document's name; it is among the fields too.
    public var nameColumn: String
    /// The column that holds the fields as JSON text; nil when each field is a column.
    public var jsonColumn: String?
    /// The declared shape.
    public var shape: DocumentShape
    /// The tables that hold the rows of child tables, by field name.
    public var childTables: [String: SQLiteChildTable]

    /// Declares a layout.
    public init(
        table: String, nameColumn: String, jsonColumn: String? = nil, shape: DocumentShape = DocumentShape(),
        childTables: [String: SQLiteChildTable] = [:]
    ) {
        self.table = table
        self.nameColumn = nameColumn
        self.jsonColumn = jsonColumn
        self.shape = shape
        self.childTables = childTables
    }
}

/// The layout of a child table in a SQLite file.
public struct SQLiteChildTable: Sendable, Hashable {
    /// The table that holds the rows of all parents.
    public var table: String
    /// The column that holds the name of a row's parent; it is not among the row's fields.
    public var parentColumn: String
    /// The column that tells the rows of one parent apart.
    public var rowKey: String

    /// Declares a layout.
    public init(table: String, parentColumn: String, rowKey: String) {
        self.table = table
        self.parentColumn = parentColumn
        self.rowKey = rowKey
    }
}
