// What becomes of a dead letter that is sent on its way again, pure: the job or event as it shall be, or why not.
// Invariant: a job that has a record goes on in it, with a turn above all before; what never was a job becomes one under its
// own id, or, where that id belongs to another request, under one that derives from it (mark `~`).

/// What a replay is checked against.
public struct DeadLetterRules: Sendable {
    /// The configured types.
    public var types: SyncJobTypes
    /// The work queues, by their short names.
    public var queues: [String]
    /// How deep the JSON of a message may nest.
    public var maximumDepth: Int
    /// The largest body of a message, in bytes.
    public var maximumBodyBytes: Int
    /// How often one letter, and what it is replayed as, may be replayed.
    public var maximumReplays: Int

    /// Makes rules.
    public init(
        types: SyncJobTypes, queues: [String], maximumDepth: Int = JSONParser.defaultMaximumDepth,
        maximumBodyBytes: Int = 1_048_576, maximumReplays: Int = 10
    ) {
        self.types = types
        self.queues = queues
        self.maximumDepth = maximumDepth
        self.maximumBodyBytes = maximumBodyBytes
        self.maximumReplays = maximumReplays
    }

    /// The request that `body` is and its type, as a worker would take them.
    ///
    /// - Throws: ``JobFailure`` with what a worker would refuse it for.
    public func request(
        _ body: [UInt8], messageID: String?
    ) throws(JobFailure) -> (request: SyncRequest, type: SyncJobType) {
        try requireSize(of: body)
        let request = try SyncRequest(decoding: body, messageID: messageID, maximumDepth: maximumDepth)
        let type = try types.type(for: request)
        if let queue = request.queue, !queues.contains(where: { $0.hasSameBytes(as: queue) }) {
            throw JobFailure(
                .unknownQueue, "there is no queue \"\(queue.prefix(80))\"",
                remedy: "use one of \(queues.joined(separator: ", ")), or declare it under queues: in ferry.yaml")
        }
        return (request, type)
    }

    /// The change event that `body` is.
    ///
    /// - Throws: as ``request(_:messageID:)``.
    public func event(_ body: [UInt8], messageID: String?) throws(JobFailure) -> ChangeEvent {
        try requireSize(of: body)
        return try ChangeEvent(decoding: body, messageID: messageID, maximumDepth: maximumDepth)
    }

    private func requireSize(of body: [UInt8]) throws(JobFailure) {
        guard body.count > maximumBodyBytes else { return }
        throw JobFailure(
            .bodyTooLarge, "the body has \(body.count) bytes; at most \(maximumBodyBytes) are taken",
            remedy: "send less (the worker can load the document itself), or raise limits.max_message")
    }
}

/// A dead letter that is to be replayed, with what the store knows about its id.
public struct DeadLetterReplay: Sendable {
    /// What is sent.
    public enum Plan: Sendable {
        /// The job goes on in its record.
        case again(SyncJob)
        /// A job begins: its record as it is born.
        case new(SyncJob)
        /// A message for the record of another store.
        case message(OutboxMessage)
        /// A change event, once more.
        case event(ChangeEvent)
    }

    /// The letter.
    public var letter: DeadLetterRecord
    /// The body of its newest revision.
    public var body: [UInt8]
    /// The record of its id.
    public var job: SyncJob?
    /// Whether the id is remembered although its record is gone.
    public var isSeen: Bool

    /// Puts together what a replay is decided by.
    public init(letter: DeadLetterRecord, body: [UInt8], job: SyncJob?, isSeen: Bool) {
        self.letter = letter
        self.body = body
        self.job = job
        self.isSeen = isSeen
    }

    /// What is to be sent.
    ///
    /// - Throws: ``OperatorRefusal``.
    public func plan(_ rules: DeadLetterRules, at time: Timestamp) throws(OperatorRefusal) -> Plan {
        try requireOpen("replayed")
        guard letter.replayCount < rules.maximumReplays else {
            throw OperatorRefusal(
                "it has been replayed \(letter.replayCount) times, which is all that dead_letters.max_replays allows: "
                    + "mend its cause and raise that, or discard it")
        }
        if letter.origin == .change {
            return .event(
                try OperatorRefusal.asking { () throws(JobFailure) in
                    try rules.event(body, messageID: eventID)
                })
        }
        guard let job, letter.isOwn(to: job) else { return try begin(rules, at: time) }
        if letter.revision == 1 {
            // What was asked is in the record; a type that is gone would only bring the letter back.
            _ = try OperatorRefusal.asking { () throws(JobFailure) in try rules.types.type(for: job.request) }
            return .again(try job.retried())
        }
        let (request, type) = try read(rules)
        return .again(try job.retried().asking(request, type: type, editedAs: letter.revision))
    }

    /// Whether the letter's body would be taken as it is now; used before an edit is stored.
    ///
    /// - Throws: ``OperatorRefusal`` with what a worker would refuse it for.
    public func requireGoodBody(_ rules: DeadLetterRules) throws(OperatorRefusal) {
        try requireOpen("edited")
        if letter.origin == .change {
            _ = try OperatorRefusal.asking { () throws(JobFailure) in try rules.event(body, messageID: eventID) }
            return
        }
        let (request, type) = try read(rules)
        if let job, letter.isOwn(to: job) {
            _ = try job.asking(request, type: type, editedAs: letter.revision)
        }
    }

    private func requireOpen(_ what: String) throws(OperatorRefusal) {
        guard letter.state != .open else { return }
        let since = letter.resolution.map { " since \($0.at)" } ?? ""
        throw OperatorRefusal("it is \(letter.state.rawValue)\(since), and only an open letter can be \(what)")
    }

    /// A message without an id gets one: the letter's.
    private var eventID: String? { letter.jobID ?? (hasOwnID ? nil : givenID) }
    private var givenID: String { "dead:\(letter.id)" }

    /// Whether the body as it is now names an id, as an edit may have made it do.
    private var hasOwnID: Bool {
        do {
            let object = try JSONParser.parse(body).objectValue
            let content = object?["data"]?.objectValue ?? object
            return [content?["id"], object?["id"]].contains { $0?.stringValue?.isEmpty == false }
        } catch {
            // What is no JSON names nothing, and is refused for that when it is decoded.
            return false
        }
    }

    private func read(_ rules: DeadLetterRules) throws(OperatorRefusal) -> (request: SyncRequest, type: SyncJobType) {
        try OperatorRefusal.asking { () throws(JobFailure) in try rules.request(body, messageID: eventID) }
    }

    /// The record with which the letter's request begins its life, or the message for a record that lives elsewhere.
    private func begin(_ rules: DeadLetterRules, at time: Timestamp) throws(OperatorRefusal) -> Plan {
        var (request, type) = try read(rules)
        let isTaken = job != nil || isSeen
        if !isTaken, request.hasRecordElsewhere(turn: letter.turn) {
            let cameFrom = letter.queue.flatMap { queue in rules.queues.first { $0.hasSameBytes(as: queue) } }
            return .message(
                .request(
                    RoutedRequest(request, type: type), turn: letter.turn + 1,
                    queue: cameFrom ?? request.queue ?? type.queue, letter: letter.id))
        }
        if isTaken { request.id = SyncRequest.derivedID(of: request.id, mark: "~", key: letter.id) }
        var job = SyncJob(request: request, type: type, queue: request.queue ?? type.queue, createdAt: time)
        // What a producer may still send again under this id is what it sent first.
        if !isTaken, let original = letter.contentHash { job.requestHash = original }
        if type.onFailure == .block { job.orderKey = request.orderKey(of: type) }
        if let due = request.notBefore, due > time {
            job.retryAfter = due
            job.waitReason = .notBefore
        }
        job.nextTurn = letter.turn + 1
        job.notes = ["replayed from the dead letter \(letter.id)"]
        return .new(job)
    }
}

extension DeadLetterRecord {
    /// Whether the message was one of `job`, and not another request under the same id.
    public func isOwn(to job: SyncJob) -> Bool {
        guard origin == .request, reason != JobFailure.Code.idReused.rawValue, jobID?.hasSameBytes(as: job.id) == true
        else { return false }
        return turn > 0 || contentHash == job.requestHash
    }
}

extension OperatorRefusal {
    /// Does `work`, and refuses with its failure.
    static func asking<Value>(_ work: () throws(JobFailure) -> Value) throws(OperatorRefusal) -> Value {
        do { return try work() } catch {
            throw OperatorRefusal("\(error.message) (\(error.code.rawValue)): \(error.remedy)")
        }
    }
}

extension SyncJob {
    /// The job with another request under the same id, as an operator has edited it.
    ///
    /// What a producer may send again is still what it sent first, so the hash of that stays.
    ///
    /// - Throws: ``OperatorRefusal`` when the edit makes another job of it.
    fileprivate func asking(
        _ edited: SyncRequest, type: SyncJobType, editedAs revision: Int
    ) throws(OperatorRefusal) -> SyncJob {
        func refuse(_ field: SyncRequestField) -> OperatorRefusal {
            OperatorRefusal(
                "the edit changes \"\(field.rawValue)\", which makes another job of it: discard the letter and send a "
                    + "request of your own")
        }
        func isSame(_ one: String?, _ other: String?) -> Bool {
            one.map { ExactString($0) } == other.map { ExactString($0) }
        }
        guard isSame(edited.id, id) else { throw refuse(.id) }
        guard isSame(edited.parentSyncJob, request.parentSyncJob) else { throw refuse(.parentSyncJob) }
        guard isSame(edited.relayFinished, request.relayFinished) else { throw refuse(.relayFinished) }
        guard isSame(edited.targetKey, request.targetKey) else { throw refuse(.targetKey) }
        var job = self
        job.request = edited
        job.typeName = type.name
        job.typeSlug = type.slug
        job.sourceType = type.source
        job.queue = edited.queue ?? (isSame(type.slug, typeSlug) ? queue : type.queue)
        job.orderKey = type.onFailure == .block ? edited.orderKey(of: type) : nil
        job.notes.append("its request was edited: revision \(revision) of its dead letter")
        return job
    }
}
