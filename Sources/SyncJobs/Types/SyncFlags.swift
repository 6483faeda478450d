// The switches of a type, and a job's overrides of them.

/// What a type's jobs may do.
public struct SyncFlags: Sendable, Hashable {
    /// Whether new target documents are made.
    public var insertEnabled = true
    /// Whether existing target documents are changed.
    public var updateEnabled = true
    /// Whether target documents are deleted.
    public var deleteEnabled = true
    /// Whether an update without differences is written all the same.
    public var updateWithoutChangesEnabled = false
    /// Whether the record keeps the target's images before and after.
    public var verboseLogging = false

    /// The defaults of the specification.
    public init() {}
}

/// A job's overrides of its type's flags; nil keeps the type's.
public struct SyncFlagOverrides: Sendable, Hashable {
    /// See ``SyncFlags/insertEnabled``.
    public var insertEnabled: Bool?
    /// See ``SyncFlags/updateEnabled``.
    public var updateEnabled: Bool?
    /// See ``SyncFlags/deleteEnabled``.
    public var deleteEnabled: Bool?
    /// See ``SyncFlags/updateWithoutChangesEnabled``.
    public var updateWithoutChangesEnabled: Bool?
    /// See ``SyncFlags/verboseLogging``.
    public var verboseLogging: Bool?

    /// No overrides.
    public init() {}

    /// The type's flags with these overrides.
    public func applied(to flags: SyncFlags) -> SyncFlags {
        var result = flags
        if let insertEnabled { result.insertEnabled = insertEnabled }
        if let updateEnabled { result.updateEnabled = updateEnabled }
        if let deleteEnabled { result.deleteEnabled = deleteEnabled }
        if let updateWithoutChangesEnabled { result.updateWithoutChangesEnabled = updateWithoutChangesEnabled }
        if let verboseLogging { result.verboseLogging = verboseLogging }
        return result
    }
}
