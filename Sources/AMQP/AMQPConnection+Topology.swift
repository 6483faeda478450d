// Declaring, binding and deleting: the requests of a connection that shape the broker instead of moving messages.
// Invariant: a refusal ends the connection, as the broker closes the channel over it; the error says which and why.

/// What a queue is like at the moment.
public struct AMQPQueueState: Sendable, Hashable {
    /// The queue's name; the broker's choice if an empty one was asked for.
    public let name: String
    /// Messages that are ready to be delivered (those delivered and unacknowledged are not counted).
    public let messages: Int
    /// Consumers of the queue.
    public let consumers: Int

    /// Creates a state, for tests.
    public init(name: String, messages: Int, consumers: Int) {
        self.name = name
        self.messages = messages
        self.consumers = consumers
    }
}

extension AMQPConnection {
    /// Declares an exchange, or with `passive` only asks whether it exists.
    public func declareExchange(
        _ name: String, kind: String = "topic", durable: Bool = true, autoDelete: Bool = false,
        isInternal: Bool = false, arguments: AMQPTable = [:], passive: Bool = false
    ) throws(AMQPError) {
        try request { wire throws(AMQPError) in
            try wire.declareExchange(
                name, kind: kind, durable: durable, autoDelete: autoDelete, isInternal: isInternal, passive: passive,
                arguments: arguments)
        }
    }

    /// Declares a queue, or with `passive` only asks whether it exists (the broker then compares nothing).
    @discardableResult
    public func declareQueue(
        _ name: String, durable: Bool = true, exclusive: Bool = false, autoDelete: Bool = false,
        arguments: AMQPTable = [:], passive: Bool = false
    ) throws(AMQPError) -> AMQPQueueState {
        try request { wire throws(AMQPError) in
            try wire.declareQueue(
                name, durable: durable, exclusive: exclusive, autoDelete: autoDelete, passive: passive,
                arguments: arguments)
        }
    }

    /// Binds a queue to an exchange.
    public func bindQueue(
        _ queue: String, exchange: String, routingKey: String, arguments: AMQPTable = [:]
    ) throws(AMQPError) {
        try bind(.queue(queue), to: exchange, routingKey, arguments, undo: false)
    }

    /// Undoes a binding of a queue.
    public func unbindQueue(
        _ queue: String, exchange: String, routingKey: String, arguments: AMQPTable = [:]
    ) throws(AMQPError) {
        try bind(.queue(queue), to: exchange, routingKey, arguments, undo: true)
    }

    /// Binds the exchange `destination` to the exchange `source`: what `source` gets under the key goes on.
    public func bindExchange(
        _ destination: String, source: String, routingKey: String, arguments: AMQPTable = [:]
    ) throws(AMQPError) {
        try bind(.exchange(destination), to: source, routingKey, arguments, undo: false)
    }

    /// Undoes a binding between exchanges.
    public func unbindExchange(
        _ destination: String, source: String, routingKey: String, arguments: AMQPTable = [:]
    ) throws(AMQPError) {
        try bind(.exchange(destination), to: source, routingKey, arguments, undo: true)
    }

    private func bind(
        _ destination: Wire.Destination, to exchange: String, _ routingKey: String, _ arguments: AMQPTable, undo: Bool
    ) throws(AMQPError) {
        try request { wire throws(AMQPError) in
            try wire.bind(destination, to: exchange, routingKey: routingKey, arguments: arguments, undo: undo)
        }
    }

    /// Deletes a queue; gives the number of messages that went with it.
    @discardableResult
    public func deleteQueue(
        _ name: String, onlyIfUnused: Bool = false, onlyIfEmpty: Bool = false
    ) throws(AMQPError) -> Int {
        try request { wire throws(AMQPError) in
            try wire.deleteQueue(name, onlyIfUnused: onlyIfUnused, onlyIfEmpty: onlyIfEmpty)
        }
    }

    /// Deletes an exchange.
    public func deleteExchange(_ name: String, onlyIfUnused: Bool = false) throws(AMQPError) {
        try request { wire throws(AMQPError) in try wire.deleteExchange(name, onlyIfUnused: onlyIfUnused) }
    }

    /// Drops all ready messages of a queue; gives their number.
    @discardableResult
    public func purgeQueue(_ name: String) throws(AMQPError) -> Int {
        try request { wire throws(AMQPError) in try wire.purgeQueue(name) }
    }
}
