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
    private struct Parts: Sendable, Hashable {
        var key: BindingKey
        var target: DocumentKey
        var isDeleted: Bool
        var isNewIncarnation = false
        var sourceVersion: DocumentVersion?
        var sentHash: Digest?
        var storedHash: Digest?
    }
    private var held: HeldOnce<Parts>
    private var parts: Parts {
        _read { yield held.value }
        _modify { yield &held.value }
    }

    /// What it is found by.
    public var key: BindingKey {
        _read { yield parts.key }
        _modify { yield &parts.key }
    }
    /// The target document.
    public var target: DocumentKey {
        _read { yield parts.target }
        _modify { yield &parts.target }
    }
    /// Whether the target was deleted by a job: then this is the tombstone that fences late updates.
    public var isDeleted: Bool {
        get { parts.isDeleted }
        set { parts.isDeleted = newValue }
    }
    /// Whether it begins anew over a deleted target's tombstone: a re-created source may count from 1 again, and is
    /// not stale by the tombstone's version.
    ///
    /// Not stored.
    public var isNewIncarnation: Bool {
        get { parts.isNewIncarnation }
        set { parts.isNewIncarnation = newValue }
    }
    /// The source's version that was applied last.
    public var sourceVersion: DocumentVersion? {
        get { parts.sourceVersion }
        set { parts.sourceVersion = newValue }
    }
    /// The hash of the target's fields as they were sent last.
    public var sentHash: Digest? {
        get { parts.sentHash }
        set { parts.sentHash = newValue }
    }
    /// The hash of the target's fields as the target then stored them.
    public var storedHash: Digest? {
        get { parts.storedHash }
        set { parts.storedHash = newValue }
    }

    /// Makes a binding.
    public init(
        key: BindingKey, target: DocumentKey, isDeleted: Bool = false, sourceVersion: DocumentVersion? = nil,
        sentHash: Digest? = nil, storedHash: Digest? = nil
    ) {
        held = HeldOnce(
            Parts(
                key: key, target: target, isDeleted: isDeleted, sourceVersion: sourceVersion, sentHash: sentHash,
                storedHash: storedHash))
    }

    /// Whether a source of `version` is older than what was applied already: the stale fence.
    public func fences(_ version: DocumentVersion?) -> Bool {
        guard let version, let sourceVersion else { return false }
        return version.isOlder(than: sourceVersion)
    }
}
