// A mapping in words, one line a rule: what `ferry types check` prints and people compare with what they meant.

extension Mapping {
    /// The plan in words: conditions first, then each target field with where its value comes from.
    public func explain() -> [String] {
        var lines: [String] = []
        if let when { lines.append("when \(when.expression)") }
        if !require.isEmpty { lines.append("requires " + require.map(\.path.description).joined(separator: ", ")) }
        if !match.isEmpty { lines.append("matches " + match.map(\.explanation).joined(separator: "; ")) }
        lines += fields.map(\.explanation)
        for table in tables {
            var line = "\(table.table) ← rows of \(table.from), paired by \(table.rowKey.explanation)"
            if let when = table.when { line += ", only those where \(when)" }
            line += table.removed == .delete ? "; rows that are gone are deleted" : "; rows that are gone are kept"
            lines.append(line)
            lines += table.fields.map { "\(table.table).\($0.explanation)" }
        }
        switch onDelete {
        case nil: break
        case .delete: lines.append("on delete: delete the target")
        case .keep: lines.append("on delete: keep the target")
        case .update(let rules): lines += rules.map { "on delete: \($0.explanation)" }
        }
        return lines
    }
}

extension FieldRule {
    /// `contact ← source.email, as trim, lower`.
    var explanation: String {
        var text = "\(field) ← "
        switch origin {
        case .path(let path): text += path.description
        case .constant(let value): text += "the constant \(value.shortText)"
        case .text(let template): text += "the text \(JSONValue.string(template.text).shortText)"
        }
        if !conversions.isEmpty { text += ", as " + conversions.map(\.name).joined(separator: ", ") }
        if let map {
            let shown = map.entries.prefix(5).map { "\($0.key) → \($0.value.shortText)" }.joined(separator: ", ")
            let more = map.entries.count > 5 ? " and \(map.entries.count - 5) more" : ""
            text += ", mapped \(shown)\(more), otherwise \(map.otherwise.rawValue)"
        }
        if let using { text += ", using \(using.name)" }
        if let fallback { text += ", \(fallback.shortText) when missing or null" }
        switch limit {
        case nil: break
        case .insert: text += ", only on insert"
        case .empty: text += ", only where the target has nothing"
        }
        return text
    }
}
