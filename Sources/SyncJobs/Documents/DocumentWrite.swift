// An intended write to a target, as a value: it carries what was read, what shall be, and the difference, so that a
// system can refuse it when the document is no longer what was read.

/// What is done to the target document.
public enum Operation: String, Sendable, Hashable, CaseIterable {
    /// A new document.
    case insert
    /// Changed fields of an existing one.
    case update
    /// The end of an existing one.
    case delete

    /// Reads an operation in any case; nil for anything else.
    public init?(anyCase text: String) { self.init(rawValue: text.lowercased()) }
}

/// A conditional write of one document.
public struct DocumentWrite: Sendable, Hashable {
    /// The target's system and type.
    public var type: DocumentType
    /// The document as it was read; nil for an insert.
    ///
    /// The write is refused as a conflict when it has changed since.
    public var before: Document?
    /// The document as it shall be; nil for a delete.
    ///
    /// Fields that are absent here and in `before` are left alone.
    public var after: Document?
    /// The name for an insert whose fields name none; a system that names its documents itself ignores it.
    public var fallbackName: String
    /// The difference between the two.
    public var diff: Diff
    /// The same for every repetition of the same intended write (see `reliability`: idempotency keys).
    public var idempotencyKey: Digest

    /// Makes a write.
    public init(
        type: DocumentType, before: Document?, after: Document?, fallbackName: String, diff: Diff,
        idempotencyKey: Digest
    ) {
        self.type = type
        self.before = before
        self.after = after
        self.fallbackName = fallbackName
        self.diff = diff
        self.idempotencyKey = idempotencyKey
    }

    /// Insert, update or delete, by what is there before and after.
    public var operation: Operation { before == nil ? .insert : after == nil ? .delete : .update }
}

/// What a system answers to a write that it has made.
public struct WriteReceipt: Sendable, Hashable {
    /// The document's name, which the system may have given.
    public var name: String
    /// The document as it is stored now, normalised by the system; nil after a delete.
    public var stored: Document?

    /// Makes a receipt.
    public init(name: String, stored: Document?) {
        self.name = name
        self.stored = stored
    }
}

/// How a write ended that a system could decide.
public enum WriteResult: Sendable, Hashable {
    /// It was made.
    case written(WriteReceipt)
    /// The document is no longer what was read (or exists already, for an insert): nothing was written.
    case conflict(String)
    /// The system refuses it for good (a constraint, an inexact number): nothing was written.
    case refused(JobFailure)
}
