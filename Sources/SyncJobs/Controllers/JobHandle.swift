// What a controller sees of its job: values, and a few doors to the outside that the engine holds.
public import Logging
internal import Synchronization

/// Reading documents of any configured system.
public protocol DocumentLookups: Sendable {
    /// Loads one document.
    ///
    /// - Throws: ``JobFailure`` when the system is unknown, unavailable or can't carry the document exactly.
    func load(_ key: DocumentKey) async throws -> DocumentState
    /// Finds documents whose fields equal those of the query.
    ///
    /// - Throws: ``JobFailure`` as `load`.
    func find(_ query: DocumentQuery) async throws -> [Document]
    /// The declared shape of a document type.
    func shape(of type: DocumentType) -> DocumentShape
}

/// A search by equal fields.
public struct DocumentQuery: Sendable, Hashable {
    /// Where to search.
    public var type: DocumentType
    /// The fields that must be equal; at least one.
    public var fields: JSONObject
    /// The most documents to answer.
    public var limit: Int

    /// Makes a query.
    public init(type: DocumentType, fields: JSONObject, limit: Int = 5) {
        self.type = type
        self.fields = fields
        self.limit = limit
    }
}

/// A job as its controller sees it.
public struct JobHandle: Sendable {
    /// The record so far.
    public let job: SyncJob
    /// The type.
    public let type: SyncJobType
    /// The flags in force: the type's with the job's overrides.
    public let flags: SyncFlags
    /// The source document (its last image, when it was deleted); nil when it could not be loaded.
    public let source: Document?
    /// Whether the source was deleted.
    public let isSourceDeleted: Bool
    /// The binding of this source, a deleted target's tombstone included.
    public let binding: Binding?
    /// Reading documents of any configured system.
    public let lookups: any DocumentLookups
    /// A logger that carries the job's id.
    public let logger: Logger
    private let recordedNotes = JobNotes()

    /// Makes a handle.
    public init(
        job: SyncJob, type: SyncJobType, source: Document?, isSourceDeleted: Bool, binding: Binding?,
        lookups: any DocumentLookups, logger: Logger
    ) {
        self.job = job
        self.type = type
        flags = job.request.flags.applied(to: type.flags)
        self.source = source
        self.isSourceDeleted = isSourceDeleted
        self.binding = binding
        self.lookups = lookups
        self.logger = logger
    }

    /// What the request carries for the controller; empty when it carries nothing.
    public var context: JSONObject { job.request.context ?? JSONObject() }

    /// Whether the job is about an end: the source was deleted, or somebody asks for the target's deletion.
    ///
    /// A delete event that comes late, when the source is there again, is neither.
    public var isDelete: Bool {
        isSourceDeleted || (job.request.operation == .delete && job.request.triggerType != .documentHook)
    }

    /// Whether the source was read from its system just now, and is there; else it came with the request, or is gone.
    public var isSourceLoaded: Bool {
        source != nil && !isSourceDeleted && (job.request.document == nil || job.request.operation == .delete)
    }

    /// The name of the live bound target; nil without one.
    public var boundTargetName: String? { binding.flatMap { $0.isDeleted ? nil : $0.target.name } }

    /// What a controller without a view of its own wants: update what is bound, insert what is not, delete what is gone.
    public var defaultTarget: TargetDecision {
        switch (isDelete, boundTargetName) {
        case (true, let name?): .delete(name)
        case (true, nil): .none(.alreadyGone)
        case (false, let name?): .update(name)
        case (false, nil): .insert()
        }
    }

    /// Notes something on the record; at most 50 notes of 500 characters are kept.
    public func note(_ text: String) { recordedNotes.add(text) }

    /// What was noted so far.
    public var notes: [String] { recordedNotes.all }

    /// Throws when the job is to stop (its time is up, or the worker stops).
    ///
    /// - Throws: `CancellationError`.
    public func checkCancellation() throws { try Task.checkCancellation() }
}

private final class JobNotes: Sendable {
    private let texts = Mutex<[String]>([])

    func add(_ text: String) {
        texts.withLock { if $0.count < 50 { $0.append(String(text.prefix(500))) } }
    }

    var all: [String] { texts.withLock { $0 } }
}
