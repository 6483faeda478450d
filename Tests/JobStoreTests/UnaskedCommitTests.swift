// The short way of a commit: what a job decided that the store did not know when it was prepared is written without a question
// first, under the conditions that the statements carry. What comes of it is what comes of asking.
import GRDB
import SyncJobs
import Synchronization
import Testing

@testable import JobStore

@Suite struct UnaskedCommitTests {
    private let fixture: StoreFixture
    private var store: JobStore { fixture.store }
    private let before = Document(key: Sample.key("T"), fields: ["a": 1])

    init() async throws {
        fixture = try StoreFixture()
        _ = try await fixture.store.putDocuments([(Sample.key("T"), ["a": 1], nil)])
    }

    /// An update of the document by a job that was not known when it was prepared.
    private func update(_ id: String, turn: Int = 0, version: String? = nil, a: JSONValue = 2) -> JobTransition {
        var transition = Sample.transition(id, turn: turn) {
            $0.embeddedWrite = Sample.write(
                before: before, after: Document(key: Sample.key("T"), fields: ["a": a]))
            $0.binding = Sample.binding("C", target: "T", version: version.map(Sample.number))
        }
        transition.isUnknown = true
        return transition
    }

    private func stored() async throws -> JSONValue? {
        try await store.loadDocuments([Sample.key("T")]).first?.document?["a"]
    }

    /// The statements of the store's writer, each shortened to what it does.
    private final class Statements: Sendable {
        private let texts = Mutex<[String]>([])

        var beginnings: [String] { texts.withLock { $0 } }

        func listen(to store: JobStore) {
            store.pool.writeWithoutTransaction { db in
                db.trace { event in
                    guard case .statement(let statement) = event else { return }
                    let words = statement.sql.split(whereSeparator: \.isWhitespace).prefix(3)
                    self.texts.withLock { $0.append(words.joined(separator: " ")) }
                }
            }
        }
    }

    @Test func whatIsAsItWasReadIsWrittenWithFewerStatements() async throws {
        let statements = Statements()
        statements.listen(to: store)
        let result = try await store.commit(update("1"))
        #expect(result.job?.status == .finished)
        #expect(
            statements.beginnings == [
                "BEGIN IMMEDIATE TRANSACTION", "SELECT EXISTS (SELECT", "SELECT target_system, target_type,",
                "SELECT source_name, type_slug,", "SELECT id, is_ready,", "UPDATE documents SET", "INSERT INTO jobs",
                "INSERT INTO attempts", "INSERT INTO bindings", "COMMIT TRANSACTION",
            ])
        #expect(try await stored() == 2)
        #expect(try await store.known("1").attempts.count == 1)
        #expect(try await store.binding(Sample.bindingKey("C"))?.target == Sample.key("T"))
    }

    @Test func aTargetThatAnotherSourceWasBoundToSinceItWasFoundIsAConflict() async throws {
        func firstContact(_ id: String, of source: String, type: String? = nil) -> JobTransition {
            var transition = Sample.transition(id) {
                $0.end = .skipped(.noChanges)
                $0.binding = Sample.binding(source, target: "T")
                if let type { $0.binding?.key.typeSlug = type }
            }
            transition.isUnknown = true
            return transition
        }
        let results = try await store.commit([
            firstContact("1", of: "C"), firstContact("2", of: "D"), firstContact("3", of: "C"),
            firstContact("4", of: "D", type: "another"),
        ])
        #expect(results.map { $0.job != nil } == [true, false, true, true])
        #expect(results[1].conflict == "another source was bound to it meanwhile")
        #expect(try await store.binding(Sample.bindingKey("D")) == nil)

        // The source that it was bound to was renamed: its binding is taken over.
        var renamed = firstContact("5", of: "D")
        renamed.renamedFrom = Sample.bindingKey("C")
        #expect(try await store.commit(renamed).job != nil)
        #expect(try await store.binding(Sample.bindingKey("D"))?.target == Sample.key("T"))

        // The end of a binding leaves its target to others.
        var ended = Sample.transition("6") {
            $0.binding = Sample.binding("D", target: "T")
            $0.binding?.isDeleted = true
        }
        ended.isUnknown = true
        #expect(try await store.commit(ended).job != nil)
        #expect(try await store.commit(firstContact("7", of: "E")).job != nil)
    }

    @Test func aJobThatBecameKnownIsFencedByItsTurnAndItsWriteUndone() async throws {
        _ = try await store.commit(Sample.transition("1", turn: 3))
        let results = try await store.commit([update("1"), update("2", a: 5)])
        #expect(results.map(\.isFenced) == [true, false])
        // The other's write, and not the fenced one's, which would have been its conflict.
        #expect(try await stored() == 5)
        #expect(try await store.known("1").nextTurn == 4)
    }

    @Test func aJobThatBecameKnownIsWrittenOverWhereItsTurnIsDue() async throws {
        _ = try await store.commit(Sample.transition("1", end: .failed(Sample.mishap)))
        let result = try await store.commit(update("1", turn: 1))
        #expect(result.job?.status == .finished)
        #expect(try await store.known("1").attempts.count == 2)
        #expect(try await stored() == 2)
        #expect(try fixture.integer("SELECT count(*) FROM jobs") == 1)
    }

    @Test func aDocumentThatIsNoLongerAsItWasReadIsAConflict() async throws {
        _ = try await store.putDocuments([(Sample.key("T"), ["a": 7], nil)])
        #expect(try await store.commit(update("1")).conflict == "the document was changed since it was read")
        _ = try await store.deleteDocument(Sample.key("T"))
        #expect(try await store.commit(update("1")).conflict == "the document was deleted since it was read")
        #expect(try await store.job(id: "1") == nil)
    }

    @Test func anOlderSourceIsStaleAndALaterTurnGoesBeforeIt() async throws {
        #expect(try await store.commit(update("1", version: "5")).job != nil)
        #expect(try await store.commit(update("2", version: "4")) == .stale)
        #expect(try await store.commit(update("1", version: "4")).isFenced)
        #expect(try await store.job(id: "2") == nil)
    }

    /// Commits an update of the document by a job that has read a binding.
    private func commit(
        _ id: String, version: String?, read: Binding, a: JSONValue = 2
    ) async throws -> JobStore.CommitResult {
        let rows = store.rows(
            of: update(id, version: version, a: a), begunWith: JobStore.Preparation(binding: read))
        return try await store.commit([rows])[0]
    }

    @Test func aBindingThatIsStillAsItWasReadIsNotAskedFirst() async throws {
        let read = Sample.binding("C", target: "T", version: Sample.number("5"))
        _ = try await store.commit(Sample.transition("0") { $0.binding = read })
        let statements = Statements()
        statements.listen(to: store)
        #expect(try await commit("1", version: "6", read: read).job != nil)
        #expect(
            statements.beginnings == [
                "BEGIN IMMEDIATE TRANSACTION", "SELECT EXISTS (SELECT", "SELECT id, is_ready,", "UPDATE documents SET",
                "INSERT INTO jobs", "INSERT INTO attempts", "UPDATE bindings SET", "COMMIT TRANSACTION",
            ])
        let bound = try #require(try await store.binding(read.key))
        #expect(bound.sourceVersion == Sample.number("6") && bound.target == Sample.key("T"))
        #expect(try await stored() == 2)
    }

    @Test func aBindingThatChangedSinceItWasReadDecidesAndNothingOfAStaleRunIsWritten() async throws {
        let read = Sample.binding("C", target: "T", version: Sample.number("5"))
        for version in ["6", "5"] {
            // The run's version is newer than what it has read, or as new; somebody was quicker with version 9.
            let fixture = try StoreFixture()
            _ = try await fixture.store.putDocuments([(Sample.key("T"), ["a": 1], nil)])
            _ = try await fixture.store.commit(Sample.transition("0") { $0.binding = read })
            _ = try await fixture.store.commit(
                Sample.transition("quick") {
                    $0.binding = Sample.binding("C", target: "T", version: Sample.number("9"))
                })
            let rows = [update("1", version: version), unknown("2")].map {
                fixture.store.rows(of: $0, begunWith: JobStore.Preparation(binding: read))
            }
            let results = try await fixture.store.commit(rows)
            #expect(results[0] == .stale && results[1].job != nil, "\(version)")
            #expect(try await fixture.store.loadDocuments([Sample.key("T")]).first?.document?["a"] == 1)
            #expect(try await fixture.store.job(id: "1") == nil)
            #expect(try await fixture.store.binding(read.key)?.sourceVersion == Sample.number("9"))
        }
    }

    @Test func aBindingToAnotherTargetSinceItWasReadIsBoundAnew() async throws {
        let read = Sample.binding("C", target: "T", version: Sample.number("5"))
        _ = try await store.commit(Sample.transition("0") { $0.binding = read })
        _ = try await store.commit(
            Sample.transition("quick") { $0.binding = Sample.binding("C", target: "U", version: Sample.number("5")) })
        #expect(try await commit("1", version: "6", read: read).job != nil)
        #expect(try await store.binding(read.key)?.target == Sample.key("T"))
    }

    @Test func aJobThatWasTakenForNewAndIsKnownLeavesNothingBehind() async throws {
        var known = Sample.transition("1")
        known.job.status = .queued
        known.job.nextTurn = 0
        _ = try await store.commit(known)
        var taken = JobStore.Preparation()
        taken.isTakenForNew = true
        // Its turn is due, but its record says more than a run from scratch knows.
        let results = try await store.commit([
            store.rows(of: update("1"), begunWith: taken), store.rows(of: unknown("2"), begunWith: taken),
        ])
        #expect(results.map(\.isFenced) == [true, false])
        #expect(results[1].job != nil)
        #expect(try await stored() == 1)
        #expect(try await store.known("1").status == .queued)
    }

    @Test func anIndexGoesWithItsField() async throws {
        try await store.ensureIndex(type: Sample.target, fields: ["a"])
        #expect(try await store.commit(update("1")).job != nil)
        for (value, count) in [(1, 0), (2, 1)] as [(JSONValue, Int)] {
            let query = DocumentQuery(type: Sample.target, fields: ["a": value])
            #expect(try await store.findDocuments([query])[0].count == count, "\(value)")
        }
    }

    @Test func aRowThatBreaksARuleLeavesTheOthersBe() async throws {
        try refuse("2")
        let results = try await store.commit([update("1"), update("2"), update("3")])
        #expect(results[0].job != nil)
        // The first one's write is what the others meet.
        #expect(results[1].conflict != nil && results[2].conflict != nil)
        let other = try await store.commit([Sample.transition("4"), unknown("2"), unknown("5")])
        #expect(other[1].refusal?.code == .constraintViolated)
        #expect(other[0].job != nil && other[2].job != nil)
    }

    private func refuse(_ id: String) throws {
        try store.pool.write { db in
            try db.execute(
                sql: """
                    CREATE TRIGGER refusal BEFORE INSERT ON jobs WHEN NEW.id = '\(id)'
                    BEGIN SELECT RAISE(ABORT, 'no'); END
                    """)
        }
    }

    private func unknown(_ id: String) -> JobTransition {
        var transition = Sample.transition(id)
        transition.isUnknown = true
        return transition
    }
}
