// Consuming, answering and being interrupted, over a real broker.
import AMQP
import Testing

@Suite("A consumer on a real broker") struct ConsumerTests {
    @Test("honours the prefetch and goes on after acknowledgements, single and multiple")
    func prefetch() async throws {
        let queue = try await TestQueue.make(on: .shared())
        try await queue.send((0..<30).map { "\($0)" })
        let consumer = queue.consumer(prefetch: 10)
        try await ConsumerLog.with(consumer) { log in
            try await eventually("the prefetch arrives") { await log.deliveries.count == 10 }
            // The broker's own count shows that it holds the others back.
            try await eventually("the rest stays") { try await queue.depth() == 20 }
            let first = await log.deliveries
            #expect(first.map(\.tag) == Array(1...10))
            await consumer.acknowledge([
                AMQPAcknowledgement(epoch: first[0].epoch, tag: 3, multiple: true),
                AMQPAcknowledgement(epoch: first[0].epoch, tag: 5),
            ])
            try await eventually("four more arrive") { await log.deliveries.count == 14 }
            // 5 was answered already and is the tag of a `multiple`: sent as it is, the broker closes the channel.
            await consumer.acknowledge([
                AMQPAcknowledgement(epoch: first[0].epoch, tag: 5, multiple: true),
                AMQPAcknowledgement(epoch: first[0].epoch, tag: 5),
                AMQPAcknowledgement(epoch: first[0].epoch, tag: 999, multiple: true),
            ])
            try await eventually("one more arrives") { await log.deliveries.count == 15 }
            await consumer.acknowledge([AMQPAcknowledgement(epoch: first[0].epoch, tag: 15, multiple: true)])
            try await eventually("ten more arrive") { await log.deliveries.count == 25 }
            #expect(await log.bodies == (0..<25).map { "\($0)" })
            #expect(await log.closed.isEmpty)
        }
        try await eventually("what was not answered is back") { try await queue.depth() == 15 }
    }

    @Test("knows of each message what it says itself, also where that is almost what the one before said")
    func recurring() async throws {
        let queue = try await TestQueue.make(on: .shared())
        let types = ["application/json", "application/json", "application/jsom", nil, "", "application/json"]
        try await queue.send(
            types.enumerated().map { number, type in
                queue.message([1], properties: AMQPProperties(contentType: type, messageID: "m-\(number)"))
            })
        let consumer = queue.consumer()
        try await ConsumerLog.with(consumer) { log in
            try await eventually("all arrive") { await log.deliveries.count == types.count }
            let deliveries = await log.deliveries
            #expect(deliveries.map(\.properties.contentType) == types)
            #expect(deliveries.map(\.messageID) == types.indices.map { "m-\($0)" })
            #expect(
                deliveries.allSatisfy { $0.exchange.isEmpty && $0.routingKey == queue.name && $0.queue == queue.name })
            await consumer.acknowledge(deliveries.map { AMQPAcknowledgement(epoch: $0.epoch, tag: $0.tag) })
        }
    }

    @Test("puts rejected deliveries back or drops them, one or many at a time")
    func reject() async throws {
        let queue = try await TestQueue.make(on: .shared())
        try await queue.send(["again", "gone", "a", "b"])
        let consumer = queue.consumer(prefetch: 4)
        try await ConsumerLog.with(consumer) { log in
            try await eventually("all four arrive") { await log.deliveries.count == 4 }
            let epoch = await log.deliveries[0].epoch
            await consumer.acknowledge([
                AMQPAcknowledgement(epoch: epoch, tag: 2, kind: .reject(requeue: false)),
                AMQPAcknowledgement(epoch: epoch, tag: 1, kind: .reject(requeue: true)),
                AMQPAcknowledgement(epoch: epoch, tag: 4, multiple: true, kind: .reject(requeue: true)),
            ])
            try await eventually("three come again") { await log.deliveries.count == 7 }
            let again = await Array(log.deliveries[4...])
            #expect(Set(again.map { String(decoding: $0.body, as: UTF8.self) }) == ["again", "a", "b"])
            #expect(again.allSatisfy { $0.redelivered })
            await consumer.acknowledge([AMQPAcknowledgement(epoch: epoch, tag: 7, multiple: true)])
        }
        try await eventually("the broker counts 0") { try await queue.depth() == 0 }
    }

    @Test("stops its intake and can still acknowledge what it has")
    func stopIntake() async throws {
        let queue = try await TestQueue.make(on: .shared())
        try await queue.send((0..<20).map { "\($0)" })
        let consumer = queue.consumer(prefetch: 5)
        try await ConsumerLog.with(consumer) { log in
            try await eventually("the prefetch arrives") { await log.deliveries.count == 5 }
            await consumer.stopIntake()
            let last = try #require(await log.deliveries.last)
            await consumer.acknowledge([AMQPAcknowledgement(epoch: last.epoch, tag: last.tag, multiple: true)])
            await consumer.close()
            try await eventually("the stream ends") { await log.hasEnded }
            #expect(await log.deliveries.count == 5)
        }
        try await eventually("the broker counts 15") { try await queue.depth() == 15 }
    }

    @Test("gives each queue a channel of its own, on which an answer to all leaves those of the other alone")
    func channels() async throws {
        let (slow, quick) = (try await TestQueue.make(on: .shared()), try await TestQueue.make(on: .shared()))
        let consumer = AMQPConsumer(
            configuration: slow.configuration,
            subscriptions: [.init(queue: slow.name, prefetch: 20), .init(queue: quick.name, prefetch: 20)],
            maximumBodyBytes: 1 << 20, logger: quietLogger)
        // Several frames each, which come mixed with those of the other channel.
        let bodies = (0..<10).map { String(repeating: "\($0)", count: 300_000) }
        try await ConsumerLog.with(consumer) { log in
            async let sent: Void = slow.send(bodies)
            try await quick.send(bodies)
            try await sent
            try await eventually("all arrive") { await log.deliveries.count == 20 }
            for queue in [slow, quick] {
                let own = await log.deliveries.filter { $0.queue == queue.name }
                #expect(own.map(\.tag) == Array(1...10))
                #expect(own.map { String(decoding: $0.body, as: UTF8.self) } == bodies)
            }
            let last = try #require(await log.deliveries.last { $0.queue == quick.name })
            await consumer.acknowledge([
                AMQPAcknowledgement(epoch: last.epoch, channel: last.channel, tag: last.tag, multiple: true),
                AMQPAcknowledgement(epoch: last.epoch, channel: 99, tag: 1),
            ])
            // The channel stays the queue's, whatever becomes of its subscription.
            await consumer.setPaused([quick.name])
            await consumer.setPaused([])
            try await quick.send(["after"])
            try await eventually("one more arrives") { await log.deliveries.count == 21 }
            let more = try #require(await log.deliveries.last)
            #expect(more.channel == last.channel && more.tag == 11)
            #expect(await log.closed.isEmpty)
        }
        try await eventually("all of the slow queue are there again") { try await slow.depth() == 10 }
        try await eventually("of the other what was not answered") { try await quick.depth() == 1 }
    }

    @Test("has its whole prefetch again when it is renewed, beside what is unacknowledged")
    func renewal() async throws {
        let queue = try await TestQueue.make(on: .shared())
        try await queue.send((0..<20).map { "\($0)" })
        let consumer = queue.consumer(prefetch: 5)
        try await ConsumerLog.with(consumer) { log in
            try await eventually("the prefetch arrives") { await log.deliveries.count == 5 }
            await consumer.renew(queue: queue.name, epoch: 7)
            #expect(await log.deliveries.count == 5, "another epoch is meant")
            await consumer.renew(queue: queue.name, epoch: 1)
            try await eventually("as many again arrive") { await log.deliveries.count == 10 }
            await consumer.acknowledge([AMQPAcknowledgement(epoch: 1, tag: 10), AMQPAcknowledgement(epoch: 1, tag: 1)])
            try await eventually("one more, as the earlier one takes nothing") { await log.deliveries.count == 11 }
            #expect(await log.bodies == (0..<11).map { "\($0)" }, "in their order")
            #expect(await log.closed.isEmpty)
        }
        try await eventually("the broker counts 18") { try await queue.depth() == 18 }
    }

    @Test("changes its prefetch and keeps what is unacknowledged")
    func widen() async throws {
        let queue = try await TestQueue.make(on: .shared())
        try await queue.send((0..<20).map { "\($0)" })
        let consumer = queue.consumer(prefetch: 1)
        try await ConsumerLog.with(consumer) { log in
            try await eventually("one arrives") { await log.deliveries.count == 1 }
            await consumer.setPrefetch(10, queue: queue.name)
            try await eventually("ten more arrive") { await log.deliveries.count == 11 }
            let epoch = await log.deliveries[0].epoch
            await consumer.acknowledge([AMQPAcknowledgement(epoch: epoch, tag: 11, multiple: true)])
            try await eventually("the rest arrives") { await log.deliveries.count == 20 }
            await consumer.acknowledge([AMQPAcknowledgement(epoch: epoch, tag: 20, multiple: true)])
            #expect(await log.closed.isEmpty)
        }
        try await eventually("the broker counts 0") { try await queue.depth() == 0 }
    }

    @Test("says that its queue was deleted, and resumes when it is there again")
    func queueDeleted() async throws {
        let queue = try await TestQueue.make(on: .shared())
        let other = try await TestQueue.make(on: .shared())
        let consumer = AMQPConsumer(
            configuration: queue.configuration,
            subscriptions: [.init(queue: queue.name, prefetch: 10), .init(queue: other.name, prefetch: 10)],
            maximumBodyBytes: 1000, logger: quietLogger)
        try await ConsumerLog.with(consumer, acknowledging: true) { log in
            try await queue.send(["before"])
            try await eventually("it arrives") { await log.bodies == ["before"] }
            let connection = try await queue.connect()
            try await connection.deleteQueue(queue.name)
            try await eventually("it is told") { await log.cancelled == [queue.name] }
            try await other.send(["meanwhile"])
            try await eventually("the other queue goes on") { await log.bodies.last == "meanwhile" }
            try await connection.declareQueue(queue.name, arguments: ["x-queue-type": .string("quorum")])
            await connection.close()
            try await queue.send(["after"])
            // A queue that is just being made may still refuse a consumer, which costs the connection: then a new one resumes.
            try await eventually("it resumes") { await log.bodies.last == "after" }
        }
    }

    @Test("starts with a queue missing, serves the others, and takes it up when it appears")
    func queueMissing() async throws {
        let queue = try await TestQueue.make(on: .shared())
        let missing = "test-\(randomName())"
        let consumer = AMQPConsumer(
            configuration: queue.configuration,
            subscriptions: [.init(queue: missing, prefetch: 10), .init(queue: queue.name, prefetch: 10)],
            maximumBodyBytes: 1000, logger: quietLogger)
        try await ConsumerLog.with(consumer, acknowledging: true) { log in
            try await eventually("it is told") { await log.cancelled == [missing] }
            try await queue.send(["one"])
            try await eventually("the other queue is served") { await log.bodies == ["one"] }
            let connection = try await queue.connect()
            try await connection.declareQueue(missing)
            try await connection.publish(AMQPMessage(exchange: "", routingKey: missing, body: Array("two".utf8)))
            await connection.close()
            try await eventually("it is taken up") { await log.bodies == ["one", "two"] }
        }
    }

    @Test("begins with the first prefetch, is widened, and begins with it again on the next connection")
    func widening() async throws {
        let queue = try await TestQueue.make(on: .shared())
        try await queue.send((0..<8).map { "\($0)" })
        let consumer = AMQPConsumer(
            configuration: queue.configuration,
            subscriptions: [.init(queue: queue.name, prefetch: 5, firstPrefetch: 1)], maximumBodyBytes: 1000,
            logger: quietLogger)
        try await ConsumerLog.with(consumer) { log in
            try await eventually("one arrives") { await log.deliveries.count == 1 }
            await consumer.widen(queue: queue.name, epoch: 7)
            #expect(await log.deliveries.count == 1, "another epoch is meant")
            await consumer.widen(queue: queue.name, epoch: 1)
            try await eventually("five more arrive") { await log.deliveries.count == 6 }
            await consumer.acknowledge([AMQPAcknowledgement(epoch: 1, tag: 6, multiple: true)])
            try await eventually("the rest arrives") { await log.deliveries.count == 8 }
            await consumer.reopen()
            try await eventually("one comes again") { await log.deliveries.count == 9 }
            #expect(await log.opened == [1, 2])
            #expect(await log.deliveries[8].redelivered)
            await consumer.acknowledge([AMQPAcknowledgement(epoch: 2, tag: 1)])
            try await eventually("then the other") { await log.deliveries.count == 10 }
        }
    }

    @Test("gives everything back while it is suspended, and goes on afterwards")
    func suspended() async throws {
        let queue = try await TestQueue.make(on: .shared())
        try await queue.send(["a", "b"])
        let consumer = queue.consumer()
        try await ConsumerLog.with(consumer) { log in
            try await eventually("they arrive") { await log.deliveries.count == 2 }
            await consumer.suspend()
            try await eventually("they are back") { try await queue.depth() == 2 }
            #expect(await !consumer.isConsuming(queue.name))
            #expect(await log.opened == [1])
            consumer.resume()
            try await eventually("they arrive again") { await log.deliveries.count == 4 }
            #expect(await consumer.isConsuming(queue.name))
        }
    }

    @Test("hands over what a slow reader left in fuller batches")
    func batches() async throws {
        let queue = try await TestQueue.make(on: .shared())
        try await queue.send((0..<2000).map { "\($0)" })
        try await ConsumerLog.with(queue.consumer(prefetch: 500), acknowledging: true) { log in
            try await eventually("all arrive") { await log.deliveries.count == 2000 }
            #expect(await log.bodies == (0..<2000).map { "\($0)" })
            #expect(await log.batchSizes.allSatisfy { (1...256).contains($0) })
            #expect(await log.batchSizes.count < 2000)
        }
    }

    @Test("ends its run when its task is cancelled")
    func cancelled() async throws {
        let queue = try await TestQueue.make(on: .shared())
        let consumer = queue.consumer()
        let running = Task { try await consumer.run() }
        var events = consumer.events.makeAsyncIterator()
        guard case .opened = await events.next() else {
            Issue.record("the first event is not .opened")
            return
        }
        running.cancel()
        try await running.value
        await consumer.close()
    }
}
