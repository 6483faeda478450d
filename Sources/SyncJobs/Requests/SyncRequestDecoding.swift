// From a message's body to a request, strictly: what can't be understood for certain is refused with a reason, because a
// request that is half understood writes the wrong thing.

extension SyncRequest {
    /// Decodes a request from a message's body: the plain JSON object, or a CloudEvents 1.0 event around it.
    ///
    /// - Parameter messageID: the AMQP `message_id`; it goes before an id in the body.
    /// - Throws: ``JobFailure``, always permanent, with the reason for the dead letter.
    public init(
        decoding body: [UInt8], messageID: String?, maximumDepth: Int = JSONParser.defaultMaximumDepth
    ) throws(JobFailure) {
        let envelope = try MessageEnvelope(body, messageID: messageID, maximumDepth: maximumDepth)
        try self.init(envelope.content, id: envelope.id)
    }

    private static let fieldNames = FieldNames(SyncRequestField.allCases.map(\.rawValue))

    private init(_ object: JSONObject, id: String) throws(JobFailure) {
        let said = FieldReader(object)
        try said.refuseUnknown(among: Self.fieldNames, in: "a sync request")
        guard let type = try said.string("sync_job_type"), !type.isEmpty else {
            throw JobFailure(
                .missingType, "the request names no sync job type",
                remedy: "add \"sync_job_type\" with the name or slug of a type; ferry types list shows them")
        }
        self.init(id: id, type: type, sourceName: try said.string("source_document_name"))
        try fields.read(said)
        try checkCompleteness()
    }
}

extension SyncRequest.Fields {
    /// Takes in what is said beside the type and the source.
    fileprivate mutating func read(_ said: FieldReader) throws(JobFailure) {
        sourceDocumentType = try said.string("source_document_type")
        oldSourceDocumentName = try said.string("old_source_document_name")
        sourceVersion = try said.version("source_version")
        document = try said.object("document")
        operation = try said.choice("operation") { Operation(anyCase: $0) }
        targetDocumentType = try said.string("target_document_type")
        targetDocumentName = try said.string("target_document_name")
        context = try said.object("context")
        queue = try said.string("queue")
        timeout = try said.duration("timeout")
        retryDelay = try said.duration("retry_delay")
        maxRetries = try said.count("max_retries", maximum: 1_000_000)
        triggerType = try said.choice("trigger_type") { SyncRequest.TriggerType(rawValue: $0) } ?? .manual
        triggeredByDocumentType = try said.string("triggered_by_document_type")
        triggeredByDocumentName = try said.string("triggered_by_document_name")
        triggerDocumentTimestamp = try said.timestamp("trigger_document_timestamp")
        flags.insertEnabled = try said.bool("insert_enabled")
        flags.updateEnabled = try said.bool("update_enabled")
        flags.deleteEnabled = try said.bool("delete_enabled")
        flags.updateWithoutChangesEnabled = try said.bool("update_without_changes_enabled")
        flags.verboseLogging = try said.bool("verbose_logging")
        dryRun = try said.bool("dry_run") ?? false
        parentSyncJob = try said.string("parent_sync_job", maximumBytes: SyncRequest.maximumIDBytes)
        targetKey = try said.string("target_key", maximumBytes: SyncRequest.maximumKeyBytes)
        hops = try said.count("hops", maximum: 1_000_000) ?? 0
        notBefore = try said.timestamp("not_before").flatMap { Timestamp($0) }
        dedupKey = try said.string("dedup_key", maximumBytes: SyncRequest.maximumKeyBytes)
        hold = try said.bool("hold") ?? false
        relayFinished = try said.string("relay_finished", maximumBytes: SyncRequest.maximumIDBytes)
    }
}

extension SyncRequest {
    private func checkCompleteness() throws(JobFailure) {
        if sourceDocumentName == nil || sourceDocumentName == "", context == nil {
            throw JobFailure(
                .missingField, "the request names neither a source document nor a context",
                remedy: "add \"source_document_name\", or \"context\" when the controller finds the source by it")
        }
        if targetDocumentName != nil, operation == nil {
            throw JobFailure(
                .missingField, "the request names a target document but no operation",
                remedy: "add \"operation\": insert, update or delete")
        }
        if let oldSourceDocumentName {
            guard !oldSourceDocumentName.isEmpty, let sourceDocumentName, !sourceDocumentName.isEmpty else {
                throw JobFailure(
                    .missingField, "the request says that its source was renamed, and not from what to what",
                    remedy: "send both \"old_source_document_name\" and \"source_document_name\", neither of them empty"
                )
            }
        }
        if dedupKey == "" {
            throw JobFailure(
                .invalidField, "\"dedup_key\" is empty", remedy: "send a key that names the work, or leave it out")
        }
        if let timeout, timeout <= .zero {
            throw JobFailure(
                .invalidField, "\"timeout\" is zero, which no run can keep",
                remedy: "send a longer one, or leave it out for the type's")
        }
        try Self.refuseLoop(hops: hops)
    }

    /// Refuses what has passed through too many systems.
    static func refuseLoop(hops: Int) throws(JobFailure) {
        guard hops <= maximumHops else {
            throw JobFailure(
                .loop, "the change has passed through \(hops) systems; more than \(maximumHops) is a loop",
                remedy: "find the types whose triggers feed each other, and give one a condition that ends it")
        }
    }
}
