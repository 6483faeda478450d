// Broken, silent, blocked and refused connections, over a real broker.
import AMQP
import Foundation
import Testing

@Suite("When the connection fails") struct FailureTests {
    @Test("a cut connection means a new epoch, redelivery, and that old tags are dropped")
    func cutConsumer() async throws {
        let broker = try await PrivateBroker.shared()
        let proxy = try TestProxy(to: broker.port)
        defer { proxy.stop() }
        let queue = try await TestQueue.make(on: broker, through: proxy)
        try await queue.send(["a", "b", "c"])
        let consumer = queue.consumer()
        try await ConsumerLog.with(consumer) { log in
            try await eventually("they arrive") { await log.deliveries.count == 3 }
            proxy.cut()
            try await eventually("they arrive again") { await log.deliveries.count == 6 }
            #expect(await log.opened == [1, 2])
            let closed = await log.closed
            #expect(closed.map(\.epoch) == [1])
            #expect(closed.first?.error.code == .connectionLost)
            let again = await Array(log.deliveries[3...])
            #expect(again.allSatisfy { $0.redelivered && $0.epoch == 2 })
            // Tags 1 to 3 of the first epoch: on the new channel they would acknowledge other messages.
            await consumer.acknowledge([AMQPAcknowledgement(epoch: 1, tag: 3, multiple: true)])
            await consumer.acknowledge([AMQPAcknowledgement(epoch: 2, tag: again[0].tag)])
        }
        try await eventually("two are left") { try await queue.depth() == 2 }
    }

    @Test("a publisher whose connection is cut publishes the unconfirmed again")
    func cutPublisher() async throws {
        let broker = try await PrivateBroker.shared()
        let proxy = try TestProxy(to: broker.port)
        defer { proxy.stop() }
        let queue = try await TestQueue.make(on: broker, through: proxy)
        let count = 20_000
        let results = try await withPublisher(queue.publisher(maximumInFlight: 200)) { publisher in
            async let results = publisher.publish((0..<count).map { queue.message("\($0)") })
            for cut in 1...3 {
                try await eventually("some more arrive") { try await queue.depth() > cut * 1000 }
                let before = proxy.accepted
                proxy.cut()
                try await eventually("it is there again") { proxy.accepted > before }
            }
            return await results
        }
        #expect(results.count == count)
        #expect(results.allSatisfy { $0 == .confirmed })
        try await eventually("the broker has them all") { try await queue.depth() >= count }
        let log = try await ConsumerLog.with(queue.consumer(prefetch: 2000), acknowledging: true) { log in
            try await eventually("every one has arrived") { await Set(log.bodies).count == count }
            return log
        }
        #expect(await Set(log.bodies) == Set((0..<count).map { "\($0)" }))
    }

    @Test("an operator's close of the connection is told with its reason")
    func closedByOperator() async throws {
        let broker = try await PrivateBroker.shared()
        let queue = try await TestQueue.make(on: broker)
        var configuration = queue.configuration
        configuration.connectionName = "victim-\(randomName())"
        let consumer = AMQPConsumer(
            configuration: configuration, subscriptions: [.init(queue: queue.name, prefetch: 10)],
            maximumBodyBytes: 1000, logger: quietLogger)
        try await ConsumerLog.with(consumer, acknowledging: true) { log in
            try await eventually("it is open") { await log.opened == [1] }
            let list = try await broker.control("list_connections", "pid", "client_properties", "--silent")
            let line = try #require(list.split(separator: "\n").first { $0.contains(configuration.connectionName) })
            let pid = String(try #require(line.split(separator: "\t").first))
            try await broker.control("close_connection", pid, "maintenance")
            try await eventually("it is open again") { await log.opened == [1, 2] }
            let error = try #require(await log.closed.first?.error)
            #expect(error.code == .connectionClosedByBroker)
            #expect(error.replyCode == 320)
            #expect(error.message.contains("maintenance"))
            try await queue.send(["on"])
            try await eventually("it works") { await log.bodies == ["on"] }
        }
    }

    @Test("silence is noticed by the heartbeat, and after it everything goes on")
    func blackHole() async throws {
        let broker = try await PrivateBroker.shared()
        let proxy = try TestProxy(to: broker.port)
        defer { proxy.stop() }
        let queue = try await TestQueue.make(on: broker, through: proxy, heartbeat: .seconds(2))
        try await ConsumerLog.with(queue.consumer(), acknowledging: true) { log in
            try await eventually("it is open") { await log.opened == [1] }
            proxy.set(.swallow)
            try await eventually("it is noticed", within: .seconds(60)) { await log.closed.count == 1 }
            #expect(await log.closed.first?.error.code == .connectionLost)
            proxy.set(.pass)
            try await eventually("it is open again") { await log.opened.last ?? 1 > 1 }
            try await queue.send(["on"])
            try await eventually("it works") { await log.bodies == ["on"] }
        }
    }

    @Test("an idle connection is kept alive by heartbeats in both directions")
    func idle() async throws {
        let broker = try await PrivateBroker.shared()
        let proxy = try TestProxy(to: broker.port)
        defer { proxy.stop() }
        let queue = try await TestQueue.make(on: broker, through: proxy, heartbeat: .seconds(1))
        let other = try await TestQueue.make(on: broker, through: proxy, heartbeat: .seconds(1))
        let idle = try await other.connect()
        // A second client is silenced for as long as the heartbeat needs; the idle one lives through that time.
        let silent = try TestProxy(to: broker.port)
        defer { silent.stop() }
        var configuration = queue.configuration
        configuration.endpoints = [AMQPEndpoint(host: "127.0.0.1", port: silent.port)]
        for epoch in UInt64(1)...2 {
            let victim = try await AMQPConnection.open(configuration, epoch: epoch, logger: quietLogger)
            silent.set(.swallow)
            #expect(await victim.waitUntilClosed().code == .connectionLost)
            silent.set(.pass)
        }
        #expect(await idle.isOpen)
        try await idle.declareQueue(other.name, passive: true)
        await idle.close()
    }

    @Test("a send into a black hole does not hang for ever: the watchdog ends it and the message is sent again")
    func stuckSend() async throws {
        let broker = try await PrivateBroker.shared()
        let proxy = try TestProxy(to: broker.port)
        defer { proxy.stop() }
        let made = try await TestQueue.make(on: broker, through: proxy, heartbeat: .seconds(1))
        var configuration = made.configuration
        configuration.rpcTimeout = .seconds(1)
        let queue = TestQueue(configuration: configuration, name: made.name)
        let results = try await withPublisher(queue.publisher(confirmTimeout: .seconds(90))) { publisher in
            let first = await publisher.publish([queue.message("first")])
            let before = proxy.accepted
            proxy.set(.swallow)
            async let large = publisher.publish(
                (0..<4).map { queue.message([UInt8](repeating: UInt8($0), count: 12 << 20)) })
            // Passing again only after the publisher has given the connection up and tried another.
            try await eventually("it tries again", within: .seconds(60)) { proxy.accepted > before }
            proxy.set(.pass)
            return await first + large
        }
        #expect(results.count == 5)
        #expect(results.allSatisfy { $0 == .confirmed })
    }

    @Test("a publisher that nobody runs fails its messages in time")
    func neverRun() async throws {
        let configuration = try AMQPConfiguration(urls: ["amqp://localhost"], connectionName: "test")
        let publisher = AMQPPublisher(
            configuration: configuration, confirmTimeout: .milliseconds(1), logger: quietLogger)
        let results = await publisher.publish([AMQPMessage(exchange: "", routingKey: "q", body: [])])
        guard case .failed(let error) = results.first else {
            Issue.record("published without a connection")
            return
        }
        #expect(error.code == .timedOut)
        await publisher.close()
    }

    @Test("messages that cannot be confirmed in time fail, and say why")
    func confirmTimeout() async throws {
        let broker = try await PrivateBroker.shared()
        let proxy = try TestProxy(to: broker.port)
        defer { proxy.stop() }
        let queue = try await TestQueue.make(on: broker, through: proxy)
        try await withPublisher(queue.publisher(confirmTimeout: .seconds(2))) { publisher in
            #expect(await publisher.publish([queue.message("a")]) == [.confirmed])
            proxy.set(.refuse)
            proxy.cut()
            guard case .failed(let error) = await publisher.publish([queue.message("b")])[0] else {
                Issue.record("published without a broker")
                return
            }
            #expect(error.code == .timedOut)
            proxy.set(.pass)
            try await eventually("it works again") { await publisher.publish([queue.message("c")]) == [.confirmed] }
        }
    }

    @Test("of several hosts, a dead first one is passed over")
    func severalHosts() async throws {
        let queue = try await TestQueue.make(on: .shared())
        var configuration = queue.configuration
        // Port 1 of this machine: nobody listens there.
        configuration.endpoints.insert(AMQPEndpoint(host: "127.0.0.1", port: 1), at: 0)
        for epoch in UInt64(1)...8 {
            let connection = try await AMQPConnection.open(configuration, epoch: epoch, logger: quietLogger)
            #expect(await connection.endpoint == configuration.endpoints[1])
            await connection.close()
        }
    }
}

@Suite("Refusals are typed") struct RefusalTests {
    private func failure(_ configuration: AMQPConfiguration) async -> AMQPError? {
        do throws(AMQPError) {
            let connection = try await AMQPConnection.open(configuration, logger: quietLogger)
            await connection.close()
            return nil
        } catch {
            return error
        }
    }

    @Test("a wrong password, an unknown virtual host, a closed port, an unknown host")
    func opening() async throws {
        let broker = try await PrivateBroker.shared()
        let good = try AMQPConfiguration(urls: [broker.operatorURL], connectionName: "test")

        var wrong = good
        wrong.password = "not-the-password"
        let login = try #require(await failure(wrong))
        #expect(login.code == .loginRefused)
        #expect(login.replyCode == 403)
        #expect(!login.isTransient)
        #expect(!login.description.contains("not-the-password"))

        wrong = good
        wrong.virtualHost = "no-such-vhost"
        let vhost = try #require(await failure(wrong))
        #expect(vhost.code == .virtualHostRefused)
        #expect(!vhost.isTransient)

        wrong = good
        wrong.endpoints = [AMQPEndpoint(host: "127.0.0.1", port: 1)]
        let port = try #require(await failure(wrong))
        #expect(port.code == .cannotConnect)
        #expect(port.isTransient)

        wrong.endpoints = [AMQPEndpoint(host: "no-such-host.invalid", port: 5672)]
        #expect(await failure(wrong)?.code == .cannotConnect)

        // A refused login says more than a dead node.
        wrong = good
        wrong.password = "wrong"
        wrong.endpoints.append(AMQPEndpoint(host: "127.0.0.1", port: 1))
        #expect(await failure(wrong)?.code == .loginRefused)
    }

    @Test("a port where somebody listens and says nothing")
    func silentPort() async throws {
        let broker = try await PrivateBroker.shared()
        let proxy = try TestProxy(to: broker.port)
        defer { proxy.stop() }
        proxy.set(.swallow)
        var configuration = try AMQPConfiguration(urls: [broker.operatorURL], connectionName: "test")
        configuration.endpoints = [AMQPEndpoint(host: "127.0.0.1", port: proxy.port)]
        configuration.connectTimeout = .seconds(1)
        let error = try #require(await failure(configuration))
        #expect(error.code == .cannotConnect)
        #expect(error.isTransient)
    }

    @Test("a run ends with the refusal that no retry mends, and what waits to be published fails with it")
    func runs() async throws {
        let broker = try await PrivateBroker.shared()
        var configuration = try AMQPConfiguration(urls: [broker.operatorURL], connectionName: "test")
        configuration.password = "wrong"
        let consumer = AMQPConsumer(
            configuration: configuration, subscriptions: [.init(queue: "q", prefetch: 1)], maximumBodyBytes: 1,
            logger: quietLogger)
        await #expect { try await consumer.run() } throws: { ($0 as? AMQPError)?.code == .loginRefused }
        let publisher = AMQPPublisher(configuration: configuration, logger: quietLogger)
        async let results = publisher.publish([AMQPMessage(exchange: "", routingKey: "q", body: [])])
        await #expect { try await publisher.run() } throws: { ($0 as? AMQPError)?.code == .loginRefused }
        guard case .failed(let error) = await results[0] else {
            Issue.record("published without a login")
            return
        }
        #expect(error.code == .loginRefused)
    }

    @Test("a missing queue, an unequal one, a forbidden one, an exclusive one")
    func requests() async throws {
        let broker = try await PrivateBroker.shared()
        let queue = try await TestQueue.make(on: broker)

        func code(
            of url: String? = nil, _ body: @Sendable (AMQPConnection) async throws(AMQPError) -> Void
        ) async throws -> AMQPError? {
            let configuration =
                try url.map { try AMQPConfiguration(urls: [$0], connectionName: "test") } ?? queue.configuration
            let connection = try await AMQPConnection.open(configuration, logger: quietLogger)
            do throws(AMQPError) {
                try await body(connection)
                await connection.close()
                return nil
            } catch {
                // The broker closed the channel over it: the connection is over, and says so.
                if error.code != .invalidMessage {
                    let end = await connection.waitUntilClosed()
                    #expect(end == error)
                }
                await connection.close()
                return error
            }
        }

        let missing = try await code { connection throws(AMQPError) in
            try await connection.declareQueue("test-missing-\(randomName())", passive: true)
        }
        #expect(missing?.code == .resourceMissing)
        #expect(missing?.replyCode == 404)
        let gone = try await code { connection throws(AMQPError) in
            _ = try await connection.get("test-missing-\(randomName())")
        }
        #expect(gone?.code == .resourceMissing)
        let unequal = try await code { connection throws(AMQPError) in
            try await connection.declareQueue(queue.name, arguments: ["x-queue-type": .string("classic")])
        }
        #expect(unequal?.code == .preconditionFailed)
        let forbidden = try await code(of: broker.producerURL) { connection throws(AMQPError) in
            _ = try await connection.get(queue.name)
        }
        #expect(forbidden?.code == .accessRefused)
        let owner = try await queue.connect()
        let exclusive = try await owner.declareQueue("", durable: false, exclusive: true).name
        let locked = try await code { connection throws(AMQPError) in _ = try await connection.get(exclusive) }
        #expect(locked?.code == .resourceLocked)
        await owner.close()
        let long = try await code { connection throws(AMQPError) in
            try await connection.declareQueue(String(repeating: "q", count: 256))
        }
        #expect(long?.code == .invalidMessage)
    }
}
