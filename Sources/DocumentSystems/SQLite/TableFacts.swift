// What a file's schema says of a table beyond the columns that documents are read by: declared types, keys, references
// to other tables; and a look at some rows. Read for drafts only, never on the way of a job.
// Invariant: bounded, whatever the table holds: at most 200 rows of 2,000 characters a value are looked at.
internal import GRDB
internal import SyncJobs

/// What is known of one table or view.
struct TableFacts: Sendable, Hashable {
    /// What SQLite calls it.
    enum Kind: String, Sendable {
        case table, view, virtual
    }

    /// A column.
    struct Column: Sendable, Hashable {
        let name: String
        let declaredType: String
        let affinity: Affinity
        /// Its place in the primary key, from 1; 0 outside of it.
        let keyPosition: Int
        let isRequired: Bool
        /// What its values look like; it knows of binary ones by their count.
        var values = FieldSample()
        var binaryValues = 0
    }

    /// A foreign key.
    struct Reference: Sendable, Hashable {
        let table: String
        /// The columns, each with the one that it refers to; nil for the primary key of the other table.
        var columns: [(from: String, to: String?)]
        let cascades: Bool

        static func == (left: Reference, right: Reference) -> Bool { left.identity == right.identity }
        func hash(into hasher: inout Hasher) { hasher.combine(identity) }
        private var identity: [String?] { [table, "\(cascades)"] + columns.flatMap { [$0.from, $0.to] } }
    }

    static let maximumRows = 200
    static let maximumCount = 1_000_000
    private static let maximumText = 2000

    let name: String
    let kind: Kind
    private(set) var columns: [Column] = []
    private(set) var references: [Reference] = []
    /// The columns of each unique index without a condition, the primary key left out.
    private(set) var uniqueKeys: [[String]] = []
    private(set) var rowCount = 0
    /// Whether the primary key is another name of the rowid, so that SQLite gives its value.
    private(set) var hasRowIDKey = false
    /// Why the table can't be read; nil when it can.
    private(set) var obstacle: String?

    /// A table as a test describes it.
    init(
        name: String, kind: Kind = .table, columns: [Column], references: [Reference] = [], uniqueKeys: [[String]] = [],
        rowCount: Int = 0, hasRowIDKey: Bool = false
    ) {
        self.name = name
        self.kind = kind
        self.columns = columns
        self.references = references
        self.uniqueKeys = uniqueKeys
        self.rowCount = rowCount
        self.hasRowIDKey = hasRowIDKey
    }

    /// All tables and views that are the owner's own, in byte order of their names; rows are looked at only of those
    /// that are named and of those that refer to them, or of all without names.
    static func all(in db: Database, lookingAt names: [String] = []) throws -> [TableFacts] {
        let wanted = Set(names.map { $0.lowercased() })
        let sql = """
            SELECT name, type FROM pragma_table_list
            WHERE schema = 'main' AND type <> 'shadow' AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\'
            """
        let rows = try Row.fetchAll(db, sql: sql)
        return try rows.map { row in
            let name: String = row[0]
            let kind: String = row[1]
            return try TableFacts(name, kind: Kind(rawValue: kind) ?? .virtual, lookingAt: wanted, in: db)
        }.sorted { $0.name.precedesByBytes($1.name) }
    }

    private init(_ name: String, kind: Kind, lookingAt wanted: Set<String>, in db: Database) throws {
        self.name = name
        self.kind = kind
        do {
            try readColumns(in: db)
            try readKeys(in: db)
            let isNear = ([name] + references.map(\.table)).contains { wanted.contains($0.lowercased()) }
            if wanted.isEmpty || isNear { try readRows(in: db) }
        } catch let error as DatabaseError where !error.isUnavailability {
            // A view over what is gone, a virtual table whose module is not here: the others can be drafted all the same.
            obstacle = error.message ?? "SQLite code \(error.extendedResultCode.rawValue)"
        }
    }

    private mutating func readColumns(in db: Database) throws {
        let isStrict =
            try Bool.fetchOne(
                db, sql: "SELECT strict FROM pragma_table_list(?) WHERE schema = 'main'", arguments: [name]) ?? false
        let sql = "SELECT name, type, pk, \"notnull\" FROM pragma_table_xinfo(?) WHERE hidden <> 1"
        columns = try Row.fetchAll(db, sql: sql, arguments: [name]).map { row in
            Column(
                name: row[0], declaredType: row[1], affinity: Affinity(declaredType: row[1], isStrict: isStrict),
                keyPosition: row[2], isRequired: row[3])
        }
        hasRowIDKey = try TableSchema(name, in: db)?.rowIDColumn != nil
    }

    private mutating func readKeys(in db: Database) throws {
        guard kind == .table else { return }
        let references = try Row.fetchAll(
            db,
            sql: "SELECT id, \"table\", \"from\", \"to\", on_delete FROM pragma_foreign_key_list(?) ORDER BY id, seq",
            arguments: [name])
        var last: Int?
        for row in references {
            let id: Int = row[0]
            let onDelete: String = row[4]
            if id != last {
                self.references.append(
                    Reference(table: row[1], columns: [], cascades: onDelete.uppercased() == "CASCADE"))
            }
            self.references[self.references.count - 1].columns.append((from: row[2], to: row[3]))
            last = id
        }
        let indexes = try String.fetchAll(
            db,
            sql:
                "SELECT name FROM pragma_index_list(?) WHERE \"unique\" AND NOT partial AND origin <> 'pk' ORDER BY seq",
            arguments: [name])
        for index in indexes {
            let columns = try String?.fetchAll(
                db, sql: "SELECT name FROM pragma_index_info(?) ORDER BY seqno", arguments: [index])
            let named = columns.compactMap { $0 }
            // A key over an expression says nothing about the columns in it.
            if named.count == columns.count { uniqueKeys.append(named) }
        }
    }

    private mutating func readRows(in db: Database) throws {
        let table = quoted(name)
        let counted = "SELECT count(*) FROM (SELECT 1 FROM \(table) LIMIT \(Self.maximumCount + 1))"
        rowCount = try Int.fetchOne(db, sql: counted) ?? 0
        // SQLite takes at most 2,000 columns in a result; what is beyond is drafted by its declared type alone.
        let read = columns.prefix(1000).map { column in
            let name = quoted(column.name)
            return """
                CASE typeof(\(name)) WHEN 'blob' THEN x'' WHEN 'text' THEN substr(\(name), 1, \(Self.maximumText)) \
                ELSE \(name) END
                """
        }
        guard !read.isEmpty else { return }
        let sql = "SELECT \(read.joined(separator: ", ")) FROM \(table) LIMIT \(Self.maximumRows)"
        let rows = try Row.fetchCursor(db, sql: sql)
        while let row = try rows.next() {
            for position in read.indices {
                let value: DatabaseValue = row[position]
                switch value.storage {
                case .null: break
                case .int64(let integer): columns[position].values.add(.number(JSONNumber(integer)))
                case .double(let real):
                    columns[position].values.add(JSONNumber(real.description).map { .number($0) } ?? "∞")
                case .string(let text):
                    // Scalars, not characters, are what SQLite cuts by.
                    if text.unicodeScalars.count >= Self.maximumText {
                        columns[position].values.add(beginning: text)
                    } else {
                        columns[position].values.add(.string(text))
                    }
                case .blob: columns[position].binaryValues += 1
                }
            }
        }
    }

    /// The column of this name, as SQLite compares names.
    func column(_ name: String) -> Column? { columns.first { $0.name.lowercased() == name.lowercased() } }

    /// The columns of the primary key, in its order.
    var primaryKey: [Column] {
        columns.filter { $0.keyPosition > 0 }.sorted { $0.keyPosition < $1.keyPosition }
    }
}
