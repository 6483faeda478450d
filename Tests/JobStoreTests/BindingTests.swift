// Bindings: found by source and by target, moved by a rename, and fenced wherever they are; and the write into the source
// that lands with the record.
import Foundation
@testable import JobStore
import SyncJobs
import Testing

@Suite struct BindingTests {
    let fixture: StoreFixture
    var store: JobStore { fixture.store }

    init() throws { fixture = try StoreFixture() }

    private func bind(
        _ id: String, _ source: String, key: String = "", target: String, version: String? = nil,
        renamedFrom: BindingKey? = nil
    ) async throws -> JobStore.CommitResult {
        try await store.commit(
            Sample.transition(id) {
                var binding = Sample.binding(source, target: target, version: version.map(Sample.number))
                binding.key.key = key
                $0.binding = binding
                $0.renamedFrom = renamedFrom
            })
    }

    @Test func allBindingsOfASourceComeInByteOrderOfTheirKeys() async throws {
        let keys = ["b", "a\u{0}", "", "a", "é", "e\u{301}"]
        for (number, key) in keys.enumerated() {
            _ = try await bind("\(number)", "C", key: key, target: "T-\(number)")
        }
        _ = try await bind("other", "D", target: "T-0")
        let source = DocumentKey(type: Sample.source, name: "C")
        let found = try await store.bindings(typeSlug: Sample.type.slug, source: source)
        #expect(found.map { Array($0.key.key.utf8) } == keys.sorted { $0.precedesByBytes($1) }.map { Array($0.utf8) })
        #expect(found.first?.target.name == "T-2")
        #expect(found.allSatisfy { $0.key.source == source && $0.key.typeSlug == Sample.type.slug })
        #expect(try await store.bindings(typeSlug: "other", source: source).isEmpty)
    }

    @Test func aTargetKnowsWhoIsBoundToIt() async throws {
        _ = try await bind("1", "C-1", target: "T", version: "1")
        _ = try await bind("2", "C-2", target: "T")
        _ = try await bind("3", "C-3", target: "U")
        func sources(_ target: String) async throws -> [String] {
            try await store.bindings(target: Sample.key(target)).map(\.key.source.name).sorted()
        }
        #expect(try await sources("T") == ["C-1", "C-2"])
        // The target of a binding changes, whether its version is compared or not.
        _ = try await bind("4", "C-1", target: "U", version: "2")
        _ = try await bind("5", "C-2", target: "V")
        #expect(try await sources("T").isEmpty)
        #expect(try await sources("U") == ["C-1", "C-3"])
        #expect(try await sources("V") == ["C-2"])
        #expect(try await store.bindings(target: DocumentKey(type: Sample.source, name: "U")).isEmpty)
        let plan = try fixture.rows("EXPLAIN QUERY PLAN SELECT 1 FROM bindings WHERE target_name = 'T'")
        #expect(plan.description.contains("bindings_by_target"))
    }

    @Test func theBindingsToManyTargetsComeInTheirOrder() async throws {
        _ = try await bind("1", "C-1", target: "T")
        _ = try await bind("2", "C-2", target: "a\u{0}b")
        let targets = ["none", "a\u{0}b", "T", "a", "T"].map { Sample.key($0) }
        let found = try await store.bindings(targets: targets)
        #expect(found.map { $0.map(\.key.source.name) } == [[], ["C-2"], ["C-1"], [], ["C-1"]])
        #expect(try await store.bindings(targets: []).isEmpty)
    }

    @Test func aBindingWithTheSameTargetIsBroughtUpToDate() async throws {
        _ = try await bind("1", "C", target: "T", version: "1")
        var transition = Sample.transition("2") {
            var binding = Sample.binding("C", target: "T", version: Sample.number("2"))
            binding.isDeleted = true
            binding.sentHash = Digest(ofParts: ["sent"])
            binding.storedHash = Digest(ofParts: ["stored"])
            $0.binding = binding
        }
        _ = try await store.commit(transition)
        let found = try #require(try await store.binding(Sample.bindingKey("C")))
        #expect(found == transition.binding)
        transition = Sample.transition("3") { $0.binding = Sample.binding("C", target: "T") }
        _ = try await store.commit(transition)
        #expect(try await store.binding(Sample.bindingKey("C"))?.sourceVersion == Sample.number("2"))
    }

    @Test func aRenameMovesTheBindingInItsCommit() async throws {
        _ = try await bind("1", "old", target: "T", version: "5")
        let result = try await bind("2", "new", target: "T", version: "6", renamedFrom: Sample.bindingKey("old"))
        #expect(result.job != nil)
        #expect(try await store.binding(Sample.bindingKey("old")) == nil)
        #expect(try await store.binding(Sample.bindingKey("new"))?.target == Sample.key("T"))
        #expect(try await store.bindings(target: Sample.key("T")).count == 1)
    }

    @Test func aLateRenameIsStaleAndLeavesTheBindingWhereItIs() async throws {
        _ = try await bind("1", "old", target: "T", version: "5")
        #expect(
            try await bind("2", "new", target: "T", version: "4", renamedFrom: Sample.bindingKey("old")) == .stale)
        #expect(try await store.binding(Sample.bindingKey("old")) != nil)
        #expect(try await store.binding(Sample.bindingKey("new")) == nil)
    }

    // MARK: the write into the source

    private func sourceWrite(_ before: Document, _ fields: JSONObject) -> DocumentWrite {
        DocumentWrite(
            type: Sample.source, before: before, after: Document(key: before.key, fields: fields),
            fallbackName: "unused", diff: Diff(), idempotencyKey: Digest(ofParts: ["back"]))
    }

    @Test func theWriteIntoTheSourceLandsWithTheRecordOrNotAtAll() async throws {
        let key = DocumentKey(type: Sample.source, name: "C")
        _ = try await store.putDocuments([(key, ["name": "Ann"], nil)])
        let source = try #require(try await store.loadDocuments([key])[0].document)
        let result = try await store.commit(
            Sample.transition("1") {
                $0.embeddedWrite = Sample.insert("T", ["label": "Ann"])
                $0.sourceWrite = sourceWrite(source, ["account": "T"])
            })
        #expect(result.job?.targetName == "T", "the target's name, not the source's")
        #expect(try await store.loadDocuments([key])[0].document?.fields == ["name": "Ann", "account": "T"])

        // The source is no longer what was read: neither of the two writes is made.
        let late = try await store.commit(
            Sample.transition("2") {
                $0.embeddedWrite = Sample.insert("U", ["label": "Ann"])
                $0.sourceWrite = sourceWrite(source, ["account": "U"])
            })
        #expect(late.conflict != nil)
        #expect(try await store.loadDocuments([Sample.key("U")])[0] == .absent)
        #expect(try await store.job(id: "2") == nil)
    }

    @Test func aSourceThatIsItsOwnTargetIsRefused() async throws {
        _ = try await store.putDocuments([(Sample.key("T"), ["a": 1], nil)])
        let before = try #require(try await store.loadDocuments([Sample.key("T")])[0].document)
        let write = Sample.write(before: before, after: Document(key: before.key, fields: ["a": 2]))
        let result = try await store.commit(
            Sample.transition("1") {
                $0.embeddedWrite = write
                $0.sourceWrite = write
            })
        #expect(result.refusal?.code == .invalidTarget)
    }
}
