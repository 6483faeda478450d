// What a mapping may do and probably should not: told at start, never fatal. Today one thing: a value that is masked
// where it comes from and shown where it goes.

extension Mapping {
    /// Sensitive fields of the source that go into fields of the target, or by `write_back` of the source, that are not
    /// declared sensitive.
    ///
    /// Masking follows the declaration: there, diffs, records and logs would show the value.
    public func warnings(source: DocumentShape, target: DocumentShape) -> [ConfigProblem] {
        let secrets = SensitivePaths(shape: source)
        let written = targetRules.filter { placed in !match.contains { $0.place == placed.rule.place } }
        return written.compactMap { secrets.warning($0, into: target, side: "target") }
            + writeBack.compactMap {
                secrets.warning(
                    PlacedRule(rule: $0, rows: relay?.each, table: nil), into: source, side: "source")
            }
    }
}

/// Which paths of a source lead to sensitive values.
private struct SensitivePaths {
    let shape: DocumentShape

    func warning(_ placed: Mapping.PlacedRule, into target: DocumentShape, side: String) -> ConfigProblem? {
        let rule = placed.rule
        // What a lookup finds is another document's name, and what a map knows is written in the configuration.
        if case .lookup = rule.origin { return nil }
        if let map = rule.map, map.otherwise != .keep { return nil }
        guard let path = rule.paths.first(where: { isSensitive($0, rows: placed.rows, into: rule, target) }) else {
            return nil
        }
        let fields = placed.table.map { target.tables[$0]?.fields ?? [:] } ?? target.fields
        guard fields[rule.field]?.isSensitive != true else { return nil }
        let field = placed.table.map { "\($0).\(rule.field)" } ?? rule.field
        return ConfigProblem(
            line: rule.line, place: rule.place,
            message: "\(path) is sensitive, and the \(side)'s \"\(field)\" is not declared so: diffs will show it",
            remedy: "declare it below documents: fields: {\(rule.field): {sensitive: true}}")
    }

    private func isSensitive(_ path: Path, rows: Path?, into rule: FieldRule, _ target: DocumentShape) -> Bool {
        var fields = path.fields
        switch path.root {
        case .source: break
        case .row:
            guard let rows, rows.root == .source else { return false }
            fields = rows.fields + fields
        case .context, .job, .document: return false
        }
        guard let first = fields.first else { return false }
        if shape.fields[first]?.isSensitive == true { return true }
        let secrets = (shape.tables[first]?.fields ?? [:]).filter(\.value.isSensitive).keys
        guard !secrets.isEmpty else { return false }
        // The field of a row, or of one row by its position; or the whole table.
        let rest = fields.dropFirst().drop { Int($0) != nil }
        if let field = rest.first { return secrets.contains(field) }
        let declared = target.tables[rule.field]?.fields ?? [:]
        return secrets.contains { declared[$0]?.isSensitive != true }
    }
}
