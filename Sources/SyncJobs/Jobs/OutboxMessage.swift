// A message that a commit owes to the broker: stored with the job, published after the commit, deleted once confirmed.
// Its id derives from job, turn and kind, so that publishing it twice is recognised, and legal.

/// A message owed to the broker.
public struct OutboxMessage: Sendable, Hashable {
    /// What it is for.
    public enum Kind: String, Sendable, Hashable {
        /// The job failed for good: its request goes to the dead letters with the reason.
        case deadLetter = "dead_letter"
    }

    /// `job:turn:kind`.
    public var id: String
    /// The job that owes it.
    public var jobID: String
    /// What it is for.
    public var kind: Kind
    /// The routing key on the kind's exchange.
    public var routingKey: String
    /// The message's headers: text and whole numbers.
    public var headers: JSONObject
    /// The body, as it was received.
    public var body: [UInt8]

    /// Makes a message.
    public init(
        jobID: String, turn: Int, kind: Kind, routingKey: String, headers: JSONObject, body: [UInt8]
    ) {
        id = "\(jobID):\(turn):\(kind.rawValue)"
        self.jobID = jobID
        self.kind = kind
        self.routingKey = routingKey
        self.headers = headers
        self.body = body
    }

    /// A message as it is stored.
    public init(
        storedID: String, jobID: String, kind: Kind, routingKey: String, headers: JSONObject, body: [UInt8]
    ) {
        id = storedID
        self.jobID = jobID
        self.kind = kind
        self.routingKey = routingKey
        self.headers = headers
        self.body = body
    }
}
