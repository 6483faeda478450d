// The declared shape of a document type: what its fields are beyond what JSON says, and how the rows of its child tables
// are told apart. A field that is not declared has the type it is read with.

/// What a field holds, when it is declared.
public enum FieldKind: Sendable, Hashable {
    /// Text.
    case text
    /// A whole number.
    case integer
    /// A decimal number with this many places; values compare after rounding half to even.
    case decimal(places: Int)
    /// A truth value; 0 and 1 equal false and true.
    case bool
    /// An instant; the same instant at another offset is equal.
    case timestamp
    /// A calendar date, which never passes through a time zone.
    case date
    /// Any JSON value (an object or array in a text column).
    case json
}

/// A declared field.
public struct FieldShape: Sendable, Hashable {
    /// What it holds; nil for the type it is read with.
    public var kind: FieldKind?
    /// Whether its value is masked in diffs, snapshots, errors and logs.
    ///
    /// It is synced all the same.
    public var isSensitive: Bool

    /// Declares a field.
    public init(kind: FieldKind? = nil, isSensitive: Bool = false) {
        self.kind = kind
        self.isSensitive = isSensitive
    }
}

/// A declared child table: a field whose value is an array of objects that are paired by a row key.
public struct TableShape: Sendable, Hashable {
    /// The field of a row that tells it from the others of the same parent.
    public var rowKey: String
    /// The declared fields of its rows.
    public var fields: [String: FieldShape]

    /// Declares a child table.
    public init(rowKey: String, fields: [String: FieldShape] = [:]) {
        self.rowKey = rowKey
        self.fields = fields
    }
}

/// The declared shape of a document type.
///
/// A copy holds the same until it is changed: every job of a type asks for it.
public struct DocumentShape: Sendable, Hashable {
    /// The field that holds the document's name; nil when the name stands beside the fields.
    public var nameField: String? {
        get { parts.nameField }
        set { parts.nameField = newValue }
    }
    /// The field that holds the version, and its order.
    public var version: VersionShape? {
        get { parts.version }
        set { parts.version = newValue }
    }
    /// The declared fields.
    public var fields: [String: FieldShape] {
        get { parts.fields }
        set { parts.fields = newValue }
    }
    /// The declared child tables.
    public var tables: [String: TableShape] {
        get { parts.tables }
        set { parts.tables = newValue }
    }

    private struct Parts: Sendable, Hashable {
        var nameField: String?
        var version: VersionShape?
        var fields: [String: FieldShape]
        var tables: [String: TableShape]
    }
    private var held: HeldOnce<Parts>
    private var parts: Parts {
        _read { yield held.value }
        _modify { yield &held.value }
    }

    /// A declared version field.
    public struct VersionShape: Sendable, Hashable {
        /// The field that holds it.
        public var field: String
        /// Its order.
        public var order: VersionOrder
        /// The zone of times without an offset; nil refuses them.
        public var zone: TimeZoneRules?

        /// Declares a version field.
        public init(field: String, order: VersionOrder, zone: TimeZoneRules? = nil) {
            self.field = field
            self.order = order
            self.zone = zone
        }

        /// The instant that `text` is: as written, or as the declared zone has it.
        ///
        /// A local time that comes twice, when the clocks go back, is its first; no order tells the two apart.
        ///
        /// - Throws: ``JobFailure`` (permanent, `invalid_version`) for a local time without a declared zone or in the gap
        ///   of its spring, and for what is no time.
        func instant(_ text: String) throws(JobFailure) -> Timestamp {
            if let instant = Timestamp(text) { return instant }
            guard let local = LocalTime(text) else {
                throw invalid("holds no timestamp", remedy: "write dates with time and offset (RFC 3339)")
            }
            guard let zone else {
                throw invalid(
                    "holds a local time, and no zone is declared for it",
                    remedy: "write times with their offset (RFC 3339), or declare zone: in the document's version")
            }
            switch zone.reading(local) {
            case .once(let instant), .twice(let instant, _): return instant
            case .skipped:
                throw invalid(
                    "holds a local time that \(zone) skipped when its clocks went forward",
                    remedy: "correct the document or the declared zone, or write times with their offset")
            case .outOfRange:
                throw invalid(
                    "holds a local time outside of the years 1 to 9999 in UTC", remedy: "correct the document")
            }
        }

        func invalid(_ what: String, remedy: String) -> JobFailure {
            JobFailure(.invalidVersion, "the version field \"\(field)\" \(what)", remedy: remedy)
        }
    }

    /// Declares a shape; the empty one declares nothing.
    public init(
        nameField: String? = nil, version: VersionShape? = nil, fields: [String: FieldShape] = [:],
        tables: [String: TableShape] = [:]
    ) {
        held = HeldOnce(Parts(nameField: nameField, version: version, fields: fields, tables: tables))
    }

    /// The names of the fields whose values are masked.
    public var sensitiveFields: Set<String> { Set(fields.filter(\.value.isSensitive).keys) }

    /// The version that `text` is, in the normal form of the declared order; nil when no version is declared.
    ///
    /// - Throws: ``JobFailure`` (permanent, `invalid_version`) when it is none of the declared order.
    public func version(reading text: String) throws(JobFailure) -> DocumentVersion? {
        guard let version else { return nil }
        var fields = JSONObject()
        fields[version.field] = .string(text)
        return try self.version(in: fields)
    }

    /// The version that `fields` carry, in the normal form of its order; nil when none is declared or it is missing.
    ///
    /// - Throws: ``JobFailure`` (permanent, `invalid_version`) when the value is none of the declared order.
    public func version(in fields: JSONObject) throws(JobFailure) -> DocumentVersion? {
        guard let shape = version, let value = fields[shape.field], !value.isNull else { return nil }
        switch (shape.order, value) {
        case (.number, .number(let number)): return DocumentVersion(order: .number, text: number.text)
        case (.number, .string(let text)) where ExactDecimal(text) != nil:
            return DocumentVersion(order: .number, text: text)
        case (.timestamp, .string(let text)):
            return DocumentVersion(order: .timestamp, text: try shape.instant(text).description)
        case (.none, .string(let text)): return DocumentVersion(order: .none, text: text)
        case (.none, .number(let number)): return DocumentVersion(order: .none, text: number.text)
        case (.timestamp, _):
            throw shape.invalid("holds no timestamp", remedy: "write dates with time and offset (RFC 3339)")
        default:
            throw shape.invalid(
                "holds no \(shape.order.rawValue)",
                remedy: "correct the document, or declare the version's order as the system writes it")
        }
    }
}
