// A broker that stops, crashes and runs out of memory; each test has a node of its own for that.
import AMQP
import Synchronization
import Testing

@Suite("When the broker fails") struct OutageTests {
    @Test("stopped and started, then killed and started: nothing confirmed is lost, both ends go on")
    func restarts() async throws {
        let broker = try await PrivateBroker.own()
        let queue = try await TestQueue.make(on: broker)
        let sent = try await ConsumerLog.with(queue.consumer(prefetch: 500), acknowledging: true) { log in
            let sent = try await withPublisher(queue.publisher(confirmTimeout: .seconds(120))) { publisher in
                let traffic = Traffic()
                return try await withThrowingTaskGroup(of: [String].self) { group in
                    defer { traffic.end() }
                    for caller in 0..<4 {
                        group.addTask { await traffic.publish(with: publisher, to: queue, caller: caller) }
                    }
                    for kill in [false, true, false] {
                        let seen = await log.deliveries.count
                        try await eventually("messages flow") { await log.deliveries.count > seen + 50 }
                        try await broker.stop(kill: kill)
                        try await broker.start()
                    }
                    traffic.end()
                    var sent: [String] = []
                    for try await confirmed in group { sent += confirmed }
                    return sent
                }
            }
            try await eventually("all confirmed ones arrive", within: .seconds(60)) {
                await Set(log.bodies).isSuperset(of: sent)
            }
            #expect(await log.opened.count >= 4)
            #expect(await log.closed.first?.error.code == .connectionClosedByBroker)
            return sent
        }
        #expect(sent.count > 150)
        try await broker.remove()
    }

    @Test("a memory alarm holds publishers up, is told, and passes without loss; acknowledging goes on meanwhile")
    func memoryAlarm() async throws {
        let broker = try await PrivateBroker.own()
        let queue = try await TestQueue.make(on: broker)
        let consumer = queue.consumer(prefetch: 200)
        try await ConsumerLog.with(consumer) { log in
            try await queue.send(["before"])
            try await eventually("it arrives") { await log.deliveries.count == 1 }
            try await withPublisher(queue.publisher(confirmTimeout: .seconds(120))) { publisher in
                try await broker.control("set_vm_memory_high_watermark", "0.000001")
                // The broker says so at the first attempt to publish.
                async let results = publisher.publish([queue.message("held up")])
                try await eventually("the publisher hears of it") { publisher.blockedReason != nil }
                await consumer.acknowledge([AMQPAcknowledgement(epoch: 1, tag: 1)])
                async let more = publisher.publish((0..<100).map { queue.message("\($0)") })
                try await broker.control("set_vm_memory_high_watermark", "0.4")
                #expect(await results == [.confirmed])
                #expect(await more.allSatisfy { $0 == .confirmed })
                try await eventually("the publisher hears of its end") { publisher.blockedReason == nil }
            }
            try await eventually("all arrive") { await log.deliveries.count == 102 }
            #expect(await log.closed.isEmpty)
        }
        try await eventually("the broker counts 101") { try await queue.depth() == 101 }
        try await broker.remove()
    }
}

/// Publishers that go on until they are told to end.
private final class Traffic: Sendable {
    private let isOver = Atomic(false)

    func end() { isOver.store(true, ordering: .relaxed) }

    /// Publishes in steps of 4 messages through all outages; gives those confirmed.
    func publish(with publisher: AMQPPublisher, to queue: TestQueue, caller: Int) async -> [String] {
        var confirmed: [String] = []
        var step = 0
        while !isOver.load(ordering: .relaxed) {
            let texts = (0..<4).map { "\(caller):\(step):\($0)" }
            let results = await publisher.publish(texts.map { queue.message($0) })
            for (text, result) in zip(texts, results) where result == .confirmed { confirmed.append(text) }
            step += 1
        }
        return confirmed
    }
}
