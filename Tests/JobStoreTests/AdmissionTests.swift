// Whether a job may run: dedup keys, leases, and the jobs of a key that wait behind a failed one.
import Foundation
@testable import JobStore
import SyncJobs
import Testing

@Suite struct AdmissionTests {
    let fixture: StoreFixture
    var store: JobStore { fixture.store }

    init() throws { fixture = try StoreFixture() }

    private func job(_ id: String, dedupKey: String? = nil, orderKey: String? = nil) -> SyncJob {
        var job = Sample.job(id)
        job.request.dedupKey = dedupKey
        job.orderKey = orderKey
        return job
    }

    private func admit(
        _ job: SyncJob, run: String? = nil, leaseKey: String? = nil, seconds: Int = 0
    ) async throws -> JobStore.Admission {
        let now = Sample.start.advanced(by: .seconds(seconds))
        return try await store.admit(
            JobStore.AdmissionRequest(
                job: job, turn: job.nextTurn, runID: run ?? "run-\(job.id)-\(job.nextTurn)",
                dedupKey: job.request.dedupKey, orderKey: job.orderKey, leaseKey: leaseKey,
                leaseUntil: now.advanced(by: .seconds(30)), now: now))
    }

    // MARK: dedup keys

    @Test func aDedupKeyThatIsHeldMakesTheNewcomerADuplicate() async throws {
        #expect(try await admit(job("1", dedupKey: "k")) == .run)
        #expect(try await admit(job("1", dedupKey: "k")) == .run, "the same job may ask again")
        #expect(try await admit(job("2", dedupKey: "k")) == .duplicate(of: "1"))
        #expect(try await admit(job("3", dedupKey: "other")) == .run)
        var elsewhere = job("4", dedupKey: "k")
        elsewhere.typeSlug = "another_type"
        #expect(try await admit(elsewhere) == .run, "a key is one type's")
    }

    @Test(arguments: Sample.awkwardNames.filter { $0.utf8.count <= 1_000 })
    func dedupKeysCompareAsBytes(key: String) async throws {
        #expect(try await admit(job("1", dedupKey: key)) == .run)
        #expect(try await admit(job("2", dedupKey: key)) == .duplicate(of: "1"))
        #expect(try await admit(job("3", dedupKey: key + "x")) == .run)
    }

    @Test func aDedupKeyIsFreedAtAnEndStatusAndHeldWhileTheJobIsOpen() async throws {
        let held = job("1", dedupKey: "k")
        #expect(try await admit(held) == .run)
        _ = try await store.commit(Sample.transition(of: held, end: .failed(Sample.mishap)))
        #expect(try await admit(job("2", dedupKey: "k")) == .duplicate(of: "1"), "it will be retried")
        #expect(try await store.dedupHolder(typeSlug: Sample.type.slug, key: "k")?.id == "1")
        _ = try await store.rerun("1", end: .failed(.permanent("no")))
        #expect(try await store.dedupHolder(typeSlug: Sample.type.slug, key: "k") == nil)
        #expect(try await admit(job("2", dedupKey: "k")) == .run)
    }

    @Test func aRelaysDedupKeyIsFreedWhenItsLastChildHasEnded() async throws {
        let parent = Sample.relay("p", children: 2, dedupKey: "k")
        #expect(try await admit(parent.job.with(nextTurn: 0)) == .run)
        _ = try await store.commit(parent)
        _ = try await store.rerun("p/0")
        #expect(try await admit(job("2", dedupKey: "k")) == .duplicate(of: "p"))
        #expect(try await store.dedupHolder(typeSlug: Sample.type.slug, key: "k")?.id == "p")
        _ = try await store.rerun("p/1", end: .failed(.permanent("no")))
        #expect(try fixture.integer("SELECT count(*) FROM dedup_keys") == 0)
        #expect(try await admit(job("2", dedupKey: "k")) == .run)
    }

    @Test func aClaimWithoutARecordHoldsForSevenDays() async throws {
        #expect(try await admit(job("died", dedupKey: "k")) == .run)
        #expect(try await admit(job("2", dedupKey: "k"), seconds: 7 * 86_400 - 1) == .duplicate(of: "died"))
        #expect(try await store.dedupHolder(typeSlug: Sample.type.slug, key: "k") == nil, "there is no record to show")
        #expect(try await admit(job("2", dedupKey: "k"), seconds: 7 * 86_400) == .run)
    }

    @Test func aHolderWhoseRecordIsOverIsReplaced() async throws {
        #expect(try await admit(job("1", dedupKey: "k")) == .run)
        // Its record lands without its key: something else has written it.
        _ = try await store.commit(Sample.transition("1"))
        #expect(try await admit(job("2", dedupKey: "k")) == .run)
        #expect(try await admit(job("1", dedupKey: "k")) == .duplicate(of: "2"))
    }

    @Test func ofManyThatAskAtOnceOneHoldsTheKey() async throws {
        let other = try StoreFixture.open(fixture.path)
        let runs = try await withThrowingTaskGroup(of: Bool.self) { group in
            for number in 0..<40 {
                let job = job("\(number)", dedupKey: "k")
                let store = number % 2 == 0 ? store : other
                group.addTask {
                    try await store.admit(
                        JobStore.AdmissionRequest(
                            job: job, turn: 0, runID: "r-\(number)", dedupKey: "k", leaseUntil: Sample.start,
                            now: Sample.start)) == .run
                }
            }
            return try await group.reduce(0) { $0 + ($1 ? 1 : 0) }
        }
        #expect(runs == 1)
    }

    // MARK: leases

    @Test func aLeaseIsOneRunsAtATime() async throws {
        #expect(try await admit(job("1"), leaseKey: "k") == .run)
        #expect(try await admit(job("1"), leaseKey: "k") == .run, "the same run may ask again")
        let until = Sample.start.advanced(by: .seconds(30))
        #expect(try await admit(job("2"), leaseKey: "k", seconds: 29) == .leased(by: "1", until: until))
        #expect(
            try await admit(job("1"), run: "a second run", leaseKey: "k") == .leased(by: "1", until: until),
            "another run of the same job is another run")
        #expect(try await admit(job("3"), leaseKey: "other") == .run)
    }

    @Test func aLeaseIsFreedByItsRunsCommit() async throws {
        #expect(try await admit(job("1"), leaseKey: "k") == .run)
        _ = try await store.commit(Sample.transition("1", end: .failed(Sample.mishap)))
        #expect(try await admit(job("2"), leaseKey: "k") == .run, "a job that waits for its retry holds nothing")
        _ = try await store.commit(Sample.transition("2"))
        #expect(try fixture.integer("SELECT count(*) FROM leases") == 0)
    }

    @Test func aRunWhoseLeaseWasTakenIsFenced() async throws {
        #expect(try await admit(job("1"), run: "run-1-0", leaseKey: "k") == .run)
        #expect(try await admit(job("2"), run: "run-2-0", leaseKey: "k", seconds: 30) == .run, "its time has passed")
        for end in [
            Outcome.End.finished, .failed(JobFailure(.timedOut, "x", remedy: "y", disposition: .snooze(.seconds(5)))),
        ] {
            let late = Sample.transition("1", end: end) { $0.embeddedWrite = Sample.insert("T", ["a": 1]) }
            #expect(try await store.commit(late).isFenced)
            #expect(try await store.commit(late).isFenced, "however often it is repeated")
        }
        #expect(try await store.job(id: "1") == nil)
        #expect(try await store.countDocuments(type: Sample.target) == 0)
        #expect(try await store.commit(Sample.transition("2")).job?.status == .finished)
        // The job itself runs again, as a run of its own.
        #expect(try await admit(job("1"), run: "run-1-again", leaseKey: "k", seconds: 31) == .run)
        var again = Sample.transition("1")
        again.attempt?.runID = "run-1-again"
        again.runID = "run-1-again"
        #expect(try await store.commit(again).job?.status == .finished)
        #expect(try fixture.integer("SELECT count(*) FROM leases") == 0)
    }

    @Test func aLeaseThatIsOverAndThatNobodyTookDoesNotFence() async throws {
        #expect(try await admit(job("1"), run: "run-1-0", leaseKey: "k") == .run)
        #expect(try await store.commit(Sample.transition("1")).job?.status == .finished)
    }

    @Test func aDuplicateTakesNoLease() async throws {
        #expect(try await admit(job("1", dedupKey: "k")) == .run)
        #expect(try await admit(job("2", dedupKey: "k"), leaseKey: "lease") == .duplicate(of: "1"))
        #expect(try await admit(job("3"), leaseKey: "lease") == .run)
    }

    // MARK: blocked jobs

    private func failOpen(_ id: String, orderKey: String = "o") async throws {
        let job = job(id, orderKey: orderKey)
        #expect(try await admit(job) == .run)
        _ = try await store.commit(Sample.transition(of: job, end: .failed(Sample.mishap)))
    }

    @Test func aJobWaitsBehindAnOpenOneOfItsKeyAndItsRecordSaysSo() async throws {
        try await failOpen("1")
        #expect(try await admit(job("2", orderKey: "o")) == .blocked(behind: "1"))
        let blocked = try await store.known("2")
        #expect(blocked.status == .queued && blocked.waitReason == .blocked && blocked.orderKey == "o")
        #expect(blocked.nextTurn == 1 && blocked.retryAfter == nil && blocked.isOpen)
        #expect(try await store.owedMessages(jobID: "2").isEmpty, "nothing brings it back but the one before it")
        #expect(try await admit(job("3", orderKey: "another")) == .run)
        #expect(try await admit(try await store.known("1")) == .run, "the first of the key may run")
    }

    @Test func aBlockedJobIsReleasedByTheEndOfTheOneBeforeItInOrder() async throws {
        try await failOpen("1")
        for id in ["2", "3", "4"] { #expect(try await admit(job(id, orderKey: "o")) == .blocked(behind: "1")) }
        let first = try await store.rerun("1")
        let message = try #require(first.owed?.last)
        #expect(message.kind == .again && message.messageID == "2" && message.dueAt == nil && !message.body.isEmpty)
        #expect(message.headers["ferry-turn"] == 1)
        #expect(try await store.owedMessages(jobID: "2") == [message])
        #expect(try await store.known("2").waitReason == nil)
        for id in ["3", "4"] { #expect(try await store.known(id).waitReason == .blocked) }

        let second = try await store.known("2")
        #expect(try await admit(second) == .run)
        #expect(try await admit(job("5", orderKey: "o")) == .blocked(behind: "2"), "a newcomer goes to the end")
        // It fails and will be retried: the others go on waiting.
        let failed = try await store.rerun("2", end: .failed(Sample.mishap))
        #expect(failed.owed?.contains { $0.messageID == "3" } == false)
        let ended = try await store.rerun("2", end: .failed(.permanent("no")))
        #expect(ended.owed?.contains { $0.messageID == "3" } == true)
        for id in ["3", "4", "5"] {
            #expect(try await admit(try await store.known(id)) == .run)
            _ = try await store.rerun(id)
        }
        #expect(try await store.countJobs() == [.finished: 4, .failed: 1])
    }

    @Test func theEndOfABlockedJobReleasesNobodyWhileTheFirstIsOpen() async throws {
        try await failOpen("1")
        for id in ["2", "3"] { _ = try await admit(job(id, orderKey: "o")) }
        #expect(try await store.act(.cancel, "2").done?.status == .canceled)
        #expect(try await store.known("3").waitReason == .blocked)
        #expect(try await store.rerun("1").owed?.last?.messageID == "3")
    }

    @Test func aHeldJobBlocksNobodyUntilItIsStarted() async throws {
        let held = JobTransition.wait(
            job("1", orderKey: "o"), turn: 0, reason: .hold, until: nil, now: Sample.start)
        _ = try await store.commit(held)
        #expect(try await admit(job("2", orderKey: "o")) == .run)
        #expect(try await store.act(.start, "1").done?.status == .queued)
        #expect(try await admit(job("3", orderKey: "o")) == .blocked(behind: "1"))
    }

    @Test func aStaleDeliveryIsNotBlockedButLeftToItsFence() async throws {
        try await failOpen("1")
        _ = try await admit(job("2", orderKey: "o"))
        #expect(try await admit(job("2", orderKey: "o")) == .run, "turn 0 of a job that is at turn 1")
        #expect(try await store.commit(Sample.transition(of: job("2", orderKey: "o"))).isFenced)
    }

    @Test func aBlockedJobHoldsItsDedupKey() async throws {
        try await failOpen("1")
        #expect(try await admit(job("2", dedupKey: "k", orderKey: "o")) == .blocked(behind: "1"))
        #expect(try await admit(job("3", dedupKey: "k")) == .duplicate(of: "2"))
    }
}

extension SyncJob {
    /// The record as it was before its run.
    fileprivate func with(nextTurn: Int) -> SyncJob {
        var job = self
        job.nextTurn = nextTurn
        return job
    }
}
