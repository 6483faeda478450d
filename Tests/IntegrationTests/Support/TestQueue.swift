// A queue of a test's own on a private node, with the configuration to reach it.
// Invariant: names are random, so any number of tests share a node.
import AMQP

/// Where a test works.
struct TestQueue: Sendable {
    let configuration: AMQPConfiguration
    let name: String

    /// Declares a quorum queue with a random name on `broker`, reached through `proxy` if there is one.
    static func make(
        on broker: PrivateBroker, through proxy: TestProxy? = nil, heartbeat: Duration = .seconds(20),
        arguments: AMQPTable = ["x-queue-type": .string("quorum")]
    ) async throws -> TestQueue {
        var configuration = try AMQPConfiguration(urls: [broker.operatorURL], connectionName: "test")
        let direct = configuration
        if let proxy { configuration.endpoints = [AMQPEndpoint(host: "127.0.0.1", port: proxy.port)] }
        configuration.heartbeat = heartbeat
        configuration.connectTimeout = .seconds(5)
        configuration.rpcTimeout = .seconds(10)
        configuration.backoff = AMQPBackoff(initial: .milliseconds(50), maximum: .milliseconds(500))
        let queue = TestQueue(configuration: configuration, name: "test-\(randomName())")
        try await queue.declare(direct, arguments)
        return queue
    }

    private func declare(_ configuration: AMQPConfiguration, _ arguments: AMQPTable) async throws {
        let connection = try await AMQPConnection.open(configuration, logger: quietLogger)
        try await connection.declareQueue(name, arguments: arguments)
        await connection.close()
    }

    /// A new connection to the broker.
    func connect() async throws -> AMQPConnection { try await AMQPConnection.open(configuration, logger: quietLogger) }

    /// A message for the queue, through the default exchange.
    func message(_ body: [UInt8], properties: AMQPProperties = AMQPProperties()) -> AMQPMessage {
        AMQPMessage(exchange: "", routingKey: name, properties: properties, body: body)
    }

    func message(_ text: String) -> AMQPMessage { message(Array(text.utf8)) }

    /// Publishes and insists on confirms.
    func send(_ messages: [AMQPMessage]) async throws {
        let results = try await withPublisher(publisher()) { await $0.publish(messages) }
        for result in results where result != .confirmed { throw NeverHappened(description: "\(result)") }
    }

    func send(_ texts: [String]) async throws { try await send(texts.map { message($0) }) }

    func publisher(maximumInFlight: Int = 1000, confirmTimeout: Duration = .seconds(30)) -> AMQPPublisher {
        AMQPPublisher(
            configuration: configuration, maximumInFlight: maximumInFlight, confirmTimeout: confirmTimeout,
            logger: quietLogger)
    }

    func consumer(prefetch: UInt16 = 100, maximumBodyBytes: Int = 16 << 20) -> AMQPConsumer {
        AMQPConsumer(
            configuration: configuration, subscriptions: [AMQPSubscription(queue: name, prefetch: prefetch)],
            maximumBodyBytes: maximumBodyBytes, logger: quietLogger)
    }

    /// Ready messages of the queue, as the broker counts them.
    func depth() async throws -> Int {
        let connection = try await connect()
        let state = try await connection.declareQueue(name, passive: true)
        await connection.close()
        return state.messages
    }
}
