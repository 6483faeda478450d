// What is over goes after its time, its id stays known; what is alive, owed or unresolved never goes.
import Foundation
import GRDB
@testable import JobStore
import SyncJobs
import Testing

@Suite struct RetentionTests {
    let fixture: StoreFixture
    var store: JobStore { fixture.store }

    init() throws { fixture = try StoreFixture() }

    private let retention = JobStore.Retention()

    /// So many days after the end of every job here, which is a second after its start.
    private func day(_ count: Int, seconds: Int = 2) -> Timestamp {
        Sample.start.advanced(by: .seconds(count * 86_400 + seconds))
    }

    private func settleAll() async throws {
        try await store.settle(try await store.owedMessages(limit: 1_000).map(\.id))
        try await store.deleteSettled()
    }

    private func ids() async throws -> Set<String> { Set(try await store.jobs(JobFilter()).map(\.id)) }

    @Test func recordsGoByHowTheyEndedAndTheirAttemptsWithThem() async throws {
        _ = try await store.commit(Sample.transition("finished"))
        _ = try await store.commit(Sample.transition("skipped", end: .skipped(.noChanges)))
        _ = try await store.commit(Sample.transition("no target", end: .noTarget(.condition)))
        _ = try await store.commit(Sample.relay("relayed", children: 0, runsRelayFinished: false))
        _ = try await store.commit(Sample.transition("canceled", end: .canceled("no")))
        let good: [JobStatus: Int] = [.finished: 1, .skipped: 1, .noTarget: 1, .relayed: 1]
        #expect(try await store.prunable(retention, now: day(30, seconds: 0)).isEmpty, "not a second too early")
        #expect(try await store.prune(retention, now: day(30, seconds: 0)) == JobStore.PruneReport())
        #expect(try await store.prunable(retention, now: day(30)) == good)
        #expect(try await store.prune(retention, now: day(30)) == JobStore.PruneReport(counts: good))
        #expect(try await store.prune(retention, now: day(30)) == JobStore.PruneReport())
        #expect(try await ids() == ["canceled"])
        #expect(try fixture.integer("SELECT count(*) FROM attempts") == 1)
        #expect(try await store.prune(retention, now: day(90)).counts == [.canceled: 1])
        #expect(try fixture.integer("SELECT count(*) FROM attempts") == 0)
    }

    @Test func nothingThatIsAliveIsPruned() async throws {
        _ = try await store.commit(Sample.transition("retry", end: .failed(Sample.mishap)))
        _ = try await store.commit(
            .wait(Sample.job("held"), turn: 0, reason: .hold, until: nil, now: Sample.start))
        _ = try await store.commit(
            .wait(Sample.job("blocked"), turn: 0, reason: .blocked, until: nil, now: Sample.start))
        _ = try await store.beat([
            .init(
                job: Sample.job("runs"), turn: 0, runID: "r", node: "h:1", startedAt: Sample.start, at: Sample.start)
        ])
        _ = try await store.schedule(Sample.job("scheduled"), name: "s", due: Sample.start, skipsOverlap: true)
        try await settleAll()
        #expect(try await store.prunable(retention, now: day(10_000)).isEmpty)
        #expect(try await store.prune(retention, now: day(10_000)).counts.isEmpty)
        #expect(try await ids().count == 5)
    }

    @Test func anUnresolvedDeadLetterIsNeverPruned() async throws {
        for id in ["1", "2", "3"] {
            _ = try await store.commit(Sample.transition(id, end: .failed(.permanent("no"))))
        }
        try await settleAll()
        #expect(try await store.prunable(retention, now: day(10_000)).isEmpty)
        #expect(try await store.prune(retention, now: day(10_000)).counts.isEmpty)
        _ = try await store.act(.cancel, "1")
        _ = try await store.act(.retry, "2")
        _ = try await store.rerun("2")
        try await settleAll()
        #expect(try await store.prune(retention, now: day(10_000)).counts == [.canceled: 1, .finished: 1])
        #expect(try await ids() == ["3"])
    }

    @Test func aRelayAndItsChildrenStayUntilTheLastChildHasEnded() async throws {
        _ = try await store.commit(Sample.relay("p", children: 2, runsRelayFinished: false))
        _ = try await store.rerun("p/0")
        try await settleAll()
        #expect(try await store.prune(retention, now: day(100)).counts.isEmpty)
        _ = try await store.rerun("p/1")
        try await settleAll()
        #expect(try await store.prune(retention, now: day(100)).counts == [.relayed: 1, .finished: 2])
    }

    @Test func aRelayStaysWholeWhileADeadLetterOfAChildIsUnresolved() async throws {
        _ = try await store.commit(Sample.relay("p", children: 2, runsRelayFinished: false))
        _ = try await store.rerun("p/0")
        _ = try await store.rerun("p/1", end: .failed(.permanent("no")))
        try await settleAll()
        #expect(try await store.prune(retention, now: day(100)).counts.isEmpty)
        _ = try await store.act(.retry, "p/1")
        try await settleAll()
        #expect(try await store.prune(retention, now: day(100)).counts.isEmpty)
        #expect(try await store.rerun("p/1").endedRelay?.relayRevision == 2)
        #expect(try await store.relaySummary(of: "p")?.total == 2)
        #expect(try await store.prune(retention, now: day(100)).counts == [.relayed: 1, .finished: 2])
    }

    @Test func whatIsOwedIsNotPruned() async throws {
        _ = try await store.commit(Sample.relay("p", children: 1, runsRelayFinished: true))
        _ = try await store.rerun("p/0")
        #expect(try await store.prune(retention, now: day(100)).counts.isEmpty, "the end of its relay is not sent yet")
        try await settleAll()
        #expect(try await store.prune(retention, now: day(100)).counts == [.relayed: 1, .finished: 1])
    }

    @Test(arguments: Sample.awkwardNames.filter { $0.utf8.count <= 255 })
    func theIDOfAPrunedJobIsRemembered(id: String) async throws {
        _ = try await store.commit(Sample.transition(id))
        let asked = try await store.known(id).requestHash
        #expect(try await store.prune(retention, now: day(30)).counts == [.finished: 1])
        let found = try await store.prepare([.init(jobID: id), .init(jobID: id + "x")])
        #expect(found[0].job == nil && found[0].seenHash == asked)
        #expect(found[1].seenHash == nil)
        #expect(try await store.situation(id: id).isSeen)
        #expect(try await store.act(.cancel, id).refusal?.contains("pruned") == true)
        #expect(try await store.act(.retry, id).refusal?.contains("pruned") == true)
        // It stays known for ninety days from then on, and is forgotten after them.
        #expect(try await store.prune(retention, now: day(119)) == JobStore.PruneReport())
        #expect(try await store.prune(retention, now: day(121)) == JobStore.PruneReport(forgottenIDs: 1))
        #expect(try await store.prepare([.init(jobID: id)])[0].seenHash == nil)
    }

    @Test func aKnownJobIsNotLookedForAmongThoseRemembered() async throws {
        _ = try await store.commit(Sample.transition("1"))
        _ = try await store.prune(retention, now: day(30))
        _ = try await store.commit(Sample.transition("1"))
        let found = try await store.prepare([.init(jobID: "1")])[0]
        #expect(found.job?.status == .finished && found.seenHash == nil)
        #expect(try await store.prune(retention, now: day(31)).counts == [.finished: 1], "its id is remembered anew")
    }

    @Test func oneCallIsBoundedAndTheOldestGoFirst() async throws {
        for number in 0..<10 {
            var job = Sample.job("\(number)")
            job.createdAt = Sample.start.advanced(by: .milliseconds(number))
            _ = try await store.commit(Sample.transition(of: job))
        }
        #expect(try await store.prune(retention, now: day(30), limit: 4).counts == [.finished: 4])
        #expect(try await ids() == ["4", "5", "6", "7", "8", "9"])
        var calls = 0
        while try await !store.prune(retention, now: day(30), limit: 4).counts.isEmpty { calls += 1 }
        #expect(calls == 2)
        #expect(try await store.prune(retention, now: day(200), limit: 4).forgottenIDs == 4)
    }

    @Test func whatRunsLeftBehindGoesTooButNothingThatIsWaitedFor() async throws {
        _ = try await store.act(.cancel, "never comes")
        try await store.saveCheckpoint(jobID: "died", turn: 0, state: 1)
        var request = JobStore.AdmissionRequest(
            job: Sample.job("died"), turn: 0, runID: "r", dedupKey: "k", leaseKey: "l",
            leaseUntil: Sample.start.advanced(by: .seconds(30)), now: Sample.start)
        #expect(try await store.admit(request) == .run)
        _ = try await store.commit(Sample.transition("waits", end: .failed(Sample.mishap)))
        try await store.saveCheckpoint(jobID: "waits", turn: 1, state: 2)
        func counts() throws -> [Int] {
            try ["cancellations", "checkpoints", "leases", "dedup_keys"].map {
                try fixture.integer("SELECT count(*) FROM \($0)")
            }
        }
        // Tombstones stay for thirty days, claims without a record for seven.
        _ = try await store.prune(retention, now: day(6))
        #expect(try counts() == [1, 2, 1, 1])
        _ = try await store.prune(retention, now: day(8))
        #expect(try counts() == [1, 2, 1, 0])
        let later = Timestamp.now.advanced(by: .seconds(31 * 86_400))
        _ = try await store.prune(retention, now: later)
        #expect(try counts() == [0, 1, 0, 0])
        request.now = later
        #expect(try await store.prepare([.init(jobID: "waits")])[0].checkpoint == 2)
    }

    @Test func pruningReadsTheOldRecordsAlone() throws {
        for sql in PrunePart.all(retention, now: day(30)).map(\.jobsSQL) {
            let plan = try store.pool.read { db in
                try String.fetchAll(
                    db, sql: "EXPLAIN QUERY PLAN " + sql, arguments: [0, 10],
                    adapter: SuffixRowAdapter(fromIndex: 3))
            }
            #expect(plan.first?.contains("USING INDEX jobs_by_creation (created_at<?)") == true, "\(plan)")
            #expect(plan.allSatisfy { !$0.contains("SCAN") }, "\(plan)")
            #expect(plan.count { $0.contains("INDEX jobs_open_by_parent (parent=?)") } == 2, "\(plan)")
            #expect(plan.count { $0.contains("INDEX jobs_by_parent (parent=? AND status=?)") } == 2, "\(plan)")
        }
    }
}
