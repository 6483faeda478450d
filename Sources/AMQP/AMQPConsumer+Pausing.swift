// Queues of which nothing is to be taken for a while: their subscriptions are ended and made again, the connection stays.
internal import Logging
internal import Synchronization

extension AMQPConsumer {
    /// Those of queues that are not paused.
    var wantedSubscriptions: [AMQPSubscription] {
        state.withLock { state in state.subscriptions.filter { !state.paused.contains($0.queue) } }
    }

    /// Whether nothing is to be taken of a queue.
    func isPaused(_ queue: String) -> Bool { state.withLock { $0.paused.contains(queue) } }

    /// Takes nothing of these queues, and takes of all others again.
    ///
    /// What is unacknowledged stays valid. Without a connection it counts from the next one on.
    public func setPaused(_ queues: Set<String>) async {
        let (connection, ended, begun) = state.withLock { state in
            let before = state.paused
            state.paused = queues
            let changed = state.isIntakeStopped ? [] : state.subscriptions
            return (
                state.connection, changed.filter { queues.contains($0.queue) && !before.contains($0.queue) },
                changed.filter { !queues.contains($0.queue) && before.contains($0.queue) }
            )
        }
        guard let connection, !ended.isEmpty || !begun.isEmpty else { return }
        await connection.change(ended: ended.map(\.queue), begun: begun)
    }
}

extension AMQPConnection {
    /// A change that fails ends the connection, and the next one is made as it is wanted then.
    fileprivate func change(ended: [String], begun: [AMQPSubscription]) {
        do throws(AMQPError) {
            for queue in ended where isConsuming(queue) { try cancelConsumers(queue: queue) }
            for subscription in begun where !isConsuming(subscription.queue) { try consume(subscription) }
        } catch {
            logger.warning(
                "subscriptions could not be changed",
                metadata: ["queues": "\(ended + begun.map(\.queue))", "error": "\(error)"])
        }
    }
}
