// A mapping in words, one line a rule: what `ferry types check` prints and people compare with what they meant.

extension Mapping {
    /// The plan in words: conditions first, then each target field with where its value comes from.
    public func explain() -> [String] {
        var lines: [String] = []
        if let when { lines.append("when \(when.expression)") }
        if let relay { lines.append(relay.explanation) }
        if !require.isEmpty { lines.append("requires " + require.map(\.path.description).joined(separator: ", ")) }
        if !match.isEmpty { lines.append("matches " + match.map(\.explanation).joined(separator: "; ")) }
        lines += fields.map(\.explanation)
        for table in tables {
            lines.append("\(table.table) ← \(table.origination)")
            lines += table.fields.map { "\(table.table).\($0.explanation)" }
        }
        switch onDelete {
        case nil: break
        case .delete: lines.append("on delete: delete the target")
        case .keep: lines.append("on delete: keep the target")
        case .update(let rules): lines += rules.map { "on delete: \($0.explanation)" }
        }
        lines += writeBack.map { "writes back \($0.explanation)" }
        return lines
    }
}

extension RelayRule {
    /// `a target for each row of source.items, by row.id, …`.
    fileprivate var explanation: String {
        let condition = when.map { ", only those where \($0)" } ?? ""
        let end = removed == .onDelete ? "get on_delete" : "are kept"
        return "a target for each row of \(each), by \(key)\(condition); targets of rows that are gone \(end)"
    }
}

extension TableRule {
    /// `rows of source.addresses, paired by erp_row ← row.id`.
    var origination: String {
        let condition = when.map { ", only those where \($0)" } ?? ""
        let end = removed == .delete ? "deleted" : "kept"
        return "rows of \(from), paired by \(rowKey.explanation)\(condition); rows that are gone are \(end)"
    }
}

extension FieldRule {
    /// `contact ← source.email, as trim, lower`.
    var explanation: String { "\(field) ← \(origination)" }

    /// Where the value comes from: `source.email, as trim, lower`.
    var origination: String {
        var text: String
        switch origin {
        case .path(let path): text = path.description
        case .constant(let value): text = "the constant \(value.shortText)"
        case .text(let template): text = "the text \(JSONValue.string(template.text).shortText)"
        case .lookup(let lookup): text = lookup.explanation
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

extension Lookup {
    /// `the target that Staff Sync has for source.sales_rep, tried again until it has one`.
    fileprivate var explanation: String {
        let end =
            switch missing {
            case .retry: "tried again until it has one"
            case .fail: "failing while it has none"
            case .null: "null until it has one, then again"
            }
        return "the target that \(type) has for \(key), \(end)"
    }
}
