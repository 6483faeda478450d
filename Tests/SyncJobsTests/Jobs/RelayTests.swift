// Children of a relay, as values: their ids, what they inherit, and what an answer must say.
import SyncJobs
import Testing

private struct Nothing: MultipleTargetsController {
    func targets(for job: JobHandle) async throws -> [RelayTarget] { [] }
    func update(_ target: inout Document, for job: JobHandle) async throws {}
}

private let type = SyncJobType(
    name: "Country Relay", source: DocumentType(system: "erp", name: "Country"),
    target: DocumentType(system: "app", name: "Region"), queue: "long", controller: Nothing())

private func parent(_ change: (inout SyncRequest) -> Void = { _ in }) -> SyncJob {
    var request = SyncRequest(id: "fr:1", type: "country_relay", sourceName: "FR")
    change(&request)
    return SyncJob(request: request, type: type, queue: "short", createdAt: Timestamp(microseconds: 0))
}

@Suite("A child of a relay")
struct RelayTests {
    @Test("has an id that derives from its parent's id and its key")
    func id() throws {
        let child = try RelayTarget(key: "FR-01").request(childOf: parent(), type: type)
        #expect(child.id == "fr:1/FR-01" && child.parentSyncJob == "fr:1" && child.targetKey == "FR-01")
        let again = try RelayTarget(key: "FR-01").request(childOf: parent(), type: type)
        #expect(again == child)
        let byName = try RelayTarget(operation: .update, name: "R 1").request(childOf: parent(), type: type)
        #expect(byName.id.hasPrefix("fr:1/~") && byName.id.utf8.count == 6 + 32)
    }

    @Test("inherits queue, timeout, retry policy, trigger and all flags, and not what belongs to its parent alone")
    func inherits() throws {
        let job = parent {
            $0.timeout = .seconds(7)
            $0.retryDelay = .seconds(8)
            $0.maxRetries = 0
            $0.triggerType = .webhook
            $0.triggeredByDocumentName = "T"
            $0.flags.insertEnabled = false
            $0.flags.updateEnabled = true
            $0.flags.deleteEnabled = false
            $0.flags.updateWithoutChangesEnabled = true
            $0.flags.verboseLogging = true
            $0.dryRun = true
            $0.context = ["a": 1]
            $0.dedupKey = "d"
            $0.hold = true
            $0.notBefore = Timestamp(microseconds: 1)
        }
        let child = try RelayTarget(key: "k").request(childOf: job, type: type)
        #expect(child.queue == "short" && child.timeout == .seconds(7) && child.retryDelay == .seconds(8))
        #expect(child.maxRetries == 0 && child.triggerType == .webhook && child.triggeredByDocumentName == "T")
        #expect(child.flags == job.request.flags && child.dryRun && child.context == ["a": 1])
        #expect(child.dedupKey == nil && !child.hold && child.notBefore == nil)
        let own = try RelayTarget(key: "k", context: ["b": 2]).request(childOf: job, type: type)
        #expect(own.context == ["b": 2])
    }

    @Test("of another source may relay again; with an operation it may not")
    func nested() throws {
        let other = try RelayTarget(key: "k", source: "DE").request(childOf: parent(), type: type)
        #expect(other.sourceDocumentName == "DE" && other.targetKey == nil)
        let decided = try RelayTarget(operation: .insert, key: "k", source: "DE").request(childOf: parent(), type: type)
        #expect(decided.targetKey == "k")
    }

    @Test(
        "is refused when it can't be told from others, or names no target for its update",
        arguments: [
            RelayTarget(operation: .insert), RelayTarget(operation: .update, key: "k"),
            RelayTarget(operation: .delete, key: "k"), RelayTarget(key: ""),
        ])
    func refused(answer: RelayTarget) {
        let failure = #expect(throws: JobFailure.self) { try answer.request(childOf: parent(), type: type) }
        #expect(failure?.code == .invalidTarget && failure?.disposition == .permanent)
    }

    @Test("runs beside the other children of its source, and behind an earlier one of its own key")
    func orderKeys() throws {
        let one = try RelayTarget(key: "1").request(childOf: parent(), type: type).orderKey(of: type)
        let two = try RelayTarget(key: "2").request(childOf: parent(), type: type).orderKey(of: type)
        #expect(one != two && one != parent().request.orderKey(of: type))
        var later = parent()
        later.request.id = "fr:2"
        #expect(try RelayTarget(key: "1").request(childOf: later, type: type).orderKey(of: type) == one)
    }

    @Test("a summary counts by status, and its event names the first twenty errors")
    func summary() {
        let failed = (0..<30).map {
            RelaySummary.FailedChild(id: "c\($0)", status: .failed, error: JobFailure(.targetGone, "gone", remedy: "r"))
        }
        let counts: [JobStatus: Int] = [
            .finished: 5, .relayed: 1, .skipped: 2, .noTarget: 3, .failed: 30, .canceled: 4,
        ]
        let summary = RelaySummary(parentID: "p", revision: 2, counts: counts, failedChildren: failed)
        #expect(summary.total == 45)
        let json = summary.json.objectValue
        #expect(json?["succeeded"] == 6 && json?["failed"] == 30 && json?["canceled"] == 4 && json?["no_target"] == 3)
        #expect(json?["errors"]?.arrayValue?.count == 20)
    }
}

@Suite("A derived id")
struct DerivedIDTests {
    @Test("of two different pairs of parent and key is never the same")
    func injective() {
        let pairs = [
            ("a", "b/c"), ("a/b", "c"), ("a", "b"), ("a", ""), ("a", "é"), ("a", "e\u{301}"),
            ("a", String(repeating: "x", count: 61)), ("a", "~x"), (String(repeating: "p", count: 250), "k"),
            (String(repeating: "p", count: 249), "k"),
        ]
        let ids = pairs.map { SyncRequest.derivedID(of: $0.0, mark: "/", key: $0.1) }
        #expect(Set(ids.map { Array($0.utf8) }).count == pairs.count)
        #expect(ids.allSatisfy { $0.utf8.count <= SyncRequest.maximumIDBytes })
    }
}

@Suite("A retry policy")
struct RetryPolicyTests {
    @Test("waits its delay, doubled by an exponential backoff up to its cap, stretched by at most its jitter")
    func delays() {
        var policy = RetryPolicy()
        policy.delay = .seconds(10)
        policy.jitter = 0
        #expect((1...4).map { policy.delay(ofRetry: $0, chance: 0.9) } == Array(repeating: .seconds(10), count: 4))
        policy.backoff = .exponential
        policy.maximumDelay = .seconds(60)
        #expect((1...5).map { policy.delay(ofRetry: $0, chance: 0) } == [10, 20, 40, 60, 60].map { .seconds($0) })
        #expect(policy.delay(ofRetry: 1_000_000, chance: 0) == .seconds(60))
        policy.jitter = 0.5
        #expect(policy.delay(ofRetry: 1, chance: 0) == .seconds(10))
        #expect(policy.delay(ofRetry: 1, chance: 1) == .seconds(15))
    }

    @Test("takes what the request says instead, 0 retries among it")
    func overrides() {
        var request = SyncRequest(id: "1", type: "t", sourceName: "s")
        request.maxRetries = 0
        request.retryDelay = .seconds(1)
        let policy = RetryPolicy().applying(request)
        #expect(policy.maxRetries == 0 && policy.delay == .seconds(1))
        #expect(RetryPolicy().applying(SyncRequest(id: "1", type: "t", sourceName: "s")) == RetryPolicy())
    }
}

@Suite("Progress")
struct JobProgressTests {
    @Test("computes its percentage, and is read as it was written")
    func json() {
        let progress = JobProgress(done: 1, total: 3, title: "Rows", description: "of the list")
        #expect(
            progress.json == [
                "percent": .number(JSONNumber("33.33") ?? 0), "done": 1, "total": 3, "title": "Rows",
                "description": "of the list",
            ])
        #expect(JobProgress(json: progress.json)?.json == progress.json)
        #expect(JobProgress(done: 0, total: 0).percent == 100)
        #expect(JobProgress(percent: .nan).json == [:])
        #expect(JobProgress(percent: 250).json == ["percent": .number(JSONNumber("100.00") ?? 0)])
    }
}
