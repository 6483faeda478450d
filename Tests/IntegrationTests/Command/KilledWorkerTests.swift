// Workers that are killed -9 in mid-run: each request still ends in one record, and the targets are what they should be.
import Foundation
import SyncJobs
import Testing

@testable import Ferry

@Suite struct KilledWorkerTests {
    @Test func workersKilledAtRandomPointsLoseNothingAndDoNothingTwice() async throws {
        try await EngineWorld.with { world in
            let load = Workload(seed: 471)
            try await load.publish(to: world)
            var random = SeededGenerator(seed: 815)
            let kills = 6
            for _ in 0..<kills {
                let mark = try await world.endedJobs() + Int.random(in: 0...250, using: &random)
                try await world.ferry("work", "--quiet").whileRunning { worker in
                    try await eventually("\(mark) jobs have ended") { try await world.endedJobs() > mark }
                    await worker.kill()
                    #expect(try await worker.end().status == -SIGKILL)
                }
            }
            #expect(try await world.endedJobs() < load.count, "all were killed in mid-run")
            let report = try await world.expect(from: world.ferry("work", "--until-empty", "--quiet", "--json")).json
            #expect(report.objectValue?["redelivered"] != 0)
            #expect(report.objectValue?["dead_letters"] == 0)
            try await load.expectDone(in: world, kills: kills)
        }
    }

    @Test func twoWorkersOnOneStoreDoEachThingOnce() async throws {
        try await EngineWorld.with { world in
            let load = Workload(documents: 300, seed: 475)
            try await load.publish(to: world)
            let work = world.ferry("work", "--until-empty", "--quiet", "--json", "--prefetch", "50")
            async let first = world.expect(from: work)
            try await world.expect(from: work)
            _ = try await first
            #expect(try await world.storeRows("SELECT count(DISTINCT node) FROM attempts") == "2\n")
            try await load.expectDone(in: world)
        }
    }

    @Test func aWorkerTakesOverWhatAnotherOnTheSameStoreLeavesBehind() async throws {
        try await EngineWorld.with { world in
            let load = Workload(seed: 472)
            try await load.publish(to: world)
            let first = world.ferry("work", "--quiet", "--prefetch", "100")
            let second = world.ferry("work", "--until-empty", "--quiet", "--json", "--prefetch", "100")
            try await first.whileRunning { first in
                try await second.whileRunning { second in
                    try await eventually("both have worked") {
                        let nodes = try await world.storeRows("SELECT count(DISTINCT node) FROM attempts")
                        return try await world.endedJobs() > 500 && nodes == "2\n"
                    }
                    await first.kill()
                    #expect(try await world.endedJobs() < load.count, "the first was killed in mid-run")
                    let end = try await second.end()
                    #expect(end.status == 0, "\(end.errors)")
                    #expect(try end.json.objectValue?["redelivered"] != 0)
                }
            }
            try await load.expectDone(in: world, kills: 1)
        }
    }
}
