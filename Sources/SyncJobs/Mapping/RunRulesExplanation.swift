// How a type's jobs run, in words: only what differs from the defaults, so that a plain type says nothing.

extension SyncJobType {
    /// Order, overtaking, coalescing, leases and gone targets, a line each; empty with the defaults.
    public func explainRuns() -> [String] {
        var lines: [String] = []
        if let orderBy { lines.append("jobs of one \(orderBy) run one at a time, in arrival order") }
        if onFailure == .block { lines.append("a failed job that will be retried holds up the later ones of its key") }
        if coalesces { lines.append("of the waiting jobs of one key, only the latest runs") }
        if isExclusive { lines.append("a run holds a lease on its key") }
        if onGone == .insert { lines.append("a target that was deleted by hand is inserted anew") }
        return lines
    }
}

extension Trigger {
    /// The trigger in words: `on update of erp.Contact when …, source named by document.customer, context region ← …`.
    public func explain() -> String {
        let names = ChangeEvent.Kind.allCases.filter(events.contains).map(\.rawValue)
        var text = "on \(names.joined(separator: ", ")) of \(document)"
        if let when { text += " when \(when)" }
        if let sourceName { text += ", source named by \(sourceName)" }
        guard let context else { return text }
        let fields = context.map { entry in
            switch entry.value {
            case .path(let path): "\(entry.field) ← \(path)"
            case .constant(let value): "\(entry.field) ← the constant \(value.shortText)"
            }
        }
        return text + ", context " + (fields.isEmpty ? "{}" : fields.joined(separator: ", "))
    }
}
