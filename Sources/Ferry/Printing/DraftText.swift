// Drafts of document types as YAML to paste below `documents:`, and as JSON. What holds is written out, what is only
// likely stands in comments that are one "#" away from being declared.
// Invariant: what is written loads as it stands; a draft that could not is a comment as a whole.

internal import DocumentSystems
internal import SyncJobs

/// Renders drafts.
enum DraftText {
    /// The drafts as entries of `documents:`, indented by two.
    static func yaml(_ drafts: [DocumentDraft]) -> [String] { drafts.flatMap(entry).map { "  \($0)" } }

    private static func entry(_ draft: DocumentDraft) -> [String] {
        let heading = "\(YAMLText.key(draft.type.description)):"
        let about = [size(draft)] + draft.notes
        if let obstacle = draft.obstacle {
            return ["# \(heading)   # \(YAMLText.comment("not as it is: \(obstacle)"))"]
                + body(draft).map { "#   \($0)" } + [
                    "#   # \(YAMLText.comment(about.compactMap { $0 }.joined(separator: "; ")))"
                ]
        }
        let lines = body(draft)
        let isEmpty = lines.allSatisfy { $0.hasPrefix("#") }
        return [
            YAMLText.line(isEmpty ? "\(heading) {}" : heading, comment: about.compactMap { $0 }.joined(separator: "; "))
        ]
            + lines.map { "  \($0)" }
    }

    /// `120 rows`, `over 1,000,000 rows`, `249 documents`.
    static func size(_ draft: DocumentDraft) -> String? {
        guard let count = draft.count else { return nil }
        let over = draft.isCountCut ? "over " : ""
        return over + Quantity.count(count, draft.table == nil ? "document" : "row")
    }

    private static func body(_ draft: DocumentDraft) -> [String] {
        var lines: [String] = []
        if let table = draft.table { lines.append("table: \(YAMLText.value(table))") }
        if let name = draft.nameField {
            lines.append("name: \(YAMLText.value(name))")
        } else if draft.table != nil {
            lines.append("name: …")
        }
        if let version = draft.version { lines.append(self.version(version)) }
        let fields = draft.fields.filter { !$0.name.hasSameBytes(as: draft.nameField ?? "") || $0.isWorthSaying }
        lines += self.fields(fields)
        lines += tables(draft.children)
        let rest = fields.filter { !$0.isWorthSaying }.map { field in
            field.name + (field.declaredType.map { " (\($0))" } ?? "")
        }
        if !rest.isEmpty {
            lines += wrapped(rest, heading: "as they are read: ")
        }
        return lines
    }

    private static func version(_ version: DocumentDraft.Version) -> String {
        var parts = ["field: \(YAMLText.value(version.field))"]
        if version.order != .none { parts.append("order: \(version.order.rawValue)") }
        if version.needsZone { parts.append("zone: UTC") }
        let zone = version.needsZone ? "; its times carry no offset: say the zone they are in" : ""
        return YAMLText.line(
            "# version: {\(parts.joined(separator: ", "))}",
            comment: "likely; every change of a document has to change it\(zone)")
    }

    /// `fields:` with what is declared and, as comments, what is likely; nothing when there is neither.
    private static func fields(_ fields: [DocumentDraft.Field]) -> [String] {
        let lines = fields.filter(\.isWorthSaying).map(line)
        guard !lines.isEmpty else { return [] }
        let hasDeclared = lines.contains { !$0.hasPrefix("#") }
        // A map of nothing but comments would be no map.
        guard hasDeclared else { return ["# fields:"] + lines.map { "#   \($0.dropFirst(2))" } }
        return ["fields:"] + lines.map { "  \($0)" }
    }

    private static func line(_ field: DocumentDraft.Field) -> String {
        let key = YAMLText.key(field.name)
        let why = [field.declaredType, field.note, field.sensitivity].compactMap { $0 }.joined(separator: "; ")
        if let kind = field.kind {
            let masked = field.sensitivity == nil ? "" : ": {type: \(kind.text), sensitive: true}"
            return YAMLText.line("\(key): \(kind.text)", comment: why + masked)
        }
        if field.sensitivity != nil {
            let kind = field.likelyKind ?? .text
            return YAMLText.line("# \(key): {type: \(kind.text), sensitive: true}", comment: why)
        }
        if let kind = field.likelyKind {
            return YAMLText.line(
                "# \(key): \(kind.text)", comment: ([why, "its values look like it"]).joined(of: "; "))
        }
        return "# \(key): \(YAMLText.comment(why))"
    }

    private static func tables(_ children: [DocumentDraft.Child]) -> [String] {
        guard !children.isEmpty else { return [] }
        let hasDeclared = children.contains { $0.rowKey != nil }
        return [hasDeclared ? "tables:" : "# tables:"]
            + children.flatMap { child in
                let lines = self.child(child)
                return (child.rowKey == nil ? lines.map { "# \($0)" } : lines).map { "  \($0)" }
            }
    }

    private static func child(_ child: DocumentDraft.Child) -> [String] {
        var parts: [String] = []
        if let table = child.table { parts.append("table: \(YAMLText.value(table))") }
        if let parent = child.parentColumn { parts.append("parent: \(YAMLText.value(parent))") }
        parts.append("row_key: \((child.rowKey ?? child.likelyRowKey).map(YAMLText.value) ?? "…")")
        var notes = child.notes
        if child.rowKey == nil {
            notes.append(
                child.likelyRowKey == nil
                    ? "nothing tells its rows apart" : "a guess; a row key that occurs twice fails the job")
        }
        let comment = notes.joined(separator: "; ")
        let fields = fields(child.fields)
        guard !fields.isEmpty else {
            return [YAMLText.line("\(YAMLText.key(child.field)): {\(parts.joined(separator: ", "))}", comment: comment)]
        }
        return [YAMLText.line("\(YAMLText.key(child.field)):", comment: comment)] + (parts + fields).map { "  \($0)" }
    }

    /// Comment lines of at most about 100 characters.
    private static func wrapped(_ words: [String], heading: String) -> [String] {
        var lines: [String] = []
        var line = heading
        for (position, word) in words.enumerated() {
            let next = YAMLText.comment(word, limit: 120) + (position + 1 < words.count ? ", " : "")
            if line.count + next.count > 100, line != heading {
                lines.append(line)
                line = "  "
            }
            line += next
        }
        return (lines + [line]).map { "# \($0)" }.map { $0.hasSuffix(" ") ? String($0.dropLast()) : $0 }
    }

    // MARK: - JSON

    /// A draft for programs.
    static func json(_ draft: DocumentDraft) -> JSONValue {
        var object: JSONObject = ["type": .string(draft.type.description), "fields": .array(draft.fields.map(json))]
        object["table"] = draft.table.map { .string($0) }
        object["name"] = draft.nameField.map { .string($0) }
        object["obstacle"] = draft.obstacle.map { .string($0) }
        object["count"] = draft.count.map { .int($0) }
        if draft.isCountCut { object["is_count_cut"] = true }
        object["version"] = draft.version.map { version in
            [
                "field": .string(version.field), "order": .string(version.order.rawValue),
                "needs_zone": .bool(version.needsZone),
            ]
        }
        object["tables"] = .array(draft.children.map(json))
        object["notes"] = .array(draft.notes.map { .string($0) })
        return .object(object)
    }

    private static func json(_ field: DocumentDraft.Field) -> JSONValue {
        var object: JSONObject = ["name": .string(field.name)]
        object["declared_type"] = field.declaredType.map { .string($0) }
        object["kind"] = field.kind.map { .string($0.text) }
        object["likely_kind"] = field.likelyKind.map { .string($0.text) }
        object["likely_sensitive"] = field.sensitivity.map { .string($0) }
        object["note"] = field.note.map { .string($0) }
        return .object(object)
    }

    private static func json(_ child: DocumentDraft.Child) -> JSONValue {
        var object: JSONObject = ["field": .string(child.field), "fields": .array(child.fields.map(json))]
        object["table"] = child.table.map { .string($0) }
        object["parent"] = child.parentColumn.map { .string($0) }
        object["row_key"] = child.rowKey.map { .string($0) }
        object["likely_row_key"] = child.likelyRowKey.map { .string($0) }
        object["notes"] = .array(child.notes.map { .string($0) })
        return .object(object)
    }
}

extension FieldKind {
    /// As `documents:` writes it.
    var text: String {
        switch self {
        case .text: "text"
        case .integer: "integer"
        case .decimal(let places): "decimal(\(places))"
        case .bool: "bool"
        case .timestamp: "timestamp"
        case .date: "date"
        case .json: "json"
        }
    }
}

extension DocumentDraft.Field {
    /// Whether there is more to say than that it is there.
    fileprivate var isWorthSaying: Bool { kind != nil || likelyKind != nil || sensitivity != nil || note != nil }
}

extension [String] {
    /// Those that say something.
    fileprivate func joined(of separator: String) -> String { filter { !$0.isEmpty }.joined(separator: separator) }
}
