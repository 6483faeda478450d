// How a document type could be declared under `documents:`, as plain values that each kind of system fills from what it
// has: a schema, or documents to look at.
// Invariant: what a draft declares holds for what was looked at; what is no more than likely is kept apart from it.
public import SyncJobs

/// A start for the declaration of a document type.
public struct DocumentDraft: Sendable, Hashable {
    /// A field or column.
    public struct Field: Sendable, Hashable {
        /// Its name.
        public var name: String
        /// The type that the system's own schema gives it; nil without a schema or a type.
        public var declaredType: String?
        /// What the schema says that it holds; nil where nothing needs to be declared.
        public var kind: FieldKind?
        /// What its values look like.
        public var likelyKind: FieldKind?
        /// Why its values should perhaps be masked; nil for no reason.
        public var sensitivity: String?
        /// What has to be known about it, such as that its values can't be carried.
        public var note: String?

        /// Describes a field of which nothing but its name is known.
        public init(name: String) { self.name = name }
    }

    /// A field that is likely to hold the document's version.
    public struct Version: Sendable, Hashable {
        /// The field.
        public var field: String
        /// The order of its values.
        public var order: VersionOrder
        /// Whether its times carry no offset, so that a zone has to be declared.
        public var needsZone: Bool

        /// Describes a version.
        public init(field: String, order: VersionOrder, needsZone: Bool) {
            self.field = field
            self.order = order
            self.needsZone = needsZone
        }
    }

    /// A child table.
    public struct Child: Sendable, Hashable {
        /// The field that its rows are in.
        public var field: String
        /// The table that holds the rows, and its column with the parent's name; nil where rows are part of the document.
        public var table: String?
        /// See ``table``.
        public var parentColumn: String?
        /// What tells the rows of one parent apart; nil when nothing does for certain.
        public var rowKey: String?
        /// What might.
        public var likelyRowKey: String?
        /// The fields of a row.
        public var fields: [Field] = []
        /// What has to be known about it.
        public var notes: [String] = []

        /// Describes a child table of this name.
        public init(field: String) { self.field = field }
    }

    /// The document type.
    public var type: DocumentType
    /// The table or view that holds the documents; nil in a system without tables.
    public var table: String?
    /// The field that holds the document's name; nil when there is none, or none that is known.
    public var nameField: String?
    /// Why it can't be declared as it is; nil when it can.
    public var obstacle: String?
    /// The fields beside child tables.
    public var fields: [Field] = []
    /// The likely version.
    public var version: Version?
    /// The child tables.
    public var children: [Child] = []
    /// How many documents there are; nil when nobody counted.
    public var count: Int?
    /// Whether there are more than ``count``, where counting stopped.
    public var isCountCut = false
    /// What has to be known about it.
    public var notes: [String] = []

    /// Drafts a document type of which nothing but its name is known.
    public init(type: DocumentType) { self.type = type }
}
