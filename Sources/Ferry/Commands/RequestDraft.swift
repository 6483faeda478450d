// From what a user wrote to a request that a worker will take: completed with defaults, decoded by the real
// decoder, and held against the configured types, so that mistakes show here and not among the dead letters.

internal import SyncBroker
internal import SyncJobs

/// Completes and checks requests.
struct RequestDraft: Sendable {
    let composition: Composition
    /// The type of requests that name none.
    let defaultType: SyncJobType?
    /// Fields of requests that lack them: the flags of the command line.
    let defaults: JSONObject

    /// A message for `object`.
    ///
    /// - Throws: ``JobFailure`` with the reason a worker would refuse it for.
    func message(for object: JSONObject) throws(JobFailure) -> (id: String, message: OutgoingMessage) {
        let request = try request(for: object)
        let type = try composition.configuration.types.type(for: request)
        let queue = request.queue ?? type.queue
        guard composition.configuration.queues.contains(where: { $0.hasSameBytes(as: queue) }) else {
            throw JobFailure(
                .unknownQueue, "there is no queue \"\(queue.prefix(80))\"",
                remedy:
                    "use one of \(composition.configuration.queues.joined(separator: ", ")), "
                    + "or declare it under queues:"
            )
        }
        return (request.id, .request(request, queue: queue, slug: type.slug))
    }

    /// The request that `object` says, completed.
    func request(for object: JSONObject) throws(JobFailure) -> SyncRequest {
        let isCloudEvent = object["specversion"] != nil
        let body: JSONObject
        if isCloudEvent {
            var event = object
            event["data"] = object["data"]?.objectValue.map { .object(completed($0, givesID: false)) } ?? object["data"]
            body = event
        } else {
            body = completed(object, givesID: true)
        }
        let bytes = JSONValue.object(body).canonicalBytes
        let limit = composition.configuration.limits.maximumMessage
        guard bytes.count <= limit.bytes else {
            throw JobFailure(
                .bodyTooLarge, "the request has \(bytes.count) bytes; at most \(limit) are taken",
                remedy: "leave the document out and let the worker load it, or raise limits.max_message")
        }
        return try SyncRequest(
            decoding: bytes, messageID: nil, maximumDepth: composition.configuration.limits.maximumDepth)
    }

    private func completed(_ object: JSONObject, givesID: Bool) -> JSONObject {
        var object = object
        for member in defaults where object[member.key] == nil { object[member.key] = member.value }
        if let defaultType, object["sync_job_type"] == nil { object["sync_job_type"] = .string(defaultType.slug) }
        if givesID, object["id"] == nil { object["id"] = .string(SyncRequest.newID(at: Composition.now())) }
        return object
    }
}
