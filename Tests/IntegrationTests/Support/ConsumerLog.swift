// Reads a consumer's events in a task of its own and keeps them, so that tests can ask what has come.
// Invariant: every event is kept in order of arrival; `acknowledging` answers deliveries as soon as they are seen.
import AMQP

/// What a consumer has told so far.
actor ConsumerLog {
    /// All deliveries, in order.
    private(set) var deliveries: [AMQPDelivery] = []
    /// Epochs opened.
    private(set) var opened: [UInt64] = []
    /// Epochs closed, with their reasons.
    private(set) var closed: [(epoch: UInt64, error: AMQPError)] = []
    /// Queues cancelled.
    private(set) var cancelled: [String] = []
    /// Reasons of blocks.
    private(set) var blocks: [String] = []
    /// How often it was unblocked.
    private(set) var unblocks = 0
    /// Sizes of the batches of deliveries.
    private(set) var batchSizes: [Int] = []
    /// Whether the stream of events has ended.
    private(set) var hasEnded = false
    /// What ``AMQPConsumer/run()`` threw.
    private(set) var failure: AMQPError?

    /// The bodies as text.
    var bodies: [String] { deliveries.map { String(decoding: $0.body, as: UTF8.self) } }

    private func note(_ event: AMQPConsumerEvent) {
        switch event {
        case .opened(let epoch): opened.append(epoch)
        case .deliveries(let list):
            deliveries += list
            batchSizes.append(list.count)
        case .cancelled(let queue, _): cancelled.append(queue)
        case .closed(let epoch, let error): closed.append((epoch, error))
        case .blocked(let reason): blocks.append(reason)
        case .unblocked: unblocks += 1
        }
    }

    private func end() { hasEnded = true }
    private func fail(_ error: AMQPError) { failure = error }

    /// Runs `consumer` while `body` looks at the log; closes it afterwards.
    static func with<R: Sendable>(
        _ consumer: AMQPConsumer, acknowledging: Bool = false,
        _ body: (ConsumerLog) async throws -> R
    ) async throws -> R {
        let log = ConsumerLog()
        return try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask {
                do throws(AMQPError) { try await consumer.run() } catch { await log.fail(error) }
            }
            group.addTask {
                for await event in consumer.events {
                    // Answered before it is seen, so that a test may close as soon as it has seen the last.
                    if acknowledging, case .deliveries(let list) = event {
                        await consumer.acknowledge(
                            list.map { AMQPAcknowledgement(epoch: $0.epoch, channel: $0.channel, tag: $0.tag) })
                    }
                    await log.note(event)
                }
                await log.end()
            }
            let result: R
            do {
                result = try await body(log)
            } catch {
                await consumer.close()
                throw error
            }
            await consumer.close()
            try await group.waitForAll()
            return result
        }
    }
}

/// Runs `publisher` while `body` uses it; closes it afterwards.
func withPublisher<R: Sendable>(
    _ publisher: AMQPPublisher, _ body: (AMQPPublisher) async throws -> R
) async throws -> R {
    async let running: Void = publisher.run()
    do {
        let result = try await body(publisher)
        await publisher.close()
        try await running
        return result
    } catch {
        await publisher.close()
        throw error
    }
}
