// The order of jobs: one at a time and in the order of their arrival within a key, side by side beyond it.
import JobStore
import SyncEngine
import SyncJobs
import Testing

@testable import Ferry

@Suite struct OrderTests {
    @Test func eachKeySeesItsValuesInTheOrderTheyCameAndKeysRunSideBySide() async throws {
        let seen = Log<(key: String, value: Int)>()
        let inside = Occupancy()
        let script = SingleScript(onUpdate: { _, job in
            let key = job.job.request.sourceDocumentName ?? ""
            try await inside.enter(key) {
                seen.add((key, job.context["n"]?.numberValue?.int64.map { Int($0) } ?? -1))
                for _ in 0..<(key == "C-0" ? 10 : 1) { try await Task.sleep(for: .milliseconds(2)) }
            }
        })
        try await EngineWorld.with(
            types: EngineWorld.type("Order Sync", controller: "script"), controllers: ["script": script]
        ) { world in
            try await world.putCustomers((0..<10).map { ("C-\($0)", ["customer_name": "Ada"]) })
            try await world.send(
                "Order Sync",
                (0..<300).map { ("n-\($0)", "C-\($0 % 10)", ["context": ["n": .int($0)]]) })
            let statistics = try await world.work { $0.concurrency = 16 }
            #expect(statistics.ended == 300)
            for key in 0..<10 {
                let values = seen.all.filter { $0.key == "C-\(key)" }.map(\.value)
                #expect(values == Array(stride(from: key, to: 300, by: 10)))
            }
            #expect(inside.mostPerKey == 1)
            #expect(inside.mostTogether > 4)
            try await world.expectQueueEmpty()
        }
    }

    @Test func aKeyThatStandsStillHoldsUpNoOther() async throws {
        let gate = GateController()
        let script = SingleScript(onUpdate: { target, job in
            if job.job.request.sourceDocumentName == "C-0" { try await gate.update(&target, for: job) }
        })
        try await EngineWorld.with(
            types: EngineWorld.type("Order Sync", controller: "script"), controllers: ["script": script]
        ) { world in
            try await world.putCustomers((0..<10).map { ("C-\($0)", ["customer_name": "Ada"]) })
            try await world.send(
                "Order Sync",
                (0..<20).map { ("slow-\($0)", "C-0", [:]) } + (0..<90).map { ("n-\($0)", "C-\(1 + $0 % 9)", [:]) }
            )
            try await world.whileWorking({
                $0.concurrency = 4; $0.prefetch = 32
            }) { worker in
                try await eventually("the others are done") { await worker.statistics.ended == 90 }
                #expect(gate.entered == 1)
                gate.open()
                try await eventually("all are done") { await worker.statistics.ended == 110 }
            }
            try await world.expectQueueEmpty()
        }
    }

    @Test func behindAFailedJobTheLaterOnesOfItsKeyWaitUntilItsRetryHasSucceeded() async throws {
        let seen = Log<String>()
        let script = SingleScript(onUpdate: { _, job in
            seen.add("\(job.job.id)/\(job.job.retryCount)")
            if job.job.id == "a", job.job.retryCount == 0 { throw JobFailure.retryable("busy") }
            if job.job.id == "c" { throw JobFailure.permanent("never") }
        })
        try await EngineWorld.with(
            types: EngineWorld.type("Block Sync", controller: "script", "retry_delay: 2s", "jitter: 0"),
            controllers: ["script": script],
            adjust: { if $0.slug == "block_sync" { $0.onFailure = .block } }
        ) { world in
            try await world.putCustomers([("C-1", ["customer_name": "Ada"]), ("C-2", ["customer_name": "Bob"])])
            try await world.send(
                "Block Sync", [("a", "C-1", [:]), ("b", "C-1", [:]), ("c", "C-1", [:]), ("other", "C-2", [:])])
            // The worker that saw the failure dies; another one finds who waits.
            try await world.whileWorking { _ in
                for id in ["b", "c"] {
                    let job = try await world.job(id, "waits") { $0.waitReason == .blocked }
                    #expect(job.status == .queued)
                    #expect(try await world.store.situation(id: id).blockedBehind?.id == "a")
                }
                try await world.job("other", ended: .finished)
            }
            try await world.whileWorking { _ in
                try await world.send("Block Sync", id: "d", source: "C-1")
                for (id, status) in [("a", JobStatus.finished), ("b", .skipped), ("c", .failed), ("d", .skipped)] {
                    try await world.job(id, ended: status)
                }
            }
            #expect(seen.all.filter { !$0.hasPrefix("other") } == ["a/0", "a/1", "b/0", "c/0", "d/0"])
            try await world.expectQueueEmpty()
        }
    }

    @Test func childrenOfABlockingTypeWaitBehindTheFailedOneOfTheirTarget() async throws {
        let seen = Log<String>()
        let script = RelayScript(
            onTargets: { _ in ["x", "y"].map { RelayTarget(operation: .insert, key: $0) } },
            onUpdate: { _, job in
                let run = "\(job.job.request.parentSyncJob ?? ""):\(job.targetKey)/\(job.job.retryCount)"
                seen.add(run)
                if run == "p1:x/0" { throw JobFailure.retryable("busy") }
            })
        try await EngineWorld.with(
            types: EngineWorld.type("Block Sync", controller: "script", "retry_delay: 2s", "jitter: 0"),
            controllers: ["script": script],
            adjust: { if $0.slug == "block_sync" { $0.onFailure = .block } }
        ) { world in
            try await world.putCustomers([("C-1", ["customer_name": "Ada"])])
            try await world.whileWorking { worker in
                try await world.send("Block Sync", id: "p1", source: "C-1")
                try await eventually("the first relay's x has failed") { seen.all.contains("p1:x/0") }
                try await world.send("Block Sync", id: "p2", source: "C-1")
                try await eventually("two relays, four children, two ends") { await worker.statistics.ended == 8 }
            }
            #expect(seen.all.filter { $0.contains(":x") } == ["p1:x/0", "p1:x/1", "p2:x/0"])
            #expect(seen.all.last == "p2:x/0")
            try await world.expectQueueEmpty()
        }
    }
}
