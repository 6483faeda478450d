// What is drafted of a file's schema and rows: names, kinds, versions, child tables, and what can't be declared.
import DocumentSystems
import GRDB
import SyncJobs
import Testing

@Suite("A draft of a SQLite file")
struct DraftTests {
    private static func drafts(_ schema: String, of names: [String] = []) async throws -> [DocumentDraft] {
        let folder = try Folder()
        try folder.sql(schema)
        let system = try SQLiteFileSystem(
            name: "erp", path: folder.file("app.sqlite"), tables: [:], logger: quietLogger)
        let drafts = try await system.drafts(of: names)
        try system.close()
        return drafts
    }

    private static func draft(_ schema: String, of name: String) async throws -> DocumentDraft {
        try #require(try await drafts(schema, of: [name]).first)
    }

    /// The draft of one table `t` with these columns and rows.
    private static func fields(_ columns: String, rows: String? = nil) async throws -> [String: DocumentDraft.Field] {
        let rows = rows.map { "INSERT INTO t VALUES \($0);" } ?? ""
        let fields = try await draft("CREATE TABLE t (id TEXT PRIMARY KEY, \(columns)); \(rows)", of: "t").fields
        return Dictionary(uniqueKeysWithValues: fields.map { ($0.name, $0) })
    }

    @Test(
        "takes the kind of a field from its declared type",
        arguments: [
            ("DECIMAL(10,2)", .decimal(places: 2)), ("numeric( 9 , 3 )", .decimal(places: 3)),
            ("DECIMAL(10)", .integer), ("DECIMAL", nil), ("BOOLEAN", .bool), ("bool", .bool), ("TINYINT(1)", .bool),
            ("TINYINT(4)", nil), ("BIT", .bool), ("BIT(8)", nil), ("DATETIME", .timestamp), ("DATETIME(6)", .timestamp),
            ("TIMESTAMP WITH TIME ZONE", .timestamp), ("DATE", .date), ("JSON", .json), ("TEXT", nil),
            ("VARCHAR(140)", nil), ("INTEGER", nil), ("REAL", nil), ("", nil), ("DECIMAL(10,99)", nil),
        ] as [(String, FieldKind?)])
    func kinds(type: String, kind: FieldKind?) async throws {
        let field = try await Self.fields("x \(type)")["x"]
        #expect(field?.kind == kind)
        #expect(field?.declaredType == (type.isEmpty ? nil : type))
        #expect(field?.likelyKind == nil)
    }

    @Test("lets values object to their declared type, and suggest what STRICT tables can't declare")
    func values() async throws {
        let fields = try await Self.fields(
            "flag BOOLEAN, doc JSON, at DATETIME, day DATE, on_off INTEGER, price REAL, tags TEXT, seen TEXT, label TEXT",
            rows: """
                ('a', 2, 'no json', 1700000000, 'soon', 0, 9.95, '["x"]', '2026-01-02T10:00:00Z', '5'),
                ('b', 0, '{}', 1700000001, '2026-01-02', 1, 12.5, '{}', '2026-01-02 10:00:00', 'x'),
                ('c', 1, '[]', 1700000002, '2026-01-02', 1, 3, NULL, NULL, NULL)
                """)
        for (name, note) in [
            ("flag", "its values are not only 0 and 1"), ("doc", "not all of its values are JSON"),
            ("at", "its values are numbers"), ("day", "not all of its values are dates"),
        ] {
            #expect(fields[name]?.kind == nil, "\(name)")
            #expect(fields[name]?.note == note, "\(name)")
        }
        #expect(fields["on_off"]?.likelyKind == .bool)
        #expect(fields["price"]?.likelyKind == .decimal(places: 2))
        #expect(fields["tags"]?.likelyKind == .json)
        #expect(fields["seen"]?.likelyKind == .timestamp)
        #expect(fields["label"]?.likelyKind == nil)
    }

    @Test(
        "names documents by the primary key, else by what is unique, else says why it can't",
        arguments: [
            ("(code TEXT PRIMARY KEY)", "code", nil), ("(id INTEGER PRIMARY KEY, x)", "id", nil),
            ("(a TEXT, b TEXT, no TEXT NOT NULL UNIQUE, PRIMARY KEY (a, b))", "no", nil),
            ("(a TEXT, no TEXT UNIQUE)", nil, "no primary key"),
            ("(a TEXT, b TEXT, PRIMARY KEY (a, b))", nil, "a primary key of several columns (a, b)"),
            ("(a BLOB PRIMARY KEY)", nil, "a is BLOB"), ("(a REAL PRIMARY KEY)", nil, "a is REAL"),
        ] as [(String, String?, String?)])
    func names(columns: String, name: String?, obstacle: String?) async throws {
        let draft = try await Self.draft("CREATE TABLE t \(columns)", of: "t")
        #expect(draft.nameField == name)
        #expect((draft.obstacle == nil) == (obstacle == nil))
        if let obstacle { #expect(draft.obstacle?.hasPrefix(obstacle) == true) }
    }

    @Test("mentions a unique column that may be the better name")
    func betterName() async throws {
        let draft = try await Self.draft("CREATE TABLE t (id INTEGER PRIMARY KEY, no TEXT NOT NULL UNIQUE)", of: "t")
        #expect(draft.notes == ["unique too, and perhaps the better name: no"])
    }

    @Test(
        "suggests the version by name, type and values",
        arguments: [
            ("modified DATETIME", "", .init(field: "modified", order: .timestamp, needsZone: true)),
            (
                "updated_at TEXT", "('a', '2026-01-02T10:00:00+01:00')",
                .init(field: "updated_at", order: .timestamp, needsZone: false)
            ),
            (
                "updatedAt TEXT", "('a', '2026-01-02 10:00:00')",
                .init(field: "updatedAt", order: .timestamp, needsZone: true)
            ),
            ("updated_at INTEGER", "", .init(field: "updated_at", order: .number, needsZone: false)),
            ("modified DATETIME", "('a', 1700000000)", .init(field: "modified", order: .number, needsZone: false)),
            ("version INTEGER", "('a', 7)", .init(field: "version", order: .number, needsZone: false)),
            ("etag TEXT", "('a', 'W/\"x\"')", .init(field: "etag", order: .none, needsZone: false)),
            ("modified TEXT", "('a', 'last week')", nil), ("version TEXT", "('a', 'v1.2')", nil),
            ("label TEXT", "", nil),
        ] as [(String, String, DocumentDraft.Version?)])
    func versions(column: String, rows: String, version: DocumentDraft.Version?) async throws {
        let insert = rows.isEmpty ? "" : "INSERT INTO t VALUES \(rows);"
        let draft = try await Self.draft("CREATE TABLE t (id TEXT PRIMARY KEY, \(column)); \(insert)", of: "t")
        #expect(draft.version == version)
    }

    @Test(
        "suspects what should be masked by whole words",
        arguments: [
            ("password", true), ("user_password_hash", true), ("apiKey", true), ("API-Key", true), ("iban", true),
            ("tax_id", true), ("taxId", true), ("TaxNumber", true), ("date_of_birth", true), ("pin", true),
            ("creditcard", true), ("spinning", false), ("label", false), ("tax_identity", false), ("tokenised", false),
            ("key", false), ("account_no", false), ("birthplace_code", false),
        ])
    func sensitive(name: String, isSuspect: Bool) async throws {
        let field = try await Self.fields("\"\(name)\" TEXT")[name]
        #expect((field?.sensitivity != nil) == isSuspect)
    }

    private static let shop = """
        CREATE TABLE customers (code TEXT PRIMARY KEY, label TEXT, notes TEXT);
        CREATE TABLE customer_addresses (
            id INTEGER PRIMARY KEY, customer_code TEXT NOT NULL REFERENCES customers (code), main BOOLEAN);
        CREATE TABLE customer_notes (customer TEXT REFERENCES customers, line INTEGER, note TEXT);
        CREATE TABLE contacts (customer TEXT REFERENCES customers ON DELETE CASCADE, email TEXT, UNIQUE (email, customer));
        CREATE TABLE orders (id INTEGER PRIMARY KEY, customer TEXT REFERENCES customers (code));
        CREATE TABLE order_items (
            order_id INTEGER REFERENCES orders (id), line INTEGER, sku TEXT REFERENCES items (sku),
            PRIMARY KEY (order_id, line)) WITHOUT ROWID;
        CREATE TABLE order_item_taxes (id INTEGER PRIMARY KEY, item INTEGER REFERENCES order_items (line));
        CREATE TABLE items (sku TEXT PRIMARY KEY, parent TEXT REFERENCES items (sku) ON DELETE CASCADE);
        CREATE VIEW big_orders AS SELECT * FROM orders;
        """

    @Test("finds child tables by their reference and name, or by their end with the parent")
    func children() async throws {
        let drafts = try await Self.drafts(Self.shop)
        #expect(drafts.map(\.type.name) == ["BigOrder", "Customer", "Item", "OrderItemTax", "Order"])
        let customer = try #require(drafts.first { $0.table == "customers" })
        #expect(customer.children.map(\.field) == ["contacts", "addresses", "customer_notes"])
        #expect(customer.children.map(\.table) == ["contacts", "customer_addresses", "customer_notes"])
        #expect(customer.children.map(\.parentColumn) == ["customer", "customer_code", "customer"])
        #expect(customer.children.map(\.rowKey) == ["email", "id", nil])
        #expect(customer.children.map(\.likelyRowKey) == [nil, nil, "line"])
        #expect(customer.children[1].notes.first?.hasPrefix("SQLite gives id") == true)
        #expect(customer.children[1].fields.first { $0.name == "main" }?.kind == .bool)
        let order = try #require(drafts.first { $0.table == "orders" })
        #expect(order.children.map(\.field) == ["items"])
        #expect(order.children.first?.rowKey == "line")
        #expect(order.notes == ["customer refers to customers"])
        #expect(drafts.first { $0.table == "items" }?.children.isEmpty == true)
    }

    @Test("gives child tables one level, and loses no table of a ring")
    func levels() async throws {
        let drafts = try await Self.drafts(
            """
            CREATE TABLE orders (id INTEGER PRIMARY KEY);
            CREATE TABLE order_items (id INTEGER PRIMARY KEY, o INTEGER REFERENCES orders);
            CREATE TABLE order_item_taxes (id INTEGER PRIMARY KEY, i INTEGER REFERENCES order_items);
            CREATE TABLE order_item_tax_notes (id INTEGER PRIMARY KEY, t INTEGER REFERENCES order_item_taxes);
            CREATE TABLE a (id INTEGER PRIMARY KEY, b INTEGER REFERENCES b ON DELETE CASCADE);
            CREATE TABLE b (id INTEGER PRIMARY KEY, c INTEGER REFERENCES c ON DELETE CASCADE);
            CREATE TABLE c (id INTEGER PRIMARY KEY, a INTEGER REFERENCES a ON DELETE CASCADE);
            CREATE TABLE d (id INTEGER PRIMARY KEY, a INTEGER REFERENCES a ON DELETE CASCADE);
            """)
        #expect(drafts.map(\.table) == ["a", "b", "c", "order_item_taxes", "orders"])
        #expect(drafts.map { $0.children.map(\.table) } == [["d"], [], [], ["order_item_tax_notes"], ["order_items"]])
    }

    @Test("drafts a child table as a document when it is asked for by name")
    func namedTables() async throws {
        let drafts = try await Self.drafts(Self.shop, of: ["customer_addresses"])
        #expect(drafts.map(\.type.name) == ["CustomerAddress"])
        #expect(drafts.first?.nameField == "id")
        #expect(drafts.first?.notes.contains { $0.hasPrefix("its rows belong to customers") } == true)
    }

    @Test("refuses a table that is not there, with the near one")
    func unknownTable() async throws {
        let failure = await #expect(throws: JobFailure.self) { try await Self.drafts(Self.shop, of: ["custmers"]) }
        #expect(failure?.code == .invalidTarget)
        #expect(failure?.remedy == "did you mean customers?")
    }

    @Test("goes on past views that can't be read, and leaves SQLite's own tables out")
    func oddTables() async throws {
        let drafts = try await Self.drafts(
            """
            CREATE TABLE gone (x); CREATE VIEW broken AS SELECT * FROM gone; DROP TABLE gone;
            CREATE TABLE counted (id INTEGER PRIMARY KEY AUTOINCREMENT);
            CREATE TABLE "odd "" table" (id TEXT PRIMARY KEY, "odd "" column" BLOB);
            CREATE TABLE "tabSales Invoice" (name TEXT PRIMARY KEY);
            INSERT INTO counted DEFAULT VALUES; INSERT INTO counted DEFAULT VALUES;
            """)
        #expect(drafts.map(\.table) == ["broken", "counted", "odd \" table", "tabSales Invoice"])
        #expect(drafts.map(\.type.name) == ["Broken", "Counted", "OddTable", "Sales Invoice"])
        #expect(drafts[0].obstacle?.hasPrefix("it can't be read: no such table") == true)
        #expect(drafts[1].count == 2)
        #expect(drafts[2].fields.last?.note?.hasPrefix("binary") == true)
    }

    @Test("looks no further than two hundred rows, and never keeps a value")
    func bounded() async throws {
        let draft = try await Self.draft(
            """
            CREATE TABLE t (id INTEGER PRIMARY KEY, x INTEGER, long TEXT);
            WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 300)
            INSERT INTO t SELECT i, CASE WHEN i <= 200 THEN 1 ELSE 7 END, '[' || hex(randomblob(2000)) FROM n;
            """, of: "t")
        #expect(draft.count == 300)
        #expect(draft.fields.first { $0.name == "x" }?.likelyKind == .bool)
        #expect(draft.fields.first { $0.name == "long" }?.likelyKind == .json)
    }
}
