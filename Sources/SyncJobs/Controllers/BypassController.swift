// The sync logic of a type that does everything itself. Ferry keeps the record, the order, the retries and the lease
// (`exclusive`); what is written where is the controller's.

/// What a bypass controller did.
public struct BypassResult: Sendable, Hashable {
    /// The target's system, type and name; nil: the job ends `No Target`.
    public var target: DocumentKey?
    /// What was done, or would be done in a dry run.
    public var operation: Operation
    /// What changed; empty ends the job `Skipped (no_changes)`.
    public var diff: Diff
    /// The target's fields before, kept with `verbose_logging`.
    public var before: JSONObject?
    /// The target's fields after, kept with `verbose_logging`.
    public var after: JSONObject?

    /// Says what was done to `target`.
    public init(
        target: DocumentKey?, operation: Operation, diff: Diff, before: JSONObject? = nil, after: JSONObject? = nil
    ) {
        self.target = target
        self.operation = operation
        self.diff = diff
        self.before = before
        self.after = after
    }

    /// There was nothing to write to.
    public static var noTarget: BypassResult { BypassResult(target: nil, operation: .update, diff: Diff()) }
}

/// The sync logic of a type that loads, compares and writes by itself.
///
/// It must be idempotent: a job may run again after a crash. `job.job.request.dryRun` asks it to write nothing; whatever it
/// answers then, the job ends `Skipped (dry_run)`.
public protocol BypassController: SyncController {
    /// Does everything.
    func execute(_ job: JobHandle) async throws -> BypassResult
}

extension BypassController {
    /// The controller does everything itself.
    public var way: ControllerWay { .bypass(self) }
}
