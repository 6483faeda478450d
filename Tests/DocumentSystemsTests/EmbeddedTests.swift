// What only the embedded system does: undeclared types, tombstones over restarts, versions by the declared shape.
import DocumentSystems
import JobStore
import SyncJobs
import Testing

@Suite("The embedded system")
struct EmbeddedTests {
    private static let note = DocumentType(system: "app", name: "Note")
    private static let shape = DocumentShape(
        version: DocumentShape.VersionShape(field: "revision", order: .number))

    @Test("takes documents of undeclared types")
    func takesUndeclaredTypes() async throws {
        let folder = try Folder()
        let store = try JobStore(path: folder.file("ferry.sqlite"), logger: quietLogger)
        let system = EmbeddedSystem(name: "app", store: store)
        #expect(system.shape(of: "Anything") == DocumentShape())
        let key = DocumentKey(type: DocumentType(system: "app", name: "Anything"), name: "a")
        let write = try Bench.write(
            from: nil, to: Document(key: key, fields: ["x": .number(try #require(JSONNumber("0.10")))]), type: key.type)
        #expect(try await system.write([write]).map(\.isWritten) == [true])
        #expect(try await system.load([key]).first?.document?.fields["x"]?.numberValue?.text == "0.10")
        try store.close()
        let failure = await #expect(throws: JobFailure.self) { try await system.load([key]) }
        #expect(failure?.code == .systemUnavailable)
    }

    @Test("reads the version out of the fields, and refuses a write whose version is none")
    func readsVersions() async throws {
        let folder = try Folder()
        let store = try JobStore(path: folder.file("ferry.sqlite"), logger: quietLogger)
        let system = EmbeddedSystem(name: "app", store: store, shapes: ["Note": Self.shape])
        func key(_ name: String) -> DocumentKey { DocumentKey(type: Self.note, name: name) }
        let writes = try [("a", 3), ("b", "three"), ("c", "4")].map { (name: String, revision: JSONValue) in
            try Bench.write(
                from: nil, to: Document(key: key(name), fields: ["revision": revision]), type: Self.note,
                shape: Self.shape)
        }
        let results = try await system.write(writes)
        #expect(results.map(\.isWritten) == [true, false, true])
        #expect(results[1].refusal?.code == .invalidVersion)
        let states = try await system.load(["a", "b", "c"].map(key))
        #expect(states.map { $0.document?.version?.text } == ["3", nil, "4"])
        #expect(try await store.deleteDocument(key("a")))
        let deleted = try #require(try await system.load([key("a")]).first)
        guard case .deleted(let image) = deleted else {
            Issue.record("no tombstone")
            return
        }
        #expect(image.version?.text == "3")
        _ = try await store.putDocuments([(key("d"), ["revision": "bad"], nil)])
        let systems = DocumentSystems([system])
        #expect(try await systems.load(key("c")).document?.version?.text == "4")
        let failure = await #expect(throws: JobFailure.self) { try await systems.load(key("d")) }
        #expect(failure?.code == .invalidVersion)
    }
}
