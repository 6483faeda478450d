// A trial for people: how the job would end, and a line for each rule with what is there and what it would be.

internal import SyncJobs

/// Renders a trial.
struct TrialText: Sendable {
    var style = Style.plain
    var values = VisibleValue()
    /// How many children are named.
    static let maximumChildren = 20

    /// The report, a line each.
    func lines(_ report: TrialReport) -> [String] {
        var lines = [heading(report), verdict(report)]
        if let failure = report.failure {
            lines.append("  \(style(.bad, failure.code.rawValue)): \(VisibleText.bare(failure.message))")
            lines.append("  remedy: \(VisibleText.bare(failure.remedy))")
        }
        if report.handle?.isSourceDeleted == true { lines.append("  the source was deleted; its last image is used") }
        if let fields = report.fields, !fields.isEmpty {
            lines += table(fields)
            if report.outcome.diff?.isEmpty == true, fields.contains(where: \.changes) {
                lines.append("  what differs is what the target made of the values that were sent last time")
            }
        } else if let diff = report.outcome.diff, !diff.isEmpty {
            lines += DiffText(style: style, values: values).lines(diff).map { "  \($0)" }
        }
        lines += children(report.children)
        if !report.outcome.notes.isEmpty {
            lines.append(style(.heading, "notes"))
            lines += report.outcome.notes.map { "  - \(VisibleText.bare($0))" }
        }
        return lines
    }

    /// `Customer Sync: erp.Customer/C-1 → shop.Account/1001 (update)`.
    private func heading(_ report: TrialReport) -> String {
        let source = report.request.sourceDocumentName.map { "/\(VisibleText.bare($0, limit: 200))" } ?? ""
        let key = report.request.targetKey.map { " [\(VisibleText.bare($0, limit: 200))]" } ?? ""
        var text = "\(style(.heading, VisibleText.bare(report.type.name))): \(report.type.source)\(source)\(key)"
        if let target = report.outcome.targetType {
            let name = report.outcome.targetName.map { "/\(VisibleText.bare($0, limit: 200))" } ?? ""
            let operation = report.outcome.operation.map { " (\($0.rawValue))" } ?? ""
            text += " → \(target)\(name)\(operation)"
        }
        return text
    }

    /// `would end Finished: 2 changes`.
    private func verdict(_ report: TrialReport) -> String {
        let end = report.end
        let reason = end.reason.map { " (\($0))" } ?? ""
        var text = "would end \(style(JobText.meaning(end.status), end.status.rawValue + reason))"
        switch report.outcome.end {
        case .relayed(let children): text += ": \(Quantity.count(children.count, "child", "children"))"
        case .canceled(let why): text += ": \(VisibleText.bare(why))"
        case .failed(let failure): text += failure.goesOn(policy: report.type.retryPolicy.applying(report.request))
        default:
            if end.status == .finished, let diff = report.outcome.diff {
                text += ": \(Quantity.count(diff.changeCount, "change"))"
            }
        }
        return text
    }

    private func table(_ fields: [FieldTrace]) -> [String] {
        var table = TextTable("", "FIELD", "NOW", "VALUE", "RULE")
        for field in fields {
            let (now, value) = shown(field)
            table.add([
                field.changes ? style(.notice, "~") : " ", VisibleText.bare(field.path, limit: 60),
                field.changes ? style(.bad, now) : now, field.changes ? style(.good, value) : value,
                VisibleText.bare(field.rule)
                    + (field.note.map { style(.quiet, " (\(VisibleText.bare($0, limit: 300)))") } ?? ""),
            ])
        }
        return table.lines(style: style).map { "  \($0)" }
    }

    /// What is there and what it would be, shown so that a difference is seen; nothing for what is missing.
    private func shown(_ field: FieldTrace) -> (now: String, value: String) {
        switch (field.shownCurrent, field.shownValue) {
        case (let current?, let value?) where field.changes && !field.isSensitive:
            let pair = values.pair(current, value)
            return (pair.old, pair.new)
        case (let current, let value):
            return (current.map { values.text($0) } ?? "", value.map { values.text($0) } ?? "")
        }
    }

    private func children(_ children: [SyncRequest]) -> [String] {
        guard !children.isEmpty else { return [] }
        var lines = children.prefix(Self.maximumChildren).map { child in
            let name = child.targetKey ?? child.targetDocumentName ?? child.sourceDocumentName ?? child.id
            let operation = child.operation.map { " (\($0.rawValue))" } ?? ""
            return "  \(VisibleText.bare(name, limit: 200))\(operation)"
        }
        let more = children.count - lines.count
        if more > 0 { lines.append("  … and \(VisibleText.grouped(more)) more") }
        if children.contains(where: { $0.targetKey?.isEmpty == false }) {
            lines.append("  try one of them with --target-key")
        }
        return lines
    }
}

extension JobFailure {
    /// What would become of a job that fails like this: `, and be tried again in 5m`.
    fileprivate func goesOn(policy: RetryPolicy) -> String {
        switch disposition {
        case .retryable(let after) where policy.maxRetries > 0:
            ", and be tried again in \((after ?? policy.delay).text)"
        case .snooze(let delay): ", and come back in \(delay.text)"
        case .retryable, .permanent: ", and go to the dead letters"
        case .cancel: ""
        }
    }
}
