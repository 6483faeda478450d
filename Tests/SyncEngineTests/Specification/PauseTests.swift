// What an operator has paused: parked with its request, remembered over a restart, and on its way again in the order of its
// receipt. Parking is bounded: beyond the bound nothing is taken of the queue.
import JobStore
import SyncBroker
import SyncJobs
import Testing

@testable import SyncEngine

@Suite struct PauseTests {
    private func pause(
        _ world: LocalWorld, _ kind: Pause.Kind = .type, _ name: String = "customer_sync", for duration: Duration? = nil
    ) async throws {
        try await world.store.pause([
            Pause(
                kind: kind, name: name, reason: "moving", actor: "ada", since: world.clock.now,
                until: duration.map { world.clock.now.advanced(by: $0) })
        ])
    }

    private func resume(_ world: LocalWorld, _ kind: Pause.Kind = .type, _ name: String = "customer_sync") async throws
    {
        _ = try await world.store.resume([(kind, name)], actor: "ada", reason: nil, at: world.clock.now)
    }

    @Test func aPausedTypeIsParkedAndGoesOnInOrderAfterARestart() async throws {
        let world = try LocalWorld()
        let order = Box<[String]>([])
        let type = world.type(
            ScriptedSingle(
                script: {
                    var script = world.script
                    script.on = { word, job in if word == "update" { order.change { $0.append(job.job.id) } } }
                    return script
                }()))
        try await world.putCustomer("C-1", "Ada")
        try await world.putCustomer("C-2", "Bob")
        try await pause(world)
        let engine = try world.engine(type)
        for id in ["1", "2", "3"] {
            let job = try await engine.deliver(world.request(id))
            #expect(job.status == .queued && job.waitReason == .paused && job.attempts.isEmpty)
            #expect(job.request.sourceDocumentName == "C-1", "the request is in the record")
        }
        try await engine.deliver(world.request("4", "C-2"))
        try await engine.runPending()
        #expect(order.value.isEmpty)
        // Another process, as after a restart.
        let restarted = try world.engine(type)
        try await restarted.runPending()
        #expect(order.value.isEmpty)
        try await resume(world)
        try await restarted.runPending()
        #expect(order.value.filter { $0 != "4" } == ["1", "2", "3"])
        #expect(order.value.count == 4)
        for id in ["1", "2", "3", "4"] { #expect(try await !world.job(id).isOpen) }
    }

    @Test func aNewcomerParksBehindWhatIsStillOnItsWay() async throws {
        let world = try LocalWorld()
        let parts = try world.parts([world.type(ScriptedSingle(script: world.script))], sink: TakingSink())
        try await world.putCustomer("C-1", "Ada")
        try await pause(world)
        guard case .waiting = try await parts.deliver(world.request("1")) else { Issue.record("it was run"); return }
        try await resume(world)
        #expect(try await parts.parking.look().released == 1)
        guard case .waiting(let behind) = try await parts.deliver(world.request("2")) else {
            Issue.record("it overtook")
            return
        }
        #expect(behind.waitReason == .paused)
        guard case .committed(let first, _) = try await parts.deliver(world.request("1"), turn: 1) else {
            Issue.record("the first did not run")
            return
        }
        #expect(first.status == .finished)
        guard case .committed(let second, _) = try await parts.deliver(world.request("2"), turn: 1) else {
            Issue.record("the second did not run")
            return
        }
        #expect(!second.isOpen)
        guard case .committed = try await parts.deliver(world.request("3")) else { Issue.record("it waits"); return }
    }

    @Test(arguments: [(Pause.Kind.queue, "default"), (.system, "erp"), (.system, "app")])
    func aPausedQueueOrSystemParks(kind: Pause.Kind, name: String) async throws {
        let world = try LocalWorld()
        let engine = try world.single()
        try await world.putCustomer("C-1", "Ada")
        try await pause(world, kind, name)
        #expect(try await engine.deliver(world.request("1")).waitReason == .paused)
        try await resume(world, kind, name)
        try await engine.runPending()
        #expect(try await world.job("1").status == .finished)
    }

    @Test func aPauseForATimeEndsByItself() async throws {
        let world = try LocalWorld()
        let engine = try world.single()
        try await world.putCustomer("C-1", "Ada")
        try await pause(world, for: .seconds(3_600))
        try await engine.deliver(world.request("1"))
        try await world.pass(.seconds(3_599), in: engine)
        #expect(try await world.job("1").waitReason == .paused)
        try await world.pass(.seconds(1), in: engine)
        #expect(try await world.job("1").status == .finished)
        #expect(try await world.store.auditEntries().map(\.action) == ["resume", "pause"])
    }

    @Test func aHeldJobIsHeldAndADedupKeyIsHeldWhileParked() async throws {
        let world = try LocalWorld()
        let engine = try world.single()
        try await world.putCustomer("C-1", "Ada")
        try await pause(world)
        #expect(try await engine.deliver(world.request("held") { $0.hold = true }).status == .pending)
        try await engine.deliver(world.request("1") { $0.dedupKey = "k" })
        #expect(try await engine.deliver(world.request("2") { $0.dedupKey = "k" }).skipReason == .duplicate)
        try await resume(world)
        try await engine.runPending()
        #expect(try await world.job("1").status == .finished)
        #expect(try await world.job("held").status == .pending)
    }

    @Test func aRelayWaitsForItsParkedChildren() async throws {
        let world = try LocalWorld()
        let engine = try world.multiple {
            $0.targets = { _ in ["a", "b"].map { RelayTarget(operation: .insert, key: $0) } }
        }
        try await world.putCustomer("C-1", "Ada")
        try await engine.deliver(world.request("1"))
        try await pause(world)
        try await engine.runPending()
        #expect(world.log.count("relay_finished") == 0)
        #expect(try await world.store.countJobs(JobFilter.children(of: "1")) == [.queued: 2])
        try await resume(world)
        try await engine.runPending()
        #expect(world.log.count("relay_finished") == 1)
    }

    @Test func beyondTheBoundNothingIsTakenOfTheQueue() async throws {
        let world = try LocalWorld()
        let other = world.type(ScriptedSingle(script: world.script), name: "Other Sync")
        let parts = EngineParts(
            types: try SyncJobTypes([world.type(ScriptedSingle(script: world.script)), other]), systems: world.systems,
            store: world.store, publisher: TakingSink(), maximumDocumentBytes: 1_000_000, storePatience: .seconds(1),
            controllerThreads: 1, node: "test", logger: quietLogger, now: { world.clock.now },
            queues: ["short", "default"],
            maximumParked: 5)
        try await pause(world)
        for number in 0..<4 { _ = try await parts.deliver(world.request("\(number)", "C-\(number)")) }
        #expect(try await parts.parking.look().pausedQueues == [], "another type uses the queue")
        _ = try await parts.deliver(world.request("4", "C-4"))
        let full = try await parts.parking.look()
        #expect(full.pausedQueues == ["default"] && full.parked == 5)
        try await resume(world)
        #expect(try await parts.parking.look().released == 5)
        world.clock.advance(by: .seconds(1))
        #expect(try await parts.parking.look().pausedQueues == [])
        try await pause(world, .queue, "short")
        #expect(try await parts.parking.look().pausedQueues == ["short"])
        try await pause(world)
        try await pause(world, .type, "other_sync")
        #expect(try await parts.parking.look().pausedQueues == ["short", "default"], "each of its types is paused")
    }
}

/// Takes everything; what is published is delivered by the test.
private struct TakingSink: MessageSink {
    func publish(_ messages: [OutgoingMessage]) async -> [PublishOutcome] { messages.map { _ in .confirmed } }
}

extension JobFilter {
    fileprivate static func children(of parent: String) -> JobFilter {
        var filter = JobFilter()
        filter.parent = parent
        return filter
    }
}
