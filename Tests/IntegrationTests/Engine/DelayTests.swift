// Retries on the broker's ladder of delays: a short one is not held up by any number of long ones, nor by those for a queue
// that is gone.
import AMQP
import SyncBroker
import SyncEngine
import SyncJobs
import Testing

@testable import Ferry

@Suite struct DelayTests {
    private static func type(_ name: String, delay: String) -> String {
        EngineWorld.type(name, controller: "flaky", "retry_delay: \(delay)", "jitter: 0", "max_retries: 3")
    }

    /// Fails on each job's first run.
    private let flaky = SingleScript(onUpdate: { _, job in
        if job.job.retryCount == 0 { throw JobFailure.retryable("the target is busy") }
    })

    @Test func aRetryOfSecondsOvertakesAThousandOfAnHour() async throws {
        try await EngineWorld.with(
            types: Self.type("Quick Sync", delay: "5s"), controllers: ["flaky": flaky]
        ) { world in
            try await world.putCustomers([("C-1", ["customer_name": "Ada"])])
            // As the outbox sends them; an hour begins at the level of 2048 seconds.
            let address = world.composition.topology.delayAddress(seconds: 3_600, queue: "default")
            let level = world.composition.topology.delay(11)
            #expect(address.exchange == level)
            try await world.publish(
                (0..<1_000).map { (id: "slow-\($0)", body: Array("{}".utf8)) }, exchange: address.exchange,
                routingKey: address.routingKey)
            try await eventually("a thousand wait") { try await world.ready(in: level) == 1_000 }
            try await world.send("Quick Sync", id: "quick", source: "C-1")
            try await world.whileWorking { _ in
                let quick = try await world.job("quick", ended: .finished)
                let gap = try #require(quick.attempts.last?.startedAt).since(
                    try #require(quick.attempts.first?.endedAt))
                #expect(gap >= .seconds(5), "not before it is due")
                #expect(gap < .seconds(15), "and not behind those of an hour; \(gap)")
            }
            #expect(try await world.ready(in: level) == 1_000, "which wait on")
            #expect(try await world.takeDeadLetters().isEmpty)
            try await world.expectQueueEmpty()
        }
    }

    @Test func retriesForAQueueThatIsGoneHoldUpNobody() async throws {
        try await EngineWorld.with(
            types: Self.type("Quick Sync", delay: "3s"), controllers: ["flaky": flaky]
        ) { world in
            try await world.putCustomers([("C-1", ["customer_name": "Ada"])])
            // More than the 32 that a level's dead-letter worker holds; they come due while the retry waits.
            let address = world.composition.topology.delayAddress(seconds: 2, queue: "gone")
            try await world.publish(
                (0..<40).map { (id: "gone-\($0)", body: Array("{}".utf8)) }, exchange: address.exchange,
                routingKey: address.routingKey)
            try await world.send("Quick Sync", id: "quick", source: "C-1")
            try await world.whileWorking({ $0.keepsDeadLetters = false }) { _ in
                let quick = try await world.job("quick", ended: .finished)
                let gap = try #require(quick.attempts.last?.startedAt).since(
                    try #require(quick.attempts.first?.endedAt))
                #expect(gap >= .seconds(3) && gap < .seconds(13), "\(gap)")
            }
            try await eventually("they are dead letters") {
                try await world.ready(in: world.composition.topology.dead) == 40
            }
            let ids = try await world.takeDeadLetters().compactMap(\.messageID)
            #expect(Set(ids).count == 40 && ids.allSatisfy { $0.hasPrefix("gone-") })
        }
    }
}
