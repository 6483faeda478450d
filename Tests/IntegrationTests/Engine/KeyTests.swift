// Keys that jobs hold: a dedup key while they wait or run, a lease while they run, over two workers.
import JobStore
import SyncEngine
import SyncJobs
import Testing

@testable import Ferry

@Suite struct KeyTests {
    @Test func ofTwoWithOneDedupKeyTheSecondNamesTheFirstAndAThirdRunsAfterItsEnd() async throws {
        let gate = GateController()
        try await EngineWorld.with(
            types: EngineWorld.type("Gate Sync", controller: "gate"), controllers: ["gate": gate]
        ) { world in
            try await world.putCustomers((1...3).map { ("C-\($0)", ["customer_name": "Ada"]) })
            try await world.whileOtherWorks(node: "other") { _ in
                try await world.whileWorking { _ in
                    try await world.send("Gate Sync", id: "first", source: "C-1", ["dedup_key": "night"])
                    try await eventually("the first runs") { gate.entered == 1 }
                    try await world.send(
                        "Gate Sync",
                        [("second", "C-2", ["dedup_key": "night"]), ("third", "C-2", ["dedup_key": "Night"])])
                    let second = try await world.job("second", ended: .skipped)
                    #expect(second.skipReason == .duplicate)
                    #expect(second.relatedJob == "first")
                    #expect(second.attempts.isEmpty)
                    try await eventually("another key is another key") { gate.entered == 2 }
                    gate.open()
                    try await world.job("first", ended: .finished)
                    try await world.send("Gate Sync", id: "fourth", source: "C-3", ["dedup_key": "night"])
                    try await world.job("fourth", ended: .finished)
                    try await world.job("third", ended: .finished)
                }
            }
            try await world.expectQueueEmpty()
        }
    }

    @Test func jobsThatWaitBehindASlowOneOfTheirKeyDoNotKeepTheOthersAway() async throws {
        let gate = GateController()
        try await EngineWorld.with(
            types: EngineWorld.type("Gate Sync", controller: "gate"), controllers: ["gate": gate]
        ) { world in
            try await world.putCustomers((1...9).map { ("C-\($0)", ["customer_name": "Ada"]) })
            // One at first, then as many as a worker takes of a queue, and one more.
            try await world.send("Gate Sync", (0..<10).map { ("slow \($0)", "C-1", ["context": ["n": .int($0)]]) })
            try await world.send("Customer Sync", (2...9).map { ("\($0)", "C-\($0)", [:]) })
            try await world.whileWorking({ $0.prefetch = 8 }) { worker in
                try await eventually("the others have ended") { await worker.statistics.ended == 8 }
                #expect(gate.entered == 1)
                gate.open()
                try await eventually("the slow ones end") { await worker.statistics.ended == 18 }
            }
            var ends: [Timestamp] = []
            for n in 0..<10 { ends.append(try #require(try await world.job("slow \(n)").endedAt)) }
            #expect(ends == ends.sorted(), "in their order")
            try await world.expectQueueEmpty()
        }
    }

    @Test func aJobThatOnlyWaitsHoldsItsDedupKeyToo() async throws {
        let tries = Log<String>()
        let script = SingleScript(onUpdate: { _, job in
            tries.add(job.job.id)
            if job.job.id == "failed", job.job.retryCount == 0 { throw JobFailure.retryable("busy") }
        })
        try await EngineWorld.with(
            types: EngineWorld.type("Key Sync", controller: "script", "retry_delay: 3s", "jitter: 0"),
            controllers: ["script": script]
        ) { world in
            try await world.putCustomers((1...3).map { ("C-\($0)", ["customer_name": "Ada"]) })
            let due = Composition.now().advanced(by: .seconds(4))
            try await world.send(
                "Key Sync",
                [
                    ("held", "C-1", ["dedup_key": "hold", "hold": true]),
                    ("timed", "C-2", ["dedup_key": "time", "not_before": .string(due.description)]),
                    ("failed", "C-3", ["dedup_key": "fail"]),
                ])
            try await world.work()
            for (key, holder) in [("hold", "held"), ("time", "timed"), ("fail", "failed")] {
                try await world.send("Key Sync", id: "late \(key)", source: "C-1", ["dedup_key": .string(key)])
                try await world.work()
                let late = try await world.job("late \(key)")
                #expect(late.skipReason == .duplicate, "\(key)")
                #expect(late.relatedJob == holder)
            }
            guard case .done = try await world.perform(.cancel, "held") else { Issue.record("refused"); return }
            try await world.whileWorking { _ in
                try await world.send("Key Sync", id: "free", source: "C-1", ["dedup_key": "hold"])
                for id in ["timed", "failed", "free"] { try await world.job(id, ended: .finished) }
            }
            #expect(tries.all.sorted() == ["failed", "failed", "free", "timed"])
            try await world.expectQueueEmpty()
        }
    }

    @Test func anExclusiveKeyIsNeverRunTwiceAtOnceByTwoWorkers() async throws {
        let inside = Occupancy()
        let runs = Log<String>()
        let script = BypassScript { job in
            let key = job.job.request.sourceDocumentName ?? ""
            try await inside.enter(key) {
                runs.add(key)
                for _ in 0..<6 { try await Task.sleep(for: .milliseconds(10)) }
            }
        }
        try await EngineWorld.with(
            types: EngineWorld.type("Alone Sync", controller: "script"), controllers: ["script": script],
            adjust: { if $0.slug == "alone_sync" { $0.isExclusive = true } }
        ) { world in
            try await world.putCustomers((0..<4).map { ("C-\($0)", ["customer_name": "Ada"]) })
            try await world.whileOtherWorks(node: "other", { $0.prefetch = 4 }) { other in
                try await world.whileWorking({ $0.prefetch = 4 }) { worker in
                    try await eventually("both are connected") {
                        let isConnected = await worker.statistics.isConnected
                        return await other.statistics.isConnected && isConnected
                    }
                    try await world.send("Alone Sync", (0..<24).map { ("n-\($0)", "C-\($0 % 4)", [:]) })
                    try await eventually("all are done", within: .seconds(60)) {
                        try await world.store.countJobs()[.finished] == 24
                    }
                    #expect(await worker.statistics.ended > 0)
                    #expect(await other.statistics.ended > 0)
                }
            }
            #expect(inside.mostPerKey == 1)
            #expect(inside.mostTogether > 1)
            #expect(runs.count == 24)
            try await world.expectQueueEmpty()
        }
    }
}
