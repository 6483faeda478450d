// Bodies of every awkward size, over a real broker.
import AMQP
import Testing

@Suite("Bodies over a real broker") struct BodyTests {
    @Test("arrive whole at 0 bytes, at the edges of a frame, and far above it")
    func sizes() async throws {
        let queue = try await TestQueue.make(on: .shared())
        let frame = 131_072 - 8
        let sizes = [0, 1, frame - 1, frame, frame + 1, 2 * frame, 3 * frame, 3 * frame + 1, 5_000_000]
        let bodies = sizes.map { size in (0..<size).map { UInt8(truncatingIfNeeded: $0 &* 31 &+ size) } }
        try await ConsumerLog.with(queue.consumer(), acknowledging: true) { log in
            try await queue.send(bodies.map { queue.message($0) })
            try await eventually("all bodies arrive") { await log.deliveries.count == bodies.count }
            let deliveries = await log.deliveries
            for (delivery, body) in zip(deliveries, bodies) {
                #expect(delivery.body == body)
                #expect(delivery.bodyBytes == body.count)
                #expect(!delivery.isBodyOmitted)
            }
        }
        try await eventually("the broker counts 0") { try await queue.depth() == 0 }
    }

    @Test("over the limit are left out, and what follows is not disturbed")
    func omitted() async throws {
        let queue = try await TestQueue.make(on: .shared())
        let bodies: [[UInt8]] = [[1, 2, 3], .init(repeating: 7, count: 1001), .init(repeating: 8, count: 1000), [4]]
        try await ConsumerLog.with(queue.consumer(maximumBodyBytes: 1000), acknowledging: true) { log in
            try await queue.send(
                bodies.map { queue.message($0) } + [queue.message(.init(repeating: 9, count: 900_000))])
            try await eventually("all arrive") { await log.deliveries.count == 5 }
            let deliveries = await log.deliveries
            #expect(deliveries.map(\.isBodyOmitted) == [false, true, false, false, true])
            #expect(deliveries.map(\.bodyBytes) == [3, 1001, 1000, 1, 900_000])
            #expect(deliveries.map(\.body) == [bodies[0], [], bodies[2], bodies[3], []])
        }
        try await eventually("the broker counts 0") { try await queue.depth() == 0 }
    }

    @Test("keep their properties and headers")
    func properties() async throws {
        // A classic queue adds nothing of its own; a quorum queue adds x-delivery-count.
        let queue = try await TestQueue.make(on: .shared(), arguments: ["x-queue-type": .string("classic")])
        let headers: AMQPTable = [
            "text": .string("grüße 👋"), "number": .int(.min), "real": .double(0.1), "yes": .bool(true),
            "raw": .bytes([0, 255]), "time": .timestamp(1_700_000_000), "none": .null,
            "nested": .table(["list": .array([.int(1), .string("two"), .array([]), .table([:])])]),
        ]
        let properties = AMQPProperties(
            contentType: "application/json", contentEncoding: "identity", messageID: "id-1", correlationID: "c",
            type: "t", appID: "a", replyTo: "r", expiration: "600000", timestamp: 1_700_000_001, priority: 5,
            headers: headers)
        try await queue.send([queue.message([1], properties: properties)])
        let connection = try await queue.connect()
        let delivery = try #require(try await connection.get(queue.name))
        #expect(delivery.properties.headers["ferry-publish"] == .int(1))
        var expected = properties
        expected.headers["ferry-publish"] = .int(1)
        #expect(delivery.properties == expected)
        await connection.acknowledge(delivery.tag)
        await connection.close()
    }
}
