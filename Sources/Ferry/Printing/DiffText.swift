// A job's diff for people: one line a field, old → new in columns; rows of child tables with + - ~ before them.

internal import SyncJobs

/// Renders diffs.
struct DiffText: Sendable {
    var style = Style.plain
    var values = VisibleValue()
    /// The most lines; the rest is counted.
    var maximumLines = 400

    /// The diff, a line each.
    func lines(_ diff: Diff) -> [String] {
        var lines = fields(diff.changed)
        var tables: [String] = []
        let named = diff.added.map(\.table) + diff.removed.map(\.table) + diff.rowChanged.map(\.table)
        for table in named where !tables.contains(where: { $0.hasSameBytes(as: table) }) { tables.append(table) }
        for table in tables.sorted(by: { $0.precedesByBytes($1) }) { lines += rows(of: table, in: diff) }
        guard lines.count > maximumLines else { return lines }
        return lines.prefix(maximumLines) + ["… and \(VisibleText.grouped(lines.count - maximumLines)) more lines"]
    }

    private func fields(_ changes: [Diff.FieldChange]) -> [String] {
        let names = changes.map { VisibleText.bare($0.field, limit: 60) }
        let shown = changes.map { values.pair($0.old, $0.new) }
        let nameWidth = names.map(TextWidth.of).max() ?? 0
        // One long old value must not push all the others' arrows out of sight.
        let oldWidth = min(24, shown.map { TextWidth.of($0.old) }.max() ?? 0)
        return zip(names, shown).map { name, pair in
            let old = TextWidth.pad(pair.old, to: oldWidth)
            return "\(TextWidth.pad(name, to: nameWidth))  \(style(.bad, old)) → \(style(.good, pair.new))"
        }
    }

    private func rows(of table: String, in diff: Diff) -> [String] {
        let name = VisibleText.bare(table, limit: 60)
        func whole(_ rows: [Diff.Row], _ sign: String, _ meaning: Style.Meaning) -> [String] {
            rows.filter { $0.table.hasSameBytes(as: table) }.map { row in
                "\(name) \(style(meaning, "\(sign) \(object(row.row))"))"
            }
        }
        var lines = whole(diff.added, "+", .good) + whole(diff.removed, "-", .bad)
        for change in diff.rowChanged where change.table.hasSameBytes(as: table) {
            lines.append("\(name) \(style(.notice, "~ \(values.text(change.rowKey))"))")
            lines += fields(change.changes).map { "  \($0)" }
        }
        return lines
    }

    /// `field: value, …` of a whole row.
    private func object(_ row: JSONObject) -> String {
        row.map { "\(VisibleText.bare($0.key, limit: 40)): \(values.text($0.value))" }.joined(separator: ", ")
    }
}
