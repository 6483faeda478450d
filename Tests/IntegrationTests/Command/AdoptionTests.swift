// What a process leaves in the outbox when it ends goes out by another process on the same file, at once.
import AMQP
import Foundation
import SyncJobs
import Testing

@testable import Ferry

@Suite struct AdoptionTests {
    @Test func whatACommandCouldNotPublishIsPublishedByARunningWorkerWithinTwoSeconds() async throws {
        try await EngineWorld.with { world in
            try await world.putCustomers([("C-1", ["customer_name": "Ada"])])
            try await world.send("Customer Sync", id: "held", source: "C-1", ["hold": true])
            try await world.ferry("work", "--quiet").whileRunning { _ in
                try await world.job("held", "is held") { $0.status == .pending }
                // A port that nobody listens on.
                let result = try await world.ferry(
                    "jobs", "start", "held", url: "amqp://u:p@127.0.0.1:1/ferry"
                ).result(within: .seconds(30))
                #expect(result.errors.contains("held") || result.status == 0, "\(result.text)")
                let ended = ContinuousClock.now
                try await world.job("held", ended: .finished, within: .seconds(10))
                #expect(ContinuousClock.now - ended < .seconds(2))
            }
            #expect(try await world.storeRows("SELECT count(*) FROM outbox") == "0\n")
        }
    }
}
