// One record for people: what was asked, what happened, the diff, and for a failure what to do about it.

internal import SyncJobs

/// Renders one record.
struct JobText: Sendable {
    var style = Style.plain
    var values = VisibleValue()

    /// The record, a line each.
    func lines(_ job: SyncJob, _ details: JobDetails = JobDetails()) -> [String] {
        var lines = [heading(job)]
        if let target = targetLine(job) { lines.append(target) }
        lines += diff(job)
        lines += failure(job)
        lines += section("asked", asked(job))
        lines += section("happened", happened(job) + going(job, details))
        lines += attempts(job)
        lines += deadLetters(details)
        lines += children(details)
        lines += followUps(details)
        if !job.notes.isEmpty {
            lines += section("notes", job.notes.map { ("-", VisibleText.bare($0)) })
        }
        return lines
    }

    /// `Finished`, `Skipped (no_changes)`, `Failed (source_not_visible)`, `Pending (hold)`.
    static func status(_ job: SyncJob) -> String {
        let reason =
            switch job.status {
            case .pending, .queued: job.waitReason?.rawValue
            default: job.skipReason?.rawValue ?? job.noTargetReason?.rawValue ?? job.error?.code.rawValue
            }
        return job.status.rawValue + (reason.map { " (\($0))" } ?? "")
    }

    /// What a status means for its colour.
    static func meaning(_ status: JobStatus) -> Style.Meaning {
        switch status {
        case .finished, .relayed: .good
        case .failed: .bad
        case .skipped, .noTarget, .canceled: .notice
        case .pending, .queued, .started: .quiet
        }
    }

    private func heading(_ job: SyncJob) -> String {
        var parts = [
            "\(style(.heading, "job")) \(VisibleText.bare(job.id))", VisibleText.bare(job.typeName),
            style(Self.meaning(job.status), Self.status(job)),
        ]
        if !job.attempts.isEmpty { parts.append(Quantity.count(job.attempts.count, "attempt")) }
        if let time = job.timeTaken { parts.append(Quantity.time(time)) }
        return parts.joined(separator: " · ")
    }

    /// `Country > Nation: TUR (insert)`.
    private func targetLine(_ job: SyncJob) -> String? {
        guard let target = job.targetType else { return nil }
        let name = job.targetName.map { ": \(VisibleText.bare($0, limit: 200))" } ?? ""
        let operation = job.operation.map { " (\($0.rawValue))" } ?? ""
        return "\(job.sourceType.name) > \(target.name)\(name)\(operation)"
    }

    private func diff(_ job: SyncJob) -> [String] {
        guard let diff = job.diff, !diff.isEmpty else { return [] }
        return DiffText(style: style, values: values).lines(diff).map { "  \($0)" }
    }

    private func failure(_ job: SyncJob) -> [String] {
        guard let error = job.error else { return [] }
        return [
            "  \(style(.bad, error.code.rawValue)): \(VisibleText.bare(error.message))",
            "  remedy: \(VisibleText.bare(error.remedy))",
        ]
    }

    private func asked(_ job: SyncJob) -> [(String, String)] {
        let request = job.request
        var facts: [(String, String)] = [("type", "\(VisibleText.bare(job.typeName)) (\(job.typeSlug))")]
        func add(_ name: String, _ value: String?) { if let value { facts.append((name, value)) } }
        let source = request.sourceDocumentName.map { "\(job.sourceType)/\(VisibleText.bare($0))" }
        add("source", source ?? job.sourceType.description)
        add("source version", request.sourceVersion.map { VisibleText.bare($0) })
        add("operation", request.operation?.rawValue)
        add("target", request.targetDocumentName.map { VisibleText.bare($0) })
        add("context", request.context.map { values.text(.object($0)) })
        add("document", request.document == nil ? nil : "travelled with the message")
        add("by", trigger(request))
        for (field, value) in overrides(request) { add(field, value) }
        add("dry run", request.dryRun ? "yes" : nil)
        add("parent", request.parentSyncJob.map { VisibleText.bare($0) })
        add("queue", job.queue)
        return facts
    }

    private func trigger(_ request: SyncRequest) -> String? {
        guard let name = request.triggeredByDocumentName else { return request.triggerType.rawValue }
        return "\(request.triggerType.rawValue): \(request.triggeredByDocumentType ?? "") \(VisibleText.bare(name))"
    }

    private func overrides(_ request: SyncRequest) -> [(String, String)] {
        let fields: [SyncRequestField] = [
            .timeout, .retryDelay, .maxRetries, .insertEnabled, .updateEnabled, .deleteEnabled,
            .updateWithoutChangesEnabled, .verboseLogging,
        ]
        let json = request.json
        return fields.compactMap { field in
            json[field.rawValue].map { (field.rawValue, $0.stringValue ?? $0.canonicalText) }
        }
    }

    private func happened(_ job: SyncJob) -> [(String, String)] {
        var facts = [("received", job.createdAt.description)]
        func add(_ name: String, _ value: String?) { if let value { facts.append((name, value)) } }
        add("started", job.startedAt?.description)
        add("ended", job.endedAt?.description)
        if let target = job.targetType {
            add("target", "\(target)" + (job.targetName.map { "/\(VisibleText.bare($0))" } ?? ""))
        }
        add("dead letter since", job.deadLetteredAt?.description)
        add("retries", job.retryCount == 0 ? nil : String(job.retryCount))
        return facts
    }

    private func attempts(_ job: SyncJob) -> [String] {
        guard !job.attempts.isEmpty else { return [] }
        var table = TextTable([
            .init(title: "#", alignment: .right), .init(title: "OUTCOME"), .init(title: "STARTED"),
            .init(title: "TOOK", alignment: .right), .init(title: "NODE"), .init(title: "ERROR"),
        ])
        for attempt in job.attempts {
            table.add([
                String(attempt.number), style(Self.meaning(attempt.outcome), attempt.outcome.rawValue),
                attempt.startedAt.description, Quantity.time(attempt.endedAt.since(attempt.startedAt)),
                VisibleText.bare(attempt.node),
                attempt.error.map { VisibleText.bare($0.description, limit: 100) } ?? "",
            ])
        }
        return [style(.heading, "attempts")] + table.lines().map { "  \($0)" }
    }

    private func deadLetters(_ details: JobDetails) -> [String] {
        guard !details.deadLetters.isEmpty else { return [] }
        return section(
            "dead letters",
            details.deadLetters.map { letter in
                let who = letter.resolution?.actor.map { " by \(VisibleText.bare($0))" } ?? ""
                return (
                    letter.id,
                    "\(letter.state.rawValue)\(who) · turn \(letter.turn) · \(letter.reason) · ferry dead show \(letter.id)"
                )
            })
    }

    private func section(_ title: String, _ facts: [(String, String)]) -> [String] {
        let width = facts.map { TextWidth.of($0.0) }.max() ?? 0
        return [style(.heading, title)] + facts.map { "  \(TextWidth.pad($0.0, to: width))  \($0.1)" }
    }
}
