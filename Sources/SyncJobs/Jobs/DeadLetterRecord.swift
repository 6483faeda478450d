// A dead letter as it is kept: what came, why, and what was done about it. It is open until somebody has decided.
// Invariant: its id derives from what the message was, so a message that comes twice is one letter.

/// Where a dead letter stands.
public enum DeadLetterState: String, Sendable, Hashable, CaseIterable {
    /// Nobody has decided yet.
    case open
    /// It was sent on its way again: replayed, or its job retried by hand.
    case replayed
    /// Somebody decided that it is not to be done: discarded, or its job canceled.
    case discarded
    /// Its job had gone on without it before it came.
    case superseded
}

/// What kind of message became a dead letter.
public enum DeadLetterOrigin: String, Sendable, Hashable, CaseIterable {
    /// A sync request.
    case request
    /// A change event.
    case change
}

/// What was decided about a dead letter.
public struct DeadLetterResolution: Sendable, Hashable {
    /// When.
    public var at: Timestamp
    /// Who; nil where nobody had to decide.
    public var actor: String?
    /// Why.
    public var reason: String?
    /// The job it was replayed as, or the event.
    public var replayedAs: String?
    /// The turn of the message it was replayed with.
    public var replayedTurn: Int?

    /// Makes a resolution.
    public init(
        at: Timestamp, actor: String?, reason: String?, replayedAs: String? = nil, replayedTurn: Int? = nil
    ) {
        self.at = at
        self.actor = actor
        self.reason = reason
        self.replayedAs = replayedAs
        self.replayedTurn = replayedTurn
    }
}

/// A dead letter as it is kept.
public struct DeadLetterRecord: Sendable, Hashable {
    /// The letter's own id: 16 hexadecimal digits.
    public var id: String
    /// The order in which letters came.
    public var sequence: Int64
    /// The id of the job or event, when the message had one.
    public var jobID: String?
    /// The turn of the message.
    public var turn: Int
    /// What kind of message it was.
    public var origin: DeadLetterOrigin
    /// The type's slug, when it was known.
    public var typeSlug: String?
    /// The queue it was taken from, by its short name, when that is known.
    public var queue: String?
    /// The key it was routed by.
    public var routingKey: String
    /// The code of the reason.
    public var reason: String
    /// What happened.
    public var error: String
    /// What to do about it.
    public var remedy: String
    /// How many attempts its job had made; nil where there is no record.
    public var attempts: Int?
    /// The headers that matter, those of the broker as text.
    public var headers: JSONObject
    /// The size of the body as it is now, in bytes.
    public var bodyBytes: Int
    /// When it first came here.
    public var receivedAt: Timestamp
    /// When its job failed for the first time.
    public var firstFailedAt: Timestamp
    /// When it failed at last.
    public var lastFailedAt: Timestamp
    /// How often the message came.
    public var arrivals: Int
    /// The shape of its error.
    public var shape: String
    /// The group: 10 hexadecimal digits of type, reason and shape.
    public var group: String
    /// Where it stands.
    public var state: DeadLetterState
    /// Its newest revision; 1 is the body as it came.
    public var revision: Int
    /// How often it, and what it was replayed from, has been replayed before.
    public var replayCount: Int
    /// The hash of what was asked, when the body as it came is a request.
    public var contentHash: Digest?
    /// What was decided.
    public var resolution: DeadLetterResolution?

    /// A letter that has just come.
    public init(_ arrival: DeadLetterArrival, at time: Timestamp) {
        self.init(arrival, id: arrival.letterID, shape: DeadLetterShape.text(of: arrival.error), at: time)
        group = DeadLetterShape.groupKey(typeSlug: typeSlug, reason: reason, shape: shape)
    }

    private init(_ arrival: DeadLetterArrival, id: String, shape: String, at time: Timestamp) {
        self.id = id
        sequence = 0
        jobID = arrival.jobID
        turn = arrival.turn
        origin = arrival.origin
        typeSlug = arrival.typeSlug
        queue = arrival.queue
        routingKey = arrival.routingKey
        reason = arrival.reason
        error = arrival.error
        remedy = arrival.remedy
        headers = arrival.headers
        bodyBytes = arrival.body.count
        receivedAt = time
        firstFailedAt = arrival.failedAt ?? time
        lastFailedAt = arrival.failedAt ?? time
        arrivals = 1
        self.shape = shape
        group = ""
        state = .open
        revision = 1
        replayCount = 0
        contentHash = arrival.contentHash
    }

    /// A letter as it is stored; the store fills in the rest.
    public init(_ arrival: DeadLetterArrival, id: String, sequence: Int64) {
        self.init(arrival, id: id, shape: "", at: Timestamp(microseconds: 0))
        self.sequence = sequence
    }
}

/// One version of a dead letter's body.
public struct DeadLetterRevision: Sendable, Hashable {
    /// Counted from 1, which is the body as it came.
    public var number: Int
    /// The body.
    public var body: [UInt8]
    /// When it was made.
    public var at: Timestamp
    /// Who edited it; nil for the body as it came.
    public var actor: String?
    /// Why.
    public var reason: String?

    /// Makes a revision.
    public init(number: Int, body: [UInt8], at: Timestamp, actor: String?, reason: String?) {
        self.number = number
        self.body = body
        self.at = at
        self.actor = actor
        self.reason = reason
    }
}
