// Jobs that wait: held, before their time, canceled before their message comes. None of them is held by a worker, and none
// runs that was canceled.
import JobStore
import SyncBroker
import SyncEngine
import SyncJobs
import Testing

@testable import Ferry

@Suite struct WaitingTests {
    private let customers: [(name: String, fields: JSONObject)] = (0..<6).map { ("C-\($0)", ["customer_name": "Ada"]) }

    @Test func aHeldJobRunsOnceItIsStartedAndACanceledOneNever() async throws {
        let runs = Log<String>()
        let script = SingleScript(onUpdate: { _, job in
            runs.add(job.job.id)
            if job.job.id == "failed" { throw JobFailure.retryable("the target is busy", after: .seconds(2)) }
        })
        try await EngineWorld.with(
            types: EngineWorld.type("Quiet Sync", controller: "script"), controllers: ["script": script]
        ) { world in
            try await world.putCustomers(customers)
            let never = try await world.perform(.cancel, "early")
            guard case .asked(nil) = never else { Issue.record("\(never)"); return }
            try await world.send(
                "Quiet Sync",
                [
                    ("held", "C-0", ["hold": true]), ("dropped", "C-1", ["hold": true]), ("early", "C-2", [:]),
                    ("failed", "C-3", [:]), ("plain", "C-4", [:]),
                ])
            try await world.whileWorking { worker in
                try await world.job("plain", ended: .finished)
                let held = try await world.job("held", "waits") { $0.status == .pending }
                #expect(held.waitReason == .hold)
                #expect(held.attempts.isEmpty)
                let early = try await world.job("early", ended: .canceled)
                #expect(early.cancelReason == "nobody wants it")
                try await world.job("failed", "waits") { $0.status == .failed && $0.isOpen }
                guard case .done(let dropped) = try await world.perform(.cancel, "dropped"),
                    case .done(let failed) = try await world.perform(.cancel, "failed"),
                    case .done(let started) = try await world.perform(.start, "held")
                else { Issue.record("an action was refused"); return }
                #expect([dropped.status, failed.status, started.status] == [.canceled, .canceled, .queued])
                // The retry comes back all the same, and is answered without a run.
                try await eventually("the canceled retry came back") { await worker.statistics.duplicates == 1 }
                try await world.job("held", ended: .finished)
            }
            #expect(try await world.job("failed").status == .canceled)
            #expect(runs.all.sorted() == ["failed", "held", "plain"])
            guard case .refused = try await world.perform(.start, "held") else { Issue.record("started twice"); return }
            try await world.expectQueueEmpty()
        }
    }

    @Test func aRunningJobThatIsCanceledEndsWithinSeconds() async throws {
        let runs = Log<String>()
        let script = SingleScript(onUpdate: { _, job in
            runs.add(job.job.id)
            while true {
                try job.checkCancellation()
                try await Task.sleep(for: .milliseconds(10))
            }
        })
        try await EngineWorld.with(
            types: EngineWorld.type("Long Sync", controller: "script"), controllers: ["script": script]
        ) { world in
            try await world.putCustomers(customers)
            try await world.send("Long Sync", [("seen", "C-0", [:]), ("unseen", "C-1", [:])])
            try await world.whileWorking { _ in
                try await eventually("both run") { runs.count == 2 }
                guard case .asked(nil) = try await world.perform(.cancel, "unseen") else {
                    Issue.record("a run of less than two seconds has no record"); return
                }
                try await world.job("seen", "has a record") { $0.status == .started }
                let asked = ContinuousClock.now
                guard case .asked(let seen?) = try await world.perform(.cancel, "seen") else {
                    Issue.record("not asked"); return
                }
                #expect(seen.running?.isCancelAsked == true)
                for id in ["seen", "unseen"] {
                    let job = try await world.job(id, ended: .canceled)
                    #expect(job.cancelReason == "nobody wants it")
                    #expect(job.attempts.map(\.outcome) == [.canceled])
                }
                #expect(ContinuousClock.now - asked < .seconds(10))
            }
            #expect(runs.count == 2, "nothing ran again")
            #expect(try await world.account("C-0") == nil)
            #expect(try await world.takeDeadLetters().isEmpty)
            try await world.expectQueueEmpty()
        }
    }

    @Test func aJobIsNotRunBeforeItsTimeAndNoWorkerHoldsItMeanwhile() async throws {
        try await EngineWorld.with { world in
            try await world.putCustomers(customers)
            let due = Composition.now().advanced(by: .seconds(4))
            try await world.send(
                "Customer Sync", id: "later", source: "C-0", ["not_before": .string(due.description)])
            try await world.work()
            let waiting = try await world.job("later")
            #expect(waiting.status == .queued)
            #expect(waiting.waitReason == .notBefore)
            #expect(waiting.retryAfter == due)
            #expect(waiting.attempts.isEmpty)
            #expect(try await world.ready(in: world.composition.topology.workQueue("default")) == 0)
            // Redelivered, or published twice: still one job.
            try await world.send(
                "Customer Sync", id: "later", source: "C-0", ["not_before": .string(due.description)])
            try await world.whileWorking { worker in
                try await world.job("later", ended: .finished)
                #expect(await worker.statistics.duplicates == 1)
            }
            let attempt = try #require(try await world.job("later").attempts.first)
            #expect(attempt.startedAt >= due)
            #expect(attempt.startedAt.since(due) < .seconds(12))
            #expect(try await world.job("later").attempts.count == 1)
            try await world.expectQueueEmpty()
        }
    }
}
