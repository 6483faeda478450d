// A message that came to the dead letters, as the keeper reads it: whose it is, why it came, and what its body says.
// Invariant: nothing is thrown away because it can't be read; what is not understood is kept with the reason it came with.

/// A message that came to the dead letters, read.
public struct DeadLetterArrival: Sendable, Hashable {
    /// The id of the job or event: the message's, else the one that its failure named, else the body's.
    public var jobID: String?
    /// The turn of the message.
    public var turn: Int
    /// What kind of message it was.
    public var origin: DeadLetterOrigin
    /// The type's slug, when it is known.
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
    /// Whether the broker moved it here, and not a worker with its reason.
    public var isByBroker: Bool
    /// Whether it lay in a queue before: its `x-death`, or a worker's headers.
    public var wasDelivered: Bool
    /// When it failed, where it says so.
    public var failedAt: Timestamp?
    /// The headers that matter.
    public var headers: JSONObject
    /// The body.
    public var body: [UInt8]
    /// The hash of what was asked, when the body is a request.
    public var contentHash: Digest?

    /// Makes one; what stands in its body is read by ``reading(maximumDepth:)``.
    public init(
        jobID: String?, turn: Int, origin: DeadLetterOrigin, typeSlug: String?, queue: String?, routingKey: String,
        reason: String, error: String, remedy: String, isByBroker: Bool, wasDelivered: Bool, failedAt: Timestamp?,
        headers: JSONObject, body: [UInt8]
    ) {
        self.jobID = jobID
        self.turn = turn
        self.origin = origin
        self.typeSlug = typeSlug
        self.queue = queue
        self.routingKey = routingKey
        self.reason = reason
        self.error = error
        self.remedy = remedy
        self.isByBroker = isByBroker
        self.wasDelivered = wasDelivered
        self.failedAt = failedAt
        self.headers = headers
        self.body = body
    }

    /// The letter's id.
    ///
    /// It derives from the message's id, turn and content: the same id with other content (`id_reused`) is another letter.
    /// An event may fail for several types, and is a letter for each.
    public var letterID: String {
        let type = origin == .change ? typeSlug ?? "" : ""
        let parts = [origin.rawValue, jobID ?? "", String(turn), type, Digest(of: body).hex]
        return String(Digest(ofParts: parts).hex.prefix(16))
    }

    /// The arrival with what its body says: id, content hash, and type where nothing else names it; and the request, when
    /// it is one.
    public func reading(types: SyncJobTypes, maximumDepth: Int) -> (arrival: DeadLetterArrival, request: SyncRequest?) {
        var read = self
        do throws(JobFailure) {
            switch origin {
            case .change:
                read.jobID = try ChangeEvent(decoding: body, messageID: jobID, maximumDepth: maximumDepth).id
                return (read, nil)
            case .request:
                let request = try SyncRequest(decoding: body, messageID: jobID, maximumDepth: maximumDepth)
                read.jobID = request.id
                read.contentHash = request.contentHash
                read.typeSlug = typeSlug ?? types[request.syncJobType]?.slug
                return (read, request)
            }
        } catch {
            // What can't be read is kept as it is: its reason says what is wrong with it.
            return (read, nil)
        }
    }
}
