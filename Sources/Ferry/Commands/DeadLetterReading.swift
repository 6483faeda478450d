// What a message in the dead-letter queue is there for. Ferry's own carry their reason; of the others the broker
// says a little, and the rest follows from how they can have come here.

internal import AMQP
internal import SyncJobs

/// A dead letter, read.
struct ReadDeadLetter: Sendable, Hashable {
    /// The most bytes of a body that are shown.
    static let shownBytes = 2000

    var id: String?
    var reason: String
    var error: String
    var remedy: String
    var type: String?
    var queue: String?
    var failedAt: String?
    var routingKey: String
    var bodyBytes: Int
    /// The beginning of the body.
    var body: String

    /// The letter as JSON.
    var json: JSONValue {
        var object: JSONObject = [
            "reason": .string(reason), "error_message": .string(error), "remedy": .string(remedy),
            "routing_key": .string(routingKey), "body_bytes": .int(bodyBytes), "body": .string(body),
        ]
        object["id"] = id.map { .string($0) }
        object["sync_job_type"] = type.map { .string($0) }
        object["queue"] = queue.map { .string($0) }
        object["dead_lettered_at"] = failedAt.map { .string($0) }
        return .object(object)
    }

    /// The letter for people.
    func lines(number: Int, style: Style) -> [String] {
        var facts: [String] = []
        if let type { facts.append("type \(VisibleText.bare(type, limit: 120))") }
        if let queue { facts.append("queue \(VisibleText.bare(queue, limit: 120))") }
        if let failedAt { facts.append(VisibleText.bare(failedAt, limit: 60)) }
        facts.append("\(Quantity.count(bodyBytes, "byte"))")
        return [
            "\(number)  \(style(.heading, id.map { VisibleText.bare($0, limit: 255) } ?? "(no id)")) · "
                + "\(style(.bad, VisibleText.bare(reason, limit: 60))) · \(facts.joined(separator: " · "))",
            "   \(VisibleText.bare(error, limit: 500))",
            "   remedy: \(VisibleText.bare(remedy, limit: 500))",
            "   \(style(.quiet, VisibleText.bare(body, limit: 200)))",
        ]
    }
}

/// Reads dead letters.
struct DeadLetterReading: Sendable {
    /// What workers take at most; above it they refuse a message unread.
    let maximumMessageBytes: Int

    /// Reads one.
    func read(_ delivery: AMQPDelivery) -> ReadDeadLetter {
        let headers = delivery.properties.headers
        func header(_ name: DeadLetter.Header) -> String? {
            guard case .string(let text)? = headers[name.rawValue] else { return nil }
            return text
        }
        var letter = ReadDeadLetter(
            id: delivery.properties.messageID ?? header(.job), reason: "", error: "", remedy: "", type: header(.type),
            queue: header(.queue), failedAt: header(.failedAt), routingKey: delivery.routingKey,
            bodyBytes: delivery.bodyBytes,
            body: String(decoding: delivery.body.prefix(ReadDeadLetter.shownBytes), as: UTF8.self))
        if let reason = header(.reason) {
            letter.reason = reason
            letter.error = header(.message) ?? ""
            letter.remedy = header(.remedy) ?? ""
        } else {
            explain(&letter, death: Self.lastDeath(headers))
        }
        return letter
    }

    /// The broker's last reason and the queue it took the message out of.
    ///
    /// It writes `x-death` as a list of tables, the latest first (RabbitMQ, "Dead Letter Exchanges").
    private static func lastDeath(_ headers: AMQPTable) -> (reason: String, queue: String?)? {
        guard case .array(let deaths)? = headers["x-death"], case .table(let death)? = deaths.first,
            case .string(let reason)? = death["reason"]
        else { return nil }
        if case .string(let queue)? = death["queue"] { return (reason, queue) }
        return (reason, nil)
    }

    private func explain(_ letter: inout ReadDeadLetter, death: (reason: String, queue: String?)?) {
        guard let death else {
            letter.reason = JobFailure.Code.unroutable.rawValue
            letter.error = "no queue is bound for the routing key \"\(letter.routingKey)\""
            letter.remedy =
                "publish requests with <queue>.<slug> or type.<slug>; ferry topology check proves the bindings"
            return
        }
        letter.queue = letter.queue ?? death.queue
        switch death.reason {
        case "rejected" where letter.bodyBytes > maximumMessageBytes:
            letter.reason = JobFailure.Code.bodyTooLarge.rawValue
            letter.error =
                "the body has \(VisibleText.grouped(letter.bodyBytes)) bytes; "
                + "at most \(ByteSize(bytes: maximumMessageBytes)) are taken"
            letter.remedy = "send less (the worker can load the document itself), or raise limits.max_message"
        case "delivery_limit":
            letter.reason = death.reason
            letter.error = "it was delivered as often as the queue's limit allows, and never answered"
            letter.remedy = "look into the workers' logs for what ends them, then send it again"
        default:
            letter.reason = death.reason
            letter.error = "the broker moved it here: \(death.reason)"
            letter.remedy = "look into the queue's arguments and policies: ferry topology check"
        }
    }
}
