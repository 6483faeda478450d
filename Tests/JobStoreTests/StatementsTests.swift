// The store's own way to SQLite: every value comes back as it went in, and a statement that failed is as good as new.
import Foundation
import GRDB
import Testing

@testable import JobStore

@Suite struct StatementsTests {
    private static let insert = "INSERT INTO kinds (id, value) VALUES (?, ?)"
    private static let select = "SELECT value FROM kinds WHERE id = ?"
    private static let all = "SELECT id FROM kinds ORDER BY id"
    private let database: DatabaseQueue

    private func ids(_ db: Database) throws -> [Int] { try db.allRows(Self.all, []) { $0[0] } }

    init() throws {
        database = try DatabaseQueue()
        try database.write {
            try $0.execute(sql: "CREATE TABLE kinds (id INTEGER PRIMARY KEY, value ANY CHECK (value <> 'bad')) STRICT")
        }
    }

    @Test(
        arguments: [
            (DatabaseValue.null, "null", ""),
            (0.databaseValue, "integer", "30"),
            (Int64.min.databaseValue, "integer", "2D39323233333732303336383534373735383038"),
            (0.5.databaseValue, "real", "302E35"),
            ("".databaseValue, "text", ""),
            ("e\u{301}\n🚢".databaseValue, "text", "65CC810AF09F9AA2"),
            ("nul\0inside".databaseValue, "text", "6E756C00696E73696465"),
            ("nul\0inside".nameValue, "blob", "6E756C00696E73696465"),
            ("\0".nameValue, "blob", "00"),
            (Data().databaseValue, "blob", ""),
            (Data([0, 255]).databaseValue, "blob", "00FF"),
        ] as [(DatabaseValue, String, String)])
    func everyKindOfValueIsStoredAsItIsAndComesBack(value: DatabaseValue, kind: String, hex: String) throws {
        try database.write { db in
            try db.run(Self.insert, [1.databaseValue, value])
            // Read past the door that is tested.
            let row = try #require(try Row.fetchOne(db, sql: "SELECT typeof(value), hex(value) FROM kinds"))
            #expect(row[0] as String == kind)
            #expect(row[1] as String == hex)
            let found: DatabaseValue? = try db.firstRow(Self.select, [1.databaseValue]) { $0[0] }
            #expect(found == value)
            let isNull = try db.firstRow(Self.select, [1.databaseValue]) { $0.isNull(0) }
            #expect(isNull == (kind == "null"), "what is empty is not NULL")
        }
    }

    @Test func aNameIsReadFromItsTextAndFromItsBytes() throws {
        try database.write { db in
            for (id, name) in Sample.awkwardNames.enumerated() {
                try db.run(Self.insert, [id.databaseValue, name.nameValue])
                let found = try db.firstRow(Self.select, [id.databaseValue]) { try $0.text(0) }
                #expect(found??.hasSameBytes(as: name) == true)
            }
            for (id, value) in [(100, 7.databaseValue), (101, Data([0xFF]).databaseValue)] {
                try db.run(Self.insert, [id.databaseValue, value])
                #expect(throws: JobStoreError.self, "neither text nor a text's bytes") {
                    try db.firstRow(Self.select, [id.databaseValue]) { try $0.text(0) }
                }
            }
        }
    }

    @Test func whatIsBoundIsACopyAndTheNextCallBeginsEmpty() throws {
        try database.write { db in
            let long = String(repeating: "ä", count: 100_000)
            for id in 1...3 { try db.run(Self.insert, [id.databaseValue, "\(id)\(long)".databaseValue]) }
            let texts = try db.allRows("SELECT value FROM kinds ORDER BY id", []) { try $0.text(0) }
            #expect(texts == (1...3).map { "\($0)\(long)" })
            let ids: [Int] = try db.allRows("SELECT id FROM kinds WHERE id > ? ORDER BY id", [1.databaseValue]) {
                $0[0]
            }
            #expect(ids == [2, 3])
        }
    }

    @Test func aWrongCountOfArgumentsIsAnErrorAndNothingRuns() throws {
        try database.write { db in
            for arguments in [[], [1.databaseValue], [1.databaseValue, 2.databaseValue, 3.databaseValue]] {
                let error = #expect(throws: DatabaseError.self) { try db.run(Self.insert, arguments) }
                #expect(error?.resultCode == .SQLITE_RANGE)
            }
            let stored = try ids(db)
            #expect(stored.isEmpty)
        }
    }

    @Test func aStatementThatFailedIsUsedAgain() throws {
        try database.write { db in
            try db.run(Self.insert, [1.databaseValue, "good".databaseValue])
            let taken = #expect(throws: DatabaseError.self) { try db.run(Self.insert, [1.databaseValue, .null]) }
            #expect(taken?.resultCode.primaryResultCode == .SQLITE_CONSTRAINT)
            #expect(
                taken?.message?.contains("UNIQUE") == true, "SQLite's own words, read before the statement is reset")
            let bad = #expect(throws: DatabaseError.self) {
                try db.run(Self.insert, [2.databaseValue, "bad".databaseValue])
            }
            #expect(bad?.extendedResultCode == .SQLITE_CONSTRAINT_CHECK)
            try db.run(Self.insert, [2.databaseValue, "good".databaseValue])
            #expect(try ids(db) == [1, 2])
        }
    }

    @Test func aReadThatEndsEarlyOrThrowsLeavesItsStatementUsable() throws {
        struct Enough: Error {}
        try database.write { db in
            for id in 1...5 { try db.run(Self.insert, [id.databaseValue, .null]) }
            let first: Int? = try db.firstRow(Self.all, []) { $0[0] }
            #expect(first == 1)
            #expect(throws: Enough.self) {
                try db.eachRow(Self.all, []) { row in
                    if row[0] as Int == 3 { throw Enough() }
                    return true
                }
            }
            var seen: [Int] = []
            try db.eachRow(Self.all, [], isKept: false) { row in
                seen.append(row[0])
                return seen.count < 2
            }
            #expect(seen == [1, 2])
            #expect(try ids(db) == [1, 2, 3, 4, 5])
            // Nothing is left in the middle: a table that is being read can't be dropped.
            try db.execute(sql: "DROP TABLE kinds")
        }
    }
}
