// The harness itself: jobs in a test go through the same states as in production, and time passes only by hand.

import FerryTesting
import Testing

@Suite struct SyncTestTests {
    /// Copies the name; fails as its source says.
    private struct Copying: SingleTargetController {
        func update(_ target: inout Document, for job: JobHandle) async throws {
            switch job.source?["fails"]?.stringValue {
            case "later": throw JobFailure.retryable("not yet")
            case "for good": throw JobFailure.permanent("never")
            case "snooze":
                throw JobFailure(.controllerFailed, "busy", remedy: "wait", disposition: .snooze(.seconds(600)))
            default: target["label"] = job.source?["name"]
            }
        }
        func afterSync(_ write: DocumentWrite, for job: JobHandle) async throws {
            guard let next = job.source?["next"]?.stringValue else { return }
            try job.enqueue("Copy", source: next, key: next)
        }
    }

    /// A child for each letter of the source's name.
    private struct Spelling: MultipleTargetsController {
        func targets(for job: JobHandle) async throws -> [RelayTarget] {
            (job.source?["name"]?.stringValue ?? "").map { RelayTarget(operation: .insert, key: "\($0)") }
        }
        func target(for job: JobHandle) async throws -> TargetDecision { .insert(name: job.targetKey) }
        func update(_ target: inout Document, for job: JobHandle) async throws {
            target = Document(
                key: DocumentKey(type: DocumentType(system: "app", name: "Letter"), name: job.targetKey),
                fields: ["letter": .string(job.targetKey)])
        }
        func relayFinished(_ summary: RelaySummary, for job: JobHandle) async throws {
            job.note("\(summary.total) letters")
        }
    }

    private static let customer = DocumentType(system: "erp", name: "Customer")

    private static func copy() -> SyncJobType {
        var type = SyncJobType(
            name: "Copy", source: customer, target: DocumentType(system: "app", name: "Account"), controller: Copying())
        type.retryPolicy.jitter = 0
        type.triggers = [Trigger(document: customer, events: [.insert, .update, .delete])]
        return type
    }

    private static let spell = SyncJobType(
        name: "Spell", source: customer, target: DocumentType(system: "app", name: "Letter"), controller: Spelling())

    @Test func aJobRunsForReal() async throws {
        let test = try SyncTest(types: [Self.copy()])
        try await test.put("erp.Customer", "C-1", ["name": "Acme"])
        let job = try await test.run("copy", source: "C-1")
        #expect(job.status == .finished)
        #expect(job.id == "test-1")
        #expect(job.startedAt == TestClock.start)
        #expect(test.difference(job, ["label": (old: nil, new: "Acme")]) == .none)
        #expect(try await test.difference("app.Account", "C-1", ["label": "Acme"], exactly: true) == .none)
        #expect(try await test.job("test-1")?.attempts.count == 1)
    }

    @Test func aRequestIsAdjustedBeforeItIsSent() async throws {
        let test = try SyncTest(types: [Self.copy()])
        try await test.put("erp.Customer", "C-1", ["name": "Acme"])
        let job = try await test.run("Copy", source: "C-1", id: "mine") { $0.dryRun = true }
        #expect(job.id == "mine")
        #expect(job.skipReason == .dryRun)
        #expect(try await test.document("app.Account", "C-1") == nil)
    }

    @Test func aRetryRunsWhenItsTimeHasCome() async throws {
        let test = try SyncTest(types: [Self.copy()])
        try await test.put("erp.Customer", "C-1", ["fails": "later"])
        let first = try await test.run("Copy", source: "C-1")
        #expect(first.status == .failed)
        #expect(first.retryAfter == TestClock.start.advanced(by: .seconds(300)))
        #expect(try await test.advance(by: .seconds(299)).isEmpty)
        try await test.put("erp.Customer", "C-1", ["name": "Acme"])
        let ran = try await test.advance(by: .seconds(1))
        #expect(ran.map(\.status) == [.finished])
        #expect(ran.first?.startedAt == TestClock.start.advanced(by: .seconds(300)))
        #expect(ran.first?.attemptCount == 2)
    }

    @Test func retriesRunOnTheWayEachAtItsTime() async throws {
        let test = try SyncTest(types: [Self.copy()])
        try await test.put("erp.Customer", "C-1", ["fails": "later"])
        try await test.run("Copy", source: "C-1")
        let ran = try await test.advance(by: .seconds(3600))
        #expect(ran.compactMap { $0.startedAt?.since(TestClock.start) } == [300, 600, 900].map { .seconds($0) })
        #expect(ran.last?.deadLetteredAt != nil)
        #expect(await test.deadLetters.map(\.reason.code) == [.controllerFailed])
        #expect(test.clock.now == TestClock.start.advanced(by: .seconds(3600)))
    }

    @Test func aSnoozeUsesNoAttempt() async throws {
        let test = try SyncTest(types: [Self.copy()])
        try await test.put("erp.Customer", "C-1", ["fails": "snooze"])
        let job = try await test.run("Copy", source: "C-1")
        #expect(job.waitReason == .snooze)
        try await test.put("erp.Customer", "C-1", ["name": "Acme"])
        #expect(try await test.advance(by: .seconds(600)).map(\.attemptCount) == [1])
    }

    @Test func schedulesRunAtTheirDueTimes() async throws {
        var type = Self.copy()
        type.schedules = [
            Schedule(name: "half-hourly", cron: try CronExpression("*/30 * * * *"), sourceName: "C-1")
        ]
        let test = try SyncTest(types: [type])
        try await test.put("erp.Customer", "C-1", ["name": "Acme"])
        let ran = try await test.advance(by: .seconds(3_600))
        #expect(
            ran.map(\.id) == ["copy@half-hourly@2026-01-01T00:30:00Z", "copy@half-hourly@2026-01-01T01:00:00Z"])
        #expect(ran.compactMap { $0.startedAt?.since(TestClock.start) } == [.seconds(1_800), .seconds(3_600)])
        #expect(ran.map(\.status) == [.finished, .skipped])
    }

    @Test func whatAnOperatorDoesRunsToo() async throws {
        let test = try SyncTest(types: [Self.copy()])
        try await test.put("erp.Customer", "C-1", ["fails": "for good"])
        let job = try await test.run("Copy", source: "C-1")
        #expect(job.deadLetteredAt != nil)
        try await test.put("erp.Customer", "C-1", ["name": "Acme"])
        _ = try await test.store.perform(
            .retry, ids: [job.id], actor: "test", reason: nil, at: test.clock.now)
        #expect(try await test.settle().map(\.status) == [.finished])
    }

    @Test func childrenRunWhenTheTestSettles() async throws {
        let test = try SyncTest(types: [Self.spell])
        try await test.put("erp.Customer", "C-1", ["name": "abc"])
        let relay = try await test.run("Spell", source: "C-1")
        #expect(relay.status == .relayed)
        #expect(try await test.children(of: relay).map(\.status) == [.queued, .queued, .queued])
        let ran = try await test.settle()
        #expect(try await test.children(of: relay).map(\.targetName) == ["a", "b", "c"])
        #expect(ran.last?.notes == ["3 letters"])
        #expect(try await test.job(relay.id)?.childCounts == [.finished: 3])
    }

    @Test func followUpsRunToo() async throws {
        let test = try SyncTest(types: [Self.copy()])
        try await test.put("erp.Customer", "C-1", ["name": "Acme", "next": "C-2"])
        try await test.put("erp.Customer", "C-2", ["name": "Beta"])
        let job = try await test.run("Copy", source: "C-1")
        #expect(try await test.settle().map(\.id) == ["\(job.id)>C-2"])
        #expect(try await test.difference("app.Account", "C-2", ["label": "Beta"]) == .none)
    }

    @Test func aChangeEventBecomesTheJobsOfItsTriggers() async throws {
        let test = try SyncTest(types: [Self.copy(), Self.spell])
        try await test.put("erp.Customer", "C-1", ["name": "Acme"])
        #expect(try await test.change(.insert, "erp.Customer", "C-1").map(\.operation) == [.insert])
        try await test.delete("erp.Customer", "C-1")
        let jobs = try await test.change(.delete, "erp.Customer", "C-1")
        #expect(jobs.map(\.operation) == [.delete])
        #expect(jobs.first?.request.document == ["name": "Acme"])
        #expect(try await test.document("app.Account", "C-1") == nil)
    }

    @Test func anOutageOfTheTargetUsesUpNoRetryAndIsOverWithIt() async throws {
        let test = try SyncTest(types: [Self.copy()])
        try await test.put("erp.Customer", "C-1", ["name": "Acme"])
        try test.memory("app").failNext(.systemUnavailable, of: .write)
        let job = try await test.run("Copy", source: "C-1")
        #expect(job.error?.code == .systemUnavailable)
        let ended = try await test.advance(by: .seconds(300))
        #expect(ended.map(\.status) == [.finished])
        #expect(ended.map(\.retryCount) == [0])
    }

    @Test func aTargetThatNormalisesIsNoEndlessDiff() async throws {
        let test = try SyncTest(types: [Self.copy()])
        try test.memory("app").normalise("Account") { $0["label"] = "ACME" }
        try await test.put("erp.Customer", "C-1", ["name": "Acme"])
        try await test.run("Copy", source: "C-1")
        #expect(try await test.run("Copy", source: "C-1").skipReason == .noChanges)
    }

    @Test func somebodyElsesWriteIsNeverOverwritten() async throws {
        let test = try SyncTest(types: [Self.copy()])
        let app = try test.memory("app")
        app.put("Account", "A-7", ["label": "old", "theirs": 1])
        try await test.bind("Copy", source: "C-1", to: "A-7")
        try await test.put("erp.Customer", "C-1", ["name": "Acme"])
        app.onWrite { _ in
            // Only the first write meets somebody.
            if app.writes.count == 1 { app.put("Account", "A-7", ["label": "old", "theirs": 2]) }
        }
        let job = try await test.run("Copy", source: "C-1")
        #expect(job.status == .finished)
        #expect(app.fields("Account", "A-7") == ["label": "Acme", "theirs": 2])
    }

    @Test func aBindingCountsAsAnEarlierJobs() async throws {
        let test = try SyncTest(
            types: [Self.copy()],
            shapes: ["erp.Customer": DocumentShape(version: .init(field: "revision", order: .number))])
        try await test.put("app.Account", "A-7", ["label": "old"])
        try await test.bind(
            "copy", source: "C-1", to: "A-7", version: DocumentVersion(order: .number, text: "5"))
        try await test.put("erp.Customer", "C-1", ["name": "Acme", "revision": 4])
        #expect(try await test.run("Copy", source: "C-1").skipReason == .stale)
        try await test.put("erp.Customer", "C-1", ["name": "Acme", "revision": 6])
        #expect(try await test.run("Copy", source: "C-1").targetName == "A-7")
        await #expect(throws: JobFailure.self) { try await test.bind("nothing", source: "C-1", to: "A-7") }
    }

    @Test func anEmbeddedSystemIsWrittenWithTheCommit() async throws {
        let test = try SyncTest(types: [Self.copy()], embedded: ["app", "erp"])
        try await test.put("erp.Customer", "C-1", ["name": "Acme"])
        #expect(try await test.run("Copy", source: "C-1").status == .finished)
        #expect(try await test.difference("app.Account", "C-1", ["label": "Acme"]) == .none)
        try await test.put("erp.Customer", "C-1", ["name": "Beta"])
        #expect(try await test.run("Copy", source: "C-1").operation == .update)
        try await test.delete("erp.Customer", "C-1")
        #expect(try await test.change(.delete, "erp.Customer", "C-1").map(\.operation) == [.delete])
    }

    @Test func whatIsMisspeltIsSaid() async throws {
        let test = try SyncTest(types: [Self.copy()])
        let unknown = await #expect(throws: JobFailure.self) { try await test.run("Copie", source: "C-1") }
        #expect(unknown?.code == .unknownType)
        await #expect(throws: JobFailure.self) { try await test.put("crm.Customer", "C-1", [:]) }
        await #expect(throws: JobFailure.self) { try await test.document("Customer", "C-1") }
        #expect(throws: JobFailure.self) { try test.memory("crm") }
        #expect(throws: JobFailure.self) { try SyncTest(types: [Self.copy(), Self.copy()]) }
        #expect(try await test.run("Copy", source: "C-1").error?.code == .sourceNotVisible)
    }
}
