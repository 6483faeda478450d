// What is drafted of documents in a system without a schema.
import DocumentSystems
import JobStore
import SyncJobs
import Testing

@Suite("A draft of embedded documents")
struct SampledDraftTests {
    private func system(_ documents: [String: [(String, JSONObject)]]) async throws -> (Folder, EmbeddedSystem) {
        let folder = try Folder()
        let store = try JobStore(path: folder.file("ferry.sqlite"), logger: quietLogger)
        for (type, documents) in documents {
            _ = try await store.putDocuments(
                documents.map { name, fields in
                    (DocumentKey(type: DocumentType(system: "app", name: type), name: name), fields, nil)
                })
        }
        return (folder, EmbeddedSystem(name: "app", store: store))
    }

    @Test("has the stored types, their names, kinds and rows")
    func drafts() async throws {
        let (folder, system) = try await system([
            "Order": [
                (
                    "O-1",
                    [
                        "code": "O-1", "alias": "O-1", "total": .number(try #require(JSONNumber("9.95"))), "open": true,
                        "at": "2026-01-02T10:00:00Z", "modified": "2026-01-02 10:00:00", "iban": "NO93",
                        "items": [["line": 1, "sku": "a", "free": 0], ["line": 2, "sku": "a", "free": 1]],
                        "tags": ["x"], "remarks": [["id": "r1"]],
                    ]
                ),
                ("O-2", ["code": "O-2", "alias": "O-2", "total": 12, "items": [["line": 1, "sku": "b", "free": 1]]]),
            ],
            "Note": [("7", ["text": "x"])],
        ])
        let drafts = try await system.drafts(of: [])
        #expect(drafts.map(\.type.description) == ["app.Note", "app.Order"])
        #expect(drafts.map(\.count) == [1, 2])
        #expect(drafts.map(\.nameField) == [nil, "code"])
        let order = drafts[1]
        #expect(order.fields.map(\.name) == ["alias", "at", "code", "iban", "modified", "open", "tags", "total"])
        let kinds = Dictionary(uniqueKeysWithValues: order.fields.map { ($0.name, $0.likelyKind) })
        #expect(kinds["total"] == .decimal(places: 2))
        #expect(kinds["at"] == .timestamp)
        #expect(kinds["open"] == .some(nil))
        #expect(kinds["tags"] == .some(nil))
        #expect(order.fields.first { $0.name == "iban" }?.sensitivity != nil)
        #expect(order.version == DocumentDraft.Version(field: "modified", order: .timestamp, needsZone: true))
        #expect(order.children.map(\.field) == ["items", "remarks"])
        #expect(order.children.map(\.rowKey) == ["line", nil])
        #expect(order.children.map(\.likelyRowKey) == [nil, "id"])
        #expect(order.children[0].fields.first { $0.name == "free" }?.likelyKind == .bool)
        withExtendedLifetime(folder) {}
    }

    @Test("is of the types that are named, and refuses one without documents")
    func namedTypes() async throws {
        let (folder, system) = try await system(["Note": [("7", ["text": "x"])], "Order": [("1", [:])]])
        #expect(try await system.drafts(of: ["Order"]).map(\.type.name) == ["Order"])
        let failure = await #expect(throws: JobFailure.self) { try await system.drafts(of: ["Nott"]) }
        #expect(failure?.remedy == "did you mean Note?")
        withExtendedLifetime(folder) {}
    }

    @Test("forgets types whose documents are all deleted")
    func deleted() async throws {
        let (folder, _) = try await system([:])
        let store = try JobStore(path: folder.file("ferry.sqlite"), logger: quietLogger)
        let note = DocumentKey(type: DocumentType(system: "app", name: "Note"), name: "7")
        let other = DocumentKey(type: DocumentType(system: "other", name: "Note"), name: "7")
        _ = try await store.putDocuments([(note, ["text": "x"], nil), (other, ["text": "x"], nil)])
        #expect(try await store.documentTypes(ofSystem: "app") == [note.type])
        #expect(try await store.deleteDocument(note))
        #expect(try await store.documentTypes(ofSystem: "app").isEmpty)
        #expect(try await store.documentTypes(ofSystem: "other") == [other.type])
        try store.close()
    }
}
