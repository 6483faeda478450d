// A job's commit: everything lands together, or nothing does; and what must not land doesn't.
import Foundation
@testable import JobStore
import SyncJobs
import Testing

@Suite struct CommitTests {
    let fixture: StoreFixture
    var store: JobStore { fixture.store }

    init() throws { fixture = try StoreFixture() }

    private func insert(_ id: String, _ name: String, _ fields: JSONObject) async throws -> JobStore.CommitResult {
        try await store.commit(Sample.transition(id) { $0.embeddedWrite = Sample.insert(name, fields) })
    }

    private func stored(_ name: String) async throws -> DocumentState {
        try await store.loadDocuments([Sample.key(name)])[0]
    }

    @Test func recordAttemptBindingDocumentAndOutboxLandTogether() async throws {
        let failure = JobFailure(.constraintViolated, "no", remedy: "mend it")
        let result = try await store.commit(
            Sample.transition("1", end: .failed(failure)) {
                $0.embeddedWrite = Sample.insert(nil, ["label": "x"], fallbackName: "T-1")
                $0.binding = Sample.binding("C-1", target: "", version: Sample.number("7"))
            })
        #expect(result.job?.targetName == "T-1")
        #expect(result.owed?.map(\.id) == ["1:0:dead_letter"])
        let job = try #require(try await store.job(id: "1"))
        #expect(job.status == .failed)
        #expect(job.error == failure)
        #expect(job.nextTurn == 1)
        #expect(job.attempts.map(\.runID) == ["run-1-0"])
        #expect(job.attempts.first?.error == failure)
        let binding = try #require(try await store.binding(Sample.bindingKey("C-1")))
        #expect(binding.target == Sample.key("T-1"))
        #expect(binding.sourceVersion == Sample.number("7"))
        #expect(!binding.isDeleted)
        let document = try #require(try await stored("T-1").document)
        #expect(document.fields == ["label": "x"])
        #expect(document.fieldsHash == Digest(of: ["label": "x"]))
        #expect(binding.storedHash == nil, "the document itself is here, with its hash")
        #expect(try await store.owedMessages(jobID: "1") == result.owed)
    }

    @Test func anEarlierTurnIsFencedAndItsWholeResultDiscarded() async throws {
        _ = try await store.commit(Sample.transition("1", turn: 3))
        let late = Sample.transition("1", turn: 3, end: .failed(.permanent("late"))) {
            $0.embeddedWrite = Sample.insert("T", ["a": 1])
            $0.binding = Sample.binding("C-1", target: "T")
        }
        #expect(try await store.commit(late) == .fenced)
        #expect(try await store.job(id: "1")?.status == .finished)
        #expect(try await stored("T") == .absent)
        #expect(try await store.binding(Sample.bindingKey("C-1")) == nil)
        #expect(try await store.owedMessages(limit: 10).isEmpty)
        #expect(try await store.job(id: "1")?.attempts.count == 1)
    }

    @Test func aLaterTurnReplacesTheRecordAndKeepsItsBirth() async throws {
        _ = try await store.commit(Sample.transition("1", end: .failed(.permanent("first"))))
        var job = Sample.job("1")
        job.createdAt = Sample.start.advanced(by: .seconds(60))
        job.retryCount = 1
        job.attemptCount = 1
        let result = try await store.commit(Sample.transition(of: job, turn: 1))
        #expect(result.owed?.map(\.id) == ["1:0:dead_letter"], "what the first turn owes is still owed")
        let stored = try #require(try await store.job(id: "1"))
        #expect(stored.status == .finished)
        #expect(stored.error == nil)
        #expect(stored.createdAt == Sample.start)
        #expect(stored.attempts.map(\.turn) == [0, 1])
        #expect(stored.attempts.map(\.number) == [1, 2])
        #expect(try fixture.integer("SELECT count(*) FROM jobs") == 1)
    }

    @Test func theSameJobTwiceInOneBatchCommitsOnce() async throws {
        let results = try await store.commit([Sample.transition("1"), Sample.transition("1"), Sample.transition("2")])
        #expect(results[0].job != nil)
        #expect(results[1] == .fenced)
        #expect(results[2].job != nil)
    }

    @Test func anOlderSourceVersionIsStaleAndAnEqualOneIsNot() async throws {
        func commit(_ id: String, version: DocumentVersion?) async throws -> JobStore.CommitResult {
            try await store.commit(
                Sample.transition(id) { $0.binding = Sample.binding("C", target: "T-\(id)", version: version) })
        }
        #expect(try await commit("1", version: Sample.number("10")).job != nil)
        #expect(try await commit("2", version: Sample.number("9")) == .stale)
        #expect(try await store.job(id: "2") == nil)
        #expect(try await commit("3", version: Sample.number("10.0")).job != nil)
        #expect(try await commit("4", version: nil).job != nil)
        let binding = try #require(try await store.binding(Sample.bindingKey("C")))
        #expect(binding.target.name == "T-4")
        #expect(binding.sourceVersion == Sample.number("10.0"), "a run without a version leaves the fence")
        #expect(try await commit("5", version: DocumentVersion(order: .none, text: "etag")).job != nil)
    }

    @Test func anInsertOfAnExistingNameConflicts() async throws {
        #expect(try await insert("1", "T", ["a": 1]).job != nil)
        #expect(try await insert("2", "T", ["a": 2]).conflict != nil)
        #expect(try await stored("T").document?.fields == ["a": 1])
        #expect(try await store.job(id: "2") == nil)
    }

    @Test func anUpdateLeavesUnnamedFieldsAlone() async throws {
        _ = try await insert("1", "T", ["a": 1, "b": "kept", "c": nil])
        let before = try #require(try await stored("T").document)
        let after = Document(key: before.key, fields: ["a": 2, "d": []])
        let result = try await store.commit(
            Sample.transition("2") { $0.embeddedWrite = Sample.write(before: before, after: after) })
        #expect(result.job?.targetName == "T")
        #expect(try await stored("T").document?.fields == ["a": 2, "b": "kept", "c": nil, "d": []])
    }

    @Test func anUpdateOfWhatHasChangedSinceConflicts() async throws {
        _ = try await insert("1", "T", ["a": 1])
        let before = try #require(try await stored("T").document)
        _ = try await store.putDocuments([(Sample.key("T"), ["a": 5], nil)])
        for after in [Document(key: before.key, fields: ["a": 2]), nil] {
            let result = try await store.commit(
                Sample.transition("2") { $0.embeddedWrite = Sample.write(before: before, after: after) })
            #expect(result.conflict != nil)
        }
        #expect(try await stored("T").document?.fields == ["a": 5])
    }

    @Test func aDeleteLeavesTombstonesThatFenceAndCanBeInsertedOver() async throws {
        _ = try await store.commit(
            Sample.transition("1") {
                $0.embeddedWrite = Sample.insert("T", ["a": 1])
                $0.binding = Sample.binding("C", target: "T", version: Sample.number("1"))
            })
        let before = try #require(try await stored("T").document)
        let deletion = Sample.transition("2") {
            $0.embeddedWrite = Sample.write(before: before, after: nil)
            $0.binding = Sample.binding("C", target: "T", version: Sample.number("3"))
        }
        #expect(try await store.commit(deletion).job?.targetName == "T")
        #expect(try await stored("T") == .deleted(before))
        let binding = try #require(try await store.binding(Sample.bindingKey("C")))
        #expect(binding.isDeleted)
        #expect(binding.storedHash == nil)
        let late = Sample.transition("3") {
            $0.embeddedWrite = Sample.insert("T", ["a": 2])
            $0.binding = Sample.binding("C", target: "T", version: Sample.number("2"))
        }
        #expect(try await store.commit(late) == .stale)
        let gone = Sample.transition("4") { $0.embeddedWrite = Sample.write(before: before, after: before) }
        #expect(try await store.commit(gone).conflict != nil)
        #expect(try await insert("5", "T", ["b": 2]).job != nil)
        #expect(try await stored("T") == .present(Document(key: Sample.key("T"), fields: ["b": 2])))
    }

    @Test func aWriteThatCanNeverBeMadeIsRefused() async throws {
        #expect(try await insert("1", "", ["a": 1]).refusal?.code == .invalidTarget)
        #expect(try await insert("2", String(repeating: "n", count: 16_385), [:]).refusal?.code == .invalidTarget)
        let large = JSONValue.string(String(repeating: "x", count: 8 << 20))
        #expect(try await insert("3", "T", ["a": large]).refusal?.code == .documentTooLarge)
        let nameless = Document(key: nil, fields: [:])
        let result = try await store.commit(
            Sample.transition("4") { $0.embeddedWrite = Sample.write(before: nameless, after: nil) })
        #expect(result.refusal?.code == .invalidTarget)
        #expect(try await store.countJobs().isEmpty)
    }

    @Test func aRowThatBreaksTheSchemaIsRefusedAndUndone() async throws {
        var broken = Sample.transition("1") { $0.embeddedWrite = Sample.insert("T", ["a": 1]) }
        broken.job.nextTurn = 0
        #expect(try await store.commit(broken).job != nil)
        // The fence was told not to rise, so the same turn commits again and meets its own attempt.
        broken.embeddedWrite = Sample.insert("U", ["a": 1])
        #expect(try await store.commit(broken).refusal?.code == .constraintViolated)
        #expect(try await stored("U") == .absent)
    }

    @Test func aRowThatBreaksTheSchemaInABatchIsRefusedAloneAndTheOthersLand() async throws {
        var broken = Sample.transition("broken")
        broken.job.nextTurn = 0
        _ = try await store.commit(broken)
        broken.embeddedWrite = Sample.insert("U", ["a": 1])
        // The first document of its type: the type's number is undone with the batch's savepoint, and given anew.
        let results = try await store.commit([
            Sample.transition("a") {
                $0.embeddedWrite = Sample.insert("A", ["a": 1])
                $0.binding = Sample.binding("C-a", target: "A")
            }, broken, Sample.transition("b", end: .failed(Sample.mishap)),
            Sample.transition("c") { $0.embeddedWrite = Sample.insert("A", ["a": 2]) },
            Sample.transition("d") { $0.embeddedWrite = Sample.insert("D", ["a": 1]) },
        ])
        #expect(results[0].job?.targetName == "A")
        #expect(results[1].refusal?.code == .constraintViolated)
        #expect(results[2].job?.status == .failed)
        #expect(results[2].owed?.map(\.kind) == [.again])
        #expect(results[3].conflict != nil, "it sees what its mate wrote")
        #expect(results[4].job?.targetName == "D")
        #expect(try await stored("A").document?.fields == ["a": 1])
        #expect(try await stored("D").document?.fields == ["a": 1])
        #expect(try await stored("U") == .absent)
        #expect(try await store.binding(Sample.bindingKey("C-a"))?.target == Sample.key("A"))
        #expect(try await store.job(id: "broken")?.attempts.count == 1)
        #expect(try await store.job(id: "a")?.attempts.count == 1, "not once for each try of the batch")
        #expect(try await store.owedMessages(limit: 10).count == 1)
        // The type's number is known rightly from here on.
        #expect(try await insert("e", "E", ["a": 1]).job != nil)
        #expect(try fixture.integer("SELECT count(*) FROM document_types") == 1)
        #expect(try await store.countDocuments(type: Sample.target) == 3)
    }

    @Test func badMatesInABatchLeaveTheOthersUntouched() async throws {
        _ = try await insert("0", "T-taken", ["a": 1])
        _ = try await store.commit(Sample.transition("done", turn: 5))
        _ = try await store.commit(
            Sample.transition("v") { $0.binding = Sample.binding("S", target: "S", version: Sample.number("9")) })
        let results = try await store.commit([
            Sample.transition("a") { $0.embeddedWrite = Sample.insert("A", ["a": 1]) },
            Sample.transition("b") { $0.embeddedWrite = Sample.insert("T-taken", ["a": 2]) },
            Sample.transition("done", turn: 1),
            Sample.transition("c") { $0.binding = Sample.binding("S", target: "S", version: Sample.number("8")) },
            Sample.transition("d") { $0.embeddedWrite = Sample.insert("", ["a": 2]) },
            Sample.transition("e") { $0.embeddedWrite = Sample.insert("E", ["a": 1]) },
        ])
        #expect(results[0].job?.id == "a")
        #expect(results[1].conflict != nil)
        #expect(results[2] == .fenced)
        #expect(results[3] == .stale)
        #expect(results[4].refusal != nil)
        #expect(results[5].job?.id == "e")
        #expect(try await store.countDocuments(type: Sample.target) == 3)
        #expect(try await store.countJobs() == [.finished: 5])
    }
}
