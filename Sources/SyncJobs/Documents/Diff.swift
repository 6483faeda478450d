// The field-level difference between two images of a document, in the shape that records, messages and the API show.

/// `{"changed": [[field, old, new]], "added": [[table, row]], "removed": [[table, row]], "row_changed": [[table, row key, [[field, old, new]]]]}`.
public struct Diff: Sendable, Hashable {
    /// One field's old and new value.
    public struct FieldChange: Sendable, Hashable {
        /// The field.
        public var field: String
        /// Its value before; null for an insert or a missing field.
        public var old: JSONValue
        /// Its value after; null for a delete.
        public var new: JSONValue

        /// Makes a change.
        public init(field: String, old: JSONValue, new: JSONValue) {
            self.field = field
            self.old = old
            self.new = new
        }
    }

    /// A row of a child table that came or went.
    public struct Row: Sendable, Hashable {
        /// The child table.
        public var table: String
        /// The whole row.
        public var row: JSONObject

        /// Makes a row.
        public init(table: String, row: JSONObject) {
            self.table = table
            self.row = row
        }
    }

    /// A row of a child table whose fields changed.
    public struct RowChange: Sendable, Hashable {
        /// The child table.
        public var table: String
        /// The row's key.
        public var rowKey: JSONValue
        /// Its changed fields.
        public var changes: [FieldChange]

        /// Makes a row change.
        public init(table: String, rowKey: JSONValue, changes: [FieldChange]) {
            self.table = table
            self.rowKey = rowKey
            self.changes = changes
        }
    }

    /// Changed fields, in byte order of their names.
    public var changed: [FieldChange]
    /// Rows that came.
    public var added: [Row]
    /// Rows that went.
    public var removed: [Row]
    /// Rows that changed.
    public var rowChanged: [RowChange]

    /// A diff; the empty one by default.
    public init(
        changed: [FieldChange] = [], added: [Row] = [], removed: [Row] = [], rowChanged: [RowChange] = []
    ) {
        self.changed = changed
        self.added = added
        self.removed = removed
        self.rowChanged = rowChanged
    }

    /// Whether nothing differs.
    public var isEmpty: Bool { changed.isEmpty && added.isEmpty && removed.isEmpty && rowChanged.isEmpty }

    /// The diff as JSON, in the shape given at the type.
    public var json: JSONValue {
        [
            "changed": .array(changed.map(\.json)),
            "added": .array(added.map { [.string($0.table), .object($0.row)] }),
            "removed": .array(removed.map { [.string($0.table), .object($0.row)] }),
            "row_changed": .array(
                rowChanged.map { [.string($0.table), $0.rowKey, .array($0.changes.map(\.json))] }),
        ]
    }

    /// Reads the shape given at the type; nil for anything else.
    public init?(json: JSONValue) {
        guard let object = json.objectValue, let changed = Self.fieldChanges(object["changed"]),
            let added = Self.rows(object["added"]), let removed = Self.rows(object["removed"]),
            let rowValues = object["row_changed"]?.arrayValue
        else { return nil }
        var rowChanged: [RowChange] = []
        for value in rowValues {
            guard let parts = value.arrayValue, parts.count == 3, let table = parts[0].stringValue,
                let changes = Self.fieldChanges(parts[2])
            else { return nil }
            rowChanged.append(RowChange(table: table, rowKey: parts[1], changes: changes))
        }
        self.init(changed: changed, added: added, removed: removed, rowChanged: rowChanged)
    }

    private static func fieldChanges(_ json: JSONValue?) -> [FieldChange]? {
        guard let values = json?.arrayValue else { return nil }
        var changes: [FieldChange] = []
        for value in values {
            guard let parts = value.arrayValue, parts.count == 3, let field = parts[0].stringValue else { return nil }
            changes.append(FieldChange(field: field, old: parts[1], new: parts[2]))
        }
        return changes
    }

    private static func rows(_ json: JSONValue?) -> [Row]? {
        guard let values = json?.arrayValue else { return nil }
        var rows: [Row] = []
        for value in values {
            guard let parts = value.arrayValue, parts.count == 2, let table = parts[0].stringValue,
                let row = parts[1].objectValue
            else { return nil }
            rows.append(Row(table: table, row: row))
        }
        return rows
    }
}

extension Diff.FieldChange {
    /// `[field, old, new]`.
    public var json: JSONValue { [.string(field), old, new] }
}
