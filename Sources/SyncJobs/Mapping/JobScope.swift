// What the root `job` holds: the request's own facts under their names in messages, and what is known of the target.

extension MappingController {
    /// The fields of the root `job`.
    public static let jobFields = [
        "id", "sync_job_type", "source_document_type", "source_document_name", "source_version", "operation",
        "target_document_type", "target_document_name", "target_key", "queue", "trigger_type",
        "triggered_by_document_type", "triggered_by_document_name", "trigger_document_timestamp", "parent_sync_job",
        "dry_run", "retry_count",
    ]
}

extension MappingRun {
    /// The roots of the job; `operation` and `targetName` are those in force, nil while they are not decided.
    func scope(operation: Operation?, targetName: String?) -> Scope {
        var scope = Scope()
        scope.source = job.source?.fields
        scope.context = job.context
        scope.row = row
        guard ready.needs.job else { return scope }
        let request = job.job.request
        var fields: JSONObject = [
            "id": .string(request.id), "sync_job_type": .string(job.type.name),
            "source_document_type": .string(job.type.source.name), "queue": .string(job.job.queue),
            "target_document_type": .string(target.name), "trigger_type": .string(request.triggerType.rawValue),
            "dry_run": .bool(request.dryRun), "retry_count": .int(job.job.retryCount),
        ]
        func put(_ field: String, _ text: String?) { if let text { fields[field] = .string(text) } }
        put("source_document_name", request.sourceDocumentName)
        put("source_version", job.source?.version?.text ?? request.sourceVersion)
        put("operation", (operation ?? request.operation)?.rawValue)
        put("target_document_name", targetName ?? request.targetDocumentName)
        put("target_key", job.targetKey.isEmpty ? nil : job.targetKey)
        put("triggered_by_document_type", request.triggeredByDocumentType)
        put("triggered_by_document_name", request.triggeredByDocumentName)
        put("trigger_document_timestamp", request.triggerDocumentTimestamp)
        put("parent_sync_job", request.parentSyncJob)
        scope.job = fields
        return scope
    }
}
