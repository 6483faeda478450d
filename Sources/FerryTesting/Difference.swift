// What a test expected and what there is, field by field, in words that say at a glance what is wrong.
// Invariant: no lines means no difference.

public import SyncJobs

/// The difference between what a test expects and what there is; ``none`` when there is none.
///
/// ```swift
/// #expect(try await test.difference("app.Account", "7", ["label": "Acme"]) == .none)
/// // label: expected "Acme", is "ACME"
/// ```
public struct Difference: Sendable, Hashable, CustomStringConvertible {
    /// One line for each thing that differs.
    public let lines: [String]

    /// No difference.
    public static let none = Difference(lines: [])

    init(lines: [String]) { self.lines = lines }

    /// Whether everything is as expected.
    public var isEmpty: Bool { lines.isEmpty }

    /// The lines; "no difference" without any.
    public var description: String { lines.isEmpty ? "no difference" : lines.joined(separator: "\n") }

    /// Compares documents: only the fields that `expected` names, unless `exactly`.
    ///
    /// Values are compared by what their fields are declared to hold, rows of declared child tables by their row key. Those
    /// of fields that are declared sensitive are compared and not shown.
    ///
    /// - Parameters:
    ///   - expected: the fields as they should be; null for one that may be null or missing.
    ///   - actual: the document's fields; nil when it is not there.
    ///   - exactly: whether other fields of the document are a difference too.
    public init(
        expected: JSONObject, actual: JSONObject?, shape: DocumentShape = DocumentShape(), exactly: Bool = false
    ) {
        guard let actual else {
            self.init(lines: ["the document is not there"])
            return
        }
        var walk = DifferenceWalk()
        for field in expected {
            let value = actual[field.key]
            if let declared = shape.fields[field.key], declared.isSensitive {
                let isEqual = FieldComparison.areEqual(field.value, value ?? .null, kind: declared.kind)
                if !isEqual { walk.lines.append("\(field.key): differs, and is sensitive") }
            } else if let table = shape.tables[field.key], let rows = field.value.arrayValue,
                let found = value?.arrayValue
            {
                walk.compare(rows: rows, with: found, at: field.key, shape: table)
            } else if value == nil, field.value.isNull {
                continue
            } else {
                walk.compare(field.value, with: value, at: field.key, kind: shape.fields[field.key]?.kind)
            }
        }
        for field in exactly ? actual.members : [] where expected[field.key] == nil {
            walk.lines.append("\(field.key): is \(ShownValue.text(field.value)), and was not expected")
        }
        self.init(lines: walk.lines)
    }

    /// Compares the diff of a job with the expected one, in both directions.
    ///
    /// - Parameter actual: nil for a job without a diff, which is as if nothing had changed.
    public init(expected: Diff, actual: Diff?) {
        let actual = actual ?? Diff()
        var lines = Self.lines(expected.changed, actual.changed, at: "")
        lines += Self.lines(expected.added, actual.added, what: "added")
        lines += Self.lines(expected.removed, actual.removed, what: "removed")
        for row in expected.rowChanged {
            let place = "\(row.table)[\(ShownValue.text(row.rowKey))]"
            let found = actual.rowChanged.first { $0.isOfSameRow(as: row) }?.changes ?? []
            lines += Self.lines(row.changes, found, at: "\(place).")
        }
        for row in actual.rowChanged where !expected.rowChanged.contains(where: { $0.isOfSameRow(as: row) }) {
            lines += Self.lines([], row.changes, at: "\(row.table)[\(ShownValue.text(row.rowKey))].")
        }
        self.init(lines: lines)
    }

    private static func lines(
        _ expected: [Diff.FieldChange], _ actual: [Diff.FieldChange], at place: String
    ) -> [String] {
        func find(_ field: String, in changes: [Diff.FieldChange]) -> Diff.FieldChange? {
            changes.first { $0.field.hasSameBytes(as: field) }
        }
        var lines = expected.compactMap { change -> String? in
            let wanted = ShownValue.change(change)
            guard let found = find(change.field, in: actual) else {
                return "\(place)\(change.field): expected \(wanted), did not change"
            }
            guard found.old != change.old || found.new != change.new else { return nil }
            return "\(place)\(change.field): expected \(wanted), is \(ShownValue.change(found))"
        }
        for change in actual where find(change.field, in: expected) == nil {
            lines.append("\(place)\(change.field): changed \(ShownValue.change(change)), and was not expected to")
        }
        return lines
    }

    private static func lines(_ expected: [Diff.Row], _ actual: [Diff.Row], what: String) -> [String] {
        var rest = actual
        var lines: [String] = []
        for row in expected {
            if let position = rest.firstIndex(of: row) {
                rest.remove(at: position)
            } else {
                lines.append("\(row.table): expected \(what) \(ShownValue.text(.object(row.row))), which is not so")
            }
        }
        return lines
            + rest.map { "\($0.table): \(what) \(ShownValue.text(.object($0.row))), and was not expected to be" }
    }
}

extension Diff.RowChange {
    fileprivate func isOfSameRow(as other: Diff.RowChange) -> Bool {
        table.hasSameBytes(as: other.table) && rowKey == other.rowKey
    }
}

/// Walks through two values side by side and says where they part.
private struct DifferenceWalk {
    var lines: [String] = []

    mutating func compare(
        _ expected: JSONValue, with actual: JSONValue?, at place: String, kind: FieldKind? = nil
    ) {
        guard let actual else {
            lines.append("\(place): expected \(ShownValue.text(expected)), is missing")
            return
        }
        guard !FieldComparison.areEqual(expected, actual, kind: kind) else { return }
        switch (expected, actual) {
        case (.object(let wanted), .object(let found)): compare(wanted, with: found, at: place)
        case (.array(let wanted), .array(let found)) where wanted.count == found.count:
            for (position, pair) in zip(wanted, found).enumerated() {
                compare(pair.0, with: pair.1, at: "\(place)[\(position)]")
            }
        default:
            let (wanted, found) = ShownValue.pair(expected, actual)
            lines.append("\(place): expected \(wanted), is \(found)")
        }
    }

    private mutating func compare(_ expected: JSONObject, with actual: JSONObject, at place: String) {
        for member in expected { compare(member.value, with: actual[member.key], at: "\(place).\(member.key)") }
        for member in actual where expected[member.key] == nil {
            lines.append("\(place).\(member.key): is \(ShownValue.text(member.value)), and was not expected")
        }
    }

    mutating func compare(rows expected: [JSONValue], with actual: [JSONValue], at place: String, shape: TableShape) {
        func key(_ row: JSONValue) -> JSONValue { row.objectValue?[shape.rowKey] ?? .null }
        for row in expected {
            let rowPlace = "\(place)[\(ShownValue.text(key(row)))]"
            guard let found = actual.first(where: { key($0) == key(row) }) else {
                lines.append("\(rowPlace): expected \(ShownValue.text(row)), is missing")
                continue
            }
            for member in row.objectValue ?? JSONObject() {
                let kind = shape.fields[member.key]?.kind
                compare(
                    member.value, with: found.objectValue?[member.key], at: "\(rowPlace).\(member.key)", kind: kind)
            }
        }
        for row in actual where !expected.contains(where: { key($0) == key(row) }) {
            lines.append("\(place)[\(ShownValue.text(key(row)))]: is \(ShownValue.text(row)), and was not expected")
        }
    }
}

/// Values as they stand in a line: JSON, cut where they are long, spelled out where they only look alike.
enum ShownValue {
    private static let limit = 300

    static func text(_ value: JSONValue) -> String { value.canonicalText.cut(toBytes: limit) }

    static func change(_ change: Diff.FieldChange) -> String {
        let (old, new) = pair(change.old, change.new)
        return "\(old) → \(new)"
    }

    static func pair(_ left: JSONValue, _ right: JSONValue) -> (String, String) {
        let shown = (text(left), text(right))
        guard shown.0 == shown.1, left != right else { return shown }
        // They part beyond the cut, or are equal to Swift and not by bytes: composed and decomposed letters look the same.
        let scalars = (left.canonicalText.unicodeScalars, right.canonicalText.unicodeScalars)
        let common = zip(scalars.0, scalars.1).prefix { $0 == $1 }.count
        return (spelled(scalars.0, from: common), spelled(scalars.1, from: common))
    }

    private static func spelled(_ text: String.UnicodeScalarView, from common: Int) -> String {
        let skipped = common > limit / 4 ? common - limit / 8 : 0
        let rest = text.dropFirst(skipped).map { scalar in
            scalar.isASCII ? String(scalar) : "\\u{\(String(scalar.value, radix: 16, uppercase: true))}"
        }
        return ((skipped > 0 ? "…" : "") + rest.joined()).cut(toBytes: limit)
    }
}
