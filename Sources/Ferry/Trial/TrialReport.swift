// What ferry try has to say about one request: what the run would decide, and rule by rule why.

internal import SyncEngine
internal import SyncJobs

/// A request that was tried.
struct TrialReport: Sendable {
    let type: SyncJobType
    let request: SyncRequest
    let outcome: Outcome
    /// The controller's view; nil when the run did not come so far.
    let handle: JobHandle?
    /// The target as it is; nil for an insert, and where there is none.
    let before: Document?
    /// What each rule would do; nil for a controller in Swift, and where no target is written.
    let fields: [FieldTrace]?

    /// How the job would end if it ran for real.
    struct End: Sendable, Hashable {
        var status: JobStatus
        /// The word behind the status: a skip reason, an error's code.
        var reason: String?
    }

    init(_ trial: Trial, of request: SyncRequest, type: SyncJobType) async {
        self.type = type
        self.request = request
        outcome = trial.outcome
        handle = trial.handle
        before = trial.before
        fields = await Self.trace(trial, type: type)
    }

    /// Whether the run came to a target whose fields it decided on.
    private static func trace(_ trial: Trial, type: SyncJobType) async -> [FieldTrace]? {
        guard let handle = trial.handle, let controller = type.controller as? any DeclarativeController,
            trial.outcome.operation != .delete, trial.before != nil || trial.after != nil
        else { return nil }
        // What a trace can't read has failed the run already, which says so.
        do { return try await controller.trace(of: handle, target: trial.before) } catch { return nil }
    }

    /// How it would end; what a dry run skips would have been written.
    var end: End {
        switch outcome.end {
        case .finished: End(status: .finished)
        case .skipped(.dryRun): isWrite ? End(status: .finished) : End(status: .skipped, reason: "no_changes")
        case .skipped(let reason): End(status: .skipped, reason: reason.rawValue)
        case .noTarget(let reason): End(status: .noTarget, reason: reason.rawValue)
        case .relayed: End(status: .relayed)
        case .canceled: End(status: .canceled)
        case .failed(let failure): End(status: .failed, reason: failure.code.rawValue)
        }
    }

    private var isWrite: Bool {
        outcome.operation != .update || outcome.diff?.isEmpty == false
            || handle?.flags.updateWithoutChangesEnabled == true
    }

    /// The requests that would become children.
    var children: [SyncRequest] { if case .relayed(let children) = outcome.end { children } else { [] } }

    /// Why it would fail.
    var failure: JobFailure? { if case .failed(let failure) = outcome.end { failure } else { nil } }

    /// For programs.
    var json: JSONValue {
        var object: JSONObject = [
            "sync_job_type": .string(type.name), "source": .string(type.source.description),
            "status": .string(end.status.rawValue),
        ]
        object["source_document_name"] = request.sourceDocumentName.map { .string($0) }
        object["target_key"] = request.targetKey.map { .string($0) }
        let reason = end.reason.map { JSONValue.string($0) }
        if end.status == .skipped { object["skip_reason"] = reason }
        if end.status == .noTarget { object["no_target_reason"] = reason }
        object["operation"] = outcome.operation.map { .string($0.rawValue) }
        object["target"] = outcome.targetType.map { .string($0.description) }
        object["target_document_name"] = outcome.targetName.map { .string($0) }
        object["diff_summary"] = outcome.diff?.json
        object["error_message"] = failure?.json
        if case .canceled(let reason) = outcome.end { object["cancel_reason"] = .string(reason) }
        object["fields"] = fields.map { .array($0.map(\.json)) }
        if !children.isEmpty { object["children"] = .array(children.map { .object($0.json) }) }
        if !outcome.notes.isEmpty { object["notes"] = .array(outcome.notes.map { .string($0) }) }
        return .object(object)
    }
}

extension FieldTrace {
    /// The value as it may be shown.
    var shownValue: JSONValue? { value.map { isSensitive && !$0.isNull ? SensitiveFields.mask : $0 } }
    /// What is there now, as it may be shown.
    var shownCurrent: JSONValue? { current.map { isSensitive && !$0.isNull ? SensitiveFields.mask : $0 } }
    /// `label`, or `addresses[1].street`.
    var path: String {
        guard let table else { return field }
        let key = isSensitive ? SensitiveFields.mask : rowKey ?? .null
        return "\(table)[\(key.nameText ?? key.canonicalText)].\(field)"
    }

    /// For programs.
    fileprivate var json: JSONValue {
        var object: JSONObject = [
            "field": .string(field), "rule": .string(rule), "changes": .bool(changes), "sensitive": .bool(isSensitive),
        ]
        object["table"] = table.map { .string($0) }
        object["row_key"] = table == nil || isSensitive ? nil : rowKey
        object["value"] = shownValue
        object["current"] = shownCurrent
        object["note"] = note.map { .string($0) }
        return .object(object)
    }
}
