// What the controllers of types without code have in common: a mapping, a target's type, and that they can say field by
// field what they would do.

/// The controller of a type that is written whole in the configuration: a ``MappingController``, or a
/// ``MappingRelayController`` where the type relays.
public protocol DeclarativeController: SingleTargetController {
    /// The plan.
    var mapping: Mapping { get }
    /// The target's system and type.
    var target: DocumentType { get }
    /// What `target(for:)` says, as far as it can be told without a search for the target.
    ///
    /// - Throws: ``JobFailure`` as `target(for:)`.
    func plan(for job: JobHandle) async throws -> TargetPlan
    /// What each rule would do to `before`, in the order in which the rules run.
    ///
    /// A rule that fails is told in its note, and the others go on.
    ///
    /// - Parameter before: the target as it is; nil for an insert.
    /// - Throws: ``JobFailure`` when rows or lookups can't be read.
    func trace(of job: JobHandle, target before: Document?) async throws -> [FieldTrace]
}

extension DeclarativeController {
    /// True.
    public var isDeclarative: Bool { true }
    /// What `target(for:)` decides.
    public func plan(for job: JobHandle) async throws -> TargetPlan { .decided(try await target(for: job)) }
}
