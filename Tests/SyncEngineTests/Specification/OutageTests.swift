// A system that is down: its jobs are parked and use up nothing, one at a time tries it, and when it is back all go on in the
// order of their receipt; other types run on meanwhile. The embedded system is never down: the engine waits for its store.
import DocumentSystems
import JobStore
import SyncBroker
import SyncJobs
import Testing

@testable import SyncEngine

@Suite struct OutageTests {
    private func shopType(_ world: LocalWorld, _ change: (inout Script) -> Void = { _ in }) -> SyncJobType {
        var script = world.script
        change(&script)
        return world.type(ScriptedSingle(script: script), name: "Shop Sync", target: LocalWorld.shopAccount)
    }

    /// A request whose document travels with it.
    private func carried(_ world: LocalWorld, _ id: String, _ source: String, type: String, _ version: Int)
        -> SyncRequest
    {
        world.request(id, source, type: type) {
            $0.document = ["name": .string("v\(version)"), "version": .int(version)]
        }
    }

    @Test func anHourOfOutageUsesUpNothingAndEndsInTheOrderOfEachKey() async throws {
        let world = try LocalWorld()
        let runs = Box(0)
        let healthy = world.type(ScriptedSingle(script: Script(WordLog())))
        let engine = try world.engine(
            shopType(world) { $0.on = { word, _ in if word == "after_start" { _ = runs.next() } } }, healthy)
        world.outside.with { $0.isDown = true }
        for number in 1...500 {
            let source = "C-\(number % 50)"
            let job = try await engine.deliver(carried(world, "s\(number)", source, type: "shop_sync", number))
            #expect(job.status == .queued && job.waitReason == .outage)
            if number % 10 == 0 {
                let other = try await engine.deliver(
                    carried(world, "h\(number)", source, type: "customer_sync", number))
                #expect(other.status == .finished, "another type of the queue runs on")
            }
        }
        #expect(runs.value == 5, "the circuit is open, and the rest is parked without a run")
        #expect(try await world.store.standstill().circuits.map(\.system) == ["shop"])
        for _ in 0..<60 { try await world.pass(.seconds(60), in: engine) }
        #expect(runs.value == 65, "one probe a minute")
        #expect(world.outside.writes.isEmpty)
        world.outside.with { $0.isDown = false }
        try await world.pass(.seconds(60), in: engine)
        #expect(try await world.store.standstill().isEmpty)
        #expect(try await world.store.parkedGroups().groups.isEmpty)
        #expect(await engine.deadLetters.isEmpty)
        var finished = JobFilter()
        finished.statuses = [.finished]
        finished.typeSlug = "shop_sync"
        finished.limit = 1_000
        let jobs = try await world.store.jobs(finished)
        #expect(jobs.count == 500)
        #expect(jobs.allSatisfy { $0.retryCount == 0 && $0.attemptCount == 1 })
        var written: [Int: [Int]] = [:]
        for write in world.outside.writes {
            let text = write.after?.fields["label"]?.stringValue ?? ""
            let version = try #require(Int(text.dropFirst()))
            written[version % 50, default: []].append(version)
        }
        #expect(written.count == 50)
        for versions in written.values { #expect(versions.count == 10 && versions == versions.sorted()) }
    }

    @Test func aJobThatAlwaysMeetsAnOutageKeepsNoCircuitOpen() async throws {
        let world = try LocalWorld()
        let engine = try world.engine(
            shopType(world) {
                $0.update = { target, job in
                    if job.job.id == "bad" { throw JobFailure(.systemUnavailable, "for this one", remedy: "none") }
                    target["label"] = job.source?["name"]
                }
            })
        world.outside.with { $0.isDown = true }
        try await engine.deliver(carried(world, "bad", "C-0", type: "shop_sync", 1))
        for number in 1...5 {
            try await engine.deliver(carried(world, "\(number)", "C-\(number)", type: "shop_sync", number))
        }
        world.outside.with { $0.isDown = false }
        for _ in 0..<3 { try await world.pass(.seconds(60), in: engine) }
        #expect(try await world.store.standstill().isEmpty)
        for number in 1...5 { #expect(try await world.job("\(number)").status == .finished) }
        let bad = try await world.job("bad")
        #expect(bad.status == .queued && bad.waitReason == .outage && bad.retryCount == 0)
        #expect(bad.error?.system == nil)
    }

    @Test func aProbeThatSaysNothingAboutTheSystemIsFollowedByTheNext() async throws {
        let world = try LocalWorld()
        let engine = try world.engine(
            shopType(world) { $0.target = { $0.job.id == "0" ? .none(.controller) : $0.defaultTarget } })
        // Parked unrun: the circuit was opened elsewhere.
        _ = try await world.store.openCircuit(
            OpenCircuit(
                system: "shop", openedAt: world.clock.now, reason: "closed", settings: CircuitSettings()))
        for number in 0...1 {
            try await engine.deliver(carried(world, "\(number)", "C-\(number)", type: "shop_sync", number))
        }
        try await world.pass(.seconds(10), in: engine)
        #expect(try await world.job("0").status == .noTarget)
        #expect(try await world.job("1").status == .finished)
        #expect(try await world.store.standstill().isEmpty)
    }

    @Test func anotherProcessKnowsAndItsCancelHolds() async throws {
        let world = try LocalWorld()
        let type = shopType(world)
        let engine = try world.engine(type)
        world.outside.with { $0.isDown = true }
        for number in 0..<5 {
            try await engine.deliver(carried(world, "\(number)", "C-\(number)", type: "shop_sync", number))
        }
        let other = try world.parts([type])
        guard case .waiting(let parked) = try await other.deliver(carried(world, "x", "C-9", type: "shop_sync", 1))
        else {
            Issue.record("it was run")
            return
        }
        #expect(parked.waitReason == .outage && parked.error == nil)
        try await world.perform(.cancel, "x", in: engine)
        world.outside.with { $0.isDown = false }
        try await world.pass(.seconds(60), in: engine)
        #expect(try await world.job("x").status == .canceled)
        #expect(world.outside.all().count == 5)
    }

    @Test func whatOpensAndClosesIsTold() async throws {
        let world = try LocalWorld()
        let sink = EventSink()
        let parts = try world.parts([shopType(world)], sink: sink)
        world.outside.with { $0.isDown = true }
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { await parts.events.run(into: sink) }
            for number in 0..<5 {
                _ = try await parts.deliver(carried(world, "\(number)", "C-\(number)", type: "shop_sync", number))
            }
            world.outside.with { $0.isDown = false }
            world.clock.advance(by: .seconds(10))
            let look = try await parts.parking.look()
            #expect(look.openCircuits == ["shop"] && look.parked == 5 && look.pausedQueues.isEmpty)
            let probe = try #require(look.probes.first)
            _ = try await parts.runner.run(probe, preparation: try await parts.runner.prepare([probe])[0])
            try await until("both are told") { sink.names.value.count >= 2 }
            group.cancelAll()
        }
        #expect(sink.names.value == ["circuit.opened.shop", "circuit.closed.shop"])
    }

    @Test func aProbeIsKeptWhileItRunsAndTakenOverWhenItsProcessIsGone() async throws {
        let world = try LocalWorld()
        let type = shopType(world)
        let first = try world.parts([type])
        let second = try world.parts([type])
        world.outside.with { $0.isDown = true }
        for number in 0..<5 {
            _ = try await first.deliver(carried(world, "\(number)", "C-\(number)", type: "shop_sync", number))
        }
        world.clock.advance(by: .seconds(10))
        #expect(try await first.parking.look().probes.count == 1)
        world.clock.advance(by: .seconds(14))
        // Still under way: the look moves its claim on.
        #expect(try await first.parking.look().probes.isEmpty)
        world.clock.advance(by: .seconds(14))
        #expect(try await second.parking.look().probes.isEmpty)
        world.clock.advance(by: .seconds(14))
        #expect(try await second.parking.look().probes.count == 1, "nobody has moved it on")
    }

    // MARK: the embedded system

    @Test func aBusyStoreFailsAndParksNoJob() async throws {
        let world = try LocalWorld()
        let busy = BusySystem(system: EmbeddedSystem(name: "app", store: world.store), failures: 2)
        let systems = DocumentSystems([EmbeddedSystem(name: "erp", store: world.store), busy])
        var script = world.script
        script.target = { job in
            _ = try await job.lookups.load(DocumentKey(type: LocalWorld.account, name: "A-1"))
            return job.defaultTarget
        }
        let parts = EngineParts(
            types: try SyncJobTypes([world.type(ScriptedSingle(script: script))]), systems: systems,
            store: world.store, publisher: DeafSink(), maximumDocumentBytes: 1_000_000,
            storePatience: .seconds(600), controllerThreads: 1, node: "test", logger: quietLogger,
            now: { world.clock.now })
        try await world.putCustomer("C-1", "Ada")
        guard case .committed(let job, _) = try await parts.deliver(world.request("1")) else {
            Issue.record("it was not run")
            return
        }
        #expect(job.status == .finished)
        #expect(job.attemptCount == 1 && job.retryCount == 0)
        #expect(busy.rest.value == 0, "it was met, and waited for")
        #expect(try await world.store.standstill().isEmpty)
    }
}

/// Takes everything, and keeps the names of events.
private struct EventSink: MessageSink {
    let names = Box<[String]>([])

    func publish(_ messages: [OutgoingMessage]) async -> [PublishOutcome] {
        messages.map { message in
            if case .event(let name, _) = message { names.change { $0.append(name) } }
            return .confirmed
        }
    }
}

/// The embedded system on a store that is busy for the first calls.
private struct BusySystem: DocumentSystem {
    let system: EmbeddedSystem
    let rest: Box<Int>

    init(system: EmbeddedSystem, failures: Int) {
        self.system = system
        rest = Box(failures)
    }

    var name: String { system.name }
    var isEmbedded: Bool { true }

    func shape(of typeName: String) -> DocumentShape? { system.shape(of: typeName) }

    func load(_ keys: [DocumentKey]) async throws(JobFailure) -> [DocumentState] {
        let isBusy = rest.change { rest in
            rest -= 1
            return rest >= 0
        }
        guard isBusy else {
            rest.set(0)
            return try await system.load(keys)
        }
        throw JobFailure(
            .systemUnavailable, "the system \"app\" is not available: busy", remedy: "it is tried again",
            disposition: .retryable(after: nil))
    }

    func find(_ queries: [DocumentQuery]) async throws(JobFailure) -> [[Document]] { try await system.find(queries) }
    func write(_ writes: [DocumentWrite]) async throws(JobFailure) -> [WriteResult] { try await system.write(writes) }
    func list(typeName: String, after name: String?, limit: Int) async throws(JobFailure) -> [Document] { [] }
    func count(typeName: String) async throws(JobFailure) -> Int { 0 }
    func check() async throws(JobFailure) -> [SystemProblem] { [] }
    func check(
        typeName: String, fields: [String], matches: [[String]]
    ) async throws(JobFailure) -> [SystemProblem] { [] }
    func drafts(of names: [String]) async throws(JobFailure) -> [DocumentDraft] { [] }
}
