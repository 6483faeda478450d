// A message that still lies in the broker's queue of dead letters, for people and for programs.

internal import SyncJobs

/// A dead letter that no keeper has moved yet.
struct QueuedDeadLetter: Sendable, Hashable {
    /// The most bytes of a body that are shown.
    static let shownBytes = 2000

    let arrival: DeadLetterArrival
    let bodyBytes: Int

    init(_ arrival: DeadLetterArrival, bodyBytes: Int) {
        self.arrival = arrival
        self.bodyBytes = bodyBytes
    }

    /// The beginning of the body.
    private var body: String {
        String(decoding: arrival.body.prefix(Self.shownBytes), as: UTF8.self)
    }

    /// The letter as JSON.
    var json: JSONValue {
        var object: JSONObject = [
            "reason": .string(arrival.reason), "error_message": .string(arrival.error),
            "remedy": .string(arrival.remedy), "routing_key": .string(arrival.routingKey),
            "body_bytes": .int(bodyBytes), "body": .string(body),
        ]
        object["id"] = arrival.jobID.map { .string($0) }
        object["sync_job_type"] = arrival.typeSlug.map { .string($0) }
        object["queue"] = arrival.queue.map { .string($0) }
        object["dead_lettered_at"] = arrival.failedAt.map { .string($0.description) }
        return .object(object)
    }

    /// The letter for people.
    func lines(number: Int, style: Style) -> [String] {
        var facts: [String] = []
        if let type = arrival.typeSlug { facts.append("type \(VisibleText.bare(type, limit: 120))") }
        if let queue = arrival.queue { facts.append("queue \(VisibleText.bare(queue, limit: 120))") }
        if let failedAt = arrival.failedAt { facts.append(failedAt.description) }
        facts.append("\(Quantity.count(bodyBytes, "byte"))")
        return [
            "\(number)  \(style(.heading, arrival.jobID.map { VisibleText.bare($0, limit: 255) } ?? "(no id)")) · "
                + "\(style(.bad, VisibleText.bare(arrival.reason, limit: 60))) · \(facts.joined(separator: " · "))",
            "   \(VisibleText.bare(arrival.error, limit: 500))",
            "   remedy: \(VisibleText.bare(arrival.remedy, limit: 500))",
            "   \(style(.quiet, VisibleText.bare(body, limit: 200)))",
        ]
    }
}
