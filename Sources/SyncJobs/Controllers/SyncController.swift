// What every controller is: one of three ways to sync, with a hook before and one after. The way is said by the protocol that
// a controller takes up, never found out by asking which functions it has.

/// The sync logic of a type: a ``SingleTargetController``, a ``MultipleTargetsController`` or a ``BypassController``.
///
/// A thrown ``JobFailure`` says how the job goes on; anything else thrown is retryable.
public protocol SyncController: Sendable {
    /// Which of the three ways it is.
    ///
    /// The protocols of the three ways answer it.
    var way: ControllerWay { get }
    /// Whether it is a mapping from the configuration, which neither blocks nor loops.
    ///
    /// Others run on threads of their own.
    var isDeclarative: Bool { get }
    /// Runs first, on every attempt.
    func afterStart(_ job: JobHandle) async throws
    /// Runs after the commit, at most once, for `Finished`, `Skipped` (not superseded) and `Relayed`.
    ///
    /// What it throws is noted on the record; the committed result stands and the sync is never run again for it.
    func finished(_ job: SyncJob, handle: JobHandle) async throws
}

extension SyncController {
    /// False.
    public var isDeclarative: Bool { false }
    /// Does nothing.
    public func afterStart(_ job: JobHandle) async throws {}
    /// Does nothing.
    public func finished(_ job: SyncJob, handle: JobHandle) async throws {}
}

/// The three ways in which a controller syncs.
public enum ControllerWay: Sendable {
    /// One source document has one target.
    case single(any SingleTargetController)
    /// One source document has any number of targets.
    case multiple(any MultipleTargetsController)
    /// The controller does everything itself.
    case bypass(any BypassController)

    /// The field's word for it: `single`, `multiple`, `bypass`.
    public var name: String {
        switch self {
        case .single: "single"
        case .multiple: "multiple"
        case .bypass: "bypass"
        }
    }
}
