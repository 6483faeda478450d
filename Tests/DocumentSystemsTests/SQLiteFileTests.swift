// The file itself: missing, moved, locked, no database; its journal mode and schema stay its owner's.
import DocumentSystems
import Foundation
import GRDB
import SyncJobs
import Testing

@Suite("Somebody's SQLite file")
struct SQLiteFileTests {
    private static let schema =
        "CREATE TABLE things (name TEXT PRIMARY KEY, label TEXT); INSERT INTO things VALUES ('a', 'x')"
    private static let table = SQLiteTable(table: "things", nameColumn: "name")

    @Test("is never created")
    func isNeverCreated() throws {
        let folder = try Folder()
        let path = folder.file("missing.sqlite")
        let failure = #expect(throws: JobFailure.self) {
            try SQLiteFileSystem(name: "shop", path: path, tables: [:], logger: quietLogger)
        }
        #expect(failure?.code == .systemUnavailable)
        #expect(failure?.disposition == .retryable(after: nil))
        #expect(failure?.message.contains(path) == true)
        #expect(!FileManager.default.fileExists(atPath: path))
    }

    @Test("is noticed when it goes away, and used again when another takes its place")
    func noticesReplacement() async throws {
        let bench = try SQLiteBench(Self.schema, Self.table)
        let path = bench.folder.file("app.sqlite")
        let a = try #require(try await bench.load("a"))
        #expect(try await bench.update(a, ["label": "written"]).isWritten)
        try FileManager.default.moveItem(atPath: path, toPath: bench.folder.file("moved.sqlite"))
        let failure = try await bench.loadFailure("a")
        #expect(failure?.code == .systemUnavailable)
        await #expect(throws: JobFailure.self) { try await bench.insert(["label": "lost"], name: "b") }
        #expect(!FileManager.default.fileExists(atPath: path))
        try bench.folder.sql(
            """
            CREATE TABLE things (name TEXT PRIMARY KEY, label TEXT, more TEXT);
            INSERT INTO things VALUES ('a', 'second', 'm');
            """)
        #expect(try await bench.load("a")?.fields == ["name": "a", "label": "second", "more": "m"])
        #expect(try await bench.insert(["label": "kept"], name: "b").isWritten)
        #expect(try bench.folder.value("SELECT label FROM things WHERE name = 'b'") == "kept")
    }

    @Test("is unavailable while another program locks it, and written again afterwards")
    func waitsForLocks() async throws {
        let bench = try SQLiteBench(Self.schema, Self.table, busyTimeout: .milliseconds(50))
        let owner = try bench.folder.owner()
        try await owner.writeWithoutTransaction { db in try db.execute(sql: "BEGIN EXCLUSIVE") }
        for call in 0..<2 {
            let failure = await #expect(throws: JobFailure.self) {
                if call == 0 { _ = try await bench.load("a") } else { _ = try await bench.insert([:], name: "b") }
            }
            #expect(failure?.code == .systemUnavailable)
            #expect(failure?.disposition == .retryable(after: nil))
            #expect(failure?.remedy.contains("locked") == true)
        }
        try await owner.writeWithoutTransaction { db in try db.execute(sql: "ROLLBACK") }
        try owner.close()
        #expect(try await bench.load("a") != nil)
        #expect(try await bench.insert([:], name: "b").isWritten)
    }

    @Test("that is no database is unavailable, and its contents stay out of the message")
    func refusesForeignContent() async throws {
        let folder = try Folder()
        let path = folder.file("notes.txt")
        try String(repeating: "secret notes ", count: 200).write(toFile: path, atomically: true, encoding: .utf8)
        let system = try SQLiteFileSystem(name: "shop", path: path, tables: ["Thing": Self.table], logger: quietLogger)
        let failure = await #expect(throws: JobFailure.self) { try await system.check() }
        #expect(failure?.code == .systemUnavailable)
        #expect(failure?.description.contains("secret") == false)
        #expect(failure?.remedy.contains("SQLite") == true)
    }

    @Test("keeps its journal mode, and is read while its owner writes in WAL", arguments: [true, false])
    func keepsJournalMode(wal: Bool) async throws {
        let bench = try SQLiteBench(Self.schema, Self.table, wal: wal)
        #expect(try await bench.insert(["label": "y"], name: "b").isWritten)
        if wal {
            let owner = try bench.folder.owner()
            try await owner.writeWithoutTransaction { db in try db.execute(sql: "BEGIN IMMEDIATE; DELETE FROM things") }
            #expect(try await bench.load("b")?.fields["label"] == "y")
            try await owner.writeWithoutTransaction { db in try db.execute(sql: "ROLLBACK") }
            try owner.close()
        }
        try bench.system.close()
        #expect(try bench.folder.value("PRAGMA journal_mode") == (wal ? "wal" : "delete"))
        #expect(try await bench.load("b")?.fields["label"] == "y")
    }

    @Test("may get new columns while it is in use")
    func seesNewColumns() async throws {
        let bench = try SQLiteBench(Self.schema, Self.table)
        #expect(try await bench.load("a")?.fields.count == 2)
        try bench.folder.sql("ALTER TABLE things ADD COLUMN size INTEGER DEFAULT 3")
        let a = try #require(try await bench.load("a"))
        #expect(a.fields["size"] == 3)
        #expect(try await bench.update(a, ["size": 4]).stored?.fields["size"] == 4)
        try bench.folder.sql("DROP TABLE things")
        #expect(try await bench.loadFailure("a")?.message.contains("no table \"things\"") == true)
    }

    @Test("keeps what its owner changed between our reading and our writing")
    func keepsOwnersChange() async throws {
        let bench = try SQLiteBench(Self.schema, Self.table)
        let read = try #require(try await bench.load("a"))
        try bench.folder.sql("UPDATE things SET label = 'by its owner'")
        #expect(try await bench.update(read, ["label": "by us"]).isConflict)
        #expect(try await bench.delete(read).isConflict)
        #expect(try await bench.load("a")?.fields["label"] == "by its owner")
    }

    @Test("is written by several connections without losing an update", arguments: [true, false])
    func sharesFile(wal: Bool) async throws {
        let bench = try SQLiteBench(
            "CREATE TABLE things (name TEXT PRIMARY KEY, size INTEGER); INSERT INTO things VALUES ('a', 0)", Self.table,
            wal: wal)
        let other = try SQLiteFileSystem(
            name: "shop", path: bench.folder.file("app.sqlite"), tables: ["Thing": Self.table], logger: quietLogger)
        try await withThrowingTaskGroup(of: Void.self) { group in
            for system in [bench.system, other] {
                group.addTask {
                    var done = 0
                    while done < 15 {
                        let document = try #require(try await system.load([bench.key("a")]).first?.document)
                        let size = try #require(document.fields["size"]?.numberValue?.int64)
                        let after = Document(key: document.key, fields: ["size": .number(JSONNumber(size + 1))])
                        let write = try Bench.write(
                            from: document, to: after, type: SQLiteBench.type, shape: bench.shape)
                        if try #require(try await system.write([write]).first).isWritten { done += 1 }
                    }
                }
            }
            try await group.waitForAll()
        }
        #expect(try await bench.load("a")?.fields["size"] == 30)
    }

    @Test("takes only the columns that differ, even from a diff that was masked for people")
    func writesOnlyChanges() async throws {
        let bench = try SQLiteBench(
            """
            CREATE TABLE things (name TEXT PRIMARY KEY, label TEXT, other TEXT);
            CREATE TABLE touched (what TEXT);
            CREATE TRIGGER label AFTER UPDATE OF label ON things BEGIN INSERT INTO touched VALUES ('label'); END;
            CREATE TRIGGER other AFTER UPDATE OF other ON things BEGIN INSERT INTO touched VALUES ('other'); END;
            INSERT INTO things VALUES ('a', 'x', 'y');
            """, Self.table)
        let read = try #require(try await bench.load("a"))
        var write = try Bench.write(
            from: read, to: Document(key: read.key, fields: ["name": "a", "label": "new", "other": "y"]),
            type: SQLiteBench.type, shape: bench.shape)
        let sensitive = DocumentShape(fields: ["label": FieldShape(isSensitive: true)])
        write.diff = SensitiveFields(of: sensitive).masking(write.diff)
        #expect(try #require(try await bench.system.write([write]).first).stored?.fields["label"] == "new")
        #expect(try bench.folder.value("SELECT group_concat(what) FROM touched") == "label")
    }

    @Test("carries the declared version, and refuses one that is none")
    func readsVersions() async throws {
        let shape = DocumentShape(version: DocumentShape.VersionShape(field: "modified", order: .timestamp))
        let bench = try SQLiteBench(
            """
            CREATE TABLE things (name TEXT PRIMARY KEY, modified TEXT);
            INSERT INTO things VALUES ('a', '2026-11-21T10:00:00+01:00'), ('b', 'yesterday'), ('c', NULL);
            """, SQLiteTable(table: "things", nameColumn: "name", shape: shape))
        #expect(try await bench.load("a")?.version == DocumentVersion(order: .timestamp, text: "2026-11-21T09:00:00Z"))
        #expect(try await bench.load("c")?.version == nil)
        #expect(try await bench.loadFailure("b")?.code == .invalidVersion)
    }

    @Test("is held against what is declared before any job runs")
    func checksDeclarations() async throws {
        let folder = try Folder()
        try folder.sql(
            """
            CREATE TABLE things (name TEXT, Label TEXT, code TEXT);
            CREATE TABLE rows (thing TEXT, line INTEGER);
            CREATE TABLE good (name TEXT PRIMARY KEY, code TEXT);
            CREATE UNIQUE INDEX good_by_code ON good(code);
            """)
        let shape = DocumentShape(
            version: DocumentShape.VersionShape(field: "changed", order: .number),
            fields: ["label": FieldShape(kind: .text)],
            tables: ["rows": TableShape(rowKey: "line", fields: ["colour": FieldShape(kind: .text)])])
        let system = try SQLiteFileSystem(
            name: "shop", path: folder.file("app.sqlite"),
            tables: [
                "NoTable": SQLiteTable(table: "nothing", nameColumn: "name"),
                "NoName": SQLiteTable(table: "things", nameColumn: "Name"),
                "NoJSON": SQLiteTable(table: "things", nameColumn: "name", jsonColumn: "doc"),
                "Things": SQLiteTable(
                    table: "things", nameColumn: "name", shape: shape,
                    childTables: ["rows": SQLiteChildTable(table: "rows", parentColumn: "thing", rowKey: "line")]),
                "Good": SQLiteTable(table: "good", nameColumn: "name"),
            ], logger: quietLogger)
        let problems = try await system.check()
        let byType = Dictionary(grouping: problems, by: \.documentType.name)
        #expect(byType["NoTable"]?.map(\.isFatal) == [true])
        #expect(byType["NoTable"]?.first?.message.contains("\"nothing\"") == true)
        #expect(byType["NoName"]?.first?.remedy.contains("\"name\"") == true)
        #expect(byType["NoJSON"]?.first?.message.contains("\"doc\"") == true)
        let things = byType["Things"] ?? []
        #expect(
            things.filter(\.isFatal).map { $0.message.split(separator: "\"")[1] } == ["label", "changed", "colour"])
        #expect(things.first?.remedy.contains("\"Label\"") == true)
        #expect(things.filter { !$0.isFatal }.count == 2)
        #expect(byType["Good"] == nil)
        let used = try await system.check(
            typeName: "Good", fields: ["code", "colour"], matches: [["code"], ["name", "code"]])
        #expect(used.map(\.isFatal) == [true])
        let slow = try await system.check(typeName: "Things", fields: [], matches: [["code"]])
        #expect(slow.map(\.isFatal) == [false])
        #expect(slow.first?.remedy.contains("CREATE INDEX") == true)
        #expect(try await system.check(typeName: "Other", fields: [], matches: []).map(\.isFatal) == [true])
    }

    @Test("commits the writes that arrive together in one transaction")
    func groupsWrites() async throws {
        let bench = try SQLiteBench(Self.schema, Self.table)
        let systems = DocumentSystems([bench.system])
        let writes = try (0..<300).map { number in
            try Bench.write(
                from: nil, to: Document(key: bench.key("n\(number)"), fields: ["label": "x"]), type: SQLiteBench.type,
                shape: bench.shape)
        }
        func changeCounter() throws -> Int {
            // The file change counter in the header of a file that is not in WAL: one step a transaction.
            let header = try #require(FileManager.default.contents(atPath: bench.folder.file("app.sqlite")))
            return header[24..<28].reduce(0) { $0 << 8 | Int($1) }
        }
        let before = try changeCounter()
        try await withThrowingTaskGroup(of: Bool.self) { group in
            for write in writes { group.addTask { try await systems.write(write).isWritten } }
            for try await isWritten in group { #expect(isWritten) }
        }
        #expect(try changeCounter() - before < 150)
        #expect(try await bench.system.count(typeName: "Thing") == 301)
    }
}
