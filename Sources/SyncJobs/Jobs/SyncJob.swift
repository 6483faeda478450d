// The record of a job: what was asked, what happened, and why.

/// One run of a job.
public struct Attempt: Sendable, Hashable {
    /// Counted from 1.
    public var number: Int
    /// Which run it was; random.
    public var runID: String
    /// The turn of the delivery that was run.
    public var turn: Int
    /// Who ran it: `host:pid`.
    public var node: String
    /// When it began.
    public var startedAt: Timestamp
    /// When it ended.
    public var endedAt: Timestamp
    /// The status it led to.
    public var outcome: JobStatus
    /// Why it failed.
    public var error: JobFailure?

    /// Makes an attempt.
    public init(
        number: Int, runID: String, turn: Int, node: String, startedAt: Timestamp, endedAt: Timestamp,
        outcome: JobStatus, error: JobFailure?
    ) {
        self.number = number
        self.runID = runID
        self.turn = turn
        self.node = node
        self.startedAt = startedAt
        self.endedAt = endedAt
        self.outcome = outcome
        self.error = error
    }
}

/// A run that is under way.
public struct RunningRun: Sendable, Hashable {
    /// Which run it is.
    public var runID: String
    /// Who runs it: `host:pid`.
    public var node: String
    /// When it last showed that it is alive.
    public var heartbeat: Timestamp
    /// Whether it was asked to stop.
    public var isCancelAsked: Bool

    /// Names a run.
    public init(runID: String, node: String, heartbeat: Timestamp, isCancelAsked: Bool = false) {
        self.runID = runID
        self.node = node
        self.heartbeat = heartbeat
        self.isCancelAsked = isCancelAsked
    }
}

/// The record of a sync job.
public struct SyncJob: Sendable, Hashable {
    /// What was asked, with its id.
    public var request: SyncRequest
    /// The hash of what was asked.
    public var requestHash: Digest
    /// The type's name.
    public var typeName: String
    /// The type's slug.
    public var typeSlug: String
    /// The source's system and type.
    public var sourceType: DocumentType
    /// The queue it came through.
    public var queue: String
    /// Where it is.
    public var status: JobStatus
    /// Why it was skipped.
    public var skipReason: SkipReason?
    /// Why it found no target.
    public var noTargetReason: NoTargetReason?
    /// Why it was canceled.
    public var cancelReason: String?
    /// The job that superseded it, or that holds its dedup key.
    public var relatedJob: String?
    /// The jobs that it stands for (`coalesce`), named when it fails for good or is canceled; at most 100.
    public var superseded: [String] = []
    /// What was done to the target.
    public var operation: Operation?
    /// The target's system and type.
    public var targetType: DocumentType?
    /// The target's name.
    public var targetName: String?
    /// The difference, sensitive fields masked.
    public var diff: Diff?
    /// The target before, when images are kept.
    public var currentData: JSONObject?
    /// The target after, when images are kept.
    public var updatedData: JSONObject?
    /// Why it failed.
    public var error: JobFailure?
    /// What the controller noted.
    public var notes: [String] = []
    /// How many retries have been used.
    public var retryCount = 0
    /// How many attempts have been made; a snooze is none.
    public var attemptCount = 0
    /// When it comes back, while it waits for that; nil otherwise.
    public var retryAfter: Timestamp?
    /// What it waits for, while it waits; nil otherwise.
    public var waitReason: WaitReason?
    /// The key within which it runs, kept where later jobs may have to wait behind it.
    public var orderKey: String?
    /// How far it has come, as its controller told.
    public var progress: JobProgress?
    /// The run that is under way, written once a job has run for two seconds; nil otherwise.
    public var running: RunningRun?
    /// How many ends of its relay there were; see ``RelaySummary/revision``.
    public var relayRevision = 0
    /// Whether the end of its relay runs `relay_finished`.
    public var runsRelayFinished = false
    /// How many children it has, by status; nil where they were not counted.
    public var childCounts: [JobStatus: Int]?
    /// Deliveries of a lower turn are over: they finish what is owed and are acknowledged.
    public var nextTurn = 0
    /// When its first delivery was received.
    public var createdAt: Timestamp
    /// When its last run began.
    public var startedAt: Timestamp?
    /// When it ended.
    public var endedAt: Timestamp?
    /// When it went to the dead letters.
    public var deadLetteredAt: Timestamp?
    /// Its runs, oldest first; empty where a list leaves them out.
    public var attempts: [Attempt] = []

    /// A record of `request` that nothing has happened to yet.
    public init(
        request: SyncRequest, type: SyncJobType, queue: String, createdAt: Timestamp
    ) {
        self.request = request
        requestHash = request.contentHash
        typeName = type.name
        typeSlug = type.slug
        sourceType = type.source
        self.queue = queue
        status = .queued
        self.createdAt = createdAt
    }

    /// A record as it is stored; the store fills in the rest.
    public init(
        stored request: SyncRequest, requestHash: Digest, typeName: String, typeSlug: String,
        sourceType: DocumentType, queue: String, status: JobStatus, createdAt: Timestamp
    ) {
        self.request = request
        self.requestHash = requestHash
        self.typeName = typeName
        self.typeSlug = typeSlug
        self.sourceType = sourceType
        self.queue = queue
        self.status = status
        self.createdAt = createdAt
    }

    /// The job's id.
    public var id: String { request.id }

    /// Whether anything is still to come by itself: it waits, runs, or failed with a retry ahead.
    ///
    /// A relayed job is over; whether its relay is, its children say.
    public var isOpen: Bool { !status.isEnd || retryAfter != nil }

    /// Whether its last run has looked at the source as it is, and came to an end by it.
    var hasSeenItsSource: Bool {
        switch status {
        case .finished, .noTarget, .relayed: true
        case .skipped: skipReason != .stale && skipReason != .superseded && skipReason != .duplicate
        default: false
        }
    }

    /// The time its last run took.
    public var timeTaken: Duration? {
        guard let startedAt, let endedAt else { return nil }
        return endedAt.since(startedAt)
    }

    /// `source type > target type: target name`, else `source type: source name`, else `source type`; at most 140
    /// characters.
    public var title: String {
        let text =
            if let targetType, let targetName {
                "\(sourceType.name) > \(targetType.name): \(targetName)"
            } else if let sourceName = request.sourceDocumentName {
                "\(sourceType.name): \(sourceName)"
            } else {
                sourceType.name
            }
        return text.count <= 140 ? text : String(text.prefix(139)) + "…"
    }
}
