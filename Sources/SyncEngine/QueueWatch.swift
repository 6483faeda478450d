// Asks the broker now and then whether it still knows that this worker consumes its queues. Invariant: a worker never sits
// there alive and silent; a queue that is gone is named until it is back, a lost subscription is made anew.

internal import AMQP
internal import Logging
internal import SyncBroker
internal import SyncJobs

/// Watches over a worker's subscriptions.
struct QueueWatch: Sendable {
    /// Between two looks; a lost subscription is made anew after two of them.
    let interval: Duration
    let consumer: WorkConsumer
    let pipeline: Pipeline
    let depths: QueueDepths
    let logger: Logger

    /// Looks until it is cancelled.
    func run() async {
        var doubt = SubscriptionDoubt()
        while !Task.isCancelled {
            do { try await Task.sleep(for: interval) } catch { return }
            guard await pipeline.isConsuming else { continue }
            let isLost = await look(&doubt)
            let intake = await pipeline.wholeIntake
            let isIdle = doubt.isIdle(epoch: intake.epoch, taken: intake.taken, inHand: intake.inHand)
            if isLost || isIdle { await consumer.reopen() }
        }
        await depths.close()
    }

    /// One look at each queue; whether a subscription is lost.
    private func look(_ doubt: inout SubscriptionDoubt) async -> Bool {
        var isLost = false
        for (queue, origin) in consumer.queues.sorted(by: { $0.key < $1.key }) {
            do {
                guard let state = try await depths.states(of: [queue])[queue] else { continue }
                await pipeline.noteQueue(queue, isThere: true)
                guard await consumer.isConsuming(queue) else {
                    doubt.forget(queue)
                    continue
                }
                let intake = await pipeline.intake(of: origin)
                let look = SubscriptionDoubt.Look(
                    epoch: intake.epoch, taken: intake.taken, inHand: intake.inHand, messages: state.messages,
                    consumers: state.consumers)
                guard doubt.isLost(queue, look) else { continue }
                isLost = true
                logger.error(
                    "The broker has forgotten that this worker consumes a queue; connecting anew",
                    metadata: [
                        "queue": .string(queue), "messages": .stringConvertible(state.messages),
                        "consumers": .stringConvertible(state.consumers),
                    ])
                await pipeline.noteLostSubscription()
            } catch let error as AMQPError where error.code == .resourceMissing {
                doubt.forget(queue)
                await pipeline.noteQueue(queue, isThere: false)
            } catch {
                doubt.forget(queue)
                logger.debug("A queue could not be looked at", metadata: ["reason": .string("\(error)")])
            }
        }
        return isLost
    }
}
