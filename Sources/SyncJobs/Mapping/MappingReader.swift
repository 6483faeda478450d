// From a type's configuration to its mapping.

struct MappingReader {
    /// The keys of a type that make its mapping.
    static let keys = ["when", "require", "match", "fields", "tables", "on_delete", "write_back", "relay"]
    /// The keys of a child table's rule.
    static let tableKeys = ["from", "row_key", "when", "removed", "fields"]
    /// The keys of a relay's rule.
    static let relayKeys = ["each", "key", "when", "removed"]

    private static let documentRoots: Set<Scope.Root> = [.source, .context, .job]
    private static let rowRoots: Set<Scope.Root> = [.source, .row, .context, .job]

    let rules: RuleReader

    func mapping(_ section: ConfigSection, problems: inout [ConfigProblem]) -> Mapping {
        var mapping = Mapping()
        // Of a type that relays, all rules but those of the whole document are about one row.
        let roots = section["relay"] == nil ? Self.documentRoots : Self.rowRoots
        if let node = section["when"] {
            mapping.when = rules.expression(node, roots: Self.documentRoots, problems: &problems).map {
                Mapping.Condition(expression: $0, line: node.line, place: node.place)
            }
        }
        for node in section["require"]?.oneOrMore ?? [] {
            guard let path = rules.path(node, roots: roots, problems: &problems) else { continue }
            mapping.require.append(Mapping.Requirement(path: path, line: node.line, place: node.place))
        }
        if let node = section["match"] {
            mapping.match = rules.rules(node, roots: roots, limits: [], problems: &problems)
            if node.entries?.isEmpty == true {
                problems.append(
                    ConfigProblem(node, "match names no field", remedy: "write {target field: source.field}"))
            }
        }
        if let node = section["fields"] { mapping.fields = rules.rules(node, roots: roots, problems: &problems) }
        if let node = section["tables"] { mapping.tables = tables(node, roots: roots, problems: &problems) }
        for table in mapping.tables where mapping.fields.contains(where: { $0.field.hasSameBytes(as: table.table) }) {
            problems.append(
                ConfigProblem(
                    line: table.line, place: table.place,
                    message: "\"\(table.table)\" stands below fields and below tables",
                    remedy: "map it once"))
        }
        if let node = section["on_delete"] { mapping.onDelete = onDelete(node, roots: roots, problems: &problems) }
        if let node = section["write_back"] {
            // Once the target is written, whether it was new is history.
            mapping.writeBack = rules.rules(node, roots: roots, limits: [.empty], problems: &problems)
        }
        if let node = section["relay"] {
            mapping.relay = relay(node, in: section, problems: &problems)
        }
        return mapping
    }

    private func relay(
        _ node: ConfigNode, in type: ConfigSection, problems: inout [ConfigProblem]
    ) -> RelayRule? {
        guard let section = ConfigSection(node, what: "relay", known: Self.relayKeys, problems: &problems) else {
            return nil
        }
        let each = requiredNode("each", in: section, remedy: "write each: source.field", problems: &problems)
            .flatMap { rules.path($0, roots: Self.documentRoots, problems: &problems) }
        let key = requiredNode("key", in: section, remedy: "write key: row.field", problems: &problems)
            .flatMap { rules.path($0, roots: Self.rowRoots, problems: &problems) }
        let when = section["when"].flatMap { rules.expression($0, roots: Self.rowRoots, problems: &problems) }
        let removed = section.choice("removed", RelayRule.Removed.self, problems: &problems) ?? .onDelete
        if removed == .onDelete, type["on_delete"] == nil {
            problems.append(
                ConfigProblem(
                    node, "targets of rows that are gone get on_delete, and the type has none",
                    remedy: "write on_delete: for the type, or removed: keep here"))
        }
        guard let each, let key else { return nil }
        return RelayRule(
            each: each, key: key, when: when, removed: removed, line: node.line, place: node.place)
    }

    private func tables(
        _ node: ConfigNode, roots: Set<Scope.Root>, problems: inout [ConfigProblem]
    ) -> [TableRule] {
        guard let entries = node.entries else {
            problems.append(
                ConfigProblem(node, "tables is \(node.kind)", remedy: "write {child table: {from: …, row_key: …}}"))
            return []
        }
        return entries.compactMap { table($0, roots: roots, problems: &problems) }
    }

    private func table(
        _ entry: ConfigNode.Entry, roots: Set<Scope.Root>, problems: inout [ConfigProblem]
    ) -> TableRule? {
        let node = entry.value
        guard
            let section = ConfigSection(node, what: "a child table's rule", known: Self.tableKeys, problems: &problems)
        else { return nil }
        let from = requiredNode("from", in: section, remedy: "write from: source.field", problems: &problems)
            .flatMap { rules.path($0, roots: roots, problems: &problems) }
        let rowKey = rowKey(section, problems: &problems)
        let when = section["when"].flatMap { rules.expression($0, roots: Self.rowRoots, problems: &problems) }
        let removed = section.choice("removed", TableRule.Removed.self, problems: &problems) ?? .delete
        let fields = section["fields"].map { rules.rules($0, roots: Self.rowRoots, problems: &problems) } ?? []
        if let twice = fields.first(where: { rule in rowKey.map { $0.field.hasSameBytes(as: rule.field) } ?? false }) {
            problems.append(
                ConfigProblem(
                    line: twice.line, place: twice.place, message: "\"\(twice.field)\" is the row_key already",
                    remedy: "leave it out of fields"))
        }
        guard let from, let rowKey else { return nil }
        return TableRule(
            table: entry.key, from: from, rowKey: rowKey, when: when, removed: removed, fields: fields,
            line: entry.line, place: node.place)
    }

    private func requiredNode(
        _ key: String, in section: ConfigSection, remedy: String, problems: inout [ConfigProblem]
    ) -> ConfigNode? {
        if let node = section[key] { return node }
        problems.append(ConfigProblem(section.node, "\(key) is missing", remedy: remedy))
        return nil
    }

    private func rowKey(_ section: ConfigSection, problems: inout [ConfigProblem]) -> FieldRule? {
        let remedy = "write row_key: {target field: row.field}"
        guard let node = requiredNode("row_key", in: section, remedy: remedy, problems: &problems) else { return nil }
        guard node.entries?.count == 1 else {
            problems.append(ConfigProblem(node, "row_key is no map with one entry", remedy: remedy))
            return nil
        }
        return rules.rules(node, roots: Self.rowRoots, limits: [], problems: &problems).first
    }

    private func onDelete(
        _ node: ConfigNode, roots: Set<Scope.Root>, problems: inout [ConfigProblem]
    ) -> Mapping.OnDelete? {
        let remedy = "write delete, keep or {update: {target field: {value: …}}}"
        switch node.text {
        case "delete": return .delete
        case "keep": return .keep
        default: break
        }
        guard node.entries != nil else {
            let shown = node.text.map { "\"\($0.prefix(80))\"" } ?? node.kind
            problems.append(ConfigProblem(node, "on_delete is \(shown)", remedy: remedy))
            return nil
        }
        guard let section = ConfigSection(node, what: "on_delete", known: ["update"], problems: &problems) else {
            return nil
        }
        guard let update = section["update"], update.entries?.isEmpty == false else {
            problems.append(ConfigProblem(node, "on_delete names no field to update", remedy: remedy))
            return nil
        }
        return .update(rules.rules(update, roots: roots, problems: &problems))
    }
}
