// Change events become requests. Nothing is stored: the requests' ids derive from the event's, so an event that is routed
// twice makes the same jobs, and it is acknowledged only when the broker has confirmed every request.

internal import Logging
internal import SyncBroker
internal import SyncJobs

/// Turns change events into requests of the types whose triggers they fire.
struct ChangeRouter: Sendable {
    let types: SyncJobTypes
    let publisher: MessagePublisher
    let maximumDepth: Int
    let logger: Logger
    let now: @Sendable () -> Timestamp

    /// What a change event becomes: its requests, or dead letters.
    ///
    /// Pure.
    func messages(for delivery: Delivery) -> [OutgoingMessage] {
        let event: ChangeEvent
        do {
            event = try ChangeEvent(
                decoding: delivery.body, messageID: delivery.messageID, maximumDepth: maximumDepth)
        } catch {
            return [deadLetter(error, delivery: delivery, id: delivery.messageID, typeSlug: nil)]
        }
        return types.all.compactMap { type -> OutgoingMessage? in
            do throws(JobFailure) {
                return try type.request(for: event).map { .request($0, queue: type.queue, slug: type.slug) }
            } catch {
                return deadLetter(error, delivery: delivery, id: event.id, typeSlug: type.slug)
            }
        }
    }

    /// Publishes what the events become; answers, in order, which of them are settled.
    func route(_ deliveries: [Delivery]) async -> [Bool] {
        let becomes = deliveries.map { messages(for: $0) }
        let outcomes = await publisher.publish(becomes.flatMap { $0 })
        var position = 0
        return becomes.map { ofOne in
            let results = outcomes[position..<position + ofOne.count]
            position += ofOne.count
            for case .failed(let reason) in results {
                logger.error(
                    "A change event could not be routed; it is tried again", metadata: ["reason": .string(reason)])
            }
            return results.allSatisfy(\.isConfirmed)
        }
    }

    private func deadLetter(
        _ failure: JobFailure, delivery: Delivery, id: String?, typeSlug: String?
    ) -> OutgoingMessage {
        let letter = DeadLetter(
            reason: failure, jobID: id, queue: "changes", typeSlug: typeSlug, turn: 0, failedAt: now())
        return .deadLetter(letter, body: delivery.body, messageID: delivery.messageID)
    }
}
