// What operators do to jobs lands with all that follows from it, and with who did it and why.
import Foundation
@testable import JobStore
import SyncJobs
import Testing

@Suite struct OperatorActionTests {
    let fixture: StoreFixture
    var store: JobStore { fixture.store }

    init() throws { fixture = try StoreFixture() }

    private func wait(_ id: String, _ reason: WaitReason, orderKey: String? = nil) async throws {
        var job = Sample.job(id)
        job.orderKey = orderKey
        let due = reason == .notBefore ? Sample.start.advanced(by: .seconds(3_600)) : nil
        _ = try await store.commit(.wait(job, turn: 0, reason: reason, until: due, now: Sample.start))
    }

    @Test func aHeldJobIsStartedByHand() async throws {
        try await wait("1", .hold)
        #expect(try await store.known("1").status == .pending)
        #expect(try await store.owedMessages(limit: 10).isEmpty)
        let started = try #require(try await store.act(.start, "1").done)
        #expect(started.status == .queued && started.nextTurn == 1)
        #expect(try await store.known("1") == started)
        let message = try #require(try await store.owedMessages(jobID: "1").first)
        #expect(message.kind == .again && message.headers["ferry-turn"] == 1 && message.dueAt == nil)
        #expect(message.queue == "default")
        #expect(try await store.rerun("1").job?.status == .finished)
        #expect(try await store.act(.start, "1").refusal?.contains("Finished") == true)
    }

    @Test func aQueuedJobThatIsCanceledIsVoidWhenItsDeliveryComes() async throws {
        try await wait("1", .notBefore)
        let delivered = try await store.known("1")
        let canceled = try #require(try await store.act(.cancel, "1", reason: "no longer wanted").done)
        #expect(canceled.status == .canceled && canceled.cancelReason == "no longer wanted")
        #expect(canceled.endedAt == Sample.start.advanced(by: .seconds(9)))
        // The delivery carries the turn that the job waited for.
        let late = Sample.transition(of: delivered, turn: delivered.nextTurn) {
            $0.embeddedWrite = Sample.insert("T", ["a": 1])
        }
        #expect(try await store.commit(late).isFenced)
        #expect(try await store.prepare([.init(jobID: "1")])[0].job?.nextTurn == delivered.nextTurn + 1)
        #expect(try await store.known("1") == canceled)
        #expect(try await store.countDocuments(type: Sample.target) == 0)
    }

    @Test func aFailedJobIsCanceledWhetherItWouldHaveBeenRetriedOrNot() async throws {
        _ = try await store.commit(Sample.transition("open", end: .failed(Sample.mishap)))
        _ = try await store.commit(Sample.transition("over", end: .failed(.permanent("no"))))
        for id in ["open", "over"] {
            let canceled = try #require(try await store.act(.cancel, id).done)
            #expect(canceled.status == .canceled && !canceled.isOpen)
            #expect(canceled.cancelReason == "canceled by ann", "who, where no reason was given")
        }
        #expect(try await store.act(.cancel, "over").refusal?.contains("Canceled") == true)
    }

    @Test func aCancelOfAnIDThatWasNotSeenWaitsForIt() async throws {
        #expect(try await store.act(.cancel, "later", reason: "wrong") == .asked(nil))
        #expect(try await store.job(id: "later") == nil)
        let found = try await store.prepare([.init(jobID: "later"), .init(jobID: "other")])
        #expect(found.map(\.cancelReason) == ["wrong", nil])
        _ = try await store.commit(.cancel(Sample.job("later"), turn: 0, reason: "wrong", now: Sample.start))
        #expect(try await store.known("later").status == .canceled)
        #expect(try fixture.integer("SELECT count(*) FROM cancellations") == 0)
        #expect(try await store.act(.cancel, "").refusal != nil)
        #expect(try await store.act(.cancel, String(repeating: "x", count: 256)).refusal != nil)
    }

    @Test func aJobThatIsCanceledBeforeItWaitsNeverWaits() async throws {
        // The cancel comes between the look at the job and its commit.
        for reason in WaitReason.allCases {
            let id = reason.rawValue
            _ = try await store.act(.cancel, id, reason: "wrong")
            let result = try await store.commit(
                .wait(Sample.job(id), turn: 0, reason: reason, until: Sample.start, now: Sample.start))
            #expect(result.job?.status == .canceled && result.job?.cancelReason == "wrong")
            #expect(result.owed?.isEmpty == true)
            #expect(try await store.known(id).status == .canceled)
        }
        #expect(try fixture.integer("SELECT count(*) FROM cancellations") == 0)
    }

    @Test func theEndOfAJobTakesItsTombstoneWithIt() async throws {
        _ = try await store.act(.cancel, "1")
        _ = try await store.commit(Sample.transition("1"))
        #expect(try await store.known("1").status == .finished, "it had run before the cancel could reach it")
        #expect(try fixture.integer("SELECT count(*) FROM cancellations") == 0)
        _ = try await store.act(.cancel, "2", reason: "wrong")
        _ = try await store.commit(Sample.transition("2", end: .failed(Sample.mishap)))
        #expect(try await store.prepare([.init(jobID: "2")])[0].cancelReason == "wrong", "it stops the retry")
    }

    @Test func aFailedJobIsRetriedByHandAndWhatWasOnItsWayIsVoid() async throws {
        _ = try await store.commit(Sample.transition("1", end: .failed(Sample.mishap)))
        _ = try await store.rerun("1", end: .failed(.permanent("no")))
        #expect(try await store.known("1").deadLetteredAt != nil)
        let retried = try #require(try await store.act(.retry, "1").done)
        #expect(retried.status == .queued && retried.retryCount == 0 && retried.deadLetteredAt == nil)
        #expect(retried.nextTurn == 3)
        let message = try #require(try await store.owedMessages(jobID: "1").last)
        #expect(message.kind == .again && message.headers["ferry-turn"] == 3 && !message.body.isEmpty)
        #expect(try await store.commit(Sample.transition(of: retried, turn: 2)).isFenced)
        let done = try #require(try await store.rerun("1").job)
        #expect(done.status == .finished && done.attemptCount == 3)
        #expect(try await store.known("1").attempts.map(\.number) == [1, 2, 3])
        #expect(try await store.act(.retry, "1").refusal?.contains("only a Failed job") == true)
        #expect(try await store.act(.retry, "unknown").refusal == "there is no record of it")
        #expect(try await store.act(.start, "unknown").refusal == "there is no record of it")
    }

    @Test func aRetryForgetsACancelThatWasAskedBefore() async throws {
        _ = try await store.act(.cancel, "1", reason: "wrong")
        _ = try await store.commit(Sample.transition("1", end: .failed(Sample.mishap)))
        _ = try await store.act(.retry, "1")
        #expect(try await store.prepare([.init(jobID: "1")])[0].cancelReason == nil)
    }

    @Test func aCancelEndsTheRelayAndReleasesTheNextOfTheKey() async throws {
        var parent = Sample.relay("p", children: 2, dedupKey: "k")
        parent.children[1].orderKey = "o"
        _ = try await store.commit(parent)
        try await wait("next", .blocked, orderKey: "o")
        _ = try await store.rerun("p/0")
        _ = try await store.act(.cancel, "p/1")
        let relay = try await store.known("p")
        #expect(relay.relayRevision == 1)
        #expect(relay.childCounts == [.finished: 1, .canceled: 1])
        #expect(try await store.owedMessages(jobID: "p").contains { $0.kind == .relayFinished })
        #expect(try await store.owedMessages(jobID: "next").map(\.kind) == [.again])
        #expect(try await store.known("next").waitReason == nil)
        #expect(try await store.relaySummary(of: "p")?.failedChildren.map(\.status) == [.canceled])
    }

    @Test func aCancelOfAChildThatHadFailedForGoodEndsNoRelayAgain() async throws {
        _ = try await store.commit(Sample.relay("p", children: 1))
        _ = try await store.rerun("p/0", end: .failed(.permanent("no")))
        _ = try await store.act(.cancel, "p/0")
        #expect(try await store.known("p").relayRevision == 1)
        #expect(try await store.children(counts: "p") == [.canceled: 1])
    }

    private func admit(_ id: String, dedupKey: String) async throws -> JobStore.Admission {
        var job = Sample.job(id)
        job.request.dedupKey = dedupKey
        return try await store.admit(
            JobStore.AdmissionRequest(
                job: job, turn: 0, runID: "r", dedupKey: dedupKey, leaseUntil: Sample.start, now: Sample.start))
    }

    @Test func aRetryTakesItsDedupKeyBackOrSaysWhoHasIt() async throws {
        func fail(_ id: String) async throws {
            #expect(try await admit(id, dedupKey: "k") == .run)
            var job = Sample.job(id)
            job.request.dedupKey = "k"
            _ = try await store.commit(Sample.transition(of: job, end: .failed(.permanent("no"))))
        }
        try await fail("1")
        try await fail("2")
        #expect(try await store.act(.retry, "1").done != nil)
        #expect(try await admit("3", dedupKey: "k") == .duplicate(of: "1"))
        #expect(try await store.act(.retry, "2").refusal == "its dedup key is held by the job 1")
        #expect(try await store.known("2").status == .failed)
    }

    @Test func aRetriedChildTakesTheDedupKeyOfItsRelayBackOrSaysWhoHasIt() async throws {
        _ = try await store.commit(Sample.relay("p", children: 1, dedupKey: "k"))
        _ = try await store.rerun("p/0", end: .failed(.permanent("no")))
        #expect(try await admit("2", dedupKey: "k") == .run)
        let refusal = try await store.act(.retry, "p/0").refusal
        #expect(refusal == "the dedup key of its relay p is held by the job 2")
        var job = Sample.job("2")
        job.request.dedupKey = "k"
        _ = try await store.commit(Sample.transition(of: job))
        #expect(try await store.act(.retry, "p/0").done != nil)
        #expect(try await admit("3", dedupKey: "k") == .duplicate(of: "p"))
        _ = try await store.rerun("p/0")
        #expect(try await admit("3", dedupKey: "k") == .run)
    }

    @Test func eachJobDoneGetsAnAuditEntryAndARefusedOneNone() async throws {
        for id in ["1", "2"] { _ = try await store.commit(Sample.transition(id, end: .failed(.permanent("no")))) }
        _ = try await store.commit(Sample.transition("3"))
        let before = store.transactionCount
        let results = try await store.perform(
            .retry, ids: ["1", "3", "2"], actor: "ann@host", reason: "mended", at: Sample.start)
        #expect(store.transactionCount == before + 1)
        #expect(results.map { $0.done?.id } == ["1", nil, "2"])
        _ = try await store.act(.cancel, "new")
        let entries = try await store.auditEntries()
        #expect(entries.map(\.subject) == ["new", "2", "1"])
        #expect(entries.map(\.action) == ["cancel", "retry", "retry"])
        #expect(entries.map(\.actor) == ["ann", "ann@host", "ann@host"])
        #expect(entries.map(\.reason) == [nil, "mended", "mended"])
        #expect(entries.last?.at == Sample.start)
        #expect(try await store.auditEntries(subject: "1").map(\.reason) == ["mended"])
        #expect(try await store.auditEntries(subject: "3").isEmpty)
    }

    @Test func moreThanFiveHundredAtOnceAreRefused() async throws {
        let ids = (0...JobStore.maximumActionCount).map { "\($0)" }
        #expect(
            await storeError {
                _ = try await store.perform(.cancel, ids: ids, actor: "ann", reason: nil, at: Sample.start)
            } == .invalidArgument)
        let most = Array(ids.dropLast())
        let results = try await store.perform(.cancel, ids: most, actor: "ann", reason: nil, at: Sample.start)
        #expect(results.allSatisfy { $0 == .asked(nil) } && results.count == 500)
    }

    @Test func aRelayIsNotCanceledButItsChildrenAre() async throws {
        _ = try await store.commit(Sample.relay("p", children: 1))
        #expect(try await store.act(.cancel, "p").refusal?.contains("children") == true)
        #expect(try await store.act(.cancel, "p/0").done != nil)
    }
}
