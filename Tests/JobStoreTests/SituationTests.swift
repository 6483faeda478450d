// Why a job is where it is: what the store knows of it, on one snapshot.
import Foundation
@testable import JobStore
import SyncJobs
import Testing

@Suite struct SituationTests {
    let fixture: StoreFixture
    var store: JobStore { fixture.store }

    init() throws { fixture = try StoreFixture() }

    @Test func ofAnUnknownIDThereIsNothingButACancelThatWaits() async throws {
        let nothing = try await store.situation(id: "1")
        #expect(nothing.job == nil && !nothing.isSeen && nothing.cancelReason == nil && nothing.owed.isEmpty)
        #expect(nothing.leaseHolder == nil && nothing.openAhead == 0)
        _ = try await store.act(.cancel, "1", reason: "wrong")
        #expect(try await store.situation(id: "1").cancelReason == "wrong")
    }

    @Test func ofAJobWithItsAttemptsItsChildrenAndWhatItOwes() async throws {
        _ = try await store.commit(Sample.relay("p", children: 2))
        let parent = try await store.situation(id: "p")
        #expect(parent.job?.attempts.count == 1 && parent.job?.childCounts == [.queued: 2])
        #expect(parent.owed.map(\.messageID) == ["p/0", "p/1"])
        let child = try await store.situation(id: "p/1")
        #expect(child.owed.map(\.messageID) == ["p/1"], "what others owe about it: it was not sent yet")
        try await store.settle(parent.owed.map(\.id))
        #expect(try await store.situation(id: "p/1").owed.isEmpty)
    }

    @Test func ofABlockedJobTheOneItWaitsBehindAndHowManyAreAhead() async throws {
        for id in ["1", "2", "3"] {
            var job = Sample.job(id)
            job.orderKey = "o"
            let end: JobTransition =
                id == "1"
                ? Sample.transition(of: job, end: .failed(Sample.mishap))
                : .wait(job, turn: 0, reason: .blocked, until: nil, now: Sample.start)
            _ = try await store.commit(end)
        }
        let last = try await store.situation(id: "3")
        #expect(last.blockedBehind?.id == "1" && last.openAhead == 2)
        let first = try await store.situation(id: "1")
        #expect(first.blockedBehind == nil && first.openAhead == 0)
    }

    @Test func ofAQueuedJobHowManyOpenOnesOfItsQueueAreOlder() async throws {
        for id in ["1", "2", "3", "4"] {
            var job = Sample.job(id)
            job.queue = id == "2" ? "long" : "default"
            let due = Sample.start.advanced(by: .seconds(60))
            _ = try await store.commit(
                id == "3"
                    ? Sample.transition(of: job)
                    : .wait(job, turn: 0, reason: .notBefore, until: due, now: Sample.start))
        }
        #expect(try await store.situation(id: "4").openAhead == 1)
        #expect(try await store.situation(id: "2").openAhead == 0)
        #expect(try await store.situation(id: "3").openAhead == 0, "it is over")
    }

    @Test func whoHoldsItsDedupKeyAndItsLease() async throws {
        let now = Timestamp.now
        func admit(_ id: String) async throws -> JobStore.Admission {
            var job = Sample.job(id, sourceName: "same")
            job.request.dedupKey = id == "3" ? "other" : "k"
            return try await store.admit(
                JobStore.AdmissionRequest(
                    job: job, turn: 0, runID: "r-\(id)", dedupKey: job.request.dedupKey,
                    leaseKey: job.request.orderKey(typeSlug: job.typeSlug),
                    leaseUntil: now.advanced(by: .seconds(600)), now: now))
        }
        #expect(try await admit("1") == .run)
        #expect(try await admit("2") == .duplicate(of: "1"))
        var duplicate = Sample.job("2", sourceName: "same")
        duplicate.request.dedupKey = "k"
        _ = try await store.commit(
            .skip(duplicate, turn: 0, reason: .duplicate, because: "1", now: Sample.start))
        let second = try await store.situation(id: "2")
        #expect(second.dedupHolder == "1" && second.job?.relatedJob == "1")
        guard case .leased(by: "1", _) = try await admit("3") else {
            Issue.record("the lease is held")
            return
        }
        var third = Sample.job("3", sourceName: "same")
        third.request.dedupKey = "other"
        _ = try await store.commit(
            .wait(third, turn: 0, reason: .snooze, until: now.advanced(by: .seconds(600)), now: now))
        let waiting = try await store.situation(id: "3")
        #expect(waiting.leaseHolder?.jobID == "1")
        #expect(waiting.leaseHolder?.until == now.advanced(by: .seconds(600)))
        #expect(waiting.dedupHolder == nil, "its own hold is no news")
    }
}
