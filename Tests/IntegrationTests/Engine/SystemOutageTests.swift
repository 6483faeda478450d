// A SQLite file that is moved away from under a worker, and a queue that is paused: what only a broker can show. Nothing is a
// dead letter, no retry is used up, other types run on, and each key ends in its order.
import Foundation
import JobStore
import SyncEngine
import SyncJobs
import Testing

@testable import Ferry

@Suite struct SystemOutageTests {
    @Test func aTargetThatIsGoneForAWhileLosesNothingAndHoldsUpNobody() async throws {
        try await EngineWorld.with { world in
            let outage = Outage(world: world)
            try await outage.put(revision: 1)
            try await world.whileWorking(Outage.quick) { worker in try await outage.happens(to: worker) }
            try await outage.expectNothingLost()
        }
    }

    @Test func aPausedQueueKeepsItsMessagesWithTheBrokerAndIsTakenFromAgain() async throws {
        try await EngineWorld.with { world in
            let outage = Outage(world: world)
            try await outage.put(revision: 1)
            try await world.whileWorking { worker in try await outage.isPaused(in: worker) }
            #expect(try await world.takeDeadLetters().isEmpty)
        }
    }
}

/// The steps of an outage in one world.
private struct Outage: Sendable {
    static let names = (0..<10).map { "C-\($0)" }

    let world: EngineWorld
    private var file: URL { world.folder.appending(path: "shop.sqlite") }
    private var away: URL { world.folder.appending(path: "shop.away") }
    private var queue: String { world.composition.topology.workQueue("default") }

    /// A circuit that is probed after a second.
    static func quick(_ settings: inout Worker.Settings) {
        var circuit = CircuitSettings()
        circuit.probeEvery = .seconds(1)
        settings.circuits = ["shop": circuit]
    }

    func put(revision: Int) async throws {
        var customers: [(name: String, fields: JSONObject)] = []
        for name in Self.names {
            customers.append(
                (name: name, fields: ["customer_name": .string("\(name) r\(revision)"), "revision": .int(revision)]))
        }
        try await world.putCustomers(customers)
    }

    func happens(to worker: Worker) async throws {
        try FileManager.default.moveItem(at: file, to: away)
        for round in 0..<20 {
            try await world.request("Shop Sync", names: Self.names, ids: { "s\(round)-\($0)" })
        }
        try await world.request("Customer Sync", names: Self.names, ids: { "h-\($0)" })
        for number in 0..<10 { try await world.job("h-\(number)", ended: .finished) }
        try await eventually("the circuit is open") { await worker.statistics.openCircuits == ["shop"] }
        try await eventually("all are parked") { await worker.statistics.parked == 200 }
        #expect(try await world.ready(in: queue) == 0)
        try await put(revision: 2)
        try FileManager.default.moveItem(at: away, to: file)
        try await eventually("all are over") { try await openJobs() == 0 }
        #expect(try await world.store.standstill().isEmpty)
    }

    private func openJobs() async throws -> Int {
        var open = JobFilter()
        open.isOpen = true
        return try await world.store.countJobs(open).values.reduce(0, +)
    }

    func expectNothingLost() async throws {
        var filter = JobFilter()
        filter.typeSlug = "shop_sync"
        filter.limit = 1_000
        let jobs = try await world.store.jobs(filter)
        #expect(jobs.count == 200)
        for job in jobs {
            #expect(job.retryCount == 0 && job.attemptCount == 1)
            #expect(job.status == .finished || job.skipReason == .noChanges)
        }
        for name in Self.names {
            let ends = jobs.filter { $0.request.sourceDocumentName == name }
                .sorted { Self.round($0) < Self.round($1) }.compactMap(\.endedAt)
            #expect(ends.count == 20 && ends == ends.sorted(), "in the order of their receipt")
        }
        #expect(try await world.shop("SELECT count(*) FROM accounts WHERE label LIKE '% r2'") == "10\n")
        #expect(try await world.takeDeadLetters().isEmpty)
        try await world.expectQueueEmpty()
    }

    private static func round(_ job: SyncJob) -> Int { Int(job.id.dropFirst().prefix { $0 != "-" }) ?? -1 }

    func isPaused(in worker: Worker) async throws {
        let pause = Pause(kind: .queue, name: "default", actor: "test", since: Composition.now())
        try await world.request("Customer Sync", names: ["C-0"], ids: { "before-\($0)" })
        try await world.job("before-0", ended: .finished)
        try await world.store.pause([pause])
        try await eventually("nothing is taken") { try await world.consumers(of: queue) == 0 }
        #expect(await worker.statistics.pausedQueues == ["default"])
        try await world.request("Customer Sync", names: Self.names, ids: { "held-\($0)" })
        try await eventually("they stay with the broker") { try await world.ready(in: queue) == 10 }
        _ = try await world.store.resume([(.queue, "default")], actor: "test", reason: nil, at: Composition.now())
        for number in 0..<10 {
            try await world.job("held-\(number)", "ends") { !$0.isOpen && $0.status != .failed }
        }
        #expect(await worker.statistics.lostSubscriptions == 0)
    }
}
