// What a producer publishes to have one document synced. Field names are the specification's; what is left out comes
// from the type.

/// A sync request.
///
/// A copy holds the same fields until it is changed: a request goes through many hands, and mostly as it is.
public struct SyncRequest: Sendable, Hashable {
    /// Who or what asked.
    public enum TriggerType: String, Sendable, Hashable, CaseIterable {
        case manual = "Manual"
        case scheduler = "Scheduler"
        case webhook = "Webhook"
        case api = "API"
        case documentHook = "Document Hook"
    }

    /// The longest id in UTF-8 bytes (an AMQP short string holds 255).
    public static let maximumIDBytes = 255
    /// The longest dedup key and target key in UTF-8 bytes.
    public static let maximumKeyBytes = 1_000
    /// The most systems an event may have passed through before it is taken for a loop.
    public static let maximumHops = 8

    /// The job's id: the AMQP `message_id`, else the body's `id`, else CloudEvents `source` + `id`.
    public var id: String {
        get { fields.id }
        set { fields.id = newValue }
    }
    /// The type's name or slug.
    public var syncJobType: String {
        get { fields.syncJobType }
        set { fields.syncJobType = newValue }
    }
    /// The source's document type, when it is said; it must be the type's.
    public var sourceDocumentType: String? {
        get { fields.sourceDocumentType }
        set { fields.sourceDocumentType = newValue }
    }
    /// The source document's name; nil when `context` says it all.
    public var sourceDocumentName: String? {
        get { fields.sourceDocumentName }
        set { fields.sourceDocumentName = newValue }
    }
    /// The source document's name before it was renamed: its bindings move to the new name with the job's commit.
    public var oldSourceDocumentName: String? {
        get { fields.oldSourceDocumentName }
        set { fields.oldSourceDocumentName = newValue }
    }
    /// The version the producer saw.
    public var sourceVersion: String? {
        get { fields.sourceVersion }
        set { fields.sourceVersion = newValue }
    }
    /// The document itself, when it travels with the message: then it is not loaded.
    public var document: JSONObject? {
        get { fields.document }
        set { fields.document = newValue }
    }
    /// What is to be done to the target; `delete` without a target name says that the source was deleted.
    public var operation: Operation? {
        get { fields.operation }
        set { fields.operation = newValue }
    }
    /// The target's document type.
    public var targetDocumentType: String? {
        get { fields.targetDocumentType }
        set { fields.targetDocumentType = newValue }
    }
    /// The target document's name; needs an operation.
    public var targetDocumentName: String? {
        get { fields.targetDocumentName }
        set { fields.targetDocumentName = newValue }
    }
    /// Free for the controller.
    public var context: JSONObject? {
        get { fields.context }
        set { fields.context = newValue }
    }
    /// Instead of the type's queue.
    public var queue: String? {
        get { fields.queue }
        set { fields.queue = newValue }
    }
    /// Instead of the type's timeout.
    public var timeout: Duration? {
        get { fields.timeout }
        set { fields.timeout = newValue }
    }
    /// Instead of the type's retry delay.
    public var retryDelay: Duration? {
        get { fields.retryDelay }
        set { fields.retryDelay = newValue }
    }
    /// Instead of the type's; 0 means none.
    public var maxRetries: Int? {
        get { fields.maxRetries }
        set { fields.maxRetries = newValue }
    }
    /// Who or what asked.
    public var triggerType: TriggerType {
        get { fields.triggerType }
        set { fields.triggerType = newValue }
    }
    /// The document whose change asked: its type.
    public var triggeredByDocumentType: String? {
        get { fields.triggeredByDocumentType }
        set { fields.triggeredByDocumentType = newValue }
    }
    /// The document whose change asked: its name.
    public var triggeredByDocumentName: String? {
        get { fields.triggeredByDocumentName }
        set { fields.triggeredByDocumentName = newValue }
    }
    /// When that document was modified, RFC 3339.
    public var triggerDocumentTimestamp: String? {
        get { fields.triggerDocumentTimestamp }
        set { fields.triggerDocumentTimestamp = newValue }
    }
    /// Overrides of the type's flags.
    public var flags: SyncFlagOverrides {
        get { fields.flags }
        set { fields.flags = newValue }
    }
    /// Whether everything is done but the write.
    public var dryRun: Bool {
        get { fields.dryRun }
        set { fields.dryRun = newValue }
    }
    /// The parent's id, for a child of a relay.
    public var parentSyncJob: String? {
        get { fields.parentSyncJob }
        set { fields.parentSyncJob = newValue }
    }
    /// Tells this target of the source apart from its others: a child of a relay carries the key of its answer.
    public var targetKey: String? {
        get { fields.targetKey }
        set { fields.targetKey = newValue }
    }
    /// How many systems the change has passed through.
    public var hops: Int {
        get { fields.hops }
        set { fields.hops = newValue }
    }
    /// Not to be run before this instant.
    public var notBefore: Timestamp? {
        get { fields.notBefore }
        set { fields.notBefore = newValue }
    }
    /// While a job of the type with this key waits or runs, another one ends `Skipped (duplicate)`.
    public var dedupKey: String? {
        get { fields.dedupKey }
        set { fields.dedupKey = newValue }
    }
    /// Whether the job is only created, and waits as `Pending` until it is started by hand.
    public var hold: Bool {
        get { fields.hold }
        set { fields.hold = newValue }
    }
    /// The id of a relay that has ended: this job runs its controller's `relay_finished`.
    ///
    /// Ferry's own; producers leave it out.
    public var relayFinished: String? {
        get { fields.relayFinished }
        set { fields.relayFinished = newValue }
    }

    struct Fields: Sendable, Hashable {
        var id: String
        var syncJobType: String
        var sourceDocumentType: String?
        var sourceDocumentName: String?
        var oldSourceDocumentName: String?
        var sourceVersion: String?
        var document: JSONObject?
        var operation: Operation?
        var targetDocumentType: String?
        var targetDocumentName: String?
        var context: JSONObject?
        var queue: String?
        var timeout: Duration?
        var retryDelay: Duration?
        var maxRetries: Int?
        var triggerType: TriggerType = .manual
        var triggeredByDocumentType: String?
        var triggeredByDocumentName: String?
        var triggerDocumentTimestamp: String?
        var flags: SyncFlagOverrides = SyncFlagOverrides()
        var dryRun: Bool = false
        var parentSyncJob: String?
        var targetKey: String?
        var hops: Int = 0
        var notBefore: Timestamp?
        var dedupKey: String?
        var hold: Bool = false
        var relayFinished: String?
    }
    private var held: HeldOnce<Fields>
    var fields: Fields {
        _read { yield held.value }
        _modify { yield &held.value }
    }

    /// The smallest request.
    public init(id: String, type: String, sourceName: String?) {
        held = HeldOnce(Fields(id: id, syncJobType: type, sourceDocumentName: sourceName))
    }

    /// The request as the JSON object that producers send, without what is left out.
    public var json: JSONObject { json(withID: true) }

    private func json(withID: Bool) -> JSONObject {
        var object = JSONObject()
        object.reserve(Self.usualCount)
        func put(_ field: SyncRequestField, _ value: JSONValue?) {
            if let value { object[field.rawValue] = value }
        }
        // In the order of their bytes, in which an object grows at its end.
        put(.context, context.map { .object($0) })
        put(.dedupKey, dedupKey.map { .string($0) })
        put(.deleteEnabled, flags.deleteEnabled.map { .bool($0) })
        put(.document, document.map { .object($0) })
        put(.dryRun, dryRun ? true : nil)
        put(.hold, hold ? true : nil)
        put(.hops, hops == 0 ? nil : .int(hops))
        put(.id, withID ? .string(id) : nil)
        put(.insertEnabled, flags.insertEnabled.map { .bool($0) })
        put(.maxRetries, maxRetries.map { .int($0) })
        put(.notBefore, notBefore.map { .string($0.description) })
        put(.oldSourceDocumentName, oldSourceDocumentName.map { .string($0) })
        put(.operation, operation.map { .string($0.rawValue) })
        put(.parentSyncJob, parentSyncJob.map { .string($0) })
        put(.queue, queue.map { .string($0) })
        put(.relayFinished, relayFinished.map { .string($0) })
        put(.retryDelay, retryDelay.map { .string($0.text) })
        put(.sourceDocumentName, sourceDocumentName.map { .string($0) })
        put(.sourceDocumentType, sourceDocumentType.map { .string($0) })
        put(.sourceVersion, sourceVersion.map { .string($0) })
        put(.syncJobType, .string(syncJobType))
        put(.targetDocumentName, targetDocumentName.map { .string($0) })
        put(.targetDocumentType, targetDocumentType.map { .string($0) })
        put(.targetKey, targetKey.map { .string($0) })
        put(.timeout, timeout.map { .string($0.text) })
        put(.triggerDocumentTimestamp, triggerDocumentTimestamp.map { .string($0) })
        put(.triggerType, triggerType == .manual ? nil : .string(triggerType.rawValue))
        put(.triggeredByDocumentName, triggeredByDocumentName.map { .string($0) })
        put(.triggeredByDocumentType, triggeredByDocumentType.map { .string($0) })
        put(.updateEnabled, flags.updateEnabled.map { .bool($0) })
        put(.updateWithoutChangesEnabled, flags.updateWithoutChangesEnabled.map { .bool($0) })
        put(.verboseLogging, flags.verboseLogging.map { .bool($0) })
        return object
    }

    /// The hash by which the same id with other content is told apart: of what the request says, however it is spaced,
    /// ordered or wrapped, without the id itself.
    public var contentHash: Digest { Digest(of: .object(json(withID: false))) }

    /// Few requests say more.
    private static let usualCount = 8
}

/// The fields of a request, as they are spelled in messages.
public enum SyncRequestField: String, Sendable, CaseIterable {
    case id
    case syncJobType = "sync_job_type"
    case sourceDocumentType = "source_document_type"
    case sourceDocumentName = "source_document_name"
    case oldSourceDocumentName = "old_source_document_name"
    case sourceVersion = "source_version"
    case document
    case operation
    case targetDocumentType = "target_document_type"
    case targetDocumentName = "target_document_name"
    case context
    case queue
    case timeout
    case retryDelay = "retry_delay"
    case maxRetries = "max_retries"
    case triggerType = "trigger_type"
    case triggeredByDocumentType = "triggered_by_document_type"
    case triggeredByDocumentName = "triggered_by_document_name"
    case triggerDocumentTimestamp = "trigger_document_timestamp"
    case insertEnabled = "insert_enabled"
    case updateEnabled = "update_enabled"
    case deleteEnabled = "delete_enabled"
    case updateWithoutChangesEnabled = "update_without_changes_enabled"
    case verboseLogging = "verbose_logging"
    case dryRun = "dry_run"
    case parentSyncJob = "parent_sync_job"
    case targetKey = "target_key"
    case hops
    case notBefore = "not_before"
    case dedupKey = "dedup_key"
    case hold
    case relayFinished = "relay_finished"
}
