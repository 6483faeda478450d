// Jobs that are decided together: which they are, that one of them which can't be committed is run by itself, and that each
// comes to the end which it would have come to alone.
import AMQP
import DocumentSystems
import SyncJobs
import Testing

@testable import JobStore
@testable import SyncBroker
@testable import SyncEngine

@Suite struct TogetherTests {
    private let world: LocalWorld

    init() throws { world = try LocalWorld() }

    private func mapping(
        _ name: String = "Customer Sync", target: DocumentType = LocalWorld.account,
        _ change: (inout Script) -> Void = { _ in }, type adjust: (inout SyncJobType) -> Void = { _ in }
    ) -> SyncJobType {
        var script = world.script
        change(&script)
        return world.type(ScriptedMapping(script: script, target: target), name: name, target: target, adjust)
    }

    private func queued(
        _ id: String, of type: SyncJobType, turn: Int = 0, delivery: Delivery? = nil,
        _ adjust: (inout SyncRequest) -> Void = { _ in }
    ) -> QueuedJob {
        QueuedJob(
            delivery: delivery, request: world.request(id, "C-\(id)", type: type.slug, adjust), type: type,
            queue: "default", receivedAt: TestClock.start, turn: turn, body: [])
    }

    private func decide(
        _ jobs: [QueuedJob], in parts: EngineParts
    ) async throws -> (decided: [JobRunner.Decided], others: [QueuedJob]) {
        let wave = jobs.map(\.together)
        let found = await parts.runner.decide(wave, try await parts.runner.prepare(wave))
        return (found.decided, found.others)
    }

    private func runAlone(_ job: QueuedJob, in parts: EngineParts) async throws -> SyncJob? {
        let preparation = try await parts.runner.prepare([job])[0]
        guard case .committed(let record, nil) = try await parts.runner.run(job, preparation: preparation) else {
            return nil
        }
        return record
    }

    @Test func ofAWaveWithSeveralTypesEachJobIsPreparedAsItsOwnTypeSays() async throws {
        let (customers, orders) = (mapping(), mapping("Order Sync", type: { $0.source = LocalWorld.shopOrder }))
        let parts = try world.parts([customers, orders])
        try await world.putCustomer("C-1", "One")
        try await world.putCustomer("C-3", "Three")
        let wave = [("1", customers), ("2", orders), ("3", customers), ("4", orders)].map { queued($0, of: $1) }
        let preparations = try await parts.runner.prepare(wave)
        #expect(preparations.map { $0.source?.document?.key?.name } == ["C-1", nil, "C-3", nil])
        #expect(preparations.map { $0.source == nil } == [false, true, false, true], "an order is in the shop")
    }

    // MARK: which they are

    @Test func onlyATypeWithoutCodeWhoseDocumentsAreAllInTheStoreRunsTogether() throws {
        let plain = mapping()
        let others = [
            mapping("Shop Sync", target: LocalWorld.shopAccount),
            mapping("Order Sync", type: { $0.source = LocalWorld.shopOrder }),
            mapping("Exclusive Sync", type: { $0.isExclusive = true }),
            mapping("Blocking Sync", type: { $0.onFailure = .block }),
            world.type(ScriptedSingle(script: world.script), name: "Coded Sync"),
            world.type(ScriptedMultiple(script: world.script), name: "Relay Sync"),
            world.type(ScriptedBypass(script: world.script), name: "Bypass Sync"),
        ]
        let runner = try world.parts([plain] + others).runner
        #expect(runner.pace(of: queued("1", of: plain)) == .storeOnly)
        for type in others { #expect(runner.pace(of: queued("1", of: type)) != .storeOnly, "\(type.name)") }
    }

    @Test func aJobThatWaitsOrHoldsAKeyOrIsSuspectRunsByItself() throws {
        let type = mapping()
        let runner = try world.parts([type]).runner
        let changes: [(inout SyncRequest) -> Void] = [
            { $0.hold = true }, { $0.notBefore = TestClock.start }, { $0.dedupKey = "k" }, { $0.relayFinished = "p" },
        ]
        for change in changes { #expect(runner.pace(of: queued("1", of: type, change)) == .open) }
        func delivery(count: Int) -> Delivery {
            Delivery(
                AMQPDelivery(
                    epoch: 1, tag: 1, queue: "ferry.default", redelivered: count > 0,
                    properties: AMQPProperties(headers: ["x-delivery-count": .int(Int64(count))]), body: []),
                origin: .work(queue: "default"))
        }
        #expect(runner.pace(of: queued("1", of: type, delivery: delivery(count: 2))) == .storeOnly)
        #expect(runner.pace(of: queued("1", of: type, delivery: delivery(count: 3))) == .open)
        var probe = queued("1", of: type)
        probe.probing = "app"
        #expect(runner.pace(of: probe) == .open)
    }

    // MARK: what becomes of them

    @Test func jobsThatAreDecidedTogetherEndAsTheyWouldAlone() async throws {
        let type = mapping {
            $0.update = { target, job in
                switch job.job.id {
                case "again": throw JobFailure.retryable("busy")
                case "never": throw JobFailure.permanent("no")
                default: target["label"] = job.source?["name"]
                }
            }
        }
        let parts = try world.parts([type])
        for id in ["new", "again", "never", "dry"] { try await world.putCustomer("C-\(id)", "Ada") }
        let jobs =
            ["new", "again", "never"].map { queued($0, of: type) } + [queued("dry", of: type) { $0.dryRun = true }]
        let (decided, others) = try await decide(jobs, in: parts)
        #expect(others.isEmpty)
        #expect(try await world.store.countJobs().isEmpty, "nothing is true before the commit")
        let transactions = world.store.transactionCount
        let ended = try await parts.runner.commit(decided)
        #expect(ended.map(\.job.request.id) == jobs.map(\.request.id))
        #expect(world.store.transactionCount == transactions + 1)
        #expect(try await world.job("new").status == .finished)
        #expect(try await world.account("C-new") == ["label": "Ada"])
        let again = try await world.job("again")
        #expect(again.status == .failed && again.isOpen)
        #expect(try await world.store.owedMessages(jobID: "again", limit: 9).map(\.kind) == [.again])
        #expect(try await world.job("never").isOpen == false)
        #expect(try await world.store.owedMessages(jobID: "never", limit: 9).map(\.kind) == [.deadLetter])
        #expect(try await world.job("dry").skipReason == .dryRun)
        #expect(try await world.account("C-dry") == nil)
        for id in ["new", "again", "never", "dry"] { #expect(try await world.job(id).attempts.count == 1) }
    }

    @Test func aTargetThatChangesBeforeTheCommitIsReadAgainForItsJobAlone() async throws {
        let type = mapping()
        let parts = try world.parts([type])
        let jobs = (1...3).map { queued("\($0)", of: type) }
        for number in 1...3 {
            try await world.putAccount("C-\(number)", ["label": "old"])
            try await world.putCustomer("C-\(number)", "old")
        }
        _ = try await world.store.commit(
            (1...3).map { number in
                let name = "C-\(number)"
                return JobTransition.next(
                    JobRun(
                        job: queued("bind \(number)", of: type).newRecord(), turn: 0, runID: "\(number)", node: "test",
                        startedAt: TestClock.start, body: []),
                    outcome: bound(name), type: type, chance: 0, now: TestClock.start)
            })
        for number in 1...3 { try await world.putCustomer("C-\(number)", "new", version: 2) }
        let (decided, others) = try await decide(jobs, in: parts)
        #expect(others.isEmpty)
        // Somebody else writes the same document, between our read and our commit.
        try await world.putAccount("C-2", ["label": "old", "touched": true])
        let ended = try await parts.runner.commit(decided)
        #expect(ended.map { $0.ending == nil } == [false, true, false])
        #expect(try await world.store.job(id: "2") == nil, "nothing of it is stored")
        #expect(try await world.account("C-2") == ["label": "old", "touched": true])
        #expect(try await world.account("C-1") == ["label": "new"])
        #expect(try await world.account("C-3") == ["label": "new"])

        let record = try await runAlone(ended[1].job, in: parts)
        #expect(record?.status == .finished)
        #expect(try await world.account("C-2") == ["label": "new", "touched": true])
        #expect(try await world.job("2").attempts.count == 1)
    }

    private func bound(_ name: String) -> Outcome {
        var outcome = Outcome(.skipped(.noChanges))
        outcome.binding = Binding(
            key: BindingKey(
                typeSlug: "customer_sync", source: DocumentKey(type: LocalWorld.customer, name: name)),
            target: DocumentKey(type: LocalWorld.account, name: name),
            sourceVersion: DocumentVersion(order: .number, text: "1"))
        return outcome
    }

    @Test func ofOneIDTwiceOneIsCommittedAndTheOtherFoundOutByItself() async throws {
        let type = mapping()
        let sink = KeepingSink()
        let parts = try world.parts([type], sink: sink)
        for name in ["C-1", "C-2"] { try await world.putCustomer(name, "Ada") }
        // Another document under the id of the first: they have different keys, and so they can be decided together.
        let jobs = [queued("1", of: type), queued("1", of: type) { $0.sourceDocumentName = "C-2" }]
        let (decided, others) = try await decide(jobs, in: parts)
        #expect(decided.count == 2 && others.isEmpty)
        let ended = try await parts.runner.commit(decided)
        #expect(ended.map { $0.ending == nil } == [false, true])
        let preparation = try await parts.runner.prepare([jobs[1]])[0]
        guard case .refused = try await parts.runner.run(jobs[1], preparation: preparation) else {
            Issue.record("not refused")
            return
        }
        #expect(sink.letters.value == [.idReused])
        #expect(try await world.account("C-1") != nil)
        #expect(try await world.account("C-2") == nil)
    }

    // MARK: what is found out only when the store was asked

    @Test func whatSomebodyAskedIsDoneByItselfAndADueRetryTogetherWithOthers() async throws {
        let isBusy = Box(true)
        let type = mapping {
            $0.update = { target, job in
                target["label"] = job.source?["name"]
                if job.job.id == "known", isBusy.takeFirst() { throw JobFailure.retryable("busy") }
            }
        }
        let paused = mapping("Paused Sync")
        let parts = try world.parts([type, paused])
        for id in ["known", "canceled", "paused", "plain"] { try await world.putCustomer("C-\(id)", "Ada") }
        #expect(try await runAlone(queued("known", of: type), in: parts)?.status == .failed)
        world.clock.advance(by: .seconds(60))
        _ = try await world.store.perform(
            .cancel, ids: ["canceled"], actor: "ann", reason: "not this", at: world.clock.now)
        try await world.store.pause([
            Pause(
                kind: .type, name: "paused_sync", reason: "moving", actor: "ann", since: world.clock.now, until: nil)
        ])
        let jobs = [
            queued("known", of: type, turn: 1), queued("canceled", of: type), queued("paused", of: paused),
            queued("plain", of: type),
        ]
        #expect(jobs.allSatisfy { parts.runner.pace(of: $0) == .storeOnly })
        let (decided, others) = try await decide(jobs, in: parts)
        #expect(decided.map(\.job.request.id) == ["known", "plain"])
        #expect(others.map(\.request.id) == ["canceled", "paused"])
        #expect(world.log.count("update") == 3, "none of the others has begun")
        #expect(try await parts.runner.commit(decided).allSatisfy { $0.ending != nil })
        for job in others { _ = try await runAlone(job, in: parts) }
        let known = try await world.job("known")
        #expect(known.status == .finished)
        #expect(known.attempts.map(\.outcome) == [.failed, .finished])
        #expect(try await world.job("canceled").status == .canceled)
        #expect(try await world.job("paused").waitReason == .paused)
        // A delivery that comes twice is over.
        let late = try await decide([queued("known", of: type, turn: 0)], in: parts)
        #expect(late.decided.isEmpty && late.others.count == 1)
        #expect(try await runAlone(late.others[0], in: parts) == nil)
        #expect(try await world.job("known").attempts.count == 2)
    }

    @Test func theStoresOwnTroubleAndACancellationDecideNothing() async throws {
        let type = mapping {
            $0.update = { target, job in
                if job.job.id == "1" {
                    var failure = JobFailure(.systemUnavailable, "locked", remedy: "wait")
                    failure.system = "app"
                    throw failure
                }
                if job.job.id == "2" { try Task.checkCancellation() }
                target["label"] = job.source?["name"]
            }
        }
        let parts = try world.parts([type])
        for number in 1...3 { try await world.putCustomer("C-\(number)", "Ada") }
        let jobs = (1...3).map { queued("\($0)", of: type) }
        let found = try await parts.runner.prepare(jobs)
        let task = Task {
            while !Task.isCancelled { await Task.yield() }
            return await parts.runner.decide(jobs.map(\.together), found)
        }
        task.cancel()
        let wave = await task.value
        #expect(wave.decided.map(\.job.request.id) == ["3"])
        #expect(wave.others.map(\.request.id) == ["1", "2"])
        #expect(try await parts.runner.commit(wave.decided).count == 1)
        #expect(try await world.store.countJobs() == [.finished: 1])
    }
}

extension QueuedJob {
    /// As the pipeline passes it on.
    fileprivate var together: QueuedJob {
        var job = self
        job.pace = .storeOnly
        return job
    }
}

/// Takes everything, and remembers why letters are dead.
private final class KeepingSink: MessageSink {
    let letters = Box<[JobFailure.Code]>([])

    func publish(_ messages: [OutgoingMessage]) async -> [PublishOutcome] {
        for message in messages {
            if case .deadLetter(let letter, _, _) = message { letters.change { $0.append(letter.reason.code) } }
        }
        return messages.map { _ in .confirmed }
    }
}
