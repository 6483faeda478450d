// Where messages go: the broker, or for a run without one a list in memory.

internal import SyncBroker

/// Takes messages; the outcomes are in the same order.
protocol MessageSink: Sendable {
    /// Publishes messages.
    func publish(_ messages: [OutgoingMessage]) async -> [PublishOutcome]
}

extension MessagePublisher: MessageSink {}
