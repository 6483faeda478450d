// What a producer publishes to have one document synced. Field names are the specification's; what is left out comes
// from the type.

/// A sync request.
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
    public var id: String
    /// The type's name or slug.
    public var syncJobType: String
    /// The source's document type, when it is said; it must be the type's.
    public var sourceDocumentType: String?
    /// The source document's name; nil when `context` says it all.
    public var sourceDocumentName: String?
    /// The source document's name before it was renamed: its bindings move to the new name with the job's commit.
    public var oldSourceDocumentName: String?
    /// The version the producer saw.
    public var sourceVersion: String?
    /// The document itself, when it travels with the message: then it is not loaded.
    public var document: JSONObject?
    /// What is to be done to the target; `delete` without a target name says that the source was deleted.
    public var operation: Operation?
    /// The target's document type.
    public var targetDocumentType: String?
    /// The target document's name; needs an operation.
    public var targetDocumentName: String?
    /// Free for the controller.
    public var context: JSONObject?
    /// Instead of the type's queue.
    public var queue: String?
    /// Instead of the type's timeout.
    public var timeout: Duration?
    /// Instead of the type's retry delay.
    public var retryDelay: Duration?
    /// Instead of the type's; 0 means none.
    public var maxRetries: Int?
    /// Who or what asked.
    public var triggerType: TriggerType = .manual
    /// The document whose change asked: its type.
    public var triggeredByDocumentType: String?
    /// The document whose change asked: its name.
    public var triggeredByDocumentName: String?
    /// When that document was modified, RFC 3339.
    public var triggerDocumentTimestamp: String?
    /// Overrides of the type's flags.
    public var flags = SyncFlagOverrides()
    /// Whether everything is done but the write.
    public var dryRun = false
    /// The parent's id, for a child of a relay.
    public var parentSyncJob: String?
    /// Tells this target of the source apart from its others: a child of a relay carries the key of its answer.
    public var targetKey: String?
    /// How many systems the change has passed through.
    public var hops = 0
    /// Not to be run before this instant.
    public var notBefore: Timestamp?
    /// While a job of the type with this key waits or runs, another one ends `Skipped (duplicate)`.
    public var dedupKey: String?
    /// Whether the job is only created, and waits as `Pending` until it is started by hand.
    public var hold = false
    /// The id of a relay that has ended: this job runs its controller's `relay_finished`.
    ///
    /// Ferry's own; producers leave it out.
    public var relayFinished: String?

    /// The smallest request.
    public init(id: String, type: String, sourceName: String?) {
        self.id = id
        syncJobType = type
        sourceDocumentName = sourceName
    }

    /// The request as the JSON object that producers send, without what is left out.
    public var json: JSONObject {
        var object: JSONObject = ["id": .string(id), "sync_job_type": .string(syncJobType)]
        func put(_ field: SyncRequestField, _ value: JSONValue?) {
            if let value { object[field.rawValue] = value }
        }
        put(.sourceDocumentType, sourceDocumentType.map { .string($0) })
        put(.sourceDocumentName, sourceDocumentName.map { .string($0) })
        put(.oldSourceDocumentName, oldSourceDocumentName.map { .string($0) })
        put(.sourceVersion, sourceVersion.map { .string($0) })
        put(.document, document.map { .object($0) })
        put(.operation, operation.map { .string($0.rawValue) })
        put(.targetDocumentType, targetDocumentType.map { .string($0) })
        put(.targetDocumentName, targetDocumentName.map { .string($0) })
        put(.context, context.map { .object($0) })
        put(.queue, queue.map { .string($0) })
        put(.timeout, timeout.map { .string($0.text) })
        put(.retryDelay, retryDelay.map { .string($0.text) })
        put(.maxRetries, maxRetries.map { .int($0) })
        put(.triggerType, triggerType == .manual ? nil : .string(triggerType.rawValue))
        put(.triggeredByDocumentType, triggeredByDocumentType.map { .string($0) })
        put(.triggeredByDocumentName, triggeredByDocumentName.map { .string($0) })
        put(.triggerDocumentTimestamp, triggerDocumentTimestamp.map { .string($0) })
        put(.insertEnabled, flags.insertEnabled.map { .bool($0) })
        put(.updateEnabled, flags.updateEnabled.map { .bool($0) })
        put(.deleteEnabled, flags.deleteEnabled.map { .bool($0) })
        put(.updateWithoutChangesEnabled, flags.updateWithoutChangesEnabled.map { .bool($0) })
        put(.verboseLogging, flags.verboseLogging.map { .bool($0) })
        put(.dryRun, dryRun ? true : nil)
        put(.parentSyncJob, parentSyncJob.map { .string($0) })
        put(.targetKey, targetKey.map { .string($0) })
        put(.hops, hops == 0 ? nil : .int(hops))
        put(.notBefore, notBefore.map { .string($0.description) })
        put(.dedupKey, dedupKey.map { .string($0) })
        put(.hold, hold ? true : nil)
        put(.relayFinished, relayFinished.map { .string($0) })
        return object
    }

    /// The hash by which the same id with other content is told apart: of what the request says, however it is spaced,
    /// ordered or wrapped, without the id itself.
    public var contentHash: Digest {
        var object = json
        object["id"] = nil
        return Digest(of: .object(object))
    }
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
