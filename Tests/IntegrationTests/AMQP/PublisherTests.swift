// Publishing with confirms, over a real broker.
import AMQP
import Testing

@Suite("A publisher on a real broker") struct PublisherTests {
    @Test("tells a returned message from its confirmed mates")
    func returned() async throws {
        let queue = try await TestQueue.make(on: .shared())
        let nowhere = AMQPMessage(exchange: "", routingKey: "test-nowhere-\(randomName())", body: [1])
        var careless = nowhere
        careless.mandatory = false
        let results = try await withPublisher(queue.publisher()) { publisher in
            await publisher.publish([queue.message("a"), nowhere, queue.message("b"), careless, nowhere])
        }
        let back = AMQPPublishResult.returned(replyCode: 312, text: "NO_ROUTE")
        #expect(results == [.confirmed, back, .confirmed, .confirmed, back])
        try await eventually("the broker counts 2") { try await queue.depth() == 2 }
    }

    @Test("confirms 20,000 messages from many callers, each once and in order")
    func many() async throws {
        let queue = try await TestQueue.make(on: .shared())
        let callers = 20
        try await ConsumerLog.with(queue.consumer(prefetch: 2000), acknowledging: true) { log in
            try await withPublisher(queue.publisher(maximumInFlight: 500)) { publisher in
                await withTaskGroup(of: [AMQPPublishResult].self) { group in
                    for caller in 0..<callers {
                        group.addTask {
                            await publisher.publish((0..<1000).map { queue.message("\(caller):\($0)") })
                        }
                    }
                    for await results in group {
                        #expect(results.count == 1000)
                        #expect(results.allSatisfy { $0 == .confirmed })
                    }
                }
            }
            try await eventually("all arrive") { await log.deliveries.count >= callers * 1000 }
            let bodies = await log.bodies
            #expect(bodies.count == callers * 1000)
            for caller in 0..<callers {
                let its = bodies.filter { $0.hasPrefix("\(caller):") }
                #expect(its == (0..<1000).map { "\(caller):\($0)" })
            }
        }
    }

    @Test("fails only the message that the broker refuses to hear of")
    func culprits() async throws {
        let queue = try await TestQueue.make(on: .shared())
        let unknown = "test-unknown-\(randomName())"
        var messages = (0..<100).map { queue.message("\($0)") }
        for position in [10, 50, 90] {
            messages[position] = AMQPMessage(exchange: unknown, routingKey: "x", body: [1])
        }
        let results = try await withPublisher(queue.publisher()) { await $0.publish(messages) }
        for (position, result) in results.enumerated() {
            guard [10, 50, 90].contains(position) else {
                #expect(result == .confirmed)
                continue
            }
            guard case .failed(let error) = result else {
                Issue.record("\(result)")
                continue
            }
            #expect(error.code == .resourceMissing)
            #expect(error.replyCode == 404)
            #expect(error.message.contains(unknown))
        }
    }

    @Test("fails a message over the broker's limit and goes on")
    func tooLarge() async throws {
        let queue = try await TestQueue.make(on: .shared())
        let large = queue.message([UInt8](repeating: 1, count: (16 << 20) + 1))
        let results = try await withPublisher(queue.publisher()) { publisher in
            await publisher.publish([queue.message("a"), large, queue.message("b")])
        }
        #expect(results[0] == .confirmed)
        #expect(results[2] == .confirmed)
        guard case .failed(let error) = results[1] else {
            Issue.record("\(results[1])")
            return
        }
        #expect(error.code == .preconditionFailed)
    }

    @Test("refuses by name what cannot be encoded, before sending anything")
    func invalid() async throws {
        let queue = try await TestQueue.make(on: .shared())
        let longID = AMQPProperties(messageID: String(repeating: "x", count: 256))
        let wideHeader = AMQPProperties(headers: ["h": .bytes([UInt8](repeating: 0, count: 200_000))])
        let longName = AMQPProperties(headers: [String(repeating: "n", count: 256): .null])
        let properties = [longID, wideHeader, longName, AMQPProperties(expiration: "soon")]
        let results = try await withPublisher(queue.publisher()) { publisher in
            await publisher.publish(properties.map { queue.message([1], properties: $0) } + [queue.message("fine")])
        }
        for result in results.dropLast() {
            guard case .failed(let error) = result else {
                Issue.record("\(result)")
                continue
            }
            #expect(error.code == .invalidMessage)
        }
        #expect(results.last == .confirmed)
    }

    @Test("hears a queue's refusal")
    func refused() async throws {
        let queue = try await TestQueue.make(
            on: .shared(), arguments: ["x-max-length": .int(1), "x-overflow": .string("reject-publish")])
        let results = try await withPublisher(queue.publisher()) { publisher in
            await publisher.publish((0..<20).map { queue.message("\($0)") })
        }
        #expect(results.first == .confirmed)
        #expect(results.last == .refused)
    }

    @Test("takes nothing more after it was closed")
    func closed() async throws {
        let queue = try await TestQueue.make(on: .shared())
        let publisher = queue.publisher()
        _ = try await withPublisher(publisher) { await $0.publish([queue.message("a")]) }
        guard case .failed(let error) = await publisher.publish([queue.message("b")])[0] else {
            Issue.record("a closed publisher published")
            return
        }
        #expect(error.code == .stopped)
        #expect(await publisher.publish([]) == [])
    }
}
