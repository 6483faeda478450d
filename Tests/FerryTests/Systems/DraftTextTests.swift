// Drafts as YAML: exact text, and that it loads and fits the file it was drafted from.

import DocumentSystems
import SyncJobs
import Testing

@testable import Ferry

@Suite("A draft of documents as text")
struct DraftTextTests {
    private static let schema = """
        CREATE TABLE customers (
            code TEXT PRIMARY KEY, label VARCHAR(140), credit_limit DECIMAL(10,2), disabled BOOLEAN, tax_id TEXT,
            salary DECIMAL(12,2), active INTEGER, modified DATETIME, photo BLOB);
        CREATE TABLE customer_addresses (
            id INTEGER PRIMARY KEY, customer TEXT REFERENCES customers (code), main BOOLEAN, street TEXT);
        CREATE TABLE customer_phones (customer TEXT REFERENCES customers (code), number TEXT, UNIQUE (customer, number));
        CREATE TABLE customer_notes (customer TEXT REFERENCES customers (code), note TEXT);
        CREATE TABLE logs (at TEXT, message TEXT);
        INSERT INTO customers (code, label, active, modified) VALUES
            ('C-1', 'Oslo kommune', 1, '2026-01-02 10:00:00'), ('C-2', 'Kari', 0, '2026-01-03 10:00:00'),
            ('C-3', 'Ola', 1, '2026-01-03 10:00:00');
        INSERT INTO customer_addresses VALUES (1, 'C-1', 1, 'Karl Johans gate 1');
        """

    private func drafts(_ folder: String) async throws -> [DocumentDraft] {
        let system = try SQLiteFileSystem(
            name: "shop", path: "\(folder)/shop.sqlite", tables: [:], logger: SystemsFixture.logger)
        let drafts = try await system.drafts(of: [])
        try system.close()
        return drafts
    }

    @Test("declares what the schema says, and keeps what is only likely in comments")
    func text() async throws {
        let lines = try await SystemsFixture.with(Self.schema) { DraftText.yaml(try await drafts($0)) }
        #expect(
            lines.joined(separator: "\n") == """
                  shop.Customer:   # 3 rows
                    table: customers
                    name: code
                    # version: {field: modified, order: timestamp, zone: UTC}   # likely; every change of a document \
                has to change it; its times carry no offset: say the zone they are in
                    fields:
                      credit_limit: decimal(2)   # DECIMAL(10,2)
                      disabled: bool   # BOOLEAN
                      # tax_id: {type: text, sensitive: true}   # TEXT; likely personal or financial
                      salary: decimal(2)   # DECIMAL(12,2); likely personal or financial: {type: decimal(2), \
                sensitive: true}
                      # active: bool   # INTEGER; its values look like it
                      modified: timestamp   # DATETIME
                      # photo: BLOB; binary: a document with binary data is refused; leave the column out by a view
                    tables:
                      addresses:   # SQLite gives id: for a target, name the column that holds the source's row
                        table: customer_addresses
                        parent: customer
                        row_key: id
                        fields:
                          main: bool   # BOOLEAN
                      # notes: {table: customer_notes, parent: customer, row_key: …}   # nothing tells its rows apart
                      phones: {table: customer_phones, parent: customer, row_key: number}
                    # as they are read: label (VARCHAR(140))
                  # shop.Log:   # not as it is: no primary key: name a column that is unique, or make a view that has \
                one
                  #   table: logs
                  #   name: …
                  #   # as they are read: at (TEXT), message (TEXT)
                  #   # 0 rows
                """)
    }

    @Test("loads as it stands, with every suggestion taken too, and fits its file")
    func loads() async throws {
        try await SystemsFixture.with(Self.schema) { folder in
            let lines = DraftText.yaml(try await drafts(folder))
            // What is one "#" away from being declared; what stands beside a declared line stays a comment.
            let suggestions = ["# version:", "# tax_id:", "# active:"]
            let taken = lines.map { line in
                suggestions.contains { line.contains($0) } ? line.replacing("# ", with: "", maxReplacements: 1) : line
            }
            for lines in [lines, taken] {
                let text = "systems: {shop: {kind: sqlite, path: shop.sqlite}}\ndocuments:\n"
                let configuration = try ConfigurationFixture.read(
                    text + lines.joined(separator: "\n"), file: "\(folder)/ferry.yaml")
                #expect(configuration.documents.map(\.type.name) == ["Customer"])
                let shape = try #require(configuration.documents.first?.shape)
                #expect(shape.fields["credit_limit"]?.kind == .decimal(places: 2))
                #expect(shape.tables["addresses"]?.fields["main"]?.kind == .bool)
                #expect((shape.fields["tax_id"]?.isSensitive ?? false) == (lines == taken))
                #expect((shape.version?.field == "modified") == (lines == taken))
                let composition = try Composition(configuration, logger: SystemsFixture.logger)
                let settings = try composition.requireSystem("shop")
                let system = try composition.system(
                    settings,
                    store: {
                        Issue.record("no store is needed"); return try composition.openStore()
                    }())
                #expect(try await system.check().filter(\.isFatal).isEmpty)
                let documents = try await system.list(typeName: "Customer", after: nil, limit: 10)
                #expect(documents.compactMap(\.key?.name) == ["C-1", "C-2", "C-3"])
                #expect(documents.first?.fields["addresses"]?.arrayValue?.first?.objectValue?["main"] == true)
            }
        }
    }

    @Test("keeps names that YAML would take for something else")
    func strangeNames() async throws {
        let schema = """
            CREATE TABLE "yes" ("NO" TEXT PRIMARY KEY, "a: b #c" BOOLEAN, "${HOME}" DATE, "line
            break" TEXT, "42" DECIMAL(4,2), "password
            # evil: bool" TEXT);
            INSERT INTO "yes" ("NO", "42") VALUES ('n', 1.5);
            """
        try await SystemsFixture.with(schema) { folder in
            let lines = DraftText.yaml(try await drafts(folder))
            let configuration = try ConfigurationFixture.read(
                "systems: {shop: {kind: sqlite, path: shop.sqlite}}\ndocuments:\n" + lines.joined(separator: "\n"))
            let document = try #require(configuration.documents.first)
            #expect(document.table?.table == "yes")
            #expect(document.table?.nameColumn == "NO")
            #expect(Set(document.shape.fields.keys) == ["a: b #c", "${HOME}", "42"])
        }
    }

    @Test("of embedded documents is an entry that loads, however little is known")
    func embedded() throws {
        var note = DocumentDraft(type: DocumentType(system: "app", name: "Note"))
        note.count = 7
        var order = DocumentDraft(type: DocumentType(system: "app", name: "Sales Order"))
        order.count = 1
        order.nameField = "code"
        var items = DocumentDraft.Child(field: "items")
        items.rowKey = "line"
        order.children = [items]
        let lines = DraftText.yaml([note, order])
        #expect(
            lines == [
                "  app.Note: {}   # 7 documents", "  app.Sales Order:   # 1 document", "    name: code", "    tables:",
                "      items: {row_key: line}",
            ])
        let text = "systems: {app: {kind: embedded}}\ndocuments:\n" + lines.joined(separator: "\n")
        let configuration = try ConfigurationFixture.read(text)
        #expect(configuration.documents.map(\.shape.tables.keys.first) == [nil, "items"])
    }

    @Test("for programs has certain and likely things apart")
    func json() async throws {
        let json = try await SystemsFixture.with(Self.schema) { try await drafts($0).map(DraftText.json) }
        let customer = try #require(json.first?.objectValue)
        #expect(
            customer.keys == ["count", "fields", "name", "notes", "table", "tables", "type", "version"])
        let fields = customer["fields"]?.arrayValue?.compactMap(\.objectValue) ?? []
        #expect(fields.first { $0["name"] == "credit_limit" }?["kind"] == "decimal(2)")
        #expect(fields.first { $0["name"] == "active" }?["likely_kind"] == "bool")
        #expect(fields.first { $0["name"] == "tax_id" }?["likely_sensitive"] == "likely personal or financial")
        let tables = customer["tables"]?.arrayValue?.compactMap(\.objectValue) ?? []
        #expect(tables.first?["row_key"] == "id")
        #expect(json.last?.objectValue?["obstacle"] != nil)
    }
}
