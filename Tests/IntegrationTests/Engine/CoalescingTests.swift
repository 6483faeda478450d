// Many edits of one document: those that wait become one, and what they stood for is never lost.
import JobStore
import SyncEngine
import SyncJobs
import Testing

@testable import Ferry

@Suite struct CoalescingTests {
    private static let type = EngineWorld.type("Edit Sync", controller: "gate")

    private func coalesce(_ type: inout SyncJobType) { if type.slug == "edit_sync" { type.coalesces = true } }

    private func edits(_ range: ClosedRange<Int>) -> [(id: String, source: String?, more: JSONObject)] {
        range.map { ("edit-\($0)", "C-1", [:]) }
    }

    @Test func fiveHundredEditsBehindARunningOneBecomeAFewWritesAndTheLastValueStands() async throws {
        let gate = GateController()
        try await EngineWorld.with(types: Self.type, controllers: ["gate": gate], adjust: coalesce) { world in
            try await world.putCustomers([("C-1", ["customer_name": "edit 0"])])
            try await world.whileWorking { worker in
                try await world.send("Edit Sync", edits(0...0))
                try await eventually("the first runs") { gate.entered == 1 }
                try await world.putCustomers([("C-1", ["customer_name": "edit 500"])])
                try await world.send(
                    "Edit Sync", edits(1...250) + [("dry", "C-1", ["dry_run": true])] + edits(251...500))
                try await eventually("those that wait have become one on either side of the dry run") {
                    await worker.statistics.skips[.superseded] == 498
                }
                #expect(gate.entered == 1)
                gate.open()
                try await eventually("all have ended") { await worker.statistics.ended == 502 }
            }
            #expect(gate.entered == 4, "the first, one on either side of the dry run, and that")
            #expect(try await world.account("C-1")?["label"] == "edit 500")
            #expect(try await world.job("edit-0").status == .finished)
            #expect(try await world.job("edit-250").status == .finished)
            #expect(try await world.job("edit-500").skipReason == .noChanges)
            let dry = try await world.job("dry")
            #expect(dry.skipReason == .dryRun)
            #expect(dry.diff?.isEmpty == true)
            for number in [1, 100, 249, 251, 499] {
                let loser = try await world.job("edit-\(number)")
                #expect(loser.skipReason == .superseded)
                let winner = try #require(loser.relatedJob.flatMap { Int($0.dropFirst(5)) })
                #expect(winner > number && (winner <= 250) == (number <= 250), "\(number) names \(winner)")
                #expect(loser.attempts.isEmpty)
            }
            try await world.expectQueueEmpty()
        }
    }

    @Test func theHigherVersionWinsThoughItCameEarlierAndDifferentWorkIsLeftAlone() async throws {
        let gate = GateController()
        try await EngineWorld.with(types: Self.type, controllers: ["gate": gate], adjust: coalesce) { world in
            try await world.putCustomers([("C-1", ["customer_name": "Ada", "revision": 9])])
            try await world.whileWorking { worker in
                try await world.send("Edit Sync", id: "first", source: "C-1")
                try await eventually("the first runs") { gate.entered == 1 }
                try await world.send(
                    "Edit Sync",
                    [
                        ("nine", "C-1", ["source_version": "9"]), ("seven", "C-1", ["source_version": "7"]),
                        ("flag", "C-1", ["update_enabled": false]), ("context", "C-1", ["context": ["a": 1]]),
                        ("other context", "C-1", ["context": ["a": 2]]), ("late", "C-1", ["context": ["a": 2]]),
                        ("carried", "C-1", ["document": ["customer_name": "Ada", "revision": 9]]),
                    ])
                try await eventually("two are superseded") { await worker.statistics.skips[.superseded] == 2 }
                gate.open()
                try await eventually("all have ended") { await worker.statistics.ended == 8 }
                #expect(await worker.statistics.skips[.superseded] == 2)
            }
            #expect(try await world.job("seven").relatedJob == "nine")
            #expect(try await world.job("other context").relatedJob == "late")
            for id in ["nine", "flag", "context", "late", "carried"] {
                #expect(try await world.job(id).attempts.count == 1, "\(id) has its own run")
            }
            try await world.expectQueueEmpty()
        }
    }

    @Test func aMessageThatCameTwiceStandsForNobodyElsesEdit() async throws {
        let gate = GateController()
        try await EngineWorld.with(types: Self.type, controllers: ["gate": gate], adjust: coalesce) { world in
            try await world.putCustomers([("C-1", ["customer_name": "old"])])
            // Its answer got lost, or its producer sent it twice: it will come again, though it has ended.
            gate.open()
            try await world.send("Edit Sync", id: "twice", source: "C-1")
            try await world.work()
            gate.close()
            try await world.whileWorking { worker in
                try await world.send("Edit Sync", id: "running", source: "C-1")
                try await eventually("one runs") { gate.entered == 2 }
                try await world.putCustomers([("C-1", ["customer_name": "new"])])
                try await world.send("Edit Sync", [("edit", "C-1", [:]), ("twice", "C-1", [:])])
                try await eventually("both wait") { await worker.statistics.deliveries == 3 }
                gate.open()
                try await world.job("edit", ended: .finished)
                #expect(await worker.statistics.skips[.superseded] == nil)
            }
            #expect(try await world.account("C-1")?["label"] == "new", "the edit is not lost")
            try await world.expectQueueEmpty()
        }
    }
}
