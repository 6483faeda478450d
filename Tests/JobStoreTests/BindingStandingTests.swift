// How a binding stands to the one that is stored: what must not be written, what need not be, and what has to.
import GRDB
import SyncJobs
import Testing

@testable import JobStore

@Suite struct BindingStandingTests {
    private let fixture: StoreFixture
    private let stored: Binding

    init() async throws {
        fixture = try StoreFixture()
        var stored = Sample.binding("C", target: "T", version: Sample.number("5"))
        stored.sentHash = Digest(ofParts: ["sent"])
        stored.storedHash = Digest(ofParts: ["stored"])
        self.stored = stored
        _ = try await fixture.store.commit(Sample.transition("1") { $0.binding = stored })
    }

    private func standing(renamedFrom old: BindingKey? = nil, _ change: (inout Binding) -> Void = { _ in }) throws
        -> BindingRow.Standing
    {
        var binding = stored
        change(&binding)
        return try fixture.store.pool.read {
            try BindingRow.standing(of: binding, renamedFrom: old, in: StatementShelf($0))
        }
    }

    @Test func whatIsStoredAsItIsNeedsNoWrite() throws {
        #expect(try standing() == .same)
        #expect(try standing { $0.sourceVersion = nil } == .same, "a run without a version leaves the fence")
        #expect(BindingRow.Standing.same.store == nil)
    }

    @Test func whatDiffersBesideTheTargetIsWrittenOverIt() throws {
        let changes: [(inout Binding) -> Void] = [
            { $0.sourceVersion = Sample.number("6") }, { $0.sourceVersion = Sample.number("5.0") },
            { $0.isDeleted = true }, { $0.sentHash = nil }, { $0.storedHash = nil },
            { $0.sentHash = $0.storedHash },
        ]
        for change in changes { #expect(try standing(change) == .sameTarget) }
    }

    @Test func anotherTargetOrNoBindingAtAllIsWrittenWhole() throws {
        #expect(try standing { $0.target = Sample.key("U") } == .otherTarget)
        #expect(try standing { $0.target = DocumentKey(type: Sample.source, name: "T") } == .otherTarget)
        #expect(try standing { $0.key.source = DocumentKey(type: Sample.source, name: "D") } == .new)
        #expect(try standing { $0.key.key = "k" } == .new)
        #expect(try standing { $0.key.typeSlug = "another" } == .new)
    }

    @Test func anOlderVersionIsStaleWhateverElseItSays() async throws {
        #expect(try standing { $0.sourceVersion = Sample.number("4") } == .stale)
        #expect(BindingRow.Standing.stale.store == nil)
        let late: (inout Binding) -> Void = {
            $0.sourceVersion = Sample.number("4")
            $0.target = Sample.key("U")
        }
        #expect(try standing(late) == .stale)
        let renamed: (inout Binding) -> Void = {
            late(&$0)
            $0.key.source = DocumentKey(type: Sample.source, name: "new")
        }
        #expect(try standing(renamed) == .new)
        #expect(try standing(renamedFrom: stored.key, renamed) == .stale, "the fence is where the source was")
    }

    @Test func aNewIncarnationIsFencedByABindingAndNotByATombstone() async throws {
        let anew: (inout Binding) -> Void = {
            $0.sourceVersion = Sample.number("1")
            $0.isNewIncarnation = true
        }
        #expect(try standing(anew) == .stale)
        _ = try await fixture.store.commit(
            Sample.transition("2") {
                $0.binding = stored
                $0.binding?.isDeleted = true
            })
        #expect(try standing(anew) == .sameTarget)
        #expect(try standing { $0.sourceVersion = Sample.number("1") } == .stale)
    }

    @Test func aBindingThatIsStoredAsItIsKeepsItsRow() async throws {
        func rows() throws -> [Row] { try fixture.rows("SELECT * FROM bindings") }
        let before = try rows()
        let result = try await fixture.store.commit(
            Sample.transition("2") {
                $0.binding = stored
                $0.binding?.sourceVersion = nil
            })
        #expect(result.job?.status == .finished)
        #expect(try rows() == before, "not even its time")
    }
}
