// What a batch of deliveries is told before its jobs run.
import Foundation
@testable import JobStore
import SyncJobs
import Testing

@Suite struct PreparationTests {
    @Test func everythingAskedForIsAnsweredInOrder() async throws {
        let store = try StoreFixture().store
        let source = DocumentKey(type: Sample.source, name: "C-1")
        let deleted = DocumentKey(type: Sample.source, name: "C-2")
        _ = try await store.putDocuments([
            (source, ["name": "Ann"], Sample.number("4")), (deleted, ["name": "Bob"], nil),
        ])
        _ = try await store.deleteDocument(deleted)
        _ = try await store.commit(
            Sample.transition("known") {
                $0.embeddedWrite = Sample.insert("T-1", ["label": "Ann"])
                $0.binding = Sample.binding("C-1", target: "T-1")
            })
        let found = try await store.prepare([
            .init(jobID: "new", binding: Sample.bindingKey("C-1"), source: source, loadsBoundTarget: true),
            .init(jobID: "known", binding: Sample.bindingKey("C-1")),
            .init(jobID: "new", binding: Sample.bindingKey("C-2"), source: deleted, loadsBoundTarget: true),
            .init(jobID: "new", source: DocumentKey(type: Sample.source, name: "C-3")),
        ])
        #expect(found.count == 4)
        #expect(found[0].job == nil)
        #expect(found[0].binding?.target.name == "T-1")
        let expected = Document(key: source, fields: ["name": "Ann"], version: Sample.number("4"))
        #expect(found[0].source == .present(expected))
        #expect(found[0].target?.document?.fields == ["label": "Ann"])
        #expect(found[1].job?.status == .finished)
        #expect(found[1].job?.attempts.isEmpty == true)
        #expect(found[1].job?.nextTurn == 1)
        #expect(found[1].source == nil)
        #expect(found[1].target == nil)
        #expect(found[2].binding == nil)
        #expect(found[2].target == nil)
        #expect(found[2].source == .deleted(Document(key: deleted, fields: ["name": "Bob"])))
        #expect(found[3].source == .absent)
        #expect(try await store.prepare([]).isEmpty)
    }

    @Test func aBatchIsReadOnOneSnapshot() async throws {
        let store = try StoreFixture().store
        let keys = (0..<20).map { Sample.key("T-\($0)") }
        func put(_ round: Int) async throws {
            let documents = keys.map { ($0, ["round": .int(round)] as JSONObject, nil as DocumentVersion?) }
            _ = try await store.putDocuments(documents)
        }
        try await put(0)
        let writing = Task { for round in 1...100 { try await put(round) } }
        let lookups = keys.map { JobStore.Lookup(jobID: "x", source: $0) }
        for _ in 0..<50 {
            let rounds = Set(try await store.prepare(lookups).map { $0.source?.document?["round"] })
            #expect(rounds.count == 1)
        }
        try await writing.value
    }
}
