// What a plain job's commit costs: the statements of its transaction, one by one. A job that neither waits, relays nor
// holds anything pays for none of that.
import Foundation
import GRDB
@testable import JobStore
import SyncJobs
import Synchronization
import Testing

@Suite struct PlainCommitTests {
    /// The statements of the store's writer.
    private final class Statements: Sendable {
        private let texts = Mutex<[String]>([])

        func add(_ text: String) { texts.withLock { $0.append(text) } }

        var all: [String] { texts.withLock { $0 } }

        /// Each shortened to what it does.
        var beginnings: [String] {
            all.map { $0.split(whereSeparator: \.isWhitespace).prefix(3).joined(separator: " ") }
        }
    }

    private func listen(_ store: JobStore) -> Statements {
        let statements = Statements()
        store.pool.writeWithoutTransaction { db in
            db.trace { event in
                if case .statement(let statement) = event { statements.add(statement.sql) }
            }
        }
        return statements
    }

    @Test func aPlainCommitMakesNoMoreStatementsThanBefore() async throws {
        let store = try StoreFixture().store
        func commit(_ id: String) async throws {
            let result = try await store.commit(
                Sample.transition(id) {
                    $0.embeddedWrite = Sample.insert("T-\(id)", ["a": 1])
                    $0.binding = Sample.binding("C-\(id)", target: "T-\(id)", version: Sample.number("1"))
                })
            #expect(result.job?.status == .finished)
        }
        try await commit("0")
        let statements = listen(store)
        try await commit("1")
        // As version 1 made them: the look for write intents has become a look for all that is rare, and where nothing is
        // rolled back there is no savepoint.
        #expect(
            statements.beginnings == [
                "BEGIN IMMEDIATE TRANSACTION", "SELECT sequence, next_turn,", "SELECT EXISTS (SELECT",
                "SELECT target_system, target_type,", "SELECT id, is_deleted,", "INSERT INTO documents",
                "SELECT id, is_ready,", "INSERT INTO jobs", "INSERT INTO attempts", "INSERT INTO bindings",
                "COMMIT TRANSACTION",
            ])
    }

    @Test func jobsThatAreCommittedTogetherShareTheTransaction() async throws {
        let store = try StoreFixture().store
        let statements = listen(store)
        let results = try await store.commit((0..<20).map { Sample.transition("\($0)") })
        #expect(results.allSatisfy { $0.job?.status == .finished })
        let beginnings = statements.beginnings
        for statement in ["BEGIN IMMEDIATE TRANSACTION", "COMMIT TRANSACTION"] {
            #expect(beginnings.count { $0 == statement } == 1, "\(statement)")
        }
        // One look for what is rare; for each a look, its record and its attempt.
        #expect(beginnings.count == 63)
    }

    @Test func whatOthersHoldCostsOneLookForEachKindAndNothingElse() async throws {
        let store = try StoreFixture().store
        try await store.saveCheckpoint(jobID: "other", turn: 0, state: 1)
        _ = try await store.act(.cancel, "another")
        _ = try await store.admit(
            JobStore.AdmissionRequest(
                job: Sample.job("third"), turn: 0, runID: "r", dedupKey: "k", leaseKey: "l",
                leaseUntil: Sample.start, now: Sample.start))
        let statements = listen(store)
        _ = try await store.commit(Sample.transition("1"))
        #expect(
            statements.beginnings == [
                "BEGIN IMMEDIATE TRANSACTION", "SELECT sequence, next_turn,", "SELECT EXISTS (SELECT",
                "SELECT 1 FROM", "INSERT INTO jobs", "INSERT INTO attempts", "DELETE FROM leases",
                "DELETE FROM checkpoints", "DELETE FROM cancellations", "COMMIT TRANSACTION",
            ])
    }

    @Test func aPlainRecordNamesOnlyTheColumnsItHas() async throws {
        let store = try StoreFixture().store
        let statements = listen(store)
        _ = try await store.commit(Sample.transition("1"))
        _ = try await store.commit(Sample.transition("2", end: .failed(Sample.mishap)))
        let inserts = statements.all.filter { $0.hasPrefix("INSERT INTO jobs") }
        #expect(inserts.map { $0.count { $0 == "?" } } == [28, 44])
        // A later plain run takes all of it back.
        _ = try await store.rerun("2")
        let job = try await store.known("2")
        #expect(job.attemptCount == 2 && job.retryAfter == nil && job.waitReason == nil && job.error == nil)
        var again = Sample.transition(of: Sample.job("2"), turn: 2)
        again.job.attemptCount = 1
        _ = try await store.commit(again)
        #expect(try await store.known("2").attemptCount == 1)
    }
}
