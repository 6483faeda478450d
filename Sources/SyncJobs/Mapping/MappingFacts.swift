// What a mapping reads and writes, with the lines that say so: for start-up checks against systems, shapes and other
// types. Nothing here runs with a job.

extension Mapping {
    /// A field that the mapping sets or searches by, for start-up checks.
    public struct TargetField: Sendable, Hashable {
        /// The field.
        public let field: String
        /// The child table it is in; nil for the document itself.
        public let table: String?
        /// Whether it pairs the rows of its table.
        public let isRowKey: Bool
        /// The line of the configuration, from 1.
        public let line: Int
        /// The place in the configuration.
        public let place: String
    }

    /// A path that the mapping reads, for start-up checks.
    public struct SourcePath: Sendable, Hashable {
        /// The path.
        public let path: Path
        /// Where the rows stand that the root `row` means; nil where there is none.
        public let rows: Path?
        /// The line of the configuration, from 1.
        public let line: Int
        /// The place in the configuration.
        public let place: String
    }

    /// A rule, with the rows that its root `row` means and the child table of the target that it is in.
    struct PlacedRule {
        let rule: FieldRule
        let rows: Path?
        let table: String?
    }

    var deleteRules: [FieldRule] { if case .update(let rules) = onDelete { rules } else { [] } }

    /// The rules that set or find the target, `write_back` not among them.
    var targetRules: [PlacedRule] {
        (match + fields + deleteRules).map { PlacedRule(rule: $0, rows: relay?.each, table: nil) }
            + tables.flatMap { table in
                ([table.rowKey] + table.fields).map { PlacedRule(rule: $0, rows: table.from, table: table.table) }
            }
    }

    private var allRules: [PlacedRule] {
        targetRules + writeBack.map { PlacedRule(rule: $0, rows: relay?.each, table: nil) }
    }

    /// Whether any rule calls a registered function: code that is not Ferry's.
    public var callsFunctions: Bool { allRules.contains { $0.rule.using != nil } }

    /// The fields of the target that it reads by `match` or sets.
    public var targetFields: [TargetField] {
        let rowKeys = Set(tables.map(\.rowKey.place))
        return targetRules.map { placed in
            TargetField(
                field: placed.rule.field, table: placed.table,
                isRowKey: placed.table != nil && rowKeys.contains(placed.rule.place), line: placed.rule.line,
                place: placed.rule.place)
        }
    }

    /// The fields of the source that `write_back` sets.
    public var writtenBackFields: [TargetField] {
        writeBack.map {
            TargetField(field: $0.field, table: nil, isRowKey: false, line: $0.line, place: $0.place)
        }
    }

    /// The child tables of the target that it sets, with the field that pairs their rows.
    public var targetTables: [(table: String, rowKey: String)] { tables.map { ($0.table, $0.rowKey.field) } }

    /// Every path that it reads.
    public var sourcePaths: [SourcePath] {
        var result = allRules.flatMap { placed in
            placed.rule.paths.map {
                SourcePath(path: $0, rows: placed.rows, line: placed.rule.line, place: placed.rule.place)
            }
        }
        if let when {
            result += when.expression.paths.map {
                SourcePath(path: $0, rows: nil, line: when.line, place: when.place)
            }
        }
        result += require.map { SourcePath(path: $0.path, rows: relay?.each, line: $0.line, place: $0.place) }
        for table in tables {
            result.append(SourcePath(path: table.from, rows: relay?.each, line: table.line, place: table.place))
            result += (table.when?.paths ?? []).map {
                SourcePath(path: $0, rows: table.from, line: table.line, place: table.place)
            }
        }
        if let relay {
            result.append(SourcePath(path: relay.each, rows: nil, line: relay.line, place: relay.place))
            result += ([relay.key] + (relay.when?.paths ?? [])).map {
                SourcePath(path: $0, rows: relay.each, line: relay.line, place: relay.place)
            }
        }
        return result
    }

    /// Its lookups, with the rules that make them.
    var lookups: [(lookup: Lookup, rule: FieldRule)] {
        allRules.compactMap { placed in
            if case .lookup(let lookup) = placed.rule.origin { (lookup, placed.rule) } else { nil }
        }
    }

    // MARK: problems

    /// What does not fit the declared shape of the target: child tables must be declared, with the same row key.
    public func problems(target shape: DocumentShape) -> [ConfigProblem] {
        tables.compactMap { table in
            guard let declared = shape.tables[table.table] else {
                return ConfigProblem(
                    line: table.line, place: table.place,
                    message: "the target declares no child table \"\(table.table)\"",
                    remedy: "declare it below documents: tables: {\(table.table): {row_key: \(table.rowKey.field)}}")
            }
            guard !declared.rowKey.hasSameBytes(as: table.rowKey.field) else { return nil }
            return ConfigProblem(
                line: table.rowKey.line, place: table.rowKey.place,
                message: "rows are paired by \"\(table.rowKey.field)\", the target declares \"\(declared.rowKey)\"",
                remedy: "use the same row_key in the mapping and below documents:")
        }
    }

    /// What does not fit the declared shape of the source: `write_back` sets fields, and neither names nor child tables.
    public func problems(source shape: DocumentShape) -> [ConfigProblem] {
        writeBack.compactMap { rule in
            if shape.nameField?.hasSameBytes(as: rule.field) == true {
                return ConfigProblem(
                    line: rule.line, place: rule.place, message: "\"\(rule.field)\" holds the source document's name",
                    remedy: "write back into another field: a document is not renamed by a sync")
            }
            guard shape.tables[rule.field] != nil else { return nil }
            return ConfigProblem(
                line: rule.line, place: rule.place, message: "\"\(rule.field)\" is a child table of the source",
                remedy: "write back into a field, or write a controller")
        }
    }

    /// What does not fit the other types: each `lookup:` must name one, and one whose targets are known by the source's
    /// name alone.
    ///
    /// - Parameters:
    ///   - names: the names of all types, those with problems among them.
    ///   - type: the type of a name or slug; nil for one that has problems or is not there.
    public func problems(names: [String], type: (String) -> SyncJobType?) -> [ConfigProblem] {
        lookups.compactMap { lookup, rule in
            let name = lookup.type.text
            let place = "\(rule.place).lookup"
            if let found = type(name) {
                guard let controller = found.controller as? any DeclarativeController, controller.mapping.relay != nil
                else { return nil }
                return ConfigProblem(
                    line: rule.line, place: place,
                    message: "\"\(name)\" relays: it has a target for each row, and none for the document",
                    remedy: "look up by a type with one target for each source document")
            }
            guard !names.contains(where: { $0.hasSameBytes(as: name) || $0.slug.hasSameBytes(as: name) }) else {
                return nil
            }
            return ConfigProblem(
                line: rule.line, place: place, message: "there is no sync job type \"\(name.prefix(80))\"",
                remedy: name.nearest(among: names).map { "did you mean \($0)?" } ?? "known: " + names.list)
        }
    }
}
