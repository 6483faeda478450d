// What a dead letter says beside the original body: why, since when, from where. The headers are an allow-list: nothing of
// the original message's headers is copied, so that no `x-death` can close a cycle.

/// The headers of a dead letter.
public struct DeadLetter: Sendable, Hashable {
    /// Names of the headers.
    public enum Header: String, Sendable, CaseIterable {
        case reason = "ferry-reason"
        case message = "ferry-error"
        case remedy = "ferry-remedy"
        case job = "ferry-job"
        case queue = "ferry-queue"
        case type = "ferry-type"
        case turn = "ferry-turn"
        case failedAt = "ferry-failed-at"
    }

    /// Why.
    public var reason: JobFailure
    /// The job's id, when the message had one.
    public var jobID: String?
    /// The queue it was taken from.
    public var queue: String
    /// The type's slug, when it was known.
    public var typeSlug: String?
    /// The delivery's turn.
    public var turn: Int
    /// When it failed.
    public var failedAt: Timestamp

    /// Makes a dead letter's headers.
    public init(
        reason: JobFailure, jobID: String?, queue: String, typeSlug: String?, turn: Int, failedAt: Timestamp
    ) {
        self.reason = reason
        self.jobID = jobID
        self.queue = queue
        self.typeSlug = typeSlug
        self.turn = turn
        self.failedAt = failedAt
    }

    /// The routing key on the dead exchange: the reason.
    public var routingKey: String { reason.code.rawValue }

    /// The headers of the message.
    public var headers: JSONObject {
        var headers: JSONObject = [:]
        func put(_ header: Header, _ value: JSONValue) { headers[header.rawValue] = value }
        put(.reason, .string(reason.code.rawValue))
        put(.message, .string(reason.message))
        put(.remedy, .string(reason.remedy))
        put(.queue, .string(queue))
        put(.turn, .int(turn))
        put(.failedAt, .string(failedAt.description))
        if let jobID { put(.job, .string(jobID)) }
        if let typeSlug { put(.type, .string(typeSlug)) }
        return headers
    }
}

extension DeadLetter {
    /// Reads the headers of a message; nil when they are no dead letter's.
    public init?(headers: JSONObject) {
        func text(_ header: Header) -> String? { headers[header.rawValue]?.stringValue }
        guard let code = text(.reason).flatMap(JobFailure.Code.init(rawValue:)), let message = text(.message),
            let remedy = text(.remedy), let queue = text(.queue),
            let failedAt = text(.failedAt).flatMap({ Timestamp($0) })
        else { return nil }
        self.init(
            reason: JobFailure(code, message, remedy: remedy), jobID: text(.job), queue: queue, typeSlug: text(.type),
            turn: Int(headers[Header.turn.rawValue]?.numberValue?.int64 ?? 0), failedAt: failedAt)
    }
}
