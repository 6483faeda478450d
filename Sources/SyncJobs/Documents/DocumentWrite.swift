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
///
/// A copy holds the same until it is changed: hooks, outcome and commit look at one write.
public struct DocumentWrite: Sendable, Hashable {
    private struct Parts: Sendable {
        var type: DocumentType
        var before: Document?
        var after: Document?
        var fallbackName: String
        var diff: Diff
        let key: Key
    }
    private var held: HeldOnce<Parts>
    private var parts: Parts {
        _read { yield held.value }
        _modify { yield &held.value }
    }

    /// The target's system and type.
    public var type: DocumentType {
        get { parts.type }
        set { parts.type = newValue }
    }
    /// The document as it was read; nil for an insert.
    ///
    /// The write is refused as a conflict when it has changed since.
    public var before: Document? {
        get { parts.before }
        set { parts.before = newValue }
    }
    /// The document as it shall be; nil for a delete.
    ///
    /// Fields that are absent here and in `before` are left alone.
    public var after: Document? {
        get { parts.after }
        set { parts.after = newValue }
    }
    /// The name for an insert whose fields name none; a system that names its documents itself ignores it.
    public var fallbackName: String {
        get { parts.fallbackName }
        set { parts.fallbackName = newValue }
    }
    /// The difference between the two.
    public var diff: Diff {
        get { parts.diff }
        set { parts.diff = newValue }
    }

    /// Where the idempotency key comes from.
    private enum Key: Sendable {
        case known(Digest)
        case ofJob(id: String)
    }

    /// Makes a write.
    public init(
        type: DocumentType, before: Document?, after: Document?, fallbackName: String, diff: Diff,
        idempotencyKey: Digest
    ) {
        held = HeldOnce(
            Parts(
                type: type, before: before, after: after, fallbackName: fallbackName, diff: diff,
                key: .known(idempotencyKey)))
    }

    /// Makes the write of a job, whose key follows from what it does to the document as it was read.
    public init(
        type: DocumentType, before: Document?, after: Document?, fallbackName: String, diff: Diff, jobID: String
    ) {
        held = HeldOnce(
            Parts(
                type: type, before: before, after: after, fallbackName: fallbackName, diff: diff,
                key: .ofJob(id: jobID)))
    }

    /// The same for every repetition of the same intended write (see `reliability`: idempotency keys).
    ///
    /// Made when it is asked for: what is written with the job's commit needs none.
    public var idempotencyKey: Digest {
        switch parts.key {
        case .known(let key): key
        case .ofJob(let id) where operation == .insert: Digest(ofParts: ["insert", id, type.description])
        case .ofJob(let id):
            Digest(ofParts: [operation.rawValue, id, before?.fieldsHash.hex ?? "", Digest(of: diff.json).hex])
        }
    }

    /// Equal writes have equal keys.
    public static func == (left: DocumentWrite, right: DocumentWrite) -> Bool {
        left.type == right.type && left.before == right.before && left.after == right.after
            && left.fallbackName.hasSameBytes(as: right.fallbackName) && left.diff == right.diff
            && left.idempotencyKey == right.idempotencyKey
    }

    /// Hashes what is written.
    public func hash(into hasher: inout Hasher) {
        hasher.combine(type)
        hasher.combine(before)
        hasher.combine(after)
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
