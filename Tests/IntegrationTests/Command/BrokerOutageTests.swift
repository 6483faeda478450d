// A broker that goes away under a running worker: stopped, then killed, and started again each time.
import Foundation
import Testing

@testable import Ferry

@Suite struct BrokerOutageTests {
    @Test func aWorkerWhoseBrokerIsStoppedAndKilledReconnectsAndFinishes() async throws {
        let broker = try await PrivateBroker.own()
        try await EngineWorld.with(broker: broker) { world in
            let load = Workload(seed: 473)
            let half = load.count / 2
            try await load.publish(to: world, 0..<half)
            // Few at a time, so that the outages find most of the work undone.
            let work = world.ferry("work", "--concurrency", "2", "--prefetch", "4")
            try await work.whileRunning { worker in
                for (outage, kill) in [(1, false), (2, true)] {
                    let ended = try await world.endedJobs()
                    try await eventually("work goes on") { try await world.endedJobs() > ended + 100 }
                    try await broker.stop(kill: kill)
                    try await eventually("the worker says so") {
                        try worker.printed.errors.count(of: "The broker's connection is gone") >= outage
                    }
                    #expect(try await world.endedJobs() < load.count, "the outage came in mid-run")
                    try await broker.start()
                    if outage == 1 { try await load.publish(to: world, half..<load.count) }
                }
                try await eventually("all jobs have ended", within: .seconds(60)) {
                    try await world.endedJobs() == load.count
                }
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

extension String {
    /// How often `part` is in it.
    fileprivate func count(of part: String) -> Int { components(separatedBy: part).count - 1 }
}
