// The embedded system's documents: exact through storage, found by value, written conditionally.
import Foundation
import GRDB
@testable import JobStore
import SyncJobs
import Testing

@Suite struct EmbeddedDocumentTests {
    let fixture: StoreFixture
    var store: JobStore { fixture.store }

    init() throws { fixture = try StoreFixture() }

    private func put(_ name: String, _ fields: JSONObject, version: DocumentVersion? = nil) async throws -> Int {
        try await store.putDocuments([(Sample.key(name), fields, version)])
    }

    private func find(_ fields: JSONObject, limit: Int = 5) async throws -> [String] {
        let query = DocumentQuery(type: Sample.target, fields: fields, limit: limit)
        return try await store.findDocuments([query])[0].compactMap(\.key?.name)
    }

    @Test func documentsAreLoadedInTheOrderAsked() async throws {
        _ = try await put("a", ["n": 1], version: DocumentVersion(order: .timestamp, text: "2026-01-01T00:00:00Z"))
        _ = try await put("b", ["n": 2])
        let other = DocumentKey(type: DocumentType(system: "shop", name: "Order"), name: "a")
        let states = try await store.loadDocuments([Sample.key("b"), other, Sample.key("a"), Sample.key("b")])
        #expect(states.map { $0.document?["n"] } == [2, nil, 1, 2])
        #expect(states[1] == .absent)
        #expect(states[2].document?.version?.text == "2026-01-01T00:00:00Z")
        #expect(states[2].document?.key == Sample.key("a"))
    }

    @Test func whatIsFoundIsWhatIsLoadedForManyQueriesAtOnce() async throws {
        _ = try await put("a", ["n": 1, "m": 1], version: DocumentVersion(order: .number, text: "7"))
        _ = try await put("b", ["n": 2, "m": 1])
        let order = DocumentType(system: "shop", name: "Order")
        _ = try await store.putDocuments([(DocumentKey(type: order, name: "o"), ["n": 1], nil)])
        try await store.ensureIndex(type: Sample.target, fields: ["n", "m"])
        let queries: [DocumentQuery] = [
            DocumentQuery(type: Sample.target, fields: ["m": 1]), DocumentQuery(type: order, fields: ["n": 1]),
            DocumentQuery(type: Sample.target, fields: ["n": 1, "m": 1]),
            DocumentQuery(type: DocumentType(system: "shop", name: "None"), fields: ["n": 1]),
        ]
        let found = try await store.findDocuments(queries)
        #expect(found.map { $0.compactMap(\.key?.name) } == [["a", "b"], ["o"], ["a"], []])
        let loaded = try #require(try await store.loadDocuments([Sample.key("a")])[0].document)
        #expect(found[2] == [loaded])
        #expect(found[2][0].fieldsHash == Digest(of: .object(loaded.fields)))
        #expect(found[2][0].byteCount == loaded.byteCount)
    }

    @Test(arguments: [
        "0.10", "9007199254740993", "1e400", "-0", "12345678901234567890.123456789", "1E-5", "0.30000000000000004",
    ])
    func numbersKeepTheirDigits(text: String) async throws {
        let number = try #require(JSONNumber(text))
        _ = try await put("n", ["number": .number(number), "rows": [["x": .number(number)]]])
        let document = try #require(try await store.loadDocuments([Sample.key("n")])[0].document)
        #expect(document["number"]?.numberValue?.text == text)
        #expect(document.fields["rows"] == [["x": .number(number)]])
        #expect(try await find(["number": .number(number)]) == ["n"])
    }

    @Test(arguments: Sample.awkwardNames)
    func awkwardNamesAreNames(name: String) async throws {
        #expect(try await put(name, ["name": .string(name)]) == 1)
        #expect(try await put(name, ["name": .string(name)]) == 0)
        let state = try await store.loadDocuments([Sample.key(name)])[0]
        #expect(state == .present(Document(key: Sample.key(name), fields: ["name": .string(name)])))
        let listed = try await store.listDocuments(type: Sample.target, limit: 10)
        #expect(listed.map { $0.key } == [Sample.key(name)])
        #expect(try await store.listDocuments(type: Sample.target, after: name, limit: 10).isEmpty)
        #expect(try await find(["name": .string(name)]).first?.hasSameBytes(as: name) == true)
        #expect(try await store.deleteDocument(Sample.key(name)))
    }

    @Test func namesThatStoreCannotHoldAreRefusedBeforeAnythingIsStored() async throws {
        for name in ["", String(repeating: "x", count: 16_385)] {
            let code = await storeError {
                _ = try await store.putDocuments([(Sample.key("good"), [:], nil), (Sample.key(name), [:], nil)])
            }
            #expect(code == .invalidArgument)
        }
        #expect(try await store.countDocuments(type: Sample.target) == 0)
    }

    @Test func aDocumentOverTheLimitIsRefusedAndOneAtTheLimitIsNot() async throws {
        let folder = try TemporaryFolder()
        let small = try JobStore(path: folder.file("s.sqlite"), maximumDocumentBytes: 100, logger: .init(label: "test"))
        // {"a":"…"} is eight bytes around the text.
        let fits: JSONObject = ["a": .string(String(repeating: "x", count: 92))]
        #expect(try await small.putDocuments([(Sample.key("T"), fits, nil)]) == 1)
        let over: JSONObject = ["a": .string(String(repeating: "x", count: 93))]
        #expect(await storeError { _ = try await small.putDocuments([(Sample.key("T"), over, nil)]) } == .tooLarge)
    }

    @Test func putCountsWhatIsNewOrDifferent() async throws {
        #expect(try await put("a", ["x": 1]) == 1)
        #expect(try await put("a", ["x": 1]) == 0)
        #expect(try await put("a", ["x": 1], version: Sample.number("2")) == 1)
        #expect(try await put("a", ["y": 1]) == 1)
        #expect(
            try await store.loadDocuments([Sample.key("a")])[0].document?.fields == ["y": 1], "replaced, not merged")
        let many = (0..<1_050).map { (Sample.key("m-\($0)"), ["n": .int($0)] as JSONObject, nil as DocumentVersion?) }
        #expect(try await store.putDocuments(many) == 1_050)
        #expect(try await store.countDocuments(type: Sample.target) == 1_051)
    }

    @Test func aDeletedDocumentKeepsItsLastImageAndCanComeBack() async throws {
        _ = try await put("a", ["x": 1])
        #expect(try await store.deleteDocument(Sample.key("a")))
        #expect(try await !store.deleteDocument(Sample.key("a")))
        #expect(try await !store.deleteDocument(Sample.key("never")))
        #expect(
            try await store.loadDocuments([Sample.key("a")])[0]
                == .deleted(Document(key: Sample.key("a"), fields: ["x": 1])))
        #expect(try await store.countDocuments(type: Sample.target) == 0)
        #expect(try await store.listDocuments(type: Sample.target, limit: 5).isEmpty)
        #expect(try await put("a", ["x": 1]) == 1)
        #expect(try await store.countDocuments(type: Sample.target) == 1)
    }

    @Test func listsArePagedInByteOrder() async throws {
        let names = ["B", "a", "Z", "é", "e\u{301}", "b", "10", "9"]
        for name in names { _ = try await put(name, [:]) }
        var seen: [String] = []
        while true {
            let page = try await store.listDocuments(type: Sample.target, after: seen.last, limit: 3)
            seen += page.compactMap(\.key?.name)
            if page.count < 3 { break }
        }
        #expect(seen.map { Array($0.utf8) } == names.map { ExactString($0) }.sorted().map { Array($0.text.utf8) })
        #expect(try await store.listDocuments(type: DocumentType(system: "no", name: "No"), limit: 3).isEmpty)
    }

    @Test func writesAnswerForThemselves() async throws {
        _ = try await put("old", ["x": 1])
        let old = try #require(try await store.loadDocuments([Sample.key("old")])[0].document)
        let results = try await store.writeDocuments([
            Sample.insert(nil, ["x": 1], fallbackName: "given"), Sample.insert("old", ["x": 2]),
            Sample.insert("", [:]), Sample.write(before: old, after: Document(key: old.key, fields: ["x": 3])),
            Sample.write(before: old, after: nil),
        ])
        let stored = Document(key: Sample.key("given"), fields: ["x": 1])
        #expect(results[0] == .written(WriteReceipt(name: "given", stored: stored)))
        #expect(results[1] == .conflict("the document exists already"))
        guard case .refused(let failure) = results[2] else {
            Issue.record("an empty name was not refused")
            return
        }
        #expect(failure.code == .invalidTarget)
        #expect(results[3] == .written(WriteReceipt(name: "old", stored: Document(key: old.key, fields: ["x": 3]))))
        #expect(results[4] == .conflict("the document was changed since it was read"))
        let now = try #require(try await store.loadDocuments([Sample.key("old")])[0].document)
        let deletion = try await store.writeDocuments([Sample.write(before: now, after: nil)])
        #expect(deletion == [.written(WriteReceipt(name: "old", stored: nil))])
    }

    @Test func documentsAreFoundByValueAndNothingElse() async throws {
        _ = try await put("1", ["code": "DE", "n": 1, "empty": ""])
        _ = try await put("2", ["code": "DE", "n": .number(JSONNumber("1.0") ?? 0), "empty": nil])
        _ = try await put("3", ["code": "de", "n": "1"])
        _ = try await put("4", ["code": "FR", "n": 1, "list": [1, ["a": 2]]])
        #expect(try await find(["code": "DE"]) == ["1", "2"])
        #expect(try await find(["n": .number(JSONNumber("0.1e1") ?? 0)]) == ["1", "2", "4"])
        #expect(try await find(["n": 1, "code": "DE"]) == ["1", "2"])
        #expect(try await find(["n": 1, "code": "FR"]) == ["4"])
        #expect(try await find(["empty": ""]) == ["1"])
        #expect(try await find(["empty": nil]) == ["2"], "null is not missing")
        #expect(try await find(["list": [.number(JSONNumber("1.00") ?? 0), ["a": 2]]]) == ["4"])
        #expect(try await find(["code": "XX"]).isEmpty)
        #expect(try await find(["code": "DE"], limit: 1) == ["1"])
        #expect(await storeError { _ = try await find([:]) } == .invalidArgument)
    }

    @Test func theIndexFollowsEveryWrite() async throws {
        try await store.ensureIndex(type: Sample.target, fields: ["c"])
        _ = try await put("a", ["c": 1])
        _ = try await put("a", ["c": 2])
        #expect(try await find(["c": 1]).isEmpty)
        #expect(try await find(["c": 2]) == ["a"])
        let before = try #require(try await store.loadDocuments([Sample.key("a")])[0].document)
        _ = try await store.commit(
            Sample.transition("1") {
                $0.embeddedWrite = Sample.write(before: before, after: Document(key: before.key, fields: ["c": 3]))
            })
        #expect(try await find(["c": 2]).isEmpty)
        #expect(try await find(["c": 3]) == ["a"])
        _ = try await store.deleteDocument(Sample.key("a"))
        #expect(try await find(["c": 3]).isEmpty)
        _ = try await store.commit(Sample.transition("2") { $0.embeddedWrite = Sample.insert("a", ["c": 3]) })
        #expect(try await find(["c": 3]) == ["a"])
        #expect(try fixture.integer("SELECT count(*) FROM document_keys") == 1)
    }

    @Test func anIndexOverManyDocumentsIsFilledInParts() async throws {
        let many = (0..<1_500).map {
            (Sample.key("m-\($0)"), ["n": .int($0 % 10)] as JSONObject, nil as DocumentVersion?)
        }
        _ = try await store.putDocuments(many)
        #expect(try await find(["n": 3], limit: 1_000).count == 150)
        try await store.ensureIndex(type: Sample.target, fields: ["n", "m"])
        #expect(try fixture.integer("SELECT count(*) FROM document_indexes WHERE is_ready") == 2)
        #expect(try fixture.integer("SELECT count(*) FROM document_keys") == 1_500)
    }

    @Test func searchesNeverReadTheWholeType() async throws {
        _ = try await put("a", ["x": 1, "y": 2])
        try await store.ensureIndex(type: Sample.target, fields: ["x", "y"])
        let plans = try await store.pool.read { db in
            try Row.fetchAll(
                db,
                sql: """
                    EXPLAIN QUERY PLAN SELECT name FROM document_keys found
                    JOIN documents ON documents.id = found.document_id WHERE found.index_id = 1 AND found.value = x'00'
                    ORDER BY found.document_id
                    """
            ).map { $0["detail"] as String }
        }
        #expect(plans.allSatisfy { $0.contains("SEARCH") }, "\(plans)")
    }

    @Test func anIndexThatWasLeftHalfFilledIsFinishedByTheNextCall() async throws {
        _ = try await put("a", ["x": 1])
        _ = try await store.writer.write("test") { context in
            let typeID = try context.typeID(Sample.target)
            try context.execute(
                "INSERT INTO document_indexes (type_id, field, is_ready) VALUES (?, 'x', 0)", [typeID.databaseValue])
        }
        #expect(try await find(["x": 1]) == ["a"])
        #expect(try fixture.integer("SELECT is_ready FROM document_indexes") == 1)
    }

    @Test func anIndexMadeByAnotherProcessIsKeptByThisOne() async throws {
        _ = try await put("a", ["x": 1])
        let other = try StoreFixture.open(fixture.path)
        try await other.ensureIndex(type: Sample.target, fields: ["x"])
        _ = try await put("b", ["x": 1])
        let query = DocumentQuery(type: Sample.target, fields: ["x": 1])
        #expect(try await other.findDocuments([query])[0].compactMap(\.key?.name) == ["a", "b"])
    }

    @Test func aTypeHasABoundedNumberOfIndexes() async throws {
        try await store.ensureIndex(type: Sample.target, fields: (0..<JobStore.maximumIndexes).map { "f\($0)" })
        let code = await storeError { try await store.ensureIndex(type: Sample.target, fields: ["one more"]) }
        #expect(code == .tooManyIndexes)
        try await store.ensureIndex(type: Sample.target, fields: ["f3"])
    }

    @Test func concurrentConditionalWritesLoseNoUpdate() async throws {
        _ = try await put("counter", ["n": 0])
        let stores = [store, try StoreFixture.open(fixture.path)]
        try await withThrowingTaskGroup(of: Void.self) { group in
            for number in 0..<8 {
                group.addTask {
                    for _ in 0..<10 { try await Self.increment(stores[number % 2]) }
                }
            }
            try await group.waitForAll()
        }
        #expect(try await store.loadDocuments([Sample.key("counter")])[0].document?["n"] == 80)
    }

    private static func increment(_ store: JobStore) async throws {
        for _ in 0..<10_000 {
            let before = try #require(try await store.loadDocuments([Sample.key("counter")])[0].document)
            let next = (before["n"]?.numberValue?.int64 ?? 0) + 1
            let after = Document(key: before.key, fields: ["n": .number(JSONNumber(next))])
            let result = try await store.writeDocuments([Sample.write(before: before, after: after)])
            if case .written = result[0] { return }
        }
        Issue.record("no write came through")
    }
}
