// The requests of a bare connection, over a real broker.
import AMQP
import Testing

@Suite("A connection to a real broker") struct ConnectionTests {
    @Test("declares, binds, routes, unbinds, purges and deletes")
    func topology() async throws {
        let queue = try await TestQueue.make(on: .shared())
        let connection = try await queue.connect()
        let (outer, inner) = ("test-outer-\(randomName())", "test-inner-\(randomName())")
        try await connection.declareExchange(outer)
        try await connection.declareExchange(inner, kind: "fanout", isInternal: true)
        try await connection.declareExchange(outer, passive: true)
        try await connection.bindExchange(inner, source: outer, routingKey: "a.#")
        try await connection.bindQueue(queue.name, exchange: inner, routingKey: "")
        try await connection.publish(AMQPMessage(exchange: outer, routingKey: "a.b", body: [1]))
        try await connection.publish(AMQPMessage(exchange: outer, routingKey: "b", body: [2]))
        let got = try await eventually("it is routed", value: { try await connection.get(queue.name) })
        #expect(got.body == [1])
        #expect(got.exchange == outer)
        #expect(got.routingKey == "a.b")
        #expect(got.queue == queue.name)
        #expect(try await connection.get(queue.name) == nil)
        await connection.reject(got.tag, requeue: true)
        try await eventually("it is back") {
            try await connection.declareQueue(queue.name, passive: true).messages == 1
        }
        #expect(try await connection.purgeQueue(queue.name) == 1)
        try await connection.unbindQueue(queue.name, exchange: inner, routingKey: "")
        try await connection.unbindExchange(inner, source: outer, routingKey: "a.#")
        try await connection.deleteExchange(inner)
        try await connection.deleteExchange(outer)
        try await connection.deleteQueue(queue.name)
        await connection.close()
        #expect(await connection.isOpen == false)
        await #expect { try await connection.get(queue.name) } throws: { ($0 as? AMQPError)?.code == .stopped }
    }

    @Test("gets large messages while others are unacknowledged")
    func get() async throws {
        let queue = try await TestQueue.make(on: .shared())
        let bodies = (0..<5).map { [UInt8](repeating: UInt8($0), count: 300_000) }
        try await queue.send(bodies.map { queue.message($0) })
        let connection = try await queue.connect()
        for body in bodies { #expect(try await connection.get(queue.name)?.body == body) }
        await connection.acknowledge(5, multiple: true)
        #expect(try await connection.get(queue.name) == nil)
        await connection.close()
        try await eventually("the broker counts 0") { try await queue.depth() == 0 }
    }

    @Test("ends by itself when nobody holds it any more")
    func dropped() async throws {
        let broker = try await PrivateBroker.shared()
        let queue = try await TestQueue.make(on: broker)
        let name = "dropped-\(randomName())"
        func open() async throws {
            var configuration = queue.configuration
            configuration.connectionName = name
            let connection = try await AMQPConnection.open(configuration, logger: quietLogger)
            try await connection.declareQueue(queue.name, passive: true)
        }
        try await open()
        try await eventually("the broker has lost it") {
            try await !broker.control("list_connections", "client_properties", "--silent").contains(name)
        }
    }

    @Test("a frame size of 4096 works as well")
    func smallFrames() async throws {
        var queue = try await TestQueue.make(on: .shared())
        var configuration = queue.configuration
        configuration.frameMax = 4096
        queue = TestQueue(configuration: configuration, name: queue.name)
        let bodies = [0, 4087, 4088, 4089, 8176, 50_000].map { [UInt8](repeating: 3, count: $0) }
        try await queue.send(bodies.map { queue.message($0) })
        let connection = try await queue.connect()
        for body in bodies { #expect(try await connection.get(queue.name)?.body == body) }
        await connection.close()
    }
}
