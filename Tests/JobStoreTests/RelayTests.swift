// Relays: children are born in their parent's commit, their ends are counted over their rows, and the last one ends the
// relay, as often as children are retried.
import Foundation
@testable import JobStore
import SyncJobs
import Testing

@Suite struct RelayTests {
    let fixture: StoreFixture
    var store: JobStore { fixture.store }

    init() throws { fixture = try StoreFixture() }

    @Test func childrenAreBornInTheirParentsCommitWithTheirMessages() async throws {
        let result = try await store.commit(Sample.relay("p", children: 3))
        #expect(result.job?.status == .relayed)
        #expect(result.endedRelay == nil)
        let owed = try #require(result.owed)
        #expect(owed.map(\.id) == ["p/0:0:child", "p/1:0:child", "p/2:0:child"])
        #expect(owed.map(\.jobID) == ["p", "p", "p"])
        #expect(owed.map(\.messageID) == ["p/0", "p/1", "p/2"])
        #expect(owed.map(\.queue) == ["default", "default", "default"])
        let child = try await store.known("p/1")
        #expect(child.status == .queued && child.nextTurn == 0 && child.isOpen)
        #expect(owed[1].body == JSONValue.object(child.request.json).canonicalBytes, "the body is the child's request")
        #expect(try await store.owedMessages(jobID: "p") == owed)
        #expect(try await store.owedMessages(limit: 10) == owed)
        #expect(try await store.children(counts: "p") == [.queued: 3])
        #expect(try await store.job(id: "p")?.childCounts == [.queued: 3])
        #expect(try fixture.integer("SELECT sum(length(body)) FROM outbox") == 0, "bodies are not stored twice")
    }

    @Test func tenThousandChildrenAreInsertedInOneCommitAndPublishedInPages() async throws {
        let before = store.transactionCount
        let result = try await store.commit(Sample.relay("p", children: 10_000))
        #expect(store.transactionCount == before + 1)
        #expect(try await store.children(counts: "p") == [.queued: 10_000])
        var page = try #require(result.owed)
        var published: [String] = []
        while !page.isEmpty {
            #expect(page.count <= JobStore.owedPage)
            #expect(page.allSatisfy { !$0.body.isEmpty })
            published += page.map(\.messageID)
            try await store.settle(page.map(\.id))
            page = try await store.owedMessages(jobID: "p")
        }
        #expect(published == (0..<10_000).map { "p/\($0)" }, "each once, in their order")
        try await store.deleteSettled()
        #expect(try fixture.integer("SELECT count(*) FROM outbox") == 0)
    }

    @Test func aChildThatExistsIsLeftAsItIsAndNotSentAgain() async throws {
        _ = try await store.commit(Sample.relay("p", children: 2))
        try await store.settle(try await store.owedMessages(jobID: "p").map(\.id))
        _ = try await store.rerun("p/0")
        let result = try await store.commit(Sample.relay("p", turn: 1, children: 3))
        #expect(result.owed?.map(\.messageID) == ["p/2"])
        #expect(try await store.known("p/0").status == .finished)
        #expect(try await store.children(counts: "p") == [.finished: 1, .queued: 2])
    }

    @Test func theLastChildThatEndsEndsTheRelay() async throws {
        _ = try await store.commit(Sample.relay("p", children: 3))
        #expect(try await store.rerun("p/0").endedRelay == nil)
        #expect(try await store.rerun("p/1", end: .failed(.permanent("no"))).endedRelay == nil)
        let last = try await store.rerun("p/2", end: .skipped(.noChanges))
        let relay = try #require(last.endedRelay)
        #expect(relay.id == "p" && relay.relayRevision == 1 && relay.status == .relayed)
        #expect(try await store.known("p").relayRevision == 1)
        let finish = try #require(try await store.owedMessages(jobID: "p").last)
        #expect(finish.kind == .relayFinished && finish.messageID == relay.relayFinishedID(revision: 1))
        #expect(!finish.body.isEmpty)
        #expect(last.owed?.contains(finish) == true, "whoever ends the relay can send it at once")
        let summary = try #require(try await store.relaySummary(of: "p"))
        #expect(summary.revision == 1 && summary.total == 3)
        #expect(summary.counts == [.finished: 1, .failed: 1, .skipped: 1])
        #expect(summary.failedChildren.map(\.id) == ["p/1"])
        #expect(summary.failedChildren.first?.error == .permanent("no"))
    }

    @Test func aRelayWithoutRelayFinishedEndsWithoutAMessage() async throws {
        _ = try await store.commit(Sample.relay("p", children: 1, runsRelayFinished: false))
        let last = try await store.rerun("p/0")
        #expect(last.endedRelay?.relayRevision == 1)
        #expect(try await store.owedMessages(jobID: "p").map(\.kind) == [.child])
    }

    @Test func aRelayWithoutChildrenOwesItsEndAtOnce() async throws {
        let result = try await store.commit(Sample.relay("p", children: 0, dedupKey: "k"))
        #expect(result.owed?.map(\.kind) == [.relayFinished])
        #expect(try await store.known("p").relayRevision == 1)
    }

    @Test func aRelayToChildrenThatHaveAllEndedEndsWithItsOwnCommit() async throws {
        _ = try await store.commit(Sample.relay("p", children: 1))
        _ = try await store.rerun("p/0")
        var again = Sample.relay("p", turn: 1, children: 1)
        again.job.relayRevision = 1
        let result = try await store.commit(again)
        #expect(result.endedRelay?.relayRevision == 2)
        #expect(result.job?.relayRevision == 2)
        #expect(result.owed?.filter { $0.kind == .relayFinished }.count == 2, "one for each revision, each once")
    }

    @Test func aChildThatWillBeRetriedKeepsTheRelayOpen() async throws {
        _ = try await store.commit(Sample.relay("p", children: 1))
        let failed = try await store.rerun("p/0", end: .failed(Sample.mishap))
        #expect(failed.job?.status == .failed && failed.job?.isOpen == true)
        #expect(failed.endedRelay == nil)
        #expect(try await store.relaySummary(of: "p")?.failedChildren.isEmpty == true, "it has not failed for good")
        #expect(try await store.rerun("p/0").endedRelay?.relayRevision == 1)
    }

    @Test func retryOfAChildOpensTheRelayAgainWithTheNextRevision() async throws {
        _ = try await store.commit(Sample.relay("p", children: 2))
        _ = try await store.rerun("p/0")
        #expect(try await store.rerun("p/1", end: .failed(.permanent("no"))).endedRelay?.relayRevision == 1)
        #expect(try await store.act(.retry, "p/1").done?.status == .queued)
        #expect(try await store.children(counts: "p") == [.finished: 1, .queued: 1])
        let relay = try #require(try await store.rerun("p/1").endedRelay)
        #expect(relay.relayRevision == 2)
        let finishes = try await store.owedMessages(jobID: "p").filter { $0.kind == .relayFinished }
        #expect(
            finishes.map(\.messageID) == [relay.relayFinishedID(revision: 1), relay.relayFinishedID(revision: 2)])
        #expect(try await store.relaySummary(of: "p")?.counts == [.finished: 2])
    }

    @Test func aRelayWithinARelayCountsAsOver() async throws {
        _ = try await store.commit(Sample.relay("p", children: 1))
        var inner = Sample.relay("p/0", children: 1)
        inner.job.request.parentSyncJob = "p"
        let result = try await store.commit(inner)
        #expect(result.endedRelay?.id == "p")
        #expect(result.owed?.map(\.kind) == [.child, .relayFinished])
        #expect(try await store.rerun("p/0/0").endedRelay?.id == "p/0")
    }

    @Test func aJobThatNamesAParentWithoutARelayEndsNothing() async throws {
        _ = try await store.commit(Sample.transition("p"))
        for parent in ["p", "unknown"] {
            var job = Sample.job("child of \(parent)")
            job.request.parentSyncJob = parent
            let result = try await store.commit(Sample.transition(of: job))
            #expect(result.job?.status == .finished && result.endedRelay == nil)
        }
    }

    @Test func thereIsNoSummaryOfAJobThatIsNotKnown() async throws {
        #expect(try await store.relaySummary(of: "nobody") == nil)
        #expect(try await store.children(counts: "nobody").isEmpty)
        _ = try await store.commit(Sample.transition("plain"))
        #expect(try await store.relaySummary(of: "plain")?.total == 0)
        #expect(try await store.job(id: "plain")?.childCounts == nil)
    }

    @Test func aConflictOfTheParentBearsNoChildren() async throws {
        _ = try await store.commit(Sample.transition("p", turn: 4))
        #expect(try await store.commit(Sample.relay("p", children: 2)).isFenced)
        #expect(try await store.children(counts: "p").isEmpty)
        #expect(try await store.owedMessages(limit: 10).isEmpty)
    }
}
