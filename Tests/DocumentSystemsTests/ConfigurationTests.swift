// The SQLite keys of a `documents:` entry, and the registry's own answers.
import DocumentSystems
import SyncJobs
import Testing

@Suite("The configuration of a SQLite table")
struct ConfigurationTests {
    private func node(_ json: JSONValue, place: String = "documents.erp.Customer") -> ConfigNode {
        let content: ConfigNode.Content =
            switch json {
            case .object(let object):
                .map(
                    object.members.map {
                        ConfigNode.Entry(key: $0.key, line: 3, value: node($0.value, place: "\(place).\($0.key)"))
                    })
            case .array(let elements): .list(elements.map { node($0, place: place) })
            default: .scalar(json)
            }
        return ConfigNode(content, line: 3, place: place)
    }

    private func read(_ json: JSONValue) -> (SQLiteTable?, [ConfigProblem]) {
        var problems: [ConfigProblem] = []
        let table = SQLiteTable.read(node: node(json), shape: Bench.shape, problems: &problems)
        return (table, problems)
    }

    @Test("is read with its child tables")
    func readsTable() {
        let (table, problems) = read([
            "table": "customers", "name": "code", "fields": ["x": "bool"],
            "tables": ["addresses": ["table": "customer_addresses", "parent": "customer_code", "row_key": "id"]],
        ])
        #expect(problems.isEmpty)
        #expect(
            table
                == SQLiteTable(
                    table: "customers", nameColumn: "code", shape: Bench.shape,
                    childTables: [
                        "addresses": SQLiteChildTable(
                            table: "customer_addresses", parentColumn: "customer_code", rowKey: "id")
                    ]))
    }

    @Test("may keep its rows inside a JSON column")
    func readsJSON() {
        let (table, problems) = read([
            "table": "t", "name": "n", "json": "doc", "tables": ["parts": ["row_key": "line"]],
        ])
        #expect(problems.isEmpty)
        #expect(table?.jsonColumn == "doc")
        #expect(table?.childTables.isEmpty == true)
    }

    @Test(
        "says what is missing or wrong, with its place",
        arguments: [
            (["name": "n"], "documents.erp.Customer", "\"table\" is missing"),
            (["table": "t"], "documents.erp.Customer", "\"name\" is missing"),
            (["table": 7, "name": "n"], "documents.erp.Customer.table", "not the name"),
            (["table": "t", "name": ""], "documents.erp.Customer.name", "not the name"),
            (["table": "t", "name": "n", "tables": []], "documents.erp.Customer.tables", "a map"),
            (
                ["table": "t", "name": "n", "tables": ["x": ["table": "r", "row_key": "k"]]],
                "documents.erp.Customer.tables.x", "\"parent\" is missing"
            ),
            ("text", "documents.erp.Customer", "a map"),
        ] as [(JSONValue, String, String)])
    func saysWhatIsWrong(json: JSONValue, place: String, message: String) {
        let (table, problems) = read(json)
        #expect(table == nil)
        #expect(problems.map(\.place) == [place])
        #expect(problems.first?.message.contains(message) == true)
        #expect(problems.first?.remedy.isEmpty == false)
    }

    @Test("is looked up in the registry by its system's name, byte by byte")
    func registry() async throws {
        let bench = try Bench(.columns)
        let systems = DocumentSystems([bench.system])
        #expect(systems["shop"]?.name == "shop")
        #expect(systems["Shop"] == nil)
        #expect(systems.all.map(\.name) == ["shop"])
        #expect(systems.shape(of: Bench.item) == Bench.shape)
        #expect(systems.shape(of: DocumentType(system: "none", name: "Item")) == DocumentShape())
        try await bench.insert("A", ["label": "x"])
        #expect(try await systems.load(bench.key("A")).document?.fields["label"] == "x")
        #expect(try await systems.find(DocumentQuery(type: Bench.item, fields: ["label": "x"])).count == 1)
        #expect(try await systems.check().filter(\.isFatal).isEmpty)
        let unknown = DocumentKey(type: DocumentType(system: "none", name: "Item"), name: "A")
        let failure = await #expect(throws: JobFailure.self) { try await systems.load(unknown) }
        #expect(failure?.code == .invalidTarget)
        #expect(failure?.message.contains("\"none\"") == true)
        let undeclared = DocumentKey(type: DocumentType(system: "shop", name: "Other"), name: "A")
        #expect(await #expect(throws: JobFailure.self) { try await systems.load(undeclared) }?.code == .invalidTarget)
    }
}
