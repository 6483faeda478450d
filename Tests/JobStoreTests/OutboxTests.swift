// What is owed stays owed until the broker has confirmed it, over crashes too; and what a run noted before writing to
// an outside system is there for the next run.
import Foundation
@testable import JobStore
import SyncJobs
import Testing

@Suite struct OutboxTests {
    let fixture: StoreFixture
    var store: JobStore { fixture.store }

    init() throws { fixture = try StoreFixture() }

    private func fail(_ id: String, turn: Int = 0, body: [UInt8] = Array("{}".utf8)) async throws -> [OutboxMessage] {
        var run = Sample.run(Sample.job(id), turn: turn)
        run.body = body
        let transition = JobTransition.next(
            run, outcome: Outcome(.failed(.permanent("no"))), type: Sample.type, chance: 0, now: Sample.start)
        return try #require(try await store.commit(transition).owed)
    }

    @Test func owedMessagesComeOldestFirstAndWhole() async throws {
        let bodies: [[UInt8]] = [[], [0, 255, 10], Array(repeating: 7, count: 300_000)]
        var expected: [OutboxMessage] = []
        for (number, body) in bodies.enumerated() { expected += try await fail("\(number)", body: body) }
        #expect(expected.count == 3)
        #expect(try await store.owedMessages(limit: 100) == expected)
        #expect(try await store.owedMessages(limit: 2) == Array(expected.prefix(2)))
        #expect(try await store.owedMessages(limit: 0).isEmpty)
        #expect(try await store.owedMessages(jobID: "1") == [expected[1]])
        #expect(try await store.owedMessages(jobID: "none").isEmpty)
    }

    @Test func settledMessagesAreNoLongerOwedAndGoWithTheNextTransaction() async throws {
        let first = try await fail("1")
        let second = try await fail("2")
        try await store.settle(first.map(\.id))
        #expect(try await store.owedMessages(limit: 10) == second)
        #expect(try await store.owedMessages(jobID: "1").isEmpty)
        #expect(try fixture.integer("SELECT count(*) FROM outbox") == 2, "not yet deleted")
        _ = try await store.commit(Sample.transition("3"))
        #expect(try fixture.integer("SELECT count(*) FROM outbox") == 1)
        #expect(store.settled.all.isEmpty)
        #expect(try await store.owedMessages(limit: 10) == second)
    }

    @Test func whatIsDueLaterIsOwedAtOnceWithItsTimeAndTheRequestAsItsBody() async throws {
        let result = try await store.commit(Sample.transition("1", end: .failed(Sample.mishap)))
        let retry = try #require(result.owed?.first)
        #expect(result.owed?.count == 1)
        #expect(retry.kind == .again && retry.messageID == "1" && retry.queue == "default")
        #expect(retry.dueAt == result.job?.retryAfter && retry.dueAt != nil)
        #expect(retry.headers["ferry-turn"] == 1)
        #expect(retry.body == JSONValue.object(Sample.job("1").request.json).canonicalBytes)
        #expect(try await store.owedMessages(limit: 10) == [retry])
        #expect(try await store.owedMessages(jobID: "1") == [retry])
    }

    @Test func pagesSkipWhatIsSettledAndNotYetDeleted() async throws {
        _ = try await store.commit(Sample.relay("p", children: 7))
        var seen: [String] = []
        while true {
            let page = try await store.owedMessages(jobID: "p", limit: 3)
            if page.isEmpty { break }
            #expect(page.count <= 3)
            seen += page.map(\.messageID)
            try await store.settle(page.map(\.id))
        }
        #expect(seen == (0..<7).map { "p/\($0)" })
        #expect(try fixture.integer("SELECT count(*) FROM outbox") == 7, "none of them is deleted yet")
    }

    @Test func followUpsKeepTheirOwnBodies() async throws {
        let request = SyncRequest(id: "1>x", type: Sample.type.slug, sourceName: "C")
        let result = try await store.commit(
            Sample.transition("1") { $0.followUps = [RoutedRequest(request, type: Sample.type)] })
        let owed = try #require(result.owed)
        #expect(owed.map(\.messageID) == ["1>x"] && owed.map(\.jobID) == ["1"])
        #expect(try await store.owedMessages(limit: 10) == owed)
        #expect(owed[0].body == JSONValue.object(request.json).canonicalBytes)
    }

    @Test func closingDeletesWhatIsSettled() async throws {
        var ids: [String] = []
        for number in 0..<5 { ids += try await fail("\(number)").map(\.id) }
        try await store.settle(Array(ids.dropLast()))
        try store.close()
        #expect(try await StoreFixture.open(fixture.path).owedMessages(limit: 10).map(\.id) == [ids[4]])
    }

    @Test func whatWasSettledButNotDeletedIsOwedAgainAfterACrash() async throws {
        let owed = try await fail("1")
        try await store.settle(owed.map(\.id))
        let next = try StoreFixture.open(fixture.path)
        #expect(try await next.owedMessages(limit: 10) == owed, "a duplicate under the same id is legal, a loss is not")
    }

    @Test func manySettledMessagesMakeATransactionOfTheirOwn() async throws {
        let owed = try await fail("1")
        let before = store.transactionCount
        try await store.settle(owed.map(\.id) + (0..<10_000).map { "unknown-\($0)" })
        #expect(store.transactionCount == before + 1)
        #expect(store.settled.all.count < 10_001)
    }

    private func intent(_ job: String, turn: Int, _ write: DocumentWrite) -> WriteIntent {
        WriteIntent(jobID: job, turn: turn, runID: "run-\(turn)", write: write, recordedAt: Sample.start)
    }

    @Test func theNewestIntentComesBackExactlyAndGoesWithTheCommit() async throws {
        let before = Document(
            key: Sample.key("T\0"), fields: ["amount": .number(JSONNumber("0.10") ?? 0)], version: Sample.number("7"))
        var write = Sample.write(before: before, after: Document(key: before.key, fields: ["amount": nil, "é": "x"]))
        write.diff = Diff(changed: [.init(field: "amount", old: .number(JSONNumber("0.10") ?? 0), new: nil)])
        let newest = intent("1", turn: 1, write)
        try await store.recordIntent(intent("1", turn: 0, Sample.insert("old", [:])))
        try await store.recordIntents([newest, intent("2", turn: 0, Sample.insert(nil, ["a": 1]))])
        var found = try await store.prepare([.init(jobID: "1"), .init(jobID: "3"), .init(jobID: "2")])
        #expect(found[0].intent == newest)
        #expect(found[0].intent?.write.before?.fields["amount"]?.numberValue?.text == "0.10")
        #expect(found[1].intent == nil)
        #expect(found[2].intent?.write.operation == .insert)
        #expect(try await store.commit(Sample.transition("1", turn: 1)).job != nil)
        found = try await store.prepare([.init(jobID: "1"), .init(jobID: "2")])
        #expect(found[0].intent == nil)
        #expect(found[1].intent != nil, "another job's intent stays")
        #expect(try fixture.integer("SELECT count(*) FROM write_intents") == 1)
    }

    @Test func anIntentOfARunWhoseJobHasMovedOnIsRefused() async throws {
        let write = Sample.insert("T", [:])
        #expect(try await store.recordIntent(intent("1", turn: 0, write)) == .noted, "a job without a record")
        _ = try await store.commit(Sample.transition("1", turn: 0))
        #expect(try await store.recordIntent(intent("1", turn: 0, write)) == .outdated)
        #expect(try await store.recordIntent(intent("1", turn: 1, write)) == .noted, "its next turn")
        #expect(try fixture.integer("SELECT count(*) FROM write_intents") == 1)
    }

    @Test func anIntentIsFencedByNewerOnesOfOtherJobsUnderWayAndByWhatWasApplied() async throws {
        func intent(_ job: String, _ version: String) -> WriteIntent {
            var intent = self.intent(job, turn: 0, Sample.insert("T", [:]))
            let source = DocumentKey(type: DocumentType(system: "erp", name: "Customer"), name: "C-1")
            intent.binding = Binding(
                key: BindingKey(typeSlug: "shop_sync", source: source), target: Sample.key("T"),
                sourceVersion: Sample.number(version))
            return intent
        }
        #expect(try await store.recordIntent(intent("newer", "6")) == .noted)
        #expect(try await store.recordIntent(intent("older", "5")) == .stale, "another job is about to write version 6")
        #expect(try await store.recordIntent(intent("equal", "6")) == .noted)
        #expect(try await store.recordIntent(intent("newest", "7")) == .noted)
        var applied = Sample.transition("newest", turn: 0)
        applied.binding = intent("newest", "7").binding
        #expect(try await store.commit(applied).job != nil)
        #expect(try await store.recordIntent(intent("equal", "6")) == .outdated, "version 7 was applied")
    }

    @Test func aFencedCommitRemovesNoIntent() async throws {
        _ = try await store.commit(Sample.transition("1", turn: 5))
        try await store.recordIntent(intent("1", turn: 6, Sample.insert("T", [:])))
        #expect(try await store.commit(Sample.transition("1", turn: 2)) == .fenced)
        #expect(try await store.prepare([.init(jobID: "1")])[0].intent?.turn == 6)
    }
}
