// What is synced: a typed, named record of some system, as values. Nothing here knows where documents live.

/// A document type of a system, as the configuration names it: `erp.Customer`.
public struct DocumentType: Sendable, Hashable, CustomStringConvertible {
    /// The system's name in the configuration.
    public let system: String
    /// The document type's name within it.
    public let name: String

    /// Names a document type.
    public init(system: String, name: String) {
        self.system = system
        self.name = name
    }

    /// Reads `system.Type`; nil without a dot or with an empty part.
    public init?(_ text: String) {
        guard let dot = text.firstIndex(of: "."), dot != text.startIndex, text.index(after: dot) != text.endIndex else {
            return nil
        }
        self.init(system: String(text[..<dot]), name: String(text[text.index(after: dot)...]))
    }

    /// `system.Type`.
    public var description: String { "\(system).\(name)" }
}

/// What identifies one document; names are compared by bytes.
public struct DocumentKey: Sendable, Hashable, CustomStringConvertible {
    /// Its system and type.
    public let type: DocumentType
    /// Its name, exactly as the system has it.
    public let name: String

    /// The longest name in UTF-8 bytes; longer ones are refused by name.
    public static let maximumNameBytes = 16_384

    /// Identifies a document.
    public init(type: DocumentType, name: String) {
        self.type = type
        self.name = name
    }

    /// `system.Type/name`.
    public var description: String { "\(type)/\(name)" }

    /// Byte equality of the names.
    public static func == (left: DocumentKey, right: DocumentKey) -> Bool {
        left.type == right.type && left.name.hasSameBytes(as: right.name)
    }

    /// Hashes the name's bytes.
    public func hash(into hasher: inout Hasher) {
        hasher.combine(type)
        hasher.combine(ExactString(name))
    }
}

/// A document as its system had it when it was read.
public struct Document: Sendable, Hashable {
    private struct Parts: Sendable {
        var key: DocumentKey?
        var fields: JSONObject { didSet { facts = nil } }
        var version: DocumentVersion?
        var facts: DocumentFacts?
    }
    private var held: HeldOnce<Parts>
    private var parts: Parts {
        _read { yield held.value }
        _modify { yield &held.value }
    }

    /// What identifies it; nil for a document that is about to be inserted and has no name yet.
    public var key: DocumentKey? {
        _read { yield parts.key }
        _modify { yield &parts.key }
    }
    /// Its fields; child tables are arrays of objects.
    public var fields: JSONObject {
        _read { yield parts.fields }
        _modify { yield &parts.fields }
    }
    /// Its version, when its type declares one.
    public var version: DocumentVersion? {
        get { parts.version }
        set { parts.version = newValue }
    }
    /// What was worked out about its fields, for all who hold it as it was read; nil where each works it out alone.
    private(set) var facts: DocumentFacts? {
        get { parts.facts }
        set { parts.facts = newValue }
    }

    /// Makes a document.
    public init(key: DocumentKey?, fields: JSONObject, version: DocumentVersion? = nil) {
        held = HeldOnce(Parts(key: key, fields: fields, version: version))
    }

    /// Makes a document whose fields are stored as so many bytes of canonical JSON with this hash.
    public init(
        key: DocumentKey, fields: JSONObject, version: DocumentVersion?, storedWith hash: Digest, byteCount: Int
    ) {
        let facts = DocumentFacts(stored: (hash, byteCount))
        held = HeldOnce(Parts(key: key, fields: fields, version: version, facts: facts))
    }

    /// The hash of its fields, by which a conditional write tells whether it is still the document that was read.
    public var fieldsHash: Digest { facts?.stored?.hash ?? Digest(of: .object(fields)) }

    /// The same document for many who hold it unchanged: what one of them works out about its fields, the others find.
    ///
    /// A relay's children all look into one source, which may have 10,000 rows.
    public var shared: Document {
        var document = self
        if facts == nil { document.facts = DocumentFacts() }
        return document
    }

    /// Whether nobody has set a field since it was a copy of `original`, which is ``shared``; false where that is not known.
    public func isUntouched(since original: Document) -> Bool { facts != nil && facts === original.facts }

    /// The size of its fields in bytes of canonical JSON.
    public var byteCount: Int {
        if let stored = facts?.stored { return stored.byteCount }
        func count() -> Int { JSONValue.object(fields).canonicalBytes.count }
        return facts?.value("byteCount", count) ?? count()
    }

    /// Equal key, fields and version.
    public static func == (left: Document, right: Document) -> Bool {
        left.key == right.key && left.version == right.version && left.fields == right.fields
    }

    /// Hashes key, fields and version.
    public func hash(into hasher: inout Hasher) {
        hasher.combine(key)
        hasher.combine(fields)
        hasher.combine(version)
    }

    /// A field's value; nil when it is missing.
    public subscript(field: String) -> JSONValue? {
        get { fields[field] }
        set { fields[field] = newValue }
    }
}

/// What a system answers when asked for a document.
public enum DocumentState: Sendable, Hashable {
    /// It is there.
    case present(Document)
    /// It was deleted; this is its last image.
    case deleted(Document)
    /// The system knows nothing of it.
    case absent

    /// The document or its last image.
    public var document: Document? {
        switch self {
        case .present(let document), .deleted(let document): document
        case .absent: nil
        }
    }

    /// Whether the system says that it was deleted.
    public var isDeleted: Bool { if case .deleted = self { true } else { false } }

    /// The same state of another document.
    ///
    /// - Throws: what `change` throws.
    public func mapDocument(_ change: (Document) throws -> Document) rethrows -> DocumentState {
        switch self {
        case .present(let document): .present(try change(document))
        case .deleted(let document): .deleted(try change(document))
        case .absent: .absent
        }
    }
}
