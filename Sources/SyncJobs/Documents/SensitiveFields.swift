// Masking of fields that are declared sensitive: they are synced, but no diff, image, error or log shows them.

/// Which values of a document type are masked where people look.
public struct SensitiveFields: Sendable, Hashable {
    /// What stands instead of a sensitive value.
    public static let mask: JSONValue = "•••"

    private let fields: Set<String>
    private let tables: [String: Set<String>]
    private let rowKeys: [String: String]

    /// The sensitive fields that `shape` declares.
    public init(of shape: DocumentShape) {
        fields = shape.sensitiveFields
        tables = shape.tables.mapValues { Set($0.fields.filter(\.value.isSensitive).keys) }.filter { !$0.value.isEmpty }
        rowKeys = shape.tables.mapValues(\.rowKey)
    }

    /// Whether nothing is masked.
    public var isEmpty: Bool { fields.isEmpty && tables.isEmpty }

    /// `object` with its sensitive values masked; null stays null.
    public func masking(_ object: JSONObject) -> JSONObject {
        var result = Self.masking(object, fields)
        for (table, rowFields) in tables {
            guard let value = result[table], !value.isNull else { continue }
            guard let rows = value.arrayValue else {
                result[table] = Self.mask
                continue
            }
            result[table] = .array(
                rows.map { row in row.objectValue.map { .object(Self.masking($0, rowFields)) } ?? Self.mask })
        }
        return result
    }

    /// `diff` with its sensitive values masked; that they changed stays visible.
    public func masking(_ diff: Diff) -> Diff {
        guard !isEmpty else { return diff }
        var result = diff
        // A child table that is no list of rows is compared whole: then it is masked whole.
        result.changed = diff.changed.map { Self.masking($0, fields.union(tables.keys)) }
        result.added = diff.added.map { Diff.Row(table: $0.table, row: Self.masking($0.row, tables[$0.table] ?? [])) }
        result.removed = diff.removed.map {
            Diff.Row(table: $0.table, row: Self.masking($0.row, tables[$0.table] ?? []))
        }
        for position in result.rowChanged.indices {
            let table = result.rowChanged[position].table
            let masked = tables[table] ?? []
            if let rowKey = rowKeys[table], masked.contains(rowKey) { result.rowChanged[position].rowKey = Self.mask }
            result.rowChanged[position].changes = result.rowChanged[position].changes.map { Self.masking($0, masked) }
        }
        return result
    }

    private static func masking(_ object: JSONObject, _ fields: Set<String>) -> JSONObject {
        var result = object
        for field in fields { if let value = result[field], !value.isNull { result[field] = mask } }
        return result
    }

    private static func masking(_ change: Diff.FieldChange, _ fields: Set<String>) -> Diff.FieldChange {
        guard fields.contains(change.field) else { return change }
        return Diff.FieldChange(
            field: change.field, old: change.old.isNull ? .null : mask, new: change.new.isNull ? .null : mask)
    }
}
