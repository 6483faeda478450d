// What a long run shows of itself while it goes on, and what it leaves to the next when it dies.
import JobStore
import SyncEngine
import SyncJobs
import Testing

@testable import Ferry

@Suite struct LongRunTests {
    @Test func aLongRunIsSeenWithItsProgressAndItsCheckpointSurvivesItsWorker() async throws {
        let gate = GateController()
        let starts = Log<JSONValue?>()
        let script = SingleScript(onUpdate: { target, job in
            starts.add(job.checkpoint)
            let done = job.checkpoint?.objectValue?["done"]?.numberValue?.int64.map { Int($0) } ?? 0
            job.report(progress: JobProgress(done: done + 40, total: 100, title: "copying"))
            try await job.save(checkpoint: ["done": .int(done + 40)])
            try await gate.update(&target, for: job)
            if job.job.retryCount == 0 { throw JobFailure.retryable("busy") }
        })
        try await EngineWorld.with(
            types: EngineWorld.type("Long Sync", controller: "script", "retry_delay: 1s", "jitter: 0"),
            controllers: ["script": script]
        ) { world in
            try await world.putCustomers([("C-1", ["customer_name": "Ada"])])
            try await world.send("Long Sync", id: "long", source: "C-1")
            try await world.whileOtherWorks(node: "dies") { _ in
                let seen = try await world.job("long", "is seen") { $0.progress != nil }
                #expect(seen.status == .started)
                #expect(seen.running?.node == "dies")
                #expect(seen.progress?.done == 40)
                #expect(seen.progress?.percent == 40)
                #expect(seen.progress?.title == "copying")
                let begin = try #require(seen.startedAt)
                let beat = try #require(seen.running?.heartbeat)
                #expect(beat.since(begin) >= .seconds(2), "a short run leaves no trace but its result")
                try await world.job("long", "goes on") { $0.running.map { $0.heartbeat > beat } ?? false }
            }
            #expect(try await world.job("long").status == .started, "nobody has told yet")
            try await world.whileWorking { _ in
                try await eventually("it runs again") { starts.count == 2 }
                let again = try await world.job("long", "is seen") { $0.running?.node == "test" }
                #expect(again.progress?.done == 80)
                gate.open()
                try await world.job("long", ended: .finished)
            }
            #expect(starts.all == [nil, ["done": 40], ["done": 80]], "a retry finds it as well")
            let job = try await world.job("long")
            #expect(job.attempts.map(\.outcome) == [.failed, .finished], "the run that died is no attempt")
            #expect(job.running == nil)
            #expect(job.progress == nil)
            try await world.expectQueueEmpty()
        }
    }

    @Test func whereLongRunsHoldAllPlacesButOneTheOthersComeThroughThat() async throws {
        let gate = GateController()
        try await EngineWorld.with(
            types: EngineWorld.type("Gate Sync", controller: "gate"), controllers: ["gate": gate]
        ) { world in
            try await world.putCustomers((1...9).map { ("C-\($0)", ["customer_name": "Ada"]) })
            // One at first, then as many as a worker takes of a queue: three of these and one of the others.
            try await world.send("Gate Sync", (1...4).map { ("long \($0)", "C-\($0)", [:]) })
            try await world.send("Customer Sync", (5...9).map { ("\($0)", "C-\($0)", [:]) })
            try await world.whileWorking({ $0.prefetch = 4 }) { worker in
                try await eventually("the others have ended") { await worker.statistics.ended == 5 }
                #expect(gate.entered == 4)
                gate.open()
                try await eventually("the long ones end") { await worker.statistics.ended == 9 }
            }
            try await world.expectQueueEmpty()
        }
    }
}
