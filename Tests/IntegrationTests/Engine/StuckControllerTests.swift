// Controllers that hear of nothing: their runs end in time, their late results count for nothing, and nobody else waits
// for them, the end of the worker included.
import Foundation
import JobStore
import Logging
import ServiceLifecycle
import SyncEngine
import SyncJobs
import Testing

@testable import Ferry

@Suite struct StuckControllerTests {
    private static let type = EngineWorld.type(
        "Stuck Sync", controller: "script", "timeout: 1s", "retry_delay: 1s", "jitter: 0", "max_retries: 1")

    @Test func aRunThatBlocksItsThreadEndsTimedOutAndItsLateResultIsDropped() async throws {
        let blockade = Blockade()
        let late = Log<String>()
        let script = SingleScript(onUpdate: { target, job in
            guard job.job.request.sourceDocumentName == "stuck", job.job.retryCount == 0 else { return }
            blockade.hold()
            target["label"] = "late"
            late.add(job.job.id)
        })
        try await EngineWorld.with(types: Self.type, controllers: ["script": script]) { world in
            try await world.putCustomers(["stuck", "well"].map { ($0, ["customer_name": "Ada"]) })
            try await world.whileWorking { worker in
                try await world.send("Stuck Sync", [("once", "stuck", [:]), ("well", "well", [:])])
                try await world.job("well", ended: .finished)
                let failed = try await world.job("once", "is timed out") { $0.status == .failed }
                #expect(failed.error?.code == .timedOut)
                #expect(failed.isOpen, "a timeout is retried")
                try await eventually("it is counted") { await worker.statistics.stuck == 1 }
                // Its key stays closed: a write of the first run could still land.
                blockade.open()
                try await world.job("once", ended: .finished)
            }
            #expect(late.count == 1)
            let job = try await world.job("once")
            #expect(job.attempts.map(\.outcome) == [.failed, .finished])
            #expect(try await world.account("stuck")?["label"] == "Ada", "the late result is dropped")
            try await world.expectQueueEmpty()
        }
    }

    @Test func fourThatNeverEndLeaveRoomForFiftyOthersAndGoToTheDeadLetters() async throws {
        let blockade = Blockade()
        let script = SingleScript(onUpdate: { _, job in
            if job.job.request.sourceDocumentName?.hasPrefix("stuck") == true { blockade.hold() }
        })
        try await EngineWorld.with(types: Self.type, controllers: ["script": script]) { world in
            let stuck = (0..<4).map { "stuck-\($0)" }
            let well = (0..<50).map { "well-\($0)" }
            try await world.putCustomers((stuck + well).map { ($0, ["customer_name": "Ada"]) })
            try await world.send(
                "Stuck Sync",
                stuck.map { ($0, $0, ["max_retries": 0]) } + well.map { ($0, $0, ["timeout": "60s"]) })
            // As many threads as places: each stuck controller takes the last one with it.
            try await world.whileWorking({
                $0.concurrency = 2; $0.controllerThreads = 2
            }) { worker in
                try await eventually("all others are done", within: .seconds(60)) {
                    await worker.statistics.jobs[.finished] == 50
                }
                try await eventually("all four are given up") { await worker.statistics.stuck == 4 }
                #expect(await worker.statistics.jobs[.failed] == 4)
                #expect(blockade.entered == 4)
            }
            #expect(
                try await world.takeDeadLetters().map { $0.header(.reason) } == Array(repeating: "timed_out", count: 4))
            blockade.open()
            try await world.expectQueueEmpty()
        }
    }

    @Test func blockedControllersHoldUpNoMappingThoughBothUseTheSameSystem() async throws {
        let blockade = Blockade()
        let script = SingleScript(onUpdate: { target, job in
            // Into the shop and back, so that the run is on its way through the system's own coordination.
            let account = DocumentType(system: "shop", name: "Account")
            _ = try await job.lookups.find(DocumentQuery(type: account, fields: ["erp_code": "none"]))
            blockade.hold()
            target["erp_code"] = .string(job.job.id)
        })
        let type = EngineWorld.type("Stuck Sync", controller: "script", target: "shop.Account", "timeout: 60s")
        try await EngineWorld.with(types: type, controllers: ["script": script]) { world in
            let names = (0..<40).map { "C-\($0)" }
            try await world.putCustomers(names.map { ($0, ["customer_name": .string($0)]) })
            try await world.whileWorking({ $0.controllerThreads = 2 }) { worker in
                try await world.send("Stuck Sync", names.map { ("stuck \($0)", $0, [:]) })
                try await eventually("both threads are held") { blockade.entered == 2 }
                try await world.send("Shop Sync", names.map { ("well \($0)", $0, [:]) })
                try await eventually("the mappings are done") { await worker.statistics.jobs[.finished] == 40 }
                #expect(blockade.entered == 2)
                blockade.open()
                try await eventually("all are done") { await worker.statistics.ended == 80 }
                #expect(await worker.statistics.stuck == 0)
            }
            #expect(try await world.shop("SELECT count(*) FROM accounts") == "80\n")
            try await world.expectQueueEmpty()
        }
    }

    @Test func waitingForAThreadIsNoPartOfARunsTime() async throws {
        let script = SingleScript(onUpdate: { _, _ in Self.block(for: .milliseconds(400)) })
        try await EngineWorld.with(
            types: EngineWorld.type("Slow Sync", controller: "script", "timeout: 2s", "max_retries: 0"),
            controllers: ["script": script]
        ) { world in
            let names = (0..<12).map { "C-\($0)" }
            try await world.putCustomers(names.map { ($0, ["customer_name": "Ada"]) })
            try await world.request("Slow Sync", names: names)
            let statistics = try await world.work { $0.controllerThreads = 1 }
            #expect(statistics.jobs == [.finished: 12])
            #expect(statistics.stuck == 0)
        }
    }

    @Test func aWorkerEndsThoughAControllerDoesNot() async throws {
        let blockade = Blockade()
        let script = SingleScript(onUpdate: { _, _ in blockade.hold() })
        try await EngineWorld.with(
            types: EngineWorld.type("Stuck Sync", controller: "script"), controllers: ["script": script]
        ) { world in
            try await world.putCustomers([("C-1", ["customer_name": "Ada"])])
            try await world.request("Stuck Sync", names: ["C-1"])
            let worker = try world.makeWorker { $0.grace = .milliseconds(200) }
            let group = ServiceGroup(
                configuration: ServiceGroupConfiguration(
                    services: [ServiceGroupConfiguration.ServiceConfiguration(service: worker)], logger: world.logger))
            async let running: Void = group.run()
            try await eventually("it is stuck") { blockade.entered == 1 }
            let asked = ContinuousClock.now
            await group.triggerGracefulShutdown()
            try await running
            #expect(ContinuousClock.now - asked < .seconds(10))
            let job = try await world.job("job-0")
            #expect(job.status == .queued && job.attemptCount == 0, "it was handed back")
            let due = try #require(job.retryAfter)
            #expect(due.since(Composition.now()) < Worker.closingTime, "while it may still write, nobody else does")
            blockade.open()
            _ = try await world.whileWorking { _ in try await world.job("job-0", ended: .finished) }
        }
    }

    /// Blocks the calling thread, as a driver without async functions does.
    private static func block(for time: Duration) {
        let end = ContinuousClock.now + time
        while ContinuousClock.now < end { usleep(5_000) }
    }
}
