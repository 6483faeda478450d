// What is a document's name in somebody's table: by bytes, whatever the column's type and collation make of it.
import DocumentSystems
import SyncJobs
import Testing

@Suite("A SQLite file's names")
struct SQLiteNameTests {
    @Test("lets SQLite give the name of an INTEGER PRIMARY KEY")
    func assignsNames() async throws {
        let bench = try SQLiteBench(
            """
            CREATE TABLE things (id INTEGER PRIMARY KEY, label TEXT);
            CREATE TABLE rows (thing INTEGER, line INTEGER, text TEXT);
            INSERT INTO things VALUES (41, 'old');
            """,
            SQLiteTable(
                table: "things", nameColumn: "id",
                shape: DocumentShape(tables: ["rows": TableShape(rowKey: "line")]),
                childTables: ["rows": SQLiteChildTable(table: "rows", parentColumn: "thing", rowKey: "line")]))
        guard
            case .written(let receipt) = try await bench.insert(["label": "new", "rows": [["line": 1, "text": "x"]]])
        else {
            Issue.record("the insert was not made")
            return
        }
        #expect(receipt.name == "42")
        #expect(receipt.stored?.fields["id"] == 42)
        #expect(receipt.stored?.fields["rows"] == [["line": 1, "text": "x"]])
        #expect(try bench.folder.value("SELECT thing FROM rows") == "42")
        #expect(try await bench.load("42")?.fields["label"] == "new")
        #expect(try await bench.load("042") == nil)
        #expect(try await bench.load("42.0") == nil)
        #expect(try await bench.load("x") == nil)
        #expect(try await bench.insert(["label": "y"], name: "x").refusal?.code == .constraintViolated)
        #expect(try await bench.insert(["label": "y"], name: "043").refusal?.code == .invalidTarget)
        #expect(try await bench.insert(["id": 50], name: "51").refusal?.code == .invalidTarget)
        #expect(try await bench.insert(["id": 50, "label": "z"]).stored?.key?.name == "50")
        let all = try await bench.system.list(typeName: "Thing", after: "41", limit: 10)
        #expect(all.compactMap(\.key?.name) == ["42", "50"])
    }

    @Test("compares names by bytes where the column does not, and finds by the column's own collation")
    func respectsCollation() async throws {
        let bench = try SQLiteBench(
            """
            CREATE TABLE things (name TEXT COLLATE NOCASE, label TEXT COLLATE NOCASE);
            CREATE TABLE rows (thing TEXT COLLATE NOCASE, line TEXT COLLATE NOCASE, text TEXT);
            INSERT INTO things VALUES ('abc', 'same'), ('ABC', 'SAME');
            INSERT INTO rows VALUES ('abc', 'l', 'lower'), ('ABC', 'l', 'upper'), ('abc', 'L', 'other');
            """,
            SQLiteTable(
                table: "things", nameColumn: "name",
                shape: DocumentShape(tables: ["rows": TableShape(rowKey: "line")]),
                childTables: ["rows": SQLiteChildTable(table: "rows", parentColumn: "thing", rowKey: "line")]))
        #expect(try await bench.load("Abc") == nil)
        #expect(try await bench.find(["label": "Same"]) == ["ABC", "abc"])
        let lower = try #require(try await bench.load("abc"))
        #expect(lower.fields["rows"] == [["line": "L", "text": "other"], ["line": "l", "text": "lower"]])
        let changed = try await bench.update(
            lower, ["label": "changed", "rows": [["line": "L", "text": "other"], ["line": "l", "text": "new"]]])
        #expect(changed.stored?.fields["rows"] == [["line": "L", "text": "other"], ["line": "l", "text": "new"]])
        let upper = try #require(try await bench.load("ABC"))
        #expect(upper.fields["label"] == "SAME")
        #expect(upper.fields["rows"] == [["line": "l", "text": "upper"]])
        #expect(try await bench.delete(try #require(changed.stored)).isWritten)
        #expect(try await bench.load("ABC") == upper)
    }

    @Test("tells a number from its digits in a column without a type, and refuses two rows of one name")
    func namesWithoutAffinity() async throws {
        let bench = try SQLiteBench(
            """
            CREATE TABLE things (name, label TEXT);
            INSERT INTO things VALUES (7, 'number'), ('08', 'text'), (9, 'a'), ('9', 'b');
            """,
            SQLiteTable(table: "things", nameColumn: "name"))
        let seven = try #require(try await bench.load("7"))
        #expect(seven.fields["name"] == 7)
        #expect(try await bench.update(seven, ["label": "changed"]).stored?.fields["label"] == "changed")
        #expect(try await bench.load("08")?.fields["label"] == "text")
        #expect(try await bench.loadFailure("9")?.code == .ambiguousMatch)
        #expect(try await bench.delete(seven).isConflict)
    }

    @Test("passes over rows without a name, and refuses names that are neither text nor whole numbers")
    func refusesStrangeNames() async throws {
        let bench = try SQLiteBench(
            "CREATE TABLE things (name, label TEXT); INSERT INTO things VALUES (NULL, 'x'), ('a', 'x'), (1.5, 'y')",
            SQLiteTable(table: "things", nameColumn: "name"))
        #expect(try await bench.find(["label": "x"]) == ["a"])
        let failure = await #expect(throws: JobFailure.self) { try await bench.find(["label": "y"]) }
        #expect(failure?.message.contains("\"name\"") == true)
    }

    @Test("quotes every identifier")
    func quotesIdentifiers() async throws {
        let bench = try SQLiteBench(
            #"CREATE TABLE "or""der -- x" ("na""me" TEXT PRIMARY KEY, "select" TEXT, "a b" INTEGER)"#,
            SQLiteTable(table: "or\"der -- x", nameColumn: "na\"me"))
        let stored = try #require(try await bench.insert(["select": "x", "a b": 1], name: "n").stored)
        #expect(stored.fields == ["na\"me": "n", "select": "x", "a b": 1])
        #expect(try await bench.update(stored, ["a b": 2]).stored?.fields["a b"] == 2)
        #expect(try await bench.find(["select": "x"]) == ["n"])
        #expect(try await bench.system.check().isEmpty)
    }

    @Test("does not let an update change the name")
    func keepsName() async throws {
        let bench = try SQLiteBench(
            "CREATE TABLE things (name TEXT PRIMARY KEY, label TEXT); INSERT INTO things VALUES ('a', 'x')",
            SQLiteTable(table: "things", nameColumn: "name"))
        let document = try #require(try await bench.load("a"))
        #expect(try await bench.update(document, ["name": "b"]).refusal?.code == .invalidTarget)
        #expect(try await bench.update(document, ["name": "a", "label": "y"]).stored?.fields["label"] == "y")
    }
}
