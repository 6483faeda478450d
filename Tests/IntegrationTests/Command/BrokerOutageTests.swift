// A broker that goes away under a running worker, stopped by its operator or killed, and comes back.
import Foundation
import Testing

@testable import Ferry

@Suite struct BrokerOutageTests {
    @Test(arguments: [false, true]) func theWorkerReconnectsAndFinishes(afterAKill kill: Bool) async throws {
        let broker = try await PrivateBroker.own()
        try await EngineWorld.with(broker: broker) { world in
            let load = Workload(seed: 473)
            let half = load.count / 2
            try await load.publish(to: world, 0..<half)
            // Few at a time, so that the outage finds most of the work undone.
            let work = world.ferry("work", "--concurrency", "2", "--prefetch", "4")
            try await work.whileRunning { worker in
                try await eventually("work has begun") { try await world.endedJobs() > 100 }
                try await broker.stop(kill: kill)
                try await eventually("the worker says so") {
                    try worker.printed.errors.contains("The broker's connection is gone; reconnecting")
                }
                #expect(try await world.endedJobs() < half, "the outage came in mid-run")
                try await broker.start()
                try await load.publish(to: world, half..<load.count)
                try await eventually("all jobs have ended", within: .seconds(90)) {
                    try await world.endedJobs() == load.count
                }
                #expect(!worker.hasEnded, "it is the same worker")
                worker.signal(SIGTERM)
                let end = try await worker.end()
                #expect(end.status == 0, "\(end.errors)")
                world.expectNoPasswords(in: end)
            }
            try await load.expectDone(in: world)
        }
        try await broker.remove()
    }
}
