// A declarative type's plan, immutable: everything was parsed and checked at start. What it does to a document is in
// MappingController; what it says for people and for start-up checks is here.

/// The plan of a declarative type.
public struct Mapping: Sendable {
    /// What happens to the target when the source was deleted.
    enum OnDelete: Sendable {
        case delete
        case keep
        case update([FieldRule])
    }

    /// A field of the target that the mapping sets, for start-up checks.
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
        /// Where the rows stand that the root `row` means; nil outside of tables.
        public let rows: Path?
        /// The line of the configuration, from 1.
        public let line: Int
        /// The place in the configuration.
        public let place: String
    }

    var when: Condition?
    var require: [Requirement] = []
    var match: [FieldRule] = []
    var fields: [FieldRule] = []
    var tables: [TableRule] = []
    var onDelete: OnDelete?

    struct Condition: Sendable {
        var expression: Expression
        var line: Int
        var place: String
    }

    struct Requirement: Sendable {
        var path: Path
        var line: Int
        var place: String
    }

    private var deleteRules: [FieldRule] { if case .update(let rules) = onDelete { rules } else { [] } }

    /// The rules outside of tables.
    private var documentRules: [FieldRule] { match + fields + deleteRules }

    /// Whether any rule reads the root `job`.
    var readsJob: Bool { sourcePaths.contains { $0.path.root == .job } }

    /// Whether any rule reads the root `source`, or rows, which are in it.
    var readsSource: Bool { sourcePaths.contains { $0.path.root == .source || $0.path.root == .row } }

    /// The fields of the target that it reads by `match` or sets.
    public var targetFields: [TargetField] {
        func field(_ rule: FieldRule, _ table: String?, isRowKey: Bool = false) -> TargetField {
            TargetField(field: rule.field, table: table, isRowKey: isRowKey, line: rule.line, place: rule.place)
        }
        return documentRules.map { field($0, nil) }
            + tables.flatMap { table in
                [field(table.rowKey, table.table, isRowKey: true)] + table.fields.map { field($0, table.table) }
            }
    }

    /// The child tables of the target that it sets, with the field that pairs their rows.
    public var targetTables: [(table: String, rowKey: String)] { tables.map { ($0.table, $0.rowKey.field) } }

    /// Every path that it reads.
    public var sourcePaths: [SourcePath] {
        func paths(_ rule: FieldRule, _ rows: Path?) -> [SourcePath] {
            rule.paths.map { SourcePath(path: $0, rows: rows, line: rule.line, place: rule.place) }
        }
        var result = documentRules.flatMap { paths($0, nil) }
        result += (when?.expression.paths ?? []).map {
            SourcePath(path: $0, rows: nil, line: when?.line ?? 0, place: when?.place ?? "")
        }
        result += require.map { SourcePath(path: $0.path, rows: nil, line: $0.line, place: $0.place) }
        for table in tables {
            result.append(SourcePath(path: table.from, rows: nil, line: table.line, place: table.place))
            result += (table.when?.paths ?? []).map {
                SourcePath(path: $0, rows: table.from, line: table.line, place: table.place)
            }
            result += ([table.rowKey] + table.fields).flatMap { paths($0, table.from) }
        }
        return result
    }

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
}
