// Dead letters on a real broker: what only a broker moves is kept and ends its job, canaries still arrive, and a replay that
// is killed in the middle is finished by the same command, each letter once.
import AMQP
import Foundation
import JobStore
import SyncBroker
import SyncJobs
import Testing

@testable import Ferry

@Suite struct KeptLetterTests {
    @Test func whatTheBrokerGivesUpIsKeptAndEndsItsRecord() async throws {
        try await EngineWorld.with { world in
            let topology = world.composition.topology
            let work = topology.workQueue("default")
            try await world.request("Customer Sync", names: ["C-1"], ids: { _ in "poison" })
            let connection = try await AMQPConnection.open(try world.composition.broker("test"), logger: world.logger)
            // As 51 processes would that die with it.
            try await eventually("the broker gives it up") {
                while let delivery = try await connection.get(work) {
                    await connection.reject(delivery.tag, requeue: true)
                }
                return try await world.ready(in: topology.dead) == 1
            }
            await connection.close()
            let garbage = (0..<2_048).map { UInt8(truncatingIfNeeded: $0 &* 31) }
            try await world.publish([(id: nil, body: garbage)], routingKey: "nowhere.at_all")
            try await world.work()

            let letters = try await world.store.deadLetters(DeadLetterFilter())
            #expect(letters.map(\.reason) == ["delivery_limit", "unroutable"])
            #expect(letters.map(\.state) == [.open, .open])
            #expect(letters.first?.queue == "default" && letters.first?.typeSlug == "customer_sync")
            #expect(try await world.store.revisions(ofLetter: letters[1]).map(\.body) == [garbage])
            let job = try await world.job("poison")
            #expect(job.status == .failed && job.error?.code == .deliveryLimit && job.deadLetteredAt != nil)
            #expect(try await world.takeQueuedLetters().isEmpty, "what is kept is the broker's no longer")

            try await world.putCustomers([("C-1", ["customer_name": "Ada"])])
            try await world.expect(from: world.ferry("dead", "replay", "poison", "--reason", "mended"))
            try await world.whileWorking { _ in
                try await world.job("poison", ended: .finished)
                let check = TopologyCheck(
                    topology: topology, configuration: try world.composition.broker("check"), logger: world.logger)
                #expect(try await check.canaries() == [], "a keeper reports its canary")
            }
            #expect(try await world.store.countDeadLetters(DeadLetterFilter()).count == 2, "a canary is no letter")
        }
    }

    @Test func aRetryThatFoundNoBindingInTheMomentItWasDueIsSentAgainAndOneWhoseQueueIsGoneIsALetter() async throws {
        try await EngineWorld.with { world in
            let topology = world.composition.topology
            try await world.putCustomers([("C-1", ["customer_name": "Ada"])])
            let connection = try await AMQPConnection.open(try world.composition.broker("test"), logger: world.logger)
            // Without its queue the broker knows of no binding, as in the moment when it starts after a crash.
            for queue in ["short", "long"] { try await connection.deleteQueue(topology.workQueue(queue)) }
            for (id, queue, seconds) in [("strayed", "short", 1), ("far", "short", 2), ("lost", "long", 1)] {
                let address = topology.delayAddress(seconds: seconds, queue: queue)
                let request = SyncRequest(id: id, type: "customer_sync", sourceName: "C-1")
                try await world.publish(
                    [(id: id, body: JSONValue.object(request.json).canonicalBytes)], exchange: address.exchange,
                    routingKey: address.routingKey)
            }
            try await eventually("all are unroutable") { try await world.ready(in: topology.dead) == 3 }
            for queue in topology.queues where queue.name == topology.workQueue("short") {
                try await connection.declareQueue(queue.name, durable: true, arguments: queue.arguments)
            }
            for binding in topology.bindings where binding.destination == topology.workQueue("short") {
                try await connection.bindQueue(
                    binding.destination, exchange: binding.source, routingKey: binding.routingKey)
            }
            await connection.close()
            try await world.whileWorking({ $0.queues = ["short"] }) { _ in
                try await eventually("the strayed have run") { try await world.endedJobs() == 2 }
                try await eventually("the other is a letter") {
                    try await world.store.deadLetters(DeadLetterFilter()).map(\.jobID) == ["lost"]
                }
            }
            let letter = try #require(try await world.store.deadLetters(DeadLetterFilter()).first)
            #expect(letter.reason == "unroutable" && letter.headers["exchange"] == .string(topology.requests))
        }
    }

    @Test func aReplayThatIsKilledIsFinishedByTheSameCommandAndEachLetterGoesOnce() async throws {
        try await EngineWorld.with { world in
            let count = 1_200
            try await world.putCustomers([("C-1", ["customer_name": "Ada"])])
            try await world.keepLetters(count)
            var open = DeadLetterFilter()
            open.states = [.open]
            let filter = open
            let replay = world.ferry("dead", "replay", "--all", "--yes", "--json")
            try await replay.whileRunning { running in
                try await eventually("a part is done") {
                    try await world.store.countDeadLetters(filter).count < count
                }
                await running.kill()
            }
            let left = try await world.store.countDeadLetters(filter).count
            #expect(left % 500 == count % 500 || left == 0, "whole parts: \(left) are open")
            let rest = try await world.expect(from: replay).json.objectValue
            #expect(rest?["done"] == .int(left) && rest?["refused"] == 0)
            try await world.whileWorking { _ in
                try await eventually("all have run", within: .seconds(60)) {
                    try await world.endedJobs() == count
                }
            }
            #expect(try await world.endedJobs() == count)
            #expect(try await world.storeRows("SELECT max(attempt_count), max(next_turn) FROM jobs") == "1|2\n")
            #expect(
                try await world.storeRows("SELECT count(*), count(DISTINCT letter) FROM audit") == "\(count)|\(count)\n"
            )
            #expect(try await world.storeRows("SELECT count(*) FROM dead_letters WHERE state <> 'replayed'") == "0\n")
        }
    }
}

extension EngineWorld {
    /// Letters of requests that were refused when their type was disabled.
    fileprivate func keepLetters(_ count: Int) async throws {
        try await withThrowingTaskGroup(of: Void.self) { group in
            for number in 0..<count {
                group.addTask {
                    let id = "late-\(number)"
                    let request = SyncRequest(id: id, type: "customer_sync", sourceName: "C-1")
                    let arrival = DeadLetterArrival(
                        jobID: id, turn: 0, origin: .request, typeSlug: "customer_sync", queue: "default",
                        routingKey: "type_disabled", reason: "type_disabled", error: "the type is disabled",
                        remedy: "enable it", isByBroker: false, wasDelivered: true, failedAt: Composition.now(),
                        headers: [:], body: JSONValue.object(request.json).canonicalBytes)
                    let read = arrival.reading(types: types, maximumDepth: 100)
                    _ = try await store.keep(
                        read.arrival, request: read.request, types: types, at: Composition.now())
                }
            }
            try await group.waitForAll()
        }
    }
}
