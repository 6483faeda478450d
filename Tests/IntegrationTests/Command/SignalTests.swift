// SIGTERM, as supervisors send it: the first stops gracefully within the grace, the second at once.
import Foundation
import SyncJobs
import Testing

@testable import Ferry

@Suite struct SignalTests {
    /// Without a grace, what runs is cut off, and is not called failed for it.
    @Test(arguments: [(SIGTERM, "30s"), (SIGINT, "30s"), (SIGTERM, "0s")])
    func stopsInMidRunWithStatusZeroAndLeavesTheRestToTheNext(signal: Int32, grace: String) async throws {
        try await EngineWorld.with { world in
            let load = Workload(documents: 300, seed: 474)
            try await load.publish(to: world)
            try await world.ferry("work", "--concurrency", "4", "--grace", grace).whileRunning { worker in
                try await eventually("work goes on") { try await world.endedJobs() > 100 }
                worker.signal(signal)
                let end = try await worker.end()
                #expect(end.status == 0, "\(end.errors)")
                #expect(end.errors.contains("stopping; running jobs have \(grace)"))
                #expect(end.output.contains("Failed 0"), "its last words: \(end.output)")
            }
            #expect(try await world.endedJobs() < load.count, "it stopped in mid-run")
            try await world.expect(from: world.ferry("work", "--until-empty", "--quiet"))
            try await load.expectDone(in: world, kills: grace == "0s" ? 1 : 0)
        }
    }

    @Test func whatStillRunsAtTheEndOfTheGraceIsHandedBackWithoutAnAttempt() async throws {
        try await EngineWorld.with { world in
            try await world.putCustomers([("C-1", ["customer_name": "Ada"])])
            try await world.request("Shop Sync", names: ["C-1"])
            try await world.whileShopIsLocked {
                try await world.ferry("work", "--grace", "1s").whileRunning { worker in
                    try await eventually("the job is about to write") { try await isAboutToWrite(world) }
                    worker.signal(SIGTERM)
                    let end = try await worker.end(within: .seconds(15))
                    #expect(end.status == 0, "\(end.errors)")
                    #expect(end.errors.contains("running jobs have 1s"))
                }
            }
            let job = try await world.job("job-0")
            #expect(job.status == .queued && job.attemptCount == 0, "it was not done, and not failed either")
            _ = try await world.ferry("work", "--quiet").whileRunning { _ in
                try await world.job("job-0", ended: .finished)
            }
            #expect(try await world.shop("SELECT erp_code, label FROM accounts") == "C-1|Ada\n")
        }
    }

    @Test func aSecondSignalEndsItAtOnceAndNothingIsLost() async throws {
        try await EngineWorld.with { world in
            try await world.putCustomers([("C-1", ["customer_name": "Ada"])])
            try await world.request("Shop Sync", names: ["C-1"])
            try await world.whileShopIsLocked {
                try await world.ferry("work").whileRunning { worker in
                    try await eventually("the job is about to write") { try await isAboutToWrite(world) }
                    worker.signal(SIGTERM)
                    try await eventually("it is stopping") { try worker.printed.errors.contains("stopping") }
                    #expect(!worker.hasEnded, "a running job has its grace")
                    worker.signal(SIGTERM)
                    let end = try await worker.end(within: .seconds(10))
                    #expect(end.status == 128 + SIGTERM)
                    #expect(end.errors.contains("ended at once"))
                }
            }
            try await world.expect(from: world.ferry("work", "--until-empty", "--quiet"))
            #expect(try await world.job("job-0").status == .finished)
            #expect(try await world.shop("SELECT erp_code, label FROM accounts") == "C-1|Ada\n")
        }
    }

    /// A run notes what it is about to write to a foreign file before it does.
    private func isAboutToWrite(_ world: EngineWorld) async throws -> Bool {
        try await world.storeRows("SELECT count(*) FROM write_intents") == "1\n"
    }
}
