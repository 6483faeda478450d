// The record as JSON, with the field names of the specification: what `--json` prints and other programs read.

extension SyncJob {
    /// The record as JSON: the request's fields and what happened.
    ///
    /// Missing values are left out, `attempts` only when they were loaded.
    public var json: JSONValue {
        var object = request.json
        object["document"] = nil
        object["sync_job_type"] = .string(typeName)
        object["source_system"] = .string(sourceType.system)
        object["source_document_type"] = .string(sourceType.name)
        object["queue"] = .string(queue)
        object["status"] = .string(status.rawValue)
        object["title"] = .string(title)
        object["retry_count"] = .int(retryCount)
        object["created_at"] = .string(createdAt.description)
        func put(_ field: String, _ text: String?) { if let text { object[field] = .string(text) } }
        put("skip_reason", skipReason?.rawValue)
        put("no_target_reason", noTargetReason?.rawValue)
        put("cancel_reason", cancelReason)
        put("related_job", relatedJob)
        put("retry_after", retryAfter?.description)
        put("waits_for", waitReason?.rawValue)
        put("trigger_type", request.triggerType.rawValue)
        put("operation", operation?.rawValue)
        put("target_system", targetType?.system)
        put("target_document_type", targetType?.name)
        put("target_document_name", targetName)
        put("started_at", startedAt?.description)
        put("ended_at", endedAt?.description)
        put("dead_lettered_at", deadLetteredAt?.description)
        if let timeTaken { object["time_taken"] = .number(JSONNumber(checked: Self.seconds(timeTaken))) }
        if let diff { object["diff_summary"] = diff.json }
        if let currentData { object["current_data"] = .object(currentData) }
        if let updatedData { object["updated_data"] = .object(updatedData) }
        if let error { object["error_message"] = error.json }
        if let progress { object["progress"] = progress.json }
        if let running { object["running"] = running.json }
        if let childCounts { object["multiple_target_documents"] = Self.counts(childCounts) }
        if !notes.isEmpty { object["notes"] = .array(notes.map { .string($0) }) }
        if !attempts.isEmpty { object["attempts"] = .array(attempts.map(\.json)) }
        return .object(object)
    }

    /// `{"total": 3, "Finished": 2, …}`, in the order of the statuses.
    private static func counts(_ counts: [JobStatus: Int]) -> JSONValue {
        var object: JSONObject = ["total": .int(counts.values.reduce(0, +))]
        for status in JobStatus.allCases { object[status.rawValue] = counts[status].map { .int($0) } }
        return .object(object)
    }

    /// Seconds with six digits behind the point.
    private static func seconds(_ duration: Duration) -> String {
        let microseconds = max(0, duration.microseconds)
        let fraction = String(microseconds % 1_000_000)
        return "\(microseconds / 1_000_000)." + String(repeating: "0", count: 6 - fraction.count) + fraction
    }
}

extension RunningRun {
    /// The run as JSON.
    var json: JSONValue {
        [
            "run_id": .string(runID), "node": .string(node), "heartbeat": .string(heartbeat.description),
            "cancel_asked": .bool(isCancelAsked),
        ]
    }
}

extension Attempt {
    /// The attempt as JSON.
    public var json: JSONValue {
        var object: JSONObject = [
            "number": .int(number), "run_id": .string(runID), "turn": .int(turn), "node": .string(node),
            "started": .string(startedAt.description), "ended": .string(endedAt.description),
            "outcome": .string(outcome.rawValue),
        ]
        if let error { object["error"] = error.json }
        return .object(object)
    }
}
