// The contract of a document system, held to by every kind of it.
import DocumentSystems
import SyncJobs
import Testing

@Suite("Every document system")
struct ConformanceTests {
    static let strangeNames = [
        "O'Brien \"quoted\" `x` [y]", "line\nbreak\ttab", "🐧 emoji 👩‍👩‍👧", "\u{00E9} composed", "e\u{0301} decomposed",
        "nul\u{0}inside", " leading and trailing ", "00042", "42", "4.20", "%_*?",
        String(repeating: "long/", count: 2048),
    ]

    @Test("answers in the order of the keys, and absent for what is not there", arguments: Kind.allCases)
    func loadsInOrder(kind: Kind) async throws {
        let bench = try Bench(kind)
        try await bench.insert("A", ["label": "a"])
        try await bench.insert("B", ["label": "b"])
        let states = try await bench.system.load([bench.key("B"), bench.key("none"), bench.key("A"), bench.key("B")])
        #expect(states.map { $0.document?.fields["label"] ?? .null } == ["b", nil, "a", "b"])
        #expect(states[1] == .absent)
        #expect(try await bench.system.load([]).isEmpty)
    }

    @Test("keeps every name apart from every other, byte by byte", arguments: Kind.allCases)
    func keepsNames(kind: Kind) async throws {
        let bench = try Bench(kind)
        for name in Self.strangeNames { try await bench.insert(name, ["label": .string("label of \(name)")]) }
        for name in Self.strangeNames {
            let document = try #require(try await bench.load(name).document)
            #expect(document.key == bench.key(name))
            #expect(document.fields["label"] == .string("label of \(name)"))
            #expect(
                try await bench.find(["label": .string("label of \(name)")]).map { Array($0.utf8) } == [
                    Array(name.utf8)
                ])
        }
        #expect(try await bench.system.count(typeName: "Item") == Self.strangeNames.count)
        for name in Self.strangeNames {
            let before = try #require(try await bench.load(name).document)
            let changed = try await bench.write(try bench.change(before) { $0["label"] = "new" })
            #expect(changed.stored?.fields["label"] == "new")
            let stored = try #require(changed.stored)
            #expect(try await bench.write(try Bench.write(from: stored, to: nil)).isWritten)
        }
        #expect(try await bench.system.count(typeName: "Item") == 0)
    }

    @Test("finds none, one and several by equal fields", arguments: Kind.allCases)
    func finds(kind: Kind) async throws {
        let bench = try Bench(kind)
        try await bench.insert("B", ["label": "x", "group": "g", "quantity": 2])
        try await bench.insert("A", ["label": "x", "group": "h", "quantity": 2])
        try await bench.insert("C", ["label": "y", "group": nil, "quantity": 3, "active": true])
        #expect(try await bench.find(["label": "none"]) == [])
        #expect(try await bench.find(["label": "y"]) == ["C"])
        #expect(try await bench.find(["label": "x"]) == ["A", "B"])
        #expect(try await bench.find(["label": "x", "group": "h"]) == ["A"])
        #expect(try await bench.find(["quantity": 2]) == ["A", "B"])
        #expect(try await bench.find(["quantity": 2], limit: 1).count == 1)
        #expect(try await bench.find(["active": true]) == ["C"])
        #expect(try await bench.find(["group": nil]) == ["C"])
        #expect(try await bench.find(["sku": "B"]) == ["B"])
        await #expect(throws: JobFailure.self) { try await bench.find([:]) }
    }

    @Test("lists in pages, in the order of the names", arguments: Kind.allCases)
    func lists(kind: Kind) async throws {
        let bench = try Bench(kind)
        for name in ["b", "a", "É", "B", "10", "9"] { try await bench.insert(name) }
        var names: [String] = []
        repeat {
            let page = try await bench.system.list(typeName: "Item", after: names.last, limit: 2)
            names += page.compactMap(\.key?.name)
            if page.count < 2 { break }
        } while names.count < 20
        #expect(names == ["10", "9", "B", "a", "b", "É"])
        #expect(try await bench.system.count(typeName: "Item") == 6)
    }

    @Test("gives the receipt of what is stored for insert, update and delete", arguments: Kind.allCases)
    func givesReceipts(kind: Kind) async throws {
        let bench = try Bench(kind)
        let inserted = try await bench.insert("A", ["label": "one", "quantity": 1])
        #expect(try await bench.load("A") == .present(inserted))
        let updated = try await bench.write(try bench.change(inserted) { $0["label"] = "two" })
        let stored = try #require(updated.stored)
        #expect(stored.fields["label"] == "two")
        #expect(stored.fields["quantity"] == 1)
        #expect(try await bench.load("A") == .present(stored))
        guard case .written(let receipt) = try await bench.write(try Bench.write(from: stored, to: nil)) else {
            Issue.record("the delete was not made")
            return
        }
        #expect(receipt == WriteReceipt(name: "A", stored: nil))
        #expect(try await bench.find(["label": "two"]) == [])
    }

    @Test("takes the fallback name when the document names none", arguments: Kind.allCases)
    func takesFallbackName(kind: Kind) async throws {
        let bench = try Bench(kind)
        let write = try Bench.write(
            from: nil, to: Document(key: nil, fields: ["label": "nameless"]), fallbackName: "job-1")
        guard case .written(let receipt) = try await bench.write(write) else {
            Issue.record("the insert was not made")
            return
        }
        #expect(receipt.name == "job-1")
        #expect(try await bench.load("job-1").document?.fields["label"] == "nameless")
    }

    @Test("refuses to overwrite what has changed since it was read", arguments: Kind.allCases)
    func seesConflicts(kind: Kind) async throws {
        let bench = try Bench(kind)
        let read = try await bench.insert("A", ["label": "one", "parts": [["line": 1, "part": "p"]]])
        let first = try await bench.write(try bench.change(read) { $0["parts"] = [["line": 1, "part": "q"]] })
        let stored = try #require(first.stored)
        #expect(try await bench.write(try bench.change(read) { $0["label"] = "lost" }).isConflict)
        #expect(try await bench.write(try Bench.write(from: read, to: nil)).isConflict)
        #expect(try await bench.load("A") == .present(stored))
        #expect(try await bench.write(try Bench.write(from: stored, to: nil)).isWritten)
        #expect(try await bench.write(try Bench.write(from: stored, to: nil)).isConflict)
        #expect(try await bench.write(try bench.change(stored) { $0["label"] = "gone" }).isConflict)
    }

    @Test("inserts once: the second insert of a name is a conflict", arguments: Kind.allCases)
    func insertsOnce(kind: Kind) async throws {
        let bench = try Bench(kind)
        try await bench.insert("A", ["label": "first"])
        #expect(try await bench.write(try bench.insertion("A", ["label": "second"])).isConflict)
        #expect(try await bench.load("A").document?.fields["label"] == "first")
    }

    @Test("leaves the mates of a conflict unharmed, in their order", arguments: Kind.allCases)
    func leavesMatesUnharmed(kind: Kind) async throws {
        let bench = try Bench(kind)
        try await bench.insert("B")
        let writes = try ["A", "B", "C"].map { try bench.insertion($0, ["label": .string("new")]) }
        let results = try await bench.system.write(writes)
        #expect(results.map(\.isWritten) == [true, false, true])
        #expect(results[1].isConflict)
        #expect(try await bench.find(["label": "new"]) == ["A", "C"])
        #expect(try await bench.system.write([]).isEmpty)
    }

    @Test("keeps numbers exact", arguments: Kind.allCases)
    func keepsNumbers(kind: Kind) async throws {
        let bench = try Bench(kind)
        let numbers: [Int64] = [0, -1, 9_007_199_254_740_993, .max, .min]
        for number in numbers {
            let value = JSONValue.number(JSONNumber(number))
            let stored = try await bench.insert("n\(number)", ["quantity": value])
            #expect(stored.fields["quantity"] == value)
            #expect(try await bench.find(["quantity": value]) == ["n\(number)"])
        }
    }

    @Test("keeps null, missing and the empty text apart", arguments: Kind.allCases)
    func keepsEmptinessApart(kind: Kind) async throws {
        let bench = try Bench(kind)
        try await bench.insert("null", ["label": nil])
        try await bench.insert("empty", ["label": ""])
        let missing = try await bench.insert("missing", ["group": "g"])
        #expect(try await bench.load("null").document?.fields["label"] == .null)
        #expect(try await bench.load("empty").document?.fields["label"] == "")
        // A column is always there; what keeps its members knows the difference.
        let keepsMembers = kind == .embedded || kind == .jsonColumn || kind == .memory
        #expect(missing.fields["label"] == (keepsMembers ? Optional<JSONValue>.none : .some(.null)))
        #expect(try await bench.find(["label": ""]) == ["empty"])
        #expect(try await bench.find(["label": nil]) == (keepsMembers ? ["null"] : ["missing", "null"]))
        let updated = try await bench.write(
            try Bench.write(from: missing, to: Document(key: missing.key, fields: ["label": "now"])))
        #expect(updated.stored?.fields["group"] == "g")
        #expect(updated.stored?.fields["label"] == "now")
    }

    @Test("keeps truth values and JSON in declared fields", arguments: Kind.allCases)
    func keepsDeclaredKinds(kind: Kind) async throws {
        let bench = try Bench(kind)
        let tags: JSONValue = ["b": [1, "0.10", nil], "a": ["é": true]]
        let stored = try await bench.insert("A", ["active": false, "tags": tags])
        #expect(stored.fields["active"] == false)
        #expect(stored.fields["tags"] == tags)
        let changed = try await bench.write(
            try bench.change(stored) {
                $0["active"] = true
                $0["tags"] = []
            })
        #expect(changed.stored?.fields["active"] == true)
        #expect(changed.stored?.fields["tags"] == [])
    }

    @Test("adds, removes and changes the rows of child tables", arguments: Kind.allCases)
    func writesChildTables(kind: Kind) async throws {
        let bench = try Bench(kind)
        let other = try await bench.insert("other", ["parts": [["line": 1, "part": "untouched", "quantity": 1]]])
        let rows: JSONValue = [
            ["line": 1, "part": "a", "quantity": 1], ["line": 2, "part": "b", "quantity": 2],
            ["line": 3, "part": "c", "quantity": 3],
        ]
        let inserted = try await bench.insert("A", ["parts": rows])
        #expect(inserted.fields["parts"] == rows)
        let changedRows: JSONValue = [
            ["line": 1, "part": "a", "quantity": 1], ["line": 3, "part": "c", "quantity": 30],
            ["line": 4, "part": "d", "quantity": 4],
        ]
        let changed = try await bench.write(try bench.change(inserted) { $0["parts"] = changedRows })
        let stored = try #require(changed.stored)
        #expect(stored.fields["parts"] == changedRows)
        let emptied = try await bench.write(try bench.change(stored) { $0["parts"] = [] })
        #expect(emptied.stored?.fields["parts"] == [])
        #expect(try await bench.load("other") == .present(other))
        let gone = try await bench.write(try Bench.write(from: other, to: nil))
        #expect(gone.isWritten)
    }

    @Test("loses no update among many writers", arguments: Kind.allCases)
    func losesNoUpdate(kind: Kind) async throws {
        let bench = try Bench(kind)
        try await bench.insert("counter", ["quantity": 0])
        let systems = DocumentSystems([bench.system])
        try await withThrowingTaskGroup(of: Void.self) { group in
            for _ in 0..<20 {
                group.addTask {
                    var isDone = false
                    while !isDone {
                        let document = try #require(try await systems.load(bench.key("counter")).document)
                        let count = try #require(document.fields["quantity"]?.numberValue?.int64)
                        let write = try bench.change(document) { $0["quantity"] = .number(JSONNumber(count + 1)) }
                        isDone = try await systems.write(write).isWritten
                    }
                }
            }
            try await group.waitForAll()
        }
        #expect(try await bench.load("counter").document?.fields["quantity"] == 20)
    }

    @Test("knows of a deleted document what it can", arguments: Kind.allCases)
    func remembersDeleted(kind: Kind) async throws {
        let bench = try Bench(kind)
        let stored = try await bench.insert("A", ["label": "last"])
        #expect(try await bench.write(try Bench.write(from: stored, to: nil)).isWritten)
        let state = try await bench.load("A")
        if kind == .embedded || kind == .memory {
            #expect(state == .deleted(stored))
        } else {
            #expect(state == .absent)
        }
        #expect(try await bench.insert("A", ["label": "again"]).fields["label"] == "again")
        #expect(try await bench.load("A").document?.fields["label"] == "again")
    }

    @Test("says that what is declared is there", arguments: Kind.allCases)
    func checks(kind: Kind) async throws {
        let bench = try Bench(kind)
        #expect(try await bench.system.check().filter(\.isFatal).isEmpty)
        #expect(bench.system.shape(of: "Item") == Bench.shape)
        #expect(bench.system.isEmbedded == (kind == .embedded))
        let used = try await bench.system.check(typeName: "Item", fields: ["label", "parts"], matches: [["label"]])
        #expect(used.filter(\.isFatal).isEmpty)
    }
}
