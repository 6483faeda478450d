// The sync logic of a type with one target. Hooks carry the specification's words and run in its order:
// after_start → target → update → before_sync → save → after_sync → commit → finished.

/// What a controller answers when asked for the target of a job.
public enum TargetDecision: Sendable, Hashable {
    /// Sync into this target.
    case target(TargetAnswer)
    /// There is none, for this reason: the job ends `No Target`.
    case none(NoTargetReason)

    /// A new document.
    public static func insert(name: String? = nil, type: DocumentType? = nil) -> TargetDecision {
        .target(TargetAnswer(operation: .insert, type: type, name: name))
    }
    /// An existing document.
    public static func update(_ name: String, type: DocumentType? = nil) -> TargetDecision {
        .target(TargetAnswer(operation: .update, type: type, name: name))
    }
    /// The end of an existing document.
    public static func delete(_ name: String, type: DocumentType? = nil) -> TargetDecision {
        .target(TargetAnswer(operation: .delete, type: type, name: name))
    }
}

/// The target of a job: what is done to which document.
public struct TargetAnswer: Sendable, Hashable {
    /// What is done.
    public var operation: Operation
    /// The target's type; nil for the one of the sync job type.
    public var type: DocumentType?
    /// The target's name; required for update and delete.
    public var name: String?
    /// Replaces the job's context from here on; nil keeps it.
    public var context: JSONObject?

    /// Makes an answer.
    public init(operation: Operation, type: DocumentType? = nil, name: String? = nil, context: JSONObject? = nil) {
        self.operation = operation
        self.type = type
        self.name = name
        self.context = context
    }
}

/// The sync logic of a type with a single target.
///
/// ```swift
/// struct NationController: SingleTargetController {
///     func target(for job: JobHandle) async throws -> TargetDecision {
///         if let binding = job.binding { return .update(binding.target.name) }
///         return .insert()
///     }
///     func update(_ target: inout Document, for job: JobHandle) async throws {
///         target["label"] = job.source?["name"]
///     }
/// }
/// ```
///
/// A thrown ``JobFailure`` says how the job goes on; anything else thrown is retryable.
public protocol SingleTargetController: SyncController {
    /// Decides the target.
    ///
    /// Not asked when the request names operation and target.
    func target(for job: JobHandle) async throws -> TargetDecision
    /// Sets fields of the target from `job.source`.
    ///
    /// Not called for a delete.
    func update(_ target: inout Document, for job: JobHandle) async throws
    /// Sets fields of the source once the target is written: the target's number, the time of the sync.
    ///
    /// Not called in a dry run, for a delete, or when the source was not loaded. `target` is the document that was written.
    func writeBack(_ source: inout Document, target: DocumentKey, for job: JobHandle) async throws
    /// Runs before the write, not in a dry run; `write` is what will be written.
    func beforeSync(_ write: DocumentWrite, for job: JobHandle) async throws
    /// Runs after the write (for the embedded system: once it is certain to travel with the commit), not in a dry run.
    func afterSync(_ write: DocumentWrite, for job: JobHandle) async throws
}

extension SingleTargetController {
    /// One source document has one target.
    public var way: ControllerWay { .single(self) }
    /// Updates the bound target, or inserts one; deletes it when the source was deleted.
    public func target(for job: JobHandle) async throws -> TargetDecision { job.defaultTarget }
    /// Does nothing.
    public func writeBack(_ source: inout Document, target: DocumentKey, for job: JobHandle) async throws {}
    /// Does nothing.
    public func beforeSync(_ write: DocumentWrite, for job: JobHandle) async throws {}
    /// Does nothing.
    public func afterSync(_ write: DocumentWrite, for job: JobHandle) async throws {}
}
