// Which waiting job may stand for another of its key, and which of the two.
import JobStore
import SyncJobs
import Testing

@testable import SyncEngine

@Suite struct CoalescingTests {
    private static let shape = DocumentShape(version: .init(field: "version", order: .number))
    private let coalescing = Coalescing { _ in shape }

    private func job(
        _ id: String, version: String? = nil, queue: String = "default", coalesces: Bool = true,
        type slug: String = "customer_sync", _ adjust: (inout SyncRequest) -> Void = { _ in }
    ) -> QueuedJob {
        var type = SyncJobType(
            name: slug, source: LocalWorld.customer, target: LocalWorld.account,
            controller: ScriptedSingle(script: Script(WordLog())))
        type.coalesces = coalesces
        var request = SyncRequest(id: id, type: slug, sourceName: "C-1")
        request.sourceVersion = version
        adjust(&request)
        return QueuedJob(
            delivery: nil, request: request, type: type, queue: queue, receivedAt: TestClock.start, turn: 0, body: [])
    }

    @Test func equalRequestsOfOneKeyMerge() {
        #expect(coalescing.canMerge(job("1"), job("2")))
        #expect(coalescing.canMerge(job("1", version: "1"), job("2", version: "2")))
        #expect(!coalescing.canMerge(job("1", coalesces: false), job("2", coalesces: false)))
    }

    @Test func whatDiffersInWhatItRunsDoesNotMerge() {
        let changes: [@Sendable (inout SyncRequest) -> Void] = [
            { $0.operation = .update }, { $0.targetDocumentName = "A" }, { $0.targetDocumentType = "Other" },
            { $0.targetKey = "k" }, { $0.context = ["a": 1] }, { $0.flags.insertEnabled = false },
            { $0.flags.verboseLogging = true }, { $0.sourceDocumentName = "C-2" }, { $0.parentSyncJob = "p" },
        ]
        for change in changes {
            #expect(!coalescing.canMerge(job("1"), job("2", change)))
            #expect(!coalescing.canMerge(job("1", change), job("2")))
            #expect(coalescing.canMerge(job("1", change), job("2", change)), "equal again")
        }
        #expect(!coalescing.canMerge(job("1"), job("2", queue: "long")))
        #expect(!coalescing.canMerge(job("1"), job("2", type: "other_sync")))
    }

    @Test func whatCantBeReplacedDoesNotMergeAndReplacesNothing() {
        let changes: [@Sendable (inout SyncRequest) -> Void] = [
            { $0.dryRun = true }, { $0.document = ["name": "Ada"] }, { $0.operation = .delete }, { $0.hold = true },
            { $0.notBefore = TestClock.start }, { $0.dedupKey = "k" }, { $0.relayFinished = "p" },
            {
                $0.sourceDocumentName = nil
                $0.context = [:]
            },
        ]
        for change in changes { #expect(!coalescing.canMerge(job("1", change), job("2", change))) }
    }

    @Test func theHigherVersionWinsElseTheLaterArrival() {
        #expect(coalescing.arrivingWins(job("1", version: "9"), job("2", version: "10")), "by number, not by text")
        #expect(!coalescing.arrivingWins(job("1", version: "10"), job("2", version: "9")))
        #expect(coalescing.arrivingWins(job("1", version: "9"), job("2", version: "9")))
        #expect(coalescing.arrivingWins(job("1"), job("2")))
        #expect(coalescing.arrivingWins(job("1", version: "9"), job("2")))
        #expect(coalescing.arrivingWins(job("1", version: "no number"), job("2", version: "1")))
    }

    @Test func oneJobStandsForABoundedNumberOfOthers() {
        var waiting = job("1")
        waiting.superseded = (0..<Coalescing.maximumSuperseded).map { "\($0)" }
        #expect(!coalescing.canMerge(waiting, job("2")))
    }

    @Test func theReplacedEndsSupersededWithoutHooksAndNamesTheWinner() async throws {
        let world = try LocalWorld()
        let type = world.type(ScriptedSingle(script: world.script)) { $0.coalesces = true }
        let parts = try world.parts([type])
        func queued(_ id: String) -> QueuedJob {
            QueuedJob(
                delivery: nil, request: world.request(id), type: type, queue: "default", receivedAt: world.clock.now,
                turn: 0, body: [])
        }
        let endings = try await parts.runner.supersede([(loser: queued("old"), winner: queued("new"))])
        guard case .committed(let record, _)?? = endings.first else {
            Issue.record("it was not skipped")
            return
        }
        #expect(record.status == .skipped)
        #expect(record.skipReason == .superseded)
        #expect(record.relatedJob == "new")
        #expect(world.log.all.isEmpty)
    }

    @Test func aWinnerThatFailsForGoodOrIsCanceledNamesWhatItStoodFor() async throws {
        for disposition in [JobFailure.Disposition.permanent, .cancel] {
            let world = try LocalWorld()
            var script = world.script
            script.update = { _, _ in
                throw JobFailure(.controllerFailed, "no", remedy: "none", disposition: disposition)
            }
            let type = world.type(ScriptedSingle(script: script)) { $0.coalesces = true }
            let parts = try world.parts([type])
            try await world.putCustomer("C-1", "Ada")
            var winner = QueuedJob(
                delivery: nil, request: world.request("new"), type: type, queue: "default",
                receivedAt: world.clock.now, turn: 0, body: [])
            winner.superseded = ["old 1", "old 2"]
            _ = try await parts.runner.run(winner, preparation: try await parts.runner.prepare([winner])[0])
            #expect(try await world.job("new").notes == ["stood for the superseded old 1, old 2"])
        }
    }
}
