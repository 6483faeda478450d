// The sync logic of a declarative type with one target: a mapping applied to a job. The only doors to the outside are the
// job's own: find candidates for `match`, ask for bindings and declared shapes.

/// Runs a ``Mapping``.
///
/// A class, because each job asks its type for it several times.
public final class MappingController: DeclarativeController {
    /// The plan.
    public var mapping: Mapping { _read { yield ready.mapping } }
    /// The target's system and type, in which `match` searches.
    public var target: DocumentType { ready.target }
    private let ready: ReadyMapping

    /// Makes a controller for a type that syncs into `target`.
    public init(mapping: Mapping, target: DocumentType) {
        ready = ReadyMapping(mapping, target: target)
    }

    private func run(_ job: JobHandle) -> MappingRun {
        MappingRun(ready, job: job, isEnd: job.isDelete)
    }

    /// Delete first (which skips `when` and `require`), then condition, requirements, binding, match.
    ///
    /// - Throws: ``JobFailure``: `required_field_missing`, `ambiguous_match`, `target_not_found` for an update of nothing,
    ///   and what a rule of `match` fails with.
    public func target(for job: JobHandle) async throws -> TargetDecision {
        try await plan(for: job).decision(in: job.lookups)
    }

    /// As ``target(for:)``, up to the search by `match`.
    ///
    /// - Throws: ``JobFailure`` as there.
    public func plan(for job: JobHandle) async throws -> TargetPlan { try await run(job).plan() }

    /// Sets the fields and child tables; after a delete of the source, those of `on_delete: update`.
    ///
    /// - Throws: ``JobFailure``: `required_field_missing`, `coercion_failed`, `unmapped_value`, `missing_row_key`,
    ///   `duplicate_row_key`, `invalid_target`, all permanent; `lookup_missing`, which may be retryable.
    public func update(_ target: inout Document, for job: JobHandle) async throws {
        try await run(job).update(&target)
    }

    /// Sets the fields of `write_back`.
    ///
    /// - Throws: ``JobFailure`` as ``update(_:for:)``.
    public func writeBack(_ source: inout Document, target: DocumentKey, for job: JobHandle) async throws {
        try await run(job).writeBack(&source, target: target)
    }

    /// What each rule would do to `before`.
    public func trace(of job: JobHandle, target before: Document?) async throws -> [FieldTrace] {
        try await run(job).trace(before)
    }
}
