// Signs of life: the record says that the job runs, and the run hears when it is to stop or is over.
import Foundation
@testable import JobStore
import SyncJobs
import Testing

@Suite struct HeartbeatTests {
    let fixture: StoreFixture
    var store: JobStore { fixture.store }

    init() throws { fixture = try StoreFixture() }

    private func beat(
        _ job: SyncJob, turn: Int = 0, run: String = "r-1", startedAt: Int = 0, at: Int = 2,
        progress: JobProgress? = nil, leaseKey: String? = nil
    ) -> JobStore.Heartbeat {
        let at = Sample.start.advanced(by: .seconds(at))
        return JobStore.Heartbeat(
            job: job, turn: turn, runID: run, node: "host:1", startedAt: Sample.start.advanced(by: .seconds(startedAt)),
            at: at, progress: progress, leaseKey: leaseKey,
            leaseUntil: leaseKey == nil ? nil : at.advanced(by: .seconds(30)))
    }

    @Test func aRecordIsBornWithTheFirstSignOfLife() async throws {
        #expect(try await store.beat([beat(Sample.job("1"), progress: JobProgress(done: 1, total: 4))]) == [.goOn])
        let job = try await store.known("1")
        #expect(job.status == .started && job.nextTurn == 0 && job.isOpen)
        #expect(job.startedAt == Sample.start)
        #expect(job.progress == JobProgress(done: 1, total: 4))
        #expect(
            job.running
                == RunningRun(runID: "r-1", node: "host:1", heartbeat: Sample.start.advanced(by: .seconds(2))))
        let later = beat(job, at: 4, progress: JobProgress(done: 3, total: 4))
        #expect(try await store.beat([later]) == [.goOn])
        #expect(try await store.known("1").progress?.done == 3)
        #expect(try await store.known("1").running?.heartbeat == Sample.start.advanced(by: .seconds(4)))
        let result = try await store.commit(Sample.transition(of: job))
        #expect(result.job?.status == .finished && result.job?.running == nil && result.job?.progress == nil)
        #expect(try await store.known("1").attempts.count == 1)
    }

    @Test func aRetryThatRunsNoLongerWaits() async throws {
        _ = try await store.commit(Sample.transition("1", end: .failed(Sample.mishap)))
        let waiting = try await store.known("1")
        #expect(waiting.waitReason == .retry && waiting.retryAfter != nil)
        #expect(try await store.beat([beat(waiting, turn: 1)]) == [.goOn])
        let running = try await store.known("1")
        #expect(running.status == .started && running.waitReason == nil && running.retryAfter == nil)
        #expect(running.error == Sample.mishap, "what went wrong last stays until the run has ended")
        #expect(running.retryCount == 1)
    }

    @Test func aRunThatIsOverHearsThatItIsFenced() async throws {
        _ = try await store.commit(Sample.transition("1", turn: 2))
        #expect(try await store.beat([beat(Sample.job("1"), turn: 2)]) == [.fenced])
        #expect(try await store.known("1").status == .finished)
    }

    @Test func ofTwoRunsOfOneDeliveryTheLaterGoesOn() async throws {
        let job = Sample.job("1")
        #expect(try await store.beat([beat(job, run: "r-1", startedAt: 0)]) == [.goOn])
        #expect(try await store.beat([beat(job, run: "r-2", startedAt: 1)]) == [.goOn])
        #expect(try await store.beat([beat(job, run: "r-1", startedAt: 0, at: 4)]) == [.fenced])
        #expect(try await store.known("1").running?.runID == "r-2")
        #expect(try await store.beat([beat(job, run: "r-2", startedAt: 1, at: 5)]) == [.goOn])
    }

    /// A run that is repeated after a conflict is one of these where the clock of a test stands still.
    @Test func ofTwoThatBeganAtOnceNeitherIsCutOff() async throws {
        let job = Sample.job("1")
        #expect(try await store.beat([beat(job, run: "r-1", startedAt: 7)]) == [.goOn])
        #expect(try await store.beat([beat(job, run: "r-2", startedAt: 7)]) == [.goOn])
    }

    @Test func aBatchIsAnsweredInOrder() async throws {
        _ = try await store.commit(Sample.transition("over"))
        _ = try await store.act(.cancel, "asked", reason: "enough")
        let before = store.transactionCount
        let answers = try await store.beat(
            [beat(Sample.job("new")), beat(Sample.job("over")), beat(Sample.job("asked"))])
        #expect(answers == [.goOn, .fenced, .cancel(reason: "enough")])
        #expect(store.transactionCount == before + 1)
        #expect(try await store.beat([]).isEmpty)
    }

    @Test func aRunningJobIsAskedToStopAndHearsIt() async throws {
        let job = Sample.job("1")
        _ = try await store.beat([beat(job)])
        guard case .asked(let asked?) = try await store.act(.cancel, "1", reason: "not needed") else {
            Issue.record("it runs, so it can only be asked")
            return
        }
        #expect(asked.status == .started && asked.running?.isCancelAsked == true)
        #expect(try await store.known("1").running?.isCancelAsked == true)
        #expect(try await store.beat([beat(job, at: 4)]) == [.cancel(reason: "not needed")])
        #expect(try await store.known("1").running?.isCancelAsked == true)
        // Its process dies: the next delivery is told too.
        #expect(try await store.prepare([.init(jobID: "1")])[0].cancelReason == "not needed")
        let ended = try await store.rerun("1", end: .canceled("not needed"))
        #expect(ended.job?.status == .canceled && ended.job?.cancelReason == "not needed")
        #expect(try fixture.integer("SELECT count(*) FROM cancellations") == 0)
    }

    @Test func heartbeatsKeepALease() async throws {
        let job = Sample.job("1")
        func admit(_ id: String, _ run: String, at seconds: Int) async throws -> JobStore.Admission {
            let now = Sample.start.advanced(by: .seconds(seconds))
            return try await store.admit(
                JobStore.AdmissionRequest(
                    job: Sample.job(id), turn: 0, runID: run, leaseKey: "k",
                    leaseUntil: now.advanced(by: .seconds(30)), now: now))
        }
        #expect(try await admit("1", "r-1", at: 0) == .run)
        #expect(try await store.beat([beat(job, at: 20, leaseKey: "k")]) == [.goOn])
        let until = Sample.start.advanced(by: .seconds(50))
        #expect(try await admit("2", "r-2", at: 40) == .leased(by: "1", until: until))
        #expect(try await admit("2", "r-2", at: 50) == .run)
        #expect(try await store.beat([beat(job, at: 51, leaseKey: "k")]) == [.fenced])
        var withoutRenewal = beat(job, at: 52, leaseKey: "k")
        withoutRenewal.leaseUntil = nil
        #expect(try await store.beat([withoutRenewal]) == [.fenced])
        #expect(try await store.known("1").running?.heartbeat == Sample.start.advanced(by: .seconds(20)))
    }

    // MARK: checkpoints

    @Test func whatARunSavesTheNextOneFinds() async throws {
        _ = try await store.commit(Sample.transition("1", end: .failed(Sample.mishap)))
        let number = JSONValue.number(JSONNumber("0.10") ?? 0)
        try await store.saveCheckpoint(jobID: "1", turn: 1, state: ["page": 1])
        try await store.saveCheckpoint(jobID: "1", turn: 1, state: ["page": 2, "sum": number, "é": "\u{0}"])
        try await store.saveCheckpoint(jobID: "2", turn: 0, state: nil)
        _ = try await store.rerun("1", end: .failed(Sample.mishap))
        let found = try await store.prepare([.init(jobID: "1"), .init(jobID: "2"), .init(jobID: "3")])
        #expect(found[0].checkpoint == ["page": 2, "sum": number, "é": "\u{0}"])
        #expect(found[0].checkpoint?.objectValue?["sum"]?.numberValue?.text == "0.10")
        #expect(found[1].checkpoint == .some(.null))
        #expect(found[2].checkpoint == nil)
        _ = try await store.rerun("1")
        #expect(try await store.prepare([.init(jobID: "1")])[0].checkpoint == nil, "it goes with the end of the job")
        #expect(try fixture.integer("SELECT count(*) FROM checkpoints") == 1)
    }

    @Test func aRunThatIsOverSavesNothing() async throws {
        _ = try await store.commit(Sample.transition("1", end: .failed(Sample.mishap)))
        #expect(await storeError { try await store.saveCheckpoint(jobID: "1", turn: 0, state: 1) } == .fenced)
        try await store.saveCheckpoint(jobID: "1", turn: 1, state: 2)
        #expect(try await store.prepare([.init(jobID: "1")])[0].checkpoint == 2)
    }
}
