// The sync logic of a type whose source documents have any number of targets. More than one answer becomes a relay: a child
// job each. A child, and a single answer, run like a job of a SingleTargetController.

/// The sync logic of a type with multiple targets.
///
/// ```swift
/// struct CountryController: MultipleTargetsController {
///     func targets(for job: JobHandle) async throws -> [RelayTarget] {
///         try await subdivisions(of: job).map { RelayTarget(key: $0.code, context: ["code": .string($0.code)]) }
///     }
///     func update(_ target: inout Document, for job: JobHandle) async throws {
///         target["country"] = job.source?["name"]
///     }
/// }
/// ```
///
/// Hooks of a relay, in this order: `after_start`, `targets`, `before_relay`, children created, `after_relay`, commit,
/// `finished`, and `relay_finished` when the last child has ended. `target`, `update` and the others run in each child.
public protocol MultipleTargetsController: SingleTargetController {
    /// Whether ``relayFinished(_:for:)`` does anything; when it does not, no job is made to run it.
    var runsRelayFinished: Bool { get }
    /// Decides the targets: more than one relays, exactly one runs inline with its context, none ends `No Target`.
    ///
    /// Not asked in a child that knows what to do (it has a `target_key`, or names operation and target).
    func targets(for job: JobHandle) async throws -> [RelayTarget]
    /// Says why there is none, when ``targets(for:)`` has answered nothing.
    func noTargetReason(for job: JobHandle) async throws -> NoTargetReason
    /// May change the list before children are made of it.
    func beforeRelay(_ targets: inout [RelayTarget], for job: JobHandle) async throws
    /// Runs when the children's requests are made, before the commit creates them.
    func afterRelay(_ children: [SyncRequest], for job: JobHandle) async throws
    /// Runs once, as a job of its own, when the last child has ended; what it enqueues commits with the mark that it ran.
    ///
    /// It runs again after children were retried, with the next `revision`.
    func relayFinished(_ summary: RelaySummary, for job: JobHandle) async throws
}

extension MultipleTargetsController {
    /// One source document has any number of targets.
    public var way: ControllerWay { .multiple(self) }
    /// True.
    public var runsRelayFinished: Bool { true }
    /// `controller`: it decided so.
    public func noTargetReason(for job: JobHandle) async throws -> NoTargetReason { .controller }
    /// Does nothing.
    public func beforeRelay(_ targets: inout [RelayTarget], for job: JobHandle) async throws {}
    /// Does nothing.
    public func afterRelay(_ children: [SyncRequest], for job: JobHandle) async throws {}
    /// Does nothing.
    public func relayFinished(_ summary: RelaySummary, for job: JobHandle) async throws {}
}
