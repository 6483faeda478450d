// Jobs that travel together into a system elsewhere: which they are, that each step is one call for all of them, and that each
// comes to the end which it would have come to alone.
import DocumentSystems
import SyncJobs
import Testing

@testable import JobStore
@testable import SyncEngine

@Suite struct ConvoyTests {
    private let world: LocalWorld
    private let cutOff = Box<[JobRunner.Ended]>([])

    init() throws { world = try LocalWorld() }

    private func mapping(
        _ name: String = "Customer Sync", target: DocumentType = LocalWorld.shopAccount,
        _ change: (inout Script) -> Void = { _ in }, type adjust: (inout SyncJobType) -> Void = { _ in }
    ) -> SyncJobType {
        var script = world.script
        change(&script)
        return world.type(ScriptedMapping(script: script, target: target), name: name, target: target, adjust)
    }

    private func queued(
        _ id: String, of type: SyncJobType, _ adjust: (inout SyncRequest) -> Void = { _ in }
    ) -> QueuedJob {
        QueuedJob(
            delivery: nil, request: world.request(id, "C-\(id)", type: type.slug, adjust), type: type,
            queue: "default", receivedAt: TestClock.start, turn: 0, body: []
        ).with(pace: .convoy("shop"))
    }

    /// Takes jobs to their ends together; those without one by themselves after that, as the pipeline does.
    @discardableResult
    private func travel(_ jobs: [QueuedJob], in parts: EngineParts) async throws -> (ended: [String], again: [String]) {
        let cutOff = self.cutOff
        let ended = try await parts.runner.run(convoy: jobs, try await parts.runner.prepare(jobs)) { one in
            cutOff.change { $0.append(one) }
        }
        for one in ended where one.ending == nil {
            let preparation = try await parts.runner.prepare([one.job])[0]
            _ = try await parts.runner.run(one.job, preparation: preparation)
        }
        return (
            ended.filter { $0.ending != nil }.map(\.job.request.id),
            ended.filter { $0.ending == nil }.map(\.job.request.id)
        )
    }

    /// Customers that are synced already and have changed since, and the jobs of that change.
    private func changedCustomers(_ ids: String..., of type: SyncJobType, in parts: EngineParts) async throws
        -> [QueuedJob]
    {
        for id in ids { try await world.putCustomer("C-\(id)", "old") }
        try await travel(
            ids.map { id in queued("first \(id)", of: type) { $0.sourceDocumentName = "C-\(id)" } }, in: parts)
        for id in ids { try await world.putCustomer("C-\(id)", "new", version: 2) }
        return ids.map { queued($0, of: type) }
    }

    private func label(of id: String) async throws -> JSONValue? {
        guard let target = try await world.binding("C-\(id)")?.target.name else { return nil }
        return world.outside.all()[target]?["label"]
    }

    // MARK: which they are

    @Test func aTypeWithoutCodeThatHasDocumentsElsewhereTravels() throws {
        let plain = mapping()
        let order = mapping("Order Sync", target: LocalWorld.account, type: { $0.source = LocalWorld.shopOrder })
        let others = [
            mapping("Account Sync", target: LocalWorld.account),
            mapping("Exclusive Sync", type: { $0.isExclusive = true }),
            mapping("Blocking Sync", type: { $0.onFailure = .block }),
            world.type(ScriptedSingle(script: world.script), name: "Coded Sync", target: LocalWorld.shopAccount),
        ]
        let runner = try world.parts([plain, order] + others).runner
        let shop = JobPace.convoy("shop")
        #expect(runner.pace(of: queued("1", of: plain)) == shop)
        #expect(runner.pace(of: queued("1", of: order)) == shop)
        for type in others { #expect(runner.pace(of: queued("1", of: type)) != shop, "\(type.name)") }
        #expect(runner.pace(of: queued("1", of: plain) { $0.dedupKey = "k" }) == .open)
        var probe = queued("1", of: plain)
        probe.probing = "shop"
        #expect(runner.pace(of: probe) == .open, "it is to find out alone")
    }

    // MARK: what becomes of them

    @Test func eachStepOfAConvoyIsOneCallForAllItsJobs() async throws {
        let type = mapping()
        let parts = try world.parts([type])
        let jobs = try await changedCustomers("1", "2", "3", of: type, in: parts)
        let transactions = world.store.transactionCount
        world.outside.with { ($0.loadCalls, $0.writeCalls) = (0, 0) }
        #expect(try await travel(jobs, in: parts).ended == ["1", "2", "3"])
        #expect(world.outside.with { $0.loadCalls } == 1)
        #expect(world.outside.with { $0.writeCalls } == 1)
        #expect(world.store.transactionCount == transactions + 2, "the intents, and the ends")
        for id in ["1", "2", "3"] {
            let record = try await world.job(id)
            #expect(record.status == .finished)
            #expect(record.attempts.count == 1)
            #expect(try await label(of: id) == "new")
            let preparation = try await world.store.prepare([JobStore.Lookup(jobID: id)])[0]
            #expect(preparation.intent == nil, "it goes with the commit")
        }
    }

    @Test func jobsInAConvoyEndAsTheyWouldAlone() async throws {
        let type = mapping {
            $0.target = Script.matching("number")
            $0.update = { target, job in
                switch job.job.id {
                case "again": throw JobFailure.retryable("busy")
                case "never": throw JobFailure.permanent("no")
                default:
                    target["number"] = job.source?.key.map { .string($0.name) }
                    target["label"] = job.source?["name"]
                }
            }
        }
        let parts = try world.parts([type])
        for id in ["new", "there", "again", "never", "dry", "refused"] { try await world.putCustomer("C-\(id)", "Ada") }
        world.outside.put("S-9", ["number": "C-there", "label": "Ada"])
        let jobs =
            ["new", "there", "again", "never"].map { queued($0, of: type) }
            + [queued("dry", of: type) { $0.dryRun = true }, queued("gone", of: type)]
        let (ended, again) = try await travel(jobs, in: parts)
        #expect(ended.sorted() == ["again", "dry", "gone", "never", "new", "there"])
        #expect(again.isEmpty)
        #expect(try await world.job("new").operation == .insert)
        #expect(try await label(of: "new") == "Ada")
        #expect(try await world.job("there").skipReason == .noChanges)
        #expect(try await world.binding("C-there")?.target.name == "S-9", "found, and bound")
        #expect(try await world.job("again").isOpen)
        #expect(try await world.store.owedMessages(jobID: "never", limit: 9).map(\.kind) == [.deadLetter])
        #expect(try await world.job("dry").skipReason == .dryRun)
        #expect(try await world.job("gone").error?.code == .sourceNotVisible)
        #expect(world.outside.writes.count == 1)
    }

    @Test func oneThatIsRefusedFailsAloneAndOneInConflictRunsAgainByItself() async throws {
        let type = mapping()
        let parts = try world.parts([type])
        let jobs = try await changedCustomers("1", "2", "3", of: type, in: parts)
        let refusal = JobFailure(.constraintViolated, "no", remedy: "another value", disposition: .permanent)
        world.outside.fail(.refused(refusal), .conflict)
        let (ended, again) = try await travel(jobs, in: parts)
        #expect(again == ["2"])
        #expect(ended.sorted() == ["1", "3"])
        #expect(try await world.job("1").error?.code == .constraintViolated)
        for id in ["2", "3"] { #expect(try await label(of: id) == "new") }
        #expect(try await world.job("2").attempts.count == 1, "the conflict was none")
    }

    @Test func whatSomebodyElseWroteIsNotTakenForTheWriteOfARunInConflict() async throws {
        let type = mapping()
        let parts = try world.parts([type])
        let jobs = try await changedCustomers("1", "2", of: type, in: parts)
        let name = try #require(try await world.binding("C-1")?.target.name)
        world.outside.with { state in
            state.willWrite = { [outside = world.outside] write in
                // Just what the run intends, after its intent.
                if write.before?.key?.name == name { outside.put(name, ["label": "new", "secret": .null]) }
            }
        }
        #expect(try await travel(jobs, in: parts).again == ["1"])
        #expect(try await world.job("1").skipReason == .noChanges, "it has written nothing itself")
        #expect(try await world.job("2").status == .finished)
    }

    @Test func aSourceThatChangesBeforeOrWhileTheTargetIsWrittenIsSyncedAgain() async throws {
        let world = self.world
        let isFirst = Box(true)
        let type = mapping {
            $0.update = { target, job in
                target["label"] = job.source?["name"]
                // The source is read, and so is the target.
                guard job.job.id == "1", isFirst.takeFirst() else { return }
                try await world.putCustomer("C-1", "newest", version: 3)
            }
        }
        let parts = try world.parts([type])
        let jobs = try await changedCustomers("1", "2", "3", of: type, in: parts)
        let writes = world.outside.writes.count
        let isFirstWrite = Box(true)
        world.outside.with { state in
            state.willWrite = { _ in
                guard isFirstWrite.takeFirst() else { return }
                await #expect(throws: Never.self) { try await world.putCustomer("C-2", "newest", version: 3) }
            }
        }
        let (ended, again) = try await travel(jobs, in: parts)
        #expect(ended == ["3"])
        #expect(again.sorted() == ["1", "2"])
        #expect(try await label(of: "1") == "newest")
        #expect(try await label(of: "2") == "newest")
        #expect(try await label(of: "3") == "new")
        let written = world.outside.writes.dropFirst(writes).compactMap { $0.after?.fields["label"]?.stringValue }
        #expect(written.sorted() == ["new", "new", "newest", "newest"], "the first one's older source was not written")
    }

    @Test func whatASystemThatIsDownOrADocumentCannotAnswerIsFoundOutByEachJobItself() async throws {
        let type = mapping()
        let parts = try world.parts([type])
        let jobs = try await changedCustomers("1", "2", of: type, in: parts)
        world.outside.with { $0.isDown = true }
        #expect(try await travel(jobs, in: parts).again == ["1", "2"])
        for id in ["1", "2"] { #expect(try await world.job(id).error?.code == .systemUnavailable) }
    }

    @Test func aWriteWhoseAnswerIsLostIsFinishedByTheNextTurn() async throws {
        let type = mapping()
        let parts = try world.parts([type])
        let jobs = try await changedCustomers("1", "2", of: type, in: parts)
        world.outside.fail(.lost)
        #expect(try await travel(jobs, in: parts).ended == ["1", "2"])
        for id in ["1", "2"] { #expect(try await world.job(id).error?.code == .systemUnavailable) }
        world.clock.advance(by: .seconds(60))
        let writes = world.outside.writes.count
        for id in ["1", "2"] {
            let later = QueuedJob(
                delivery: nil, request: jobs[0].request.with(id: id), type: type, queue: "default",
                receivedAt: world.clock.now, turn: 1, body: [])
            #expect(try await travel([later], in: parts).again == [id], "its intent is known")
            let record = try await world.job(id)
            #expect(record.status == .finished)
            #expect(record.diff?.isEmpty == false)
            #expect(try await label(of: id) == "new")
        }
        #expect(world.outside.writes.count == writes + 1, "the first was made, the second was not")
    }

    @Test func aSourceElsewhereIsReadInOneCall() async throws {
        let type = mapping("Order Sync", target: LocalWorld.account, type: { $0.source = LocalWorld.shopOrder })
        let parts = try world.parts([type])
        for id in ["1", "2"] { world.outside.put("C-\(id)", ["name": "Ada", "version": 1], type: "Order") }
        #expect(try await travel(["1", "2"].map { queued($0, of: type) }, in: parts).ended == ["1", "2"])
        #expect(world.outside.with { $0.loadCalls } == 1)
        for id in ["1", "2"] { #expect(try await world.account("C-\(id)")?["label"] == "Ada") }
    }

    // MARK: cut off

    private typealias Ends = (ended: [String], again: [String])

    /// Runs `body` while the first write of the jobs hangs, which goes on when it is told to.
    private func holdingWrites(
        of jobs: [QueuedJob], in parts: EngineParts,
        _ body: (_ ends: Task<Ends, any Error>, _ goOn: @Sendable () -> Void) async throws -> Void
    ) async throws {
        let (begun, hasBegun) = AsyncStream.makeStream(of: Void.self)
        let (released, release) = AsyncStream.makeStream(of: Void.self)
        world.outside.with { state in
            state.willWrite = { _ in
                hasBegun.yield()
                for await _ in released { return }
            }
        }
        // Awaited by every test.
        let ends = Task { try await travel(jobs, in: parts) }
        for await _ in begun { break }
        try await body(ends) { release.finish() }
    }

    @Test func oneThatIsCutOffEndsAtOnceAndTheOthersGoOn() async throws {
        let type = mapping()
        let parts = try world.parts([type])
        let jobs = try await changedCustomers("1", "2", "3", of: type, in: parts)
        try await holdingWrites(of: jobs, in: parts) { ends, goOn in
            let run = try #require(parts.runs.run(ofJob: "2"))
            run.interrupt(.timedOut)
            // Committed although the write hangs.
            try await until("the job that was cut off has a record") { try await world.store.job(id: "2") != nil }
            #expect(cutOff.value.isEmpty, "its key is closed as long as its write may land")
            goOn()
            let (ended, again) = try await ends.value
            #expect(ended == ["1", "3"] && again.isEmpty)
        }
        #expect(cutOff.value.map(\.job.request.id) == ["2"])
        let record = try await world.job("2")
        #expect(record.error?.code == .timedOut)
        #expect(try await world.store.prepare([JobStore.Lookup(jobID: "2")])[0].intent != nil, "its write was made")
        for id in ["1", "3"] { #expect(try await world.job(id).status == .finished) }
    }

    @Test func oneThatIsCutOffBeforeItsWriteIsNotWritten() async throws {
        let parts = Box<EngineParts?>(nil)
        let type = mapping {
            $0.update = { target, job in
                target["label"] = job.source?["name"]
                if job.job.id == "2" { parts.value?.runs.run(ofJob: "2")?.interrupt(.canceled("not this")) }
            }
        }
        let engine = try world.parts([type])
        parts.set(engine)
        let jobs = try await changedCustomers("1", "2", of: type, in: engine)
        #expect(try await travel(jobs, in: engine).ended == ["1"])
        #expect(try await world.job("2").status == .canceled)
        #expect(try await label(of: "2") == "old")
        #expect(cutOff.value.count == 1)
    }

    @Test func aWorkerThatStopsWaitsForNoWriteThatHangs() async throws {
        let type = mapping()
        let parts = try world.parts([type])
        let jobs = try await changedCustomers("1", "2", of: type, in: parts)
        try await holdingWrites(of: jobs, in: parts) { ends, goOn in
            parts.runs.handBack()
            let (ended, again) = try await ends.value
            #expect(ended.isEmpty && again.isEmpty)
            #expect(cutOff.value.count == 2)
            for id in ["1", "2"] { #expect(try await world.job(id).isOpen) }
            goOn()
        }
    }
}

extension SyncRequest {
    /// The same for the customer of another job.
    fileprivate func with(id: String) -> SyncRequest {
        var request = self
        request.id = id
        request.sourceDocumentName = "C-\(id)"
        return request
    }
}
