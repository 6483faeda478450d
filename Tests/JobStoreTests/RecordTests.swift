// Records: every field comes back as it was, lists show what was asked for, counts agree.
import Foundation
import GRDB
@testable import JobStore
import SyncJobs
import Testing

@Suite struct RecordTests {
    let fixture: StoreFixture
    var store: JobStore { fixture.store }

    init() throws { fixture = try StoreFixture() }

    private static func fullJob() -> SyncJob {
        var request = SyncRequest(id: "full", type: "Customer Sync", sourceName: "C\0'\"\n🚢")
        request.sourceDocumentType = "Customer"
        request.sourceVersion = "9007199254740993"
        request.document = ["amount": .number(JSONNumber("0.10") ?? 0), "nul": "\u{0}"]
        request.operation = .update
        request.targetDocumentType = "Client"
        request.targetDocumentName = "T-1"
        request.context = ["deep": [["x": nil]]]
        request.queue = "short"
        request.timeout = .seconds(90)
        request.retryDelay = .milliseconds(250)
        request.maxRetries = 0
        request.triggerType = .documentHook
        request.triggeredByDocumentType = "Address"
        request.triggeredByDocumentName = "A-1"
        request.triggerDocumentTimestamp = "2026-01-02T03:04:05Z"
        request.flags.insertEnabled = false
        request.flags.verboseLogging = true
        request.dryRun = true
        request.parentSyncJob = "parent"
        request.targetKey = "key\u{0}"
        request.notBefore = Sample.start
        request.dedupKey = "dedup'\u{0}"
        request.hold = true
        request.relayFinished = "relay"
        request.hops = 3
        return SyncJob(request: request, type: Sample.type, queue: "short", createdAt: Sample.start)
    }

    @Test func everyFieldComesBackAsItWas() async throws {
        let number = JSONNumber("1e400") ?? 0
        var failure = JobFailure(
            .timedOut, "not\0there", remedy: "wait", disposition: .retryable(after: .milliseconds(1_500)))
        failure.system = "shop\u{0}"
        let diff = Diff(
            changed: [.init(field: "f", old: .number(number), new: "é")],
            added: [.init(table: "rows", row: ["k": 1])], removed: [.init(table: "rows", row: ["k": 2])],
            rowChanged: [.init(table: "rows", rowKey: "k", changes: [.init(field: "x", old: nil, new: true)])])
        var transition = Sample.transition(of: Self.fullJob(), turn: 4, end: .failed(failure)) {
            $0.operation = .delete
            $0.targetType = Sample.target
            $0.targetName = "T-1"
            $0.diff = diff
            $0.currentData = ["a": .number(number)]
            $0.updatedData = ["a": nil]
            $0.notes = ["one", "two\0"]
        }
        transition.job.retryCount = 2
        transition.job.skipReason = .superseded
        transition.job.noTargetReason = .condition
        transition.job.cancelReason = "because\u{0}"
        transition.job.relatedJob = "other\u{0}"
        transition.job.superseded = ["a", "b\u{0}"]
        transition.job.attemptCount = 7
        transition.job.retryAfter = Sample.start.advanced(by: .seconds(5))
        transition.job.waitReason = .retry
        transition.job.orderKey = "order\u{0}"
        transition.job.progress = JobProgress(percent: 12.5, done: 1, total: 8, title: "t", description: "d\u{0}")
        transition.job.running = RunningRun(
            runID: "r\u{0}", node: "h:1", heartbeat: Sample.start, isCancelAsked: true)
        transition.job.relayRevision = 3
        transition.job.runsRelayFinished = true
        let result = try await store.commit(transition)
        var expected = transition.job
        expected.attempts = [try #require(transition.attempt)]
        #expect(result.job == transition.job)
        let stored = try #require(try await store.job(id: "full"))
        #expect(stored == expected)
        #expect(stored.json == expected.json)
        #expect(stored.json.canonicalText == expected.json.canonicalText, "digits as written")
        #expect(try await store.jobs(JobFilter()) == [transition.job])
    }

    @Test(arguments: [
        JobFailure.Disposition.permanent, .cancel, .retryable(after: nil), .snooze(.seconds(7)),
    ])
    func aFailureRemembersHowTheJobGoesOn(disposition: JobFailure.Disposition) async throws {
        let failure = JobFailure(.timedOut, "late", remedy: "wait", disposition: disposition)
        _ = try await store.commit(Sample.transition("1", end: .failed(failure)))
        #expect(try await store.job(id: "1")?.error == failure)
    }

    @Test(arguments: Sample.awkwardNames)
    func awkwardIDsAndNamesAreFoundByTheirBytes(name: String) async throws {
        let id = String(name.prefix(60))
        let transition = Sample.transition(of: Sample.job(id, sourceName: name)) {
            $0.embeddedWrite = Sample.insert(name, [name: .string(name)])
            $0.binding = Sample.binding(name, target: name)
        }
        #expect(try await store.commit(transition).job?.targetName?.hasSameBytes(as: name) == true)
        #expect(try await store.commit(transition) == .fenced)
        let stored = try #require(try await store.job(id: id))
        #expect(stored.id.hasSameBytes(as: id))
        #expect(stored.request.sourceDocumentName?.hasSameBytes(as: name) == true)
        var filter = JobFilter()
        filter.sourceName = name
        filter.targetName = name
        #expect(try await store.jobs(filter).count == 1)
        let binding = try #require(try await store.binding(Sample.bindingKey(name)))
        #expect(binding.target.name.hasSameBytes(as: name))
    }

    @Test func composedAndDecomposedAreTwo() async throws {
        for name in ["é", "e\u{301}"] {
            let transition = Sample.transition(of: Sample.job(name, sourceName: name)) {
                $0.embeddedWrite = Sample.insert(name, ["name": .string(name)])
                $0.binding = Sample.binding(name, target: name)
            }
            #expect(try await store.commit(transition).job != nil)
        }
        #expect(try await store.countJobs() == [.finished: 2])
        #expect(try await store.countDocuments(type: Sample.target) == 2)
        var filter = JobFilter()
        filter.sourceName = "é"
        #expect(try await store.jobs(filter).map { Array($0.id.utf8) } == [Array("é".utf8)])
    }

    private func commitMixed() async throws {
        let ends: [Outcome.End] = [
            .finished, .skipped(.noChanges), .noTarget(.condition), .failed(.permanent("p")),
            .failed(JobFailure(.timedOut, "t", remedy: "r")),
        ]
        for number in 0..<50 {
            var job = Sample.job("job-\(number)", sourceName: "S-\(number % 7)")
            job.createdAt = Sample.start.advanced(by: .seconds(number))
            if number % 10 == 0 {
                job.typeSlug = "other"
                job.sourceType = DocumentType(system: "erp", name: "Item")
            }
            _ = try await store.commit(
                Sample.transition(of: job, end: ends[number % 5]) { $0.targetName = "T-\(number % 3)" })
        }
    }

    @Test func filtersMeanWhatTheySay() async throws {
        try await commitMixed()
        func ids(_ change: (inout JobFilter) -> Void) async throws -> [Int] {
            var filter = JobFilter()
            change(&filter)
            return try await store.jobs(filter).compactMap { Int($0.id.dropFirst(4)) }
        }
        let all = Array((0..<50).reversed())
        #expect(try await ids { _ in } == all)
        #expect(try await ids { $0.statuses = [.failed] } == all.filter { $0 % 5 >= 3 })
        #expect(try await ids { $0.statuses = [.finished, .skipped] } == all.filter { $0 % 5 <= 1 })
        #expect(try await ids { $0.errorCode = .timedOut } == all.filter { $0 % 5 == 4 })
        #expect(try await ids { $0.typeSlug = "other" } == [40, 30, 20, 10, 0])
        #expect(try await ids { $0.sourceType = DocumentType(system: "erp", name: "Item") } == [40, 30, 20, 10, 0])
        #expect(try await ids { $0.sourceName = "S-3" } == all.filter { $0 % 7 == 3 })
        #expect(try await ids { $0.targetName = "T-1" } == all.filter { $0 % 3 == 1 })
        #expect(try await ids { $0.idPrefix = "job-4" } == [49, 48, 47, 46, 45, 44, 43, 42, 41, 40, 4])
        #expect(try await ids { $0.since = Sample.start.advanced(by: .seconds(47)) } == [49, 48, 47])
        #expect(try await ids { $0.until = Sample.start.advanced(by: .seconds(2)) } == [1, 0])
        #expect(
            try await ids {
                $0.statuses = [.failed]
                $0.sourceName = "S-3"
                $0.limit = 2
            } == [38, 24])
    }

    @Test func listsArePagedWithoutGapsAndCountsAgree() async throws {
        try await commitMixed()
        var filter = JobFilter()
        filter.limit = 7
        var seen: [String] = []
        repeat {
            let page = try await store.jobPage(filter)
            seen += page.jobs.map(\.id)
            filter.afterSequence = page.nextSequence
        } while filter.afterSequence != nil
        #expect(seen == (0..<50).reversed().map { "job-\($0)" })
        #expect(try await store.countJobs() == [.finished: 10, .skipped: 10, .noTarget: 10, .failed: 20])
        var other = JobFilter()
        other.typeSlug = "other"
        #expect(try await store.countJobs(other) == [.finished: 5])
    }

    @Test(arguments: [0, -1, 10_001])
    func anAbsurdLimitIsRefused(limit: Int) async throws {
        var filter = JobFilter()
        filter.limit = limit
        #expect(await storeError { _ = try await store.jobs(filter) } == .invalidArgument)
    }

    @Test func filtersOfWhatIsStillGoingOnMeanWhatTheySay() async throws {
        _ = try await store.commit(Sample.relay("p", children: 3))
        _ = try await store.rerun("p/0")
        _ = try await store.rerun("p/1", end: .failed(Sample.mishap))
        var held = Sample.job("held")
        held.request.dedupKey = "k"
        _ = try await store.commit(.wait(held, turn: 0, reason: .hold, until: nil, now: Sample.start))
        func ids(_ change: (inout JobFilter) -> Void) async throws -> [String] {
            var filter = JobFilter()
            change(&filter)
            let jobs = try await store.jobs(filter)
            #expect(try await store.countJobs(filter).values.reduce(0, +) == jobs.count)
            return jobs.map(\.id)
        }
        #expect(try await ids { $0.parent = "p" } == ["p/2", "p/1", "p/0"])
        #expect(try await ids { $0.waitReason = .retry } == ["p/1"])
        #expect(try await ids { $0.waitReason = .hold } == ["held"])
        #expect(try await ids { $0.dedupKey = "k" } == ["held"])
        #expect(try await ids { $0.isOpen = true } == ["held", "p/2", "p/1"])
        #expect(try await ids { $0.isOpen = false } == ["p/0", "p"])
        #expect(
            try await ids {
                $0.parent = "p"
                $0.isOpen = true
                $0.statuses = [.failed]
            } == ["p/1"])
    }

    @Test func notesAreAppendedAndBounded() async throws {
        _ = try await store.commit(Sample.transition("1") { $0.notes = ["from the run"] })
        try await store.note(jobID: "1", "the hook threw \0")
        try await store.note(jobID: "1", String(repeating: "x", count: 9_000))
        let notes = try #require(try await store.job(id: "1")?.notes)
        #expect(notes.count == 3)
        #expect(notes[1] == "the hook threw \0")
        #expect(notes[2].count == 500)
        for number in 0..<150 { try await store.note(jobID: "1", "\(number)") }
        #expect(try await store.job(id: "1")?.notes.count == JobStore.maximumNotes)
        #expect(await storeError { try await store.note(jobID: "unknown", "x") } == .unknownJob)
    }

    @Test func theAuditKeepsWhoWhatAndWhy() async throws {
        try await store.audit(action: "retry", actor: "ann", subject: "job-1", reason: "mended\0the\nsource")
        try await store.audit(action: "cancel", actor: "bob", subject: "job-2", reason: nil)
        let entries = try await store.auditEntries(limit: 10)
        #expect(entries.map(\.action) == ["cancel", "retry"])
        #expect(entries.map(\.actor) == ["bob", "ann"])
        #expect(entries.map(\.subject) == ["job-2", "job-1"])
        #expect(entries.map(\.reason) == [nil, "mended\0the\nsource"])
        #expect(try await store.auditEntries(limit: 1).count == 1)
        #expect(try await store.auditEntries(subject: "job-1").map(\.actor) == ["ann"])
        #expect(try await store.auditEntries(limit: 5, subject: "job").isEmpty)
    }

    @Test func aRecordThatSomethingElseHasBrokenIsNamed() async throws {
        _ = try await store.commit(Sample.transition("1"))
        try await store.pool.write { try $0.execute(sql: "UPDATE jobs SET status = 'Dancing'") }
        #expect(await storeError { _ = try await store.job(id: "1") } == .corrupt)
    }
}
