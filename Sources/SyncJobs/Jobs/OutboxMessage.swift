// A message that a commit owes to the broker: stored with the job, published after the commit, deleted once confirmed.
// Its id derives from job, turn and kind, so that publishing it twice is recognised, and legal.

/// A request with the queue and type it goes to.
public struct RoutedRequest: Sendable, Hashable {
    /// The request.
    public var request: SyncRequest
    /// The work queue, by its short name.
    public var queue: String
    /// The type's slug.
    public var slug: String

    /// Routes `request` to the queue it names, else to its type's.
    public init(_ request: SyncRequest, type: SyncJobType) {
        self.request = request
        queue = request.queue ?? type.queue
        slug = type.slug
    }

    /// Puts together what is known already.
    public init(_ request: SyncRequest, queue: String, slug: String) {
        self.request = request
        self.queue = queue
        self.slug = slug
    }
}

/// A message owed to the broker.
public struct OutboxMessage: Sendable, Hashable {
    /// What it is for.
    public enum Kind: String, Sendable, Hashable, CaseIterable {
        /// The job failed for good: its request goes to the dead letters with the reason.
        case deadLetter = "dead_letter"
        /// The job itself comes again: a retry, after a snooze, when it is due, or started by hand.
        case again
        /// A child of a relay, or a scheduled job: a record that waits for its first delivery.
        case child
        /// A job that the controller enqueued.
        case followUp = "follow_up"
        /// The job that runs `relay_finished`.
        case relayFinished = "relay_finished"
        /// A change event that is replayed from the dead letters.
        case change
    }

    /// Unique; derives from what the message is about, its turn and kind.
    public var id: String
    /// The job that owes it.
    public var jobID: String
    /// The job that it is about, which is the message's AMQP `message_id`.
    public var messageID: String
    /// What it is for.
    public var kind: Kind
    /// The work queue it goes to, by its short name; nil for a dead letter and a change event.
    public var queue: String?
    /// For a dead letter its key on that exchange; for a job its type's slug; for a change event `document type.event`.
    public var routingKey: String
    /// Not before this instant; nil for now.
    public var dueAt: Timestamp?
    /// The message's headers: text and whole numbers.
    public var headers: JSONObject
    /// The body; empty where it is the request of the record `messageID`, and is built when it is published.
    public var body: [UInt8]

    /// A message as it is stored.
    public init(
        storedID: String, jobID: String, messageID: String, kind: Kind, queue: String?, routingKey: String,
        dueAt: Timestamp?, headers: JSONObject, body: [UInt8]
    ) {
        id = storedID
        self.jobID = jobID
        self.messageID = messageID
        self.kind = kind
        self.queue = queue
        self.routingKey = routingKey
        self.dueAt = dueAt
        self.headers = headers
        self.body = body
    }

    /// Whether the body is built from the record when the message is published.
    public var isBodyFromRecord: Bool { kind == .again || kind == .child }

    /// The dead letter of a failed job, with the request as it was received.
    public static func deadLetter(_ letter: DeadLetter, of job: SyncJob, turn: Int, body: [UInt8]) -> OutboxMessage {
        OutboxMessage(
            storedID: "\(job.id):\(turn):\(Kind.deadLetter.rawValue)", jobID: job.id, messageID: job.id,
            kind: .deadLetter, queue: nil, routingKey: letter.routingKey, dueAt: nil, headers: letter.headers,
            body: body)
    }

    /// The message that makes `job` run again, at its `nextTurn`.
    public static func again(_ job: SyncJob, dueAt: Timestamp?) -> OutboxMessage {
        ofRecord(job, owner: job.id, kind: .again, dueAt: dueAt)
    }

    /// The message that makes `child`, a record of its own, run for the first time; `owner` is the job that made it.
    public static func child(_ child: SyncJob, owner: String) -> OutboxMessage {
        ofRecord(child, owner: owner, kind: .child, dueAt: child.retryAfter)
    }

    /// A change event, once more; `letter` is the dead letter that it is replayed from.
    public static func change(_ event: ChangeEvent, letter: String) -> OutboxMessage {
        OutboxMessage(
            storedID: "\(letter):\(Kind.change.rawValue)", jobID: event.id, messageID: event.id, kind: .change,
            queue: nil, routingKey: "\(event.documentType.name).\(event.event.rawValue)", dueAt: nil, headers: [:],
            body: JSONValue.object(event.json).canonicalBytes)
    }

    /// A request that is replayed from the dead letter `letter`, for the record that another store has of it.
    static func request(_ routed: RoutedRequest, turn: Int, queue: String, letter: String) -> OutboxMessage {
        var message = request(routed, owner: routed.request.id, kind: .followUp)
        message.id = "\(letter):\(turn):\(Kind.followUp.rawValue)"
        message.queue = queue
        message.headers[Header.turn] = .int(turn)
        return message
    }

    private static func ofRecord(_ job: SyncJob, owner: String, kind: Kind, dueAt: Timestamp?) -> OutboxMessage {
        OutboxMessage(
            storedID: "\(job.id):\(job.nextTurn):\(kind.rawValue)", jobID: owner, messageID: job.id, kind: kind,
            queue: job.queue, routingKey: job.typeSlug, dueAt: dueAt, headers: headers(of: job), body: [])
    }

    /// The header names that Ferry's own messages to work queues carry.
    public enum Header {
        /// The turn of a message that was published for a job; absent on a producer's message, which is turn 0.
        public static let turn = "ferry-turn"
        /// The ordering key, on which partitions hash.
        public static let orderKey = "ferry-key"
    }

    private static func headers(of job: SyncJob) -> JSONObject {
        var headers: JSONObject = [
            Header.orderKey: .string(job.orderKey ?? job.request.orderKey(typeSlug: job.typeSlug))
        ]
        if job.nextTurn > 0 { headers[Header.turn] = .int(job.nextTurn) }
        return headers
    }

    /// A request that has no record yet: what a controller enqueued, or the job that runs `relay_finished`.
    public static func request(_ routed: RoutedRequest, owner: String, kind: Kind) -> OutboxMessage {
        let request = routed.request
        return OutboxMessage(
            storedID: "\(request.id):0:\(kind.rawValue)", jobID: owner, messageID: request.id, kind: kind,
            queue: routed.queue, routingKey: routed.slug, dueAt: nil,
            headers: [Header.orderKey: .string(request.orderKey(typeSlug: routed.slug))],
            body: JSONValue.object(request.json).canonicalBytes)
    }
}
