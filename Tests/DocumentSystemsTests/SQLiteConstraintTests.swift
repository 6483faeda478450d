// What the owner's schema forbids: refused or in conflict by name, never by value, and never at the cost of other
// writes.
import DocumentSystems
import SyncJobs
import Testing

@Suite("A SQLite file's constraints")
struct SQLiteConstraintTests {
    private static let secret = "secret-value"

    private func bench() throws -> SQLiteBench {
        try SQLiteBench(
            """
            CREATE TABLE owners (id TEXT PRIMARY KEY);
            CREATE TABLE things (
                name TEXT PRIMARY KEY, code TEXT UNIQUE, label TEXT NOT NULL DEFAULT 'default',
                size INTEGER CHECK (size < 100),
                owner TEXT REFERENCES owners(id), later TEXT REFERENCES owners(id) DEFERRABLE INITIALLY DEFERRED,
                twice INTEGER GENERATED ALWAYS AS (size * 2) VIRTUAL
            ) STRICT;
            CREATE TRIGGER refuse BEFORE INSERT ON things WHEN new.code = 'abort'
                BEGIN SELECT raise(ABORT, 'no code named so'); END;
            CREATE TRIGGER undo BEFORE INSERT ON things WHEN new.code = 'undo'
                BEGIN SELECT raise(ROLLBACK, 'undone'); END;
            CREATE TRIGGER ignore BEFORE INSERT ON things WHEN new.code = 'ignore' BEGIN SELECT raise(IGNORE); END;
            CREATE TRIGGER upper AFTER INSERT ON things WHEN new.label = 'raise me'
                BEGIN UPDATE things SET label = upper(label) WHERE name = new.name; END;
            INSERT INTO owners VALUES ('o');
            INSERT INTO things (name, code) VALUES ('taken', 'taken');
            """, SQLiteTable(table: "things", nameColumn: "name"))
    }

    /// Fields, the code of the refusal, what its message names.
    static let refusals: [(fields: JSONObject, code: JobFailure.Code, names: String)] = [
        (["label": nil], .constraintViolated, "label"),
        (["size": 500], .constraintViolated, "CHECK"),
        (["owner": "nobody"], .constraintViolated, "FOREIGN KEY"),
        (["later": "nobody"], .constraintViolated, "FOREIGN KEY"),
        (["size": .string(secret)], .constraintViolated, "things.size"),
        (["code": "abort"], .constraintViolated, "no code named so"),
        (["code": "undo"], .constraintViolated, "trigger"),
        (["code": "ignore"], .invalidTarget, "things"),
        (["twice": 4], .invalidTarget, "twice"),
        (["colour": .string(secret)], .invalidTarget, "colour"),
        (["Label": "x"], .invalidTarget, "Label"),
    ]

    @Test("refuses what is forbidden, naming the place and never the value", arguments: refusals.indices)
    func refuses(position: Int) async throws {
        let bench = try bench()
        let (fields, code, names) = Self.refusals[position]
        let refusal = try #require(try await bench.insert(fields, name: "new").refusal)
        #expect(refusal.code == code)
        #expect(refusal.message.contains(names))
        #expect(!refusal.description.contains(Self.secret))
        #expect(refusal.disposition == .permanent)
        #expect(try await bench.load("new") == nil)
    }

    @Test("leaves the mates of a refused write unharmed", arguments: refusals.indices)
    func leavesMates(position: Int) async throws {
        let bench = try bench()
        let documents: [JSONObject] = [
            ["label": "a"], Self.refusals[position].fields, ["code": "taken"], ["label": "b"],
        ]
        let writes = try documents.enumerated().map { index, fields in
            try Bench.write(
                from: nil, to: Document(key: bench.key("n\(index)"), fields: fields), type: SQLiteBench.type,
                shape: bench.shape)
        }
        let results = try await bench.system.write(writes)
        #expect(results.map(\.isWritten) == [true, false, false, true])
        #expect(results[1].refusal != nil)
        #expect(results[2].isConflict)
        #expect(try await bench.load("n0")?.fields["label"] == "a")
        #expect(try await bench.load("n1") == nil)
        #expect(try await bench.load("n3")?.fields["label"] == "b")
        #expect(try await bench.system.count(typeName: "Thing") == 3)
    }

    @Test("undoes what a refused write has changed already, and nothing of its mates")
    func undoesHalfAWrite() async throws {
        let bench = try SQLiteBench(
            """
            CREATE TABLE things (name TEXT PRIMARY KEY, label TEXT);
            CREATE TABLE rows (
                thing TEXT NOT NULL REFERENCES things(name), line INTEGER CHECK (line < 100), PRIMARY KEY (thing, line)
            );
            """,
            SQLiteTable(
                table: "things", nameColumn: "name",
                childTables: ["rows": SQLiteChildTable(table: "rows", parentColumn: "thing", rowKey: "line")]))
        func insert(_ name: String, lines: Int...) throws -> DocumentWrite {
            let rows = lines.map { JSONValue.object(["line": .int($0)]) }
            let document = Document(key: bench.key(name), fields: ["label": "new", "rows": .array(rows)])
            return try Bench.write(from: nil, to: document, type: SQLiteBench.type, shape: bench.shape)
        }
        let results = try await bench.system.write([
            insert("a", lines: 1), insert("b", lines: 1, 500), insert("c", lines: 2),
        ])
        #expect(results.map(\.isWritten) == [true, false, true])
        #expect(results[1].refusal?.code == .constraintViolated)
        #expect(try await bench.load("b") == nil)
        #expect(try await bench.load("a")?.fields["rows"]?.arrayValue?.count == 1)
        // No row of it has stayed either: its keys are free.
        let again = try await bench.system.write([insert("b", lines: 1)])
        #expect(again.map(\.isWritten) == [true])
        #expect(try await bench.load("c") != nil)
    }

    @Test("answers a unique value that is taken as a conflict that names the constraint")
    func namesUniqueConstraint() async throws {
        let bench = try bench()
        guard case .conflict(let reason) = try await bench.insert(["code": "taken"], name: "new") else {
            Issue.record("no conflict")
            return
        }
        #expect(reason.contains("things.code"))
        #expect(!reason.contains("taken"))
    }

    @Test("gives defaults to missing columns, and shows in the receipt what triggers made of a document")
    func showsWhatIsStored() async throws {
        let bench = try bench()
        #expect(try await bench.insert([:], name: "a").stored?.fields["label"] == "default")
        let stored = try await bench.insert(["label": "raise me", "size": 4], name: "b").stored
        #expect(stored?.fields["label"] == "RAISE ME")
        #expect(stored?.fields["twice"] == 8)
    }

    @Test("never lets a conflict clause of the schema replace another document")
    func overridesConflictClauses() async throws {
        let bench = try SQLiteBench(
            """
            CREATE TABLE things (name TEXT PRIMARY KEY, code TEXT UNIQUE ON CONFLICT REPLACE);
            INSERT INTO things VALUES ('a', 'taken'), ('b', 'free');
            """, SQLiteTable(table: "things", nameColumn: "name"))
        #expect(try await bench.insert(["code": "taken"], name: "c").isConflict)
        let b = try #require(try await bench.load("b"))
        #expect(try await bench.update(b, ["code": "taken"]).isConflict)
        #expect(try await bench.system.count(typeName: "Thing") == 2)
    }

    @Test("refuses a document over the limit, read or written")
    func limitsSize() async throws {
        let bench = try SQLiteBench(
            """
            CREATE TABLE things (name TEXT PRIMARY KEY, label TEXT);
            CREATE TABLE rows (thing TEXT, line INTEGER, text TEXT);
            INSERT INTO things VALUES ('wide', printf('%2000c', 'x')), ('deep', 'x'), ('fits', 'x');
            WITH RECURSIVE n(line) AS (SELECT 1 UNION ALL SELECT line + 1 FROM n LIMIT 100)
                INSERT INTO rows SELECT 'deep', line, 'x' FROM n;
            """,
            SQLiteTable(
                table: "things", nameColumn: "name", shape: DocumentShape(tables: ["rows": TableShape(rowKey: "line")]),
                childTables: ["rows": SQLiteChildTable(table: "rows", parentColumn: "thing", rowKey: "line")]),
            maximumDocumentBytes: 1_000)
        for name in ["wide", "deep"] {
            let failure = try await bench.loadFailure(name)
            #expect(failure?.code == .documentTooLarge)
            #expect(failure?.message.contains(name) == true)
        }
        #expect(try await bench.load("fits") != nil)
        let large = JSONValue.string(String(repeating: "y", count: 2_000))
        #expect(try await bench.insert(["label": large], name: "new").refusal?.code == .documentTooLarge)
        #expect(try await bench.load("new") == nil)
    }

    @Test("refuses rows that belong to another parent, or have no single place")
    func refusesStrangeRows() async throws {
        let shape = DocumentShape(tables: ["rows": TableShape(rowKey: "line")])
        let bench = try SQLiteBench(
            "CREATE TABLE things (name TEXT PRIMARY KEY); CREATE TABLE rows (thing TEXT, line INTEGER, text TEXT)",
            SQLiteTable(
                table: "things", nameColumn: "name", shape: shape,
                childTables: ["rows": SQLiteChildTable(table: "rows", parentColumn: "thing", rowKey: "line")]))
        let stored = try #require(try await bench.insert(["rows": [["line": 1, "thing": "a"]]], name: "a").stored)
        #expect(stored.fields["rows"] == [["line": 1, "text": nil]])
        for rows: JSONValue in [[["line": 2, "thing": "other"]], [["line": 2, "colour": "red"]], "no rows"] {
            #expect(try await bench.update(stored, ["rows": rows]).refusal?.code == .invalidTarget)
            #expect(try await bench.insert(["rows": rows], name: "b").refusal?.code == .invalidTarget)
        }
        #expect(try await bench.load("a") == stored)
    }
}
