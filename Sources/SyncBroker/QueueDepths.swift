// How many messages wait in queues and for how many consumers, by asking the broker passively; for `--until-empty` and for
// people.

public import AMQP
public import Logging

/// Asks how many messages are ready in queues, over a connection of its own that is made anew when it breaks.
public actor QueueDepths {
    private let configuration: AMQPConfiguration
    private let logger: Logger
    private var connection: AMQPConnection?

    /// Prepares to ask.
    public init(configuration: AMQPConfiguration, logger: Logger) {
        self.configuration = configuration
        self.logger = logger
    }

    /// The number of ready messages in each of `queues` (names on the broker).
    ///
    /// - Throws: ``AMQPError`` when the broker can't be reached or a queue is missing.
    public func ready(in queues: [String]) async throws -> [String: Int] {
        try await states(of: queues).mapValues(\.messages)
    }

    /// Ready messages and consumers of each of `queues` (names on the broker).
    ///
    /// - Throws: ``AMQPError`` when the broker can't be reached or a queue is missing.
    public func states(of queues: [String]) async throws -> [String: AMQPQueueState] {
        let open: AMQPConnection
        if let connection {
            open = connection
        } else {
            open = try await AMQPConnection.open(configuration, logger: logger)
            connection = open
        }
        do {
            var states: [String: AMQPQueueState] = [:]
            for queue in queues {
                states[queue] = try await open.declareQueue(queue, durable: true, passive: true)
            }
            return states
        } catch {
            await close()
            throw error
        }
    }

    /// Ready messages and consumers of those of `queues` (names on the broker) that there are.
    ///
    /// - Throws: ``AMQPError`` when the broker can't be reached.
    public func statesOfExisting(_ queues: [String]) async throws -> [String: AMQPQueueState] {
        var found: [String: AMQPQueueState] = [:]
        for queue in queues {
            do { found.merge(try await states(of: [queue])) { $1 } } catch let error as AMQPError
                where error.code == .resourceMissing
            { continue }
        }
        return found
    }

    /// Closes the connection, if there is one.
    public func close() async {
        await connection?.close()
        connection = nil
    }
}
