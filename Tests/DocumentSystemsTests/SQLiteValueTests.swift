// What SQLite's affinities make of values: exact, or refused by name.
import DocumentSystems
import SyncJobs
import Testing

@Suite("A SQLite file's values")
struct SQLiteValueTests {
    private static let affinities = """
        CREATE TABLE things (
            name TEXT PRIMARY KEY, i INTEGER, r REAL, n NUMERIC, t TEXT, b, v VARCHAR(10), d DECIMAL(10,2)
        )
        """
    private static let table = SQLiteTable(table: "things", nameColumn: "name")

    private func number(_ text: String) throws -> JSONValue { .number(try #require(JSONNumber(text))) }

    @Test("keeps numbers exact in every column, or refuses them by name")
    func keepsNumbersExact() async throws {
        let bench = try SQLiteBench(Self.affinities, Self.table)
        let exact: [(String, [String])] = [
            ("0.1", ["i", "r", "n", "b", "d"]), ("0.10", ["i", "r", "n", "b"]), ("-0", ["i", "r", "n", "b"]),
            ("1e2", ["i", "r", "n"]), ("9007199254740993", ["i", "n", "b", "d"]), ("9007199254740992", ["r"]),
            ("1e300", ["i", "r", "n", "b"]), ("-12.5", ["i", "r", "n", "b"]), ("5e-324", ["r"]),
            ("9223372036854775807", ["i", "n", "b"]), ("123456789.25", ["r", "d"]),
        ]
        for (text, columns) in exact {
            for column in columns {
                let value = try number(text)
                let stored = try await bench.insert([column: value], name: "\(text) \(column)").stored
                #expect(stored?.fields[column] == value, "\(text) in \(column)")
                #expect(try await bench.find([column: value]).contains("\(text) \(column)"), "\(text) in \(column)")
            }
        }
        for (text, columns) in [
            ("9007199254740993", ["r"]), ("9223372036854775808", ["i", "n", "b", "d"]),
            ("1e400", ["i", "r", "n", "b"]),
            ("0.1000000000000000055511151231257827", ["r", "n", "b"]), ("123456789012345678.5", ["i", "r", "d"]),
        ] {
            for column in columns {
                let refusal = try await bench.insert([column: try number(text)], name: "x").refusal
                #expect(refusal?.code == .numberNotExact, "\(text) in \(column)")
                #expect(refusal?.message.contains("\"\(column)\"") == true)
                #expect(refusal?.description.contains(text) == false)
                #expect(try await bench.find([column: try number(text)]) == [])
            }
        }
        #expect(try await bench.load("x") == nil)
    }

    @Test("keeps a number's digits in a text column")
    func keepsDigitsInText() async throws {
        let shape = DocumentShape(fields: ["t": FieldShape(kind: .decimal(places: 2))])
        let bench = try SQLiteBench(Self.affinities, SQLiteTable(table: "things", nameColumn: "name", shape: shape))
        let value = try number("1.10")
        let stored = try await bench.insert(["t": value], name: "a").stored
        #expect(stored?.fields["t"]?.numberValue?.text == "1.10")
        #expect(try bench.folder.value("SELECT typeof(t) || t FROM things") == "text1.10")
        #expect(try await bench.find(["t": value]) == ["a"])
        #expect(try await bench.find(["t": try number("1.1")]) == ["a"])
        let long = try number("0.1000000000000000055511151231257827")
        #expect(try await bench.insert(["t": long], name: "b").stored?.fields["t"] == long)
    }

    @Test("shows in the receipt what a column makes of a text, and refuses to have its digits rounded")
    func normalisesText() async throws {
        let bench = try SQLiteBench(Self.affinities, Self.table)
        let stored = try #require(
            try await bench.insert(["i": "00042", "t": "00042", "n": " 5 ", "r": "abc"], name: "a").stored)
        #expect(stored.fields["i"] == 42)
        #expect(stored.fields["t"] == "00042")
        #expect(stored.fields["n"] == 5)
        #expect(stored.fields["r"] == "abc")
        #expect(try await bench.insert(["i": "9007199254740993.5"], name: "b").refusal?.code == .numberNotExact)
        #expect(try await bench.insert(["r": "9007199254740993"], name: "b").refusal?.code == .numberNotExact)
        #expect(try await bench.find(["i": "42"]) == ["a"])
        #expect(try await bench.find(["i": "042"]) == [])
        #expect(try await bench.find(["t": 42]) == [])
    }

    @Test("reads what others wrote: reals by their shortest text, nothing that JSON can't carry")
    func readsForeignValues() async throws {
        let bench = try SQLiteBench(
            Self.affinities + """
                ;INSERT INTO things (name, r, t) VALUES ('real', 0.1, 'é');
                INSERT INTO things (name, b) VALUES ('blob', x'00ff'), ('infinite', 9e999);
                INSERT INTO things (name, t) VALUES ('invalid', CAST(x'41ff42' AS TEXT));
                INSERT INTO things (name, t) VALUES ('nul', 'a' || char(0) || 'b');
                """, Self.table)
        #expect(try await bench.load("real")?.fields["r"]?.numberValue?.text == "0.1")
        #expect(try await bench.load("real")?.fields["n"] == .null)
        #expect(try await bench.load("nul")?.fields["t"] == "a\u{0}b")
        for name in ["blob", "infinite"] {
            let failure = try await bench.loadFailure(name)
            #expect(failure?.disposition == .permanent)
            #expect(failure?.message.contains("\"b\"") == true)
        }
        #expect(try await bench.loadFailure("invalid")?.message.contains("UTF-8") == true)
        // Through the registry, the mates of such a document are answered.
        let systems = DocumentSystems([bench.system])
        try await withThrowingTaskGroup(of: Void.self) { group in
            for name in ["real", "nul", "none"] {
                group.addTask { _ = try await systems.load(bench.key(name)) }
            }
            group.addTask {
                await #expect(throws: JobFailure.self) { try await systems.load(bench.key("blob")) }
            }
            try await group.waitForAll()
        }
    }

    @Test("converts what the shape declares, and nothing else")
    func convertsDeclared() async throws {
        let shape = DocumentShape(
            fields: [
                "flag": FieldShape(kind: .bool), "code": FieldShape(kind: .text), "extra": FieldShape(kind: .json),
                "amount": FieldShape(kind: .decimal(places: 2)),
            ])
        let bench = try SQLiteBench(
            """
            CREATE TABLE things (name TEXT, flag, code, extra TEXT, amount TEXT, plain);
            INSERT INTO things VALUES ('a', 1, 42, '{"x": 0.10}', '0.10', 1), ('b', 2, 'c', 'oops', 'x', '1');
            INSERT INTO things VALUES ('c', '0', NULL, NULL, NULL, NULL);
            """, SQLiteTable(table: "things", nameColumn: "name", shape: shape))
        let a = try #require(try await bench.load("a"))
        #expect(a.fields["flag"] == true)
        #expect(a.fields["code"] == "42")
        #expect(a.fields["extra"] == ["x": .number(try #require(JSONNumber("0.1")))])
        #expect(a.fields["amount"]?.numberValue?.text == "0.10")
        #expect(a.fields["plain"] == 1)
        #expect(try await bench.load("c")?.fields["flag"] == false)
        let failure = try await bench.loadFailure("b")
        #expect(failure?.message.contains("\"extra\"") == true)
        #expect(failure?.message.contains("oops") == false)
        let refusal = try await bench.insert(["plain": ["x": 1]], name: "d").refusal
        #expect(refusal?.code == .invalidTarget)
        #expect(refusal?.remedy.contains("json") == true)
    }

    @Test("reads and writes a JSON column, leaving members that nobody names as they are")
    func usesJSONColumn() async throws {
        let bench = try SQLiteBench(
            """
            CREATE TABLE things (id TEXT PRIMARY KEY, doc TEXT, other TEXT DEFAULT 'kept');
            CREATE INDEX things_by_code ON things(json_extract(doc, '$.code'));
            INSERT INTO things (id, doc) VALUES ('a', '{"code": 7, "id": "inner", "price": 0.10, "n": null}');
            INSERT INTO things (id, doc) VALUES ('b', NULL), ('c', '[1]'), ('d', '7');
            """,
            SQLiteTable(table: "things", nameColumn: "id", jsonColumn: "doc"))
        let a = try #require(try await bench.load("a"))
        #expect(a.fields["price"]?.numberValue?.text == "0.10")
        #expect(a.fields["id"] == "a")
        #expect(try await bench.load("b")?.fields == ["id": "b"])
        for name in ["c", "d"] { #expect(try await bench.loadFailure(name)?.message.contains("\"doc\"") == true) }
        let stored = try await bench.update(a, ["price": 12, "new": ["deep": true]]).stored
        #expect(stored?.fields["new"] == ["deep": true])
        #expect(
            try bench.folder.value("SELECT doc FROM things WHERE id = 'a'")
                == "{\"code\":7,\"id\":\"inner\",\"n\":null,\"new\":{\"deep\":true},\"price\":12}")
        #expect(try bench.folder.value("SELECT other FROM things WHERE id = 'a'") == "kept")
        #expect(try await bench.find(["code": 7]) == ["a"])
        #expect(try await bench.find(["code": "7"]) == [])
        #expect(try await bench.find(["n": nil]) == ["a"])
        #expect(try await bench.find(["missing": nil]) == [])
        let huge = try number("123456789012345678901234567890.5")
        _ = try await bench.insert(["huge": huge, "it's": 1], name: "e")
        #expect(try await bench.find(["huge": huge]) == ["e"])
        #expect(try await bench.find(["huge": try number("123456789012345678901234567890")]) == [])
        #expect(try await bench.find(["it's": 1]) == ["e"])
        let quick = try await bench.system.check(typeName: "Thing", fields: ["any"], matches: [["code"]])
        #expect(quick.isEmpty)
        let slow = try await bench.system.check(typeName: "Thing", fields: [], matches: [["price"]])
        #expect(slow.map(\.isFatal) == [false])
    }

    @Test("reads and writes a file that stores text as UTF-16")
    func usesUTF16() async throws {
        let bench = try SQLiteBench("PRAGMA encoding = 'UTF-16be'; " + Self.affinities, Self.table)
        for name in ["é🐧", "nul\u{0}"] {
            let result = try await bench.insert(["t": .string("text of \(name)")], name: name)
            #expect(result.stored?.fields["t"] == .string("text of \(name)"), "\(result)")
            #expect(try await bench.load(name)?.key == bench.key(name))
        }
    }
}
