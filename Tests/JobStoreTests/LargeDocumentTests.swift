// Large documents are parsed once for all who look into them, and never stand for what was stored since.
@testable import JobStore
import SyncJobs
import Testing

@Suite struct LargeDocumentTests {
    let fixture: StoreFixture
    var store: JobStore { fixture.store }
    private let key = Sample.key("BIG")

    init() throws { fixture = try StoreFixture() }

    private func put(_ mark: Int, size: Int = LargeDocuments.minimumBytes) async throws {
        let text = JSONValue.string(String(repeating: "x", count: size))
        _ = try await store.putDocuments([(key, ["mark": .int(mark), "text": text], nil)])
    }

    private func loaded() async throws -> Document {
        try #require(try await store.loadDocuments([key])[0].document)
    }

    @Test func aLargeOneIsSharedByItsReadersUntilItChanges() async throws {
        try await put(1)
        let first = try await loaded()
        let second = try await loaded()
        #expect(second.isUntouched(since: first), "both hold what was parsed once")
        try await put(2)
        let third = try await loaded()
        #expect(third["mark"] == 2)
        #expect(!third.isUntouched(since: first))
        #expect(first["mark"] == 1)
    }

    @Test func aSmallOneIsNot() async throws {
        try await put(1, size: 10)
        let first = try await loaded()
        #expect(!(try await loaded()).isUntouched(since: first))
    }

    @Test func oneThatSeveralJobsOfABatchAskForIsReadOnce() async throws {
        try await put(1, size: 10)
        let lookups = ["a", "b"].map { JobStore.Lookup(jobID: $0, source: key) }
        let found = try await store.prepare(lookups + [JobStore.Lookup(jobID: "c", source: Sample.key("gone"))])
        let documents = try found.prefix(2).map { try #require($0.source?.document) }
        #expect(documents[1].isUntouched(since: documents[0]))
        #expect(found[2].source == .absent)
    }

    @Test func whoChangesItsCopyChangesNobodyElses() async throws {
        try await put(1)
        let first = try await loaded()
        var changed = try await loaded()
        changed["mark"] = 3
        #expect(!changed.isUntouched(since: first))
        #expect(try await loaded()["mark"] == 1)
        #expect(changed.byteCount == first.byteCount, "the size of the changed one is its own")
        changed["mark"] = 33
        #expect(changed.byteCount == first.byteCount + 1)
    }

    @Test func itsVersionAndItsEndAreTheRows() async throws {
        try await put(1)
        let first = try await loaded()
        let second = DocumentVersion(order: .number, text: "2")
        _ = try await store.putDocuments([(key, first.fields, second)])
        #expect(try await loaded().version == second)
        #expect(try await loaded().isUntouched(since: first))
        _ = try await store.deleteDocument(key)
        let state = try await store.loadDocuments([key])[0]
        #expect(state.isDeleted)
        #expect(state.document?.isUntouched(since: first) == true)
    }

    @Test func theOldestIsForgottenForTheNewest() {
        let large = LargeDocuments()
        let hash = Digest(ofParts: ["h"])
        func keep(_ name: String, bytes: Int) {
            let key = Sample.key(name)
            large.keep(Document(key: key, fields: [:]), as: key, hash: hash, bytes: bytes)
        }
        func isKept(_ name: String) -> Bool { large.document(Sample.key(name)) != nil }
        for name in ["a", "b"] { keep(name, bytes: LargeDocuments.maximumBytes / 2) }
        #expect(large.document(Sample.key("a"))?.hash == hash)
        keep("c", bytes: LargeDocuments.maximumBytes / 2)
        #expect(isKept("a") && !isKept("b") && isKept("c"), "the one that was asked for last is kept")
        keep("huge", bytes: LargeDocuments.maximumBytes * 2)
        #expect(isKept("huge") && !isKept("a") && !isKept("c"))
    }
}
