// Which target document a source document was synced into, and up to which version: what keeps an existing record from
// being duplicated and an old event from overwriting a new one.

/// What a binding is found by: unique for a type, a source document and a key.
public struct BindingKey: Sendable, Hashable {
    /// The type's slug.
    public var typeSlug: String
    /// The source document.
    public var source: DocumentKey
    /// Tells the targets of one source apart; empty for a single target.
    public var key: String

    /// Makes a key.
    public init(typeSlug: String, source: DocumentKey, key: String = "") {
        self.typeSlug = typeSlug
        self.source = source
        self.key = key
    }
}

/// A binding of a source document to a target document.
public struct Binding: Sendable, Hashable {
    /// What it is found by.
    public var key: BindingKey
    /// The target document.
    public var target: DocumentKey
    /// Whether the target was deleted by a job: then this is the tombstone that fences late updates.
    public var isDeleted: Bool
    /// Whether it begins anew over a deleted target's tombstone: a re-created source may count from 1 again, and is
    /// not stale by the tombstone's version.
    ///
    /// Not stored.
    public var isNewIncarnation = false
    /// The source's version that was applied last.
    public var sourceVersion: DocumentVersion?
    /// The hash of the target's fields as they were sent last.
    public var sentHash: Digest?
    /// The hash of the target's fields as the target then stored them.
    public var storedHash: Digest?

    /// Makes a binding.
    public init(
        key: BindingKey, target: DocumentKey, isDeleted: Bool = false, sourceVersion: DocumentVersion? = nil,
        sentHash: Digest? = nil, storedHash: Digest? = nil
    ) {
        self.key = key
        self.target = target
        self.isDeleted = isDeleted
        self.sourceVersion = sourceVersion
        self.sentHash = sentHash
        self.storedHash = storedHash
    }

    /// Whether a source of `version` is older than what was applied already: the stale fence.
    public func fences(_ version: DocumentVersion?) -> Bool {
        guard let version, let sourceVersion else { return false }
        return version.isOlder(than: sourceVersion)
    }
}
