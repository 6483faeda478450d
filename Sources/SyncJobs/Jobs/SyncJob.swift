// The record of a job: what was asked, what happened, and why.

/// The record of a sync job.
///
/// A copy holds the same fields until it is changed: a record goes through many hands, and mostly as it is.
public struct SyncJob: Sendable, Hashable {
    /// What was asked, with its id.
    public var request: SyncRequest {
        get { fields.request }
        set { fields.request = newValue }
    }
    /// The hash of what was asked.
    public var requestHash: Digest {
        get { fields.requestHash }
        set { fields.requestHash = newValue }
    }
    /// The type's name.
    public var typeName: String {
        get { fields.typeName }
        set { fields.typeName = newValue }
    }
    /// The type's slug.
    public var typeSlug: String {
        get { fields.typeSlug }
        set { fields.typeSlug = newValue }
    }
    /// The source's system and type.
    public var sourceType: DocumentType {
        get { fields.sourceType }
        set { fields.sourceType = newValue }
    }
    /// The queue it came through.
    public var queue: String {
        get { fields.queue }
        set { fields.queue = newValue }
    }
    /// Where it is.
    public var status: JobStatus {
        get { fields.status }
        set { fields.status = newValue }
    }
    /// Why it was skipped.
    public var skipReason: SkipReason? {
        get { fields.skipReason }
        set { fields.skipReason = newValue }
    }
    /// Why it found no target.
    public var noTargetReason: NoTargetReason? {
        get { fields.noTargetReason }
        set { fields.noTargetReason = newValue }
    }
    /// Why it was canceled.
    public var cancelReason: String? {
        get { fields.cancelReason }
        set { fields.cancelReason = newValue }
    }
    /// The job that superseded it, or that holds its dedup key.
    public var relatedJob: String? {
        get { fields.relatedJob }
        set { fields.relatedJob = newValue }
    }
    /// The jobs that it stands for (`coalesce`), named when it fails for good or is canceled; at most 100.
    public var superseded: [String] {
        get { fields.superseded }
        set { fields.superseded = newValue }
    }
    /// What was done to the target.
    public var operation: Operation? {
        get { fields.operation }
        set { fields.operation = newValue }
    }
    /// The target's system and type.
    public var targetType: DocumentType? {
        get { fields.targetType }
        set { fields.targetType = newValue }
    }
    /// The target's name.
    public var targetName: String? {
        get { fields.targetName }
        set { fields.targetName = newValue }
    }
    /// The difference, sensitive fields masked.
    public var diff: Diff? {
        get { fields.diff }
        set { fields.diff = newValue }
    }
    /// The target before, when images are kept.
    public var currentData: JSONObject? {
        get { fields.currentData }
        set { fields.currentData = newValue }
    }
    /// The target after, when images are kept.
    public var updatedData: JSONObject? {
        get { fields.updatedData }
        set { fields.updatedData = newValue }
    }
    /// Why it failed.
    public var error: JobFailure? {
        get { fields.error }
        set { fields.error = newValue }
    }
    /// What the controller noted.
    public var notes: [String] {
        get { fields.notes }
        set { fields.notes = newValue }
    }
    /// How many retries have been used.
    public var retryCount: Int {
        get { fields.retryCount }
        set { fields.retryCount = newValue }
    }
    /// How many attempts have been made; a snooze is none.
    public var attemptCount: Int {
        get { fields.attemptCount }
        set { fields.attemptCount = newValue }
    }
    /// When it comes back, while it waits for that; nil otherwise.
    public var retryAfter: Timestamp? {
        get { fields.retryAfter }
        set { fields.retryAfter = newValue }
    }
    /// What it waits for, while it waits; nil otherwise.
    public var waitReason: WaitReason? {
        get { fields.waitReason }
        set { fields.waitReason = newValue }
    }
    /// The key within which it runs, kept where later jobs may have to wait behind it.
    public var orderKey: String? {
        get { fields.orderKey }
        set { fields.orderKey = newValue }
    }
    /// How far it has come, as its controller told.
    public var progress: JobProgress? {
        get { fields.progress }
        set { fields.progress = newValue }
    }
    /// The run that is under way, written once a job has run for two seconds; nil otherwise.
    public var running: RunningRun? {
        get { fields.running }
        set { fields.running = newValue }
    }
    /// How many ends of its relay there were; see ``RelaySummary/revision``.
    public var relayRevision: Int {
        get { fields.relayRevision }
        set { fields.relayRevision = newValue }
    }
    /// Whether the end of its relay runs `relay_finished`.
    public var runsRelayFinished: Bool {
        get { fields.runsRelayFinished }
        set { fields.runsRelayFinished = newValue }
    }
    /// How many children it has, by status; nil where they were not counted.
    public var childCounts: [JobStatus: Int]? {
        get { fields.childCounts }
        set { fields.childCounts = newValue }
    }
    /// Deliveries of a lower turn are over: they finish what is owed and are acknowledged.
    public var nextTurn: Int {
        get { fields.nextTurn }
        set { fields.nextTurn = newValue }
    }
    /// When its first delivery was received.
    public var createdAt: Timestamp {
        get { fields.createdAt }
        set { fields.createdAt = newValue }
    }
    /// When its last run began.
    public var startedAt: Timestamp? {
        get { fields.startedAt }
        set { fields.startedAt = newValue }
    }
    /// When it ended.
    public var endedAt: Timestamp? {
        get { fields.endedAt }
        set { fields.endedAt = newValue }
    }
    /// When it went to the dead letters.
    public var deadLetteredAt: Timestamp? {
        get { fields.deadLetteredAt }
        set { fields.deadLetteredAt = newValue }
    }
    /// Its runs, oldest first; empty where a list leaves them out.
    public var attempts: [Attempt] {
        get { fields.attempts }
        set { fields.attempts = newValue }
    }

    private struct Fields: Sendable, Hashable {
        var request: SyncRequest
        var requestHash: Digest
        var typeName: String
        var typeSlug: String
        var sourceType: DocumentType
        var queue: String
        var status: JobStatus
        var skipReason: SkipReason?
        var noTargetReason: NoTargetReason?
        var cancelReason: String?
        var relatedJob: String?
        var superseded: [String] = []
        var operation: Operation?
        var targetType: DocumentType?
        var targetName: String?
        var diff: Diff?
        var currentData: JSONObject?
        var updatedData: JSONObject?
        var error: JobFailure?
        var notes: [String] = []
        var retryCount: Int = 0
        var attemptCount: Int = 0
        var retryAfter: Timestamp?
        var waitReason: WaitReason?
        var orderKey: String?
        var progress: JobProgress?
        var running: RunningRun?
        var relayRevision: Int = 0
        var runsRelayFinished: Bool = false
        var childCounts: [JobStatus: Int]?
        var nextTurn: Int = 0
        var createdAt: Timestamp
        var startedAt: Timestamp?
        var endedAt: Timestamp?
        var deadLetteredAt: Timestamp?
        var attempts: [Attempt] = []
    }
    private var held: HeldOnce<Fields>
    private var fields: Fields {
        _read { yield held.value }
        _modify { yield &held.value }
    }

    /// A record of `request` that nothing has happened to yet.
    public init(
        request: SyncRequest, type: SyncJobType, queue: String, createdAt: Timestamp
    ) {
        held = HeldOnce(
            Fields(
                request: request, requestHash: request.contentHash, typeName: type.name, typeSlug: type.slug,
                sourceType: type.source, queue: queue, status: .queued, createdAt: createdAt))
    }

    /// A record as it is stored; the store fills in the rest.
    public init(
        stored request: SyncRequest, requestHash: Digest, typeName: String, typeSlug: String,
        sourceType: DocumentType, queue: String, status: JobStatus, createdAt: Timestamp
    ) {
        held = HeldOnce(
            Fields(
                request: request, requestHash: requestHash, typeName: typeName, typeSlug: typeSlug,
                sourceType: sourceType, queue: queue, status: status, createdAt: createdAt))
    }

    /// The job's id.
    public var id: String { fields.request.id }

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
