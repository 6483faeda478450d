// What one rule of a mapping would do to one field: a line of `ferry try`.

/// One rule, its value, and what it would change.
public struct FieldTrace: Sendable, Hashable {
    /// The field that the rule sets.
    public var field: String
    /// The child table that the field is in; nil for the document itself.
    public var table: String?
    /// The key of the row that the field is in; nil outside of child tables.
    public var rowKey: JSONValue?
    /// Where the value comes from, in words: `source.email, as trim, lower`.
    public var rule: String
    /// The rule's value; nil where the rule is not applied, has none, or fails.
    ///
    /// Not masked: see ``isSensitive``.
    public var value: JSONValue?
    /// What the field holds now; nil where it is missing.
    ///
    /// Not masked, as ``value``.
    public var current: JSONValue?
    /// Whether the field would change, by what it is declared to hold.
    public var changes: Bool
    /// Whether neither value may be shown.
    public var isSensitive: Bool
    /// What has to be said beside: why a rule is not applied, or how it fails; nil where nothing has to.
    public var note: String?

    /// Makes a line.
    public init(
        field: String, table: String? = nil, rowKey: JSONValue? = nil, rule: String, value: JSONValue? = nil,
        current: JSONValue? = nil, changes: Bool = false, isSensitive: Bool = false, note: String? = nil
    ) {
        self.field = field
        self.table = table
        self.rowKey = rowKey
        self.rule = rule
        self.value = value
        self.current = current
        self.changes = changes
        self.isSensitive = isSensitive
        self.note = note
    }
}
