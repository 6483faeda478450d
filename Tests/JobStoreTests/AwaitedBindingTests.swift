// Who went on without a binding is asked again by the commit that makes it, and by its own commit where that came first.
import Foundation
@testable import JobStore
import SyncJobs
import Testing

@Suite struct AwaitedBindingTests {
    let fixture: StoreFixture
    var store: JobStore { fixture.store }

    init() throws { fixture = try StoreFixture() }

    private func bind(_ id: String, _ source: String, hops: Int = 0) async throws -> [OutboxMessage] {
        var job = Sample.job(id, sourceName: source)
        job.request.hops = hops
        let transition = Sample.transition(of: job) { $0.binding = Sample.binding(source, target: "T-\(source)") }
        return try #require(try await store.commit(transition).owed)
    }

    @discardableResult
    private func wait(_ id: String, source: String, for awaited: [String]?) async throws -> [OutboxMessage] {
        let transition = Sample.transition(of: Sample.job(id, sourceName: source)) {
            $0.awaited = awaited.map { $0.map(Sample.bindingKey) }
        }
        return try #require(try await store.commit(transition).owed)
    }

    private var waiting: Int { get throws { try fixture.integer("SELECT count(*) FROM awaited_bindings") } }

    @Test func theCommitThatBindsOwesTheRequestsOfAllThatWaited() async throws {
        try await wait("w1", source: "W-1", for: ["C-1", "C-2"])
        try await wait("w2", source: "W-2", for: ["C-1"])
        let owed = try await bind("b", "C-1")
        #expect(owed.map(\.kind) == [.followUp, .followUp])
        #expect(owed.allSatisfy { $0.jobID == "b" && $0.messageID.hasPrefix("b>bound:") })
        let sources = try owed.map { try SyncRequest(decoding: $0.body, messageID: $0.messageID).sourceDocumentName }
        #expect(Set(sources) == ["W-1", "W-2"])
        #expect(try waiting == 1, "W-1 waits for C-2 still")
        #expect(try await bind("b2", "C-1").isEmpty)
        #expect(try await bind("b3", "C-2").count == 1)
        #expect(try waiting == 0)
    }

    @Test func whatWasBoundBeforeTheWaiterCommittedIsAskedAtOnce() async throws {
        // The waiter has looked; then the other one commits; then the waiter does.
        #expect(try await bind("b", "C-1").isEmpty)
        let owed = try await wait("w", source: "W-1", for: ["C-1"])
        #expect(owed.map(\.messageID).allSatisfy { $0.hasPrefix("w>bound:") })
        #expect(owed.count == 1)
        #expect(try waiting == 0)
    }

    @Test func theNextRunOfAWaiterReplacesWhatItWaitsFor() async throws {
        try await wait("w1", source: "W-1", for: ["C-1"])
        try await wait("w2", source: "W-1", for: nil)
        #expect(try waiting == 1, "a run that does not know leaves it")
        try await wait("w3", source: "W-1", for: ["C-2"])
        #expect(try await bind("b1", "C-1").isEmpty)
        try await wait("w4", source: "W-1", for: [])
        #expect(try await bind("b2", "C-2").isEmpty)
    }

    @Test func aLoopIsNotFedButForgetsNobody() async throws {
        try await wait("w", source: "W-1", for: ["C-1"])
        #expect(try await bind("b", "C-1", hops: SyncRequest.maximumHops).isEmpty)
        #expect(try waiting == 1)
        #expect(try await bind("b2", "C-1").count == 1)
    }

    @Test func aThousandThatWaitedAreAllOwed() async throws {
        for number in 1...1_200 { try await wait("w\(number)", source: "W-\(number)", for: ["C-1"]) }
        #expect(
            try await bind("b", "C-1").count == JobStore.owedPage, "the first page; the rest follows from the store")
        #expect(try await store.owedMessages(limit: 10_000).count == 1_200)
    }
}
