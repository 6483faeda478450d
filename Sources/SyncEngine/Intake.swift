// The first look at a delivery, pure: a job, or why it can't become one. Whatever is refused here goes to the dead letters
// with its reason at once; nothing is half understood.

internal import SyncBroker
internal import SyncJobs

/// Decodes deliveries of work queues.
struct Intake: Sendable {
    /// What becomes of a delivery.
    enum Verdict: Sendable {
        /// It is a job of ours.
        case job(QueuedJob)
        /// It belongs into another queue.
        case forward(queue: String, slug: String)
        /// It can't become a job, for this reason; the id and slug as far as they are known.
        case refuse(JobFailure, id: String?, typeSlug: String?)
        /// Its body is over the limit: the broker moves it to the dead letters as it is.
        case reject
        /// It is a canary of `ferry topology check`.
        case canary(OutgoingMessage)
    }

    let types: SyncJobTypes
    let topology: Topology
    let maximumDepth: Int

    /// Decides what becomes of a delivery of a work queue.
    func receive(_ delivery: Delivery, queue: String, at now: Timestamp) -> Verdict {
        if let report = delivery.canaryReport(in: topology) { return .canary(report) }
        if delivery.isBodyOmitted { return .reject }
        let request: SyncRequest
        do {
            request = try SyncRequest(
                decoding: delivery.body, messageID: delivery.messageID, maximumDepth: maximumDepth)
        } catch {
            return .refuse(error, id: delivery.messageID, typeSlug: nil)
        }
        do {
            let type = try types.type(for: request)
            if let queue = try forwardQueue(of: request, type: type, delivery: delivery, takenFrom: queue) {
                return .forward(queue: queue, slug: type.slug)
            }
            return .job(
                QueuedJob(
                    delivery: delivery, request: request, type: type, queue: queue, receivedAt: now,
                    turn: delivery.turn, body: delivery.body))
        } catch {
            return .refuse(error, id: request.id, typeSlug: types[request.syncJobType]?.slug)
        }
    }

    /// The queue a request belongs into, when it is not the one it was taken from: the request's own, or for a message
    /// that was routed by its type alone the type's.
    private func forwardQueue(
        of request: SyncRequest, type: SyncJobType, delivery: Delivery, takenFrom queue: String
    ) throws(JobFailure) -> String? {
        let wanted = request.queue ?? (delivery.isRoutedByType ? type.queue : nil)
        guard let wanted, wanted != queue else { return nil }
        guard topology.queueNames.contains(wanted) else {
            throw JobFailure(
                .unknownQueue, "there is no queue \"\(wanted.prefix(80))\"",
                remedy:
                    "use one of \(topology.queueNames.joined(separator: ", ")), or declare it under queues: in ferry.yaml"
            )
        }
        return wanted
    }
}
