// The sync logic of a declarative type with a target for each row of its source: one child job a row, and one for each
// bound row that is gone. A child finds its row by its key, in the source as it is then; a row that is not there any more
// is an end, whoever made the child.

/// Runs a ``Mapping`` that relays.
///
/// A class, because each job asks its type for it several times.
public final class MappingRelayController: DeclarativeController, MultipleTargetsController {
    /// The plan.
    public var mapping: Mapping { _read { yield ready.mapping } }
    /// The target's system and type, in which `match` searches.
    public var target: DocumentType { ready.target }
    private let relay: RelayRule
    private let ready: ReadyMapping

    init(mapping: Mapping, relay: RelayRule, target: DocumentType) {
        ready = ReadyMapping(mapping, target: target)
        self.relay = relay
    }

    /// False: nothing is left to do when the last child has ended.
    public var runsRelayFinished: Bool { false }

    private func run(_ job: JobHandle, row: JSONObject? = nil, isEnd: Bool = false) -> MappingRun {
        MappingRun(ready, job: job, row: row, isEnd: isEnd)
    }

    // MARK: the source document

    /// One answer for each row that counts, in the source's order, then one for each bound row that is gone, by its key.
    ///
    /// After a delete of the source: one for each bound row.
    ///
    /// - Throws: ``JobFailure``, permanent, for rows without a key or with the same one.
    public func targets(for job: JobHandle) async throws -> [RelayTarget] {
        if job.isDelete {
            return try mapping.effectOfEnd == .keep ? [] : try await boundKeys(of: job).map { RelayTarget(key: $0) }
        }
        let scope = run(job).scope(operation: nil, targetName: nil)
        guard mapping.holds(in: scope), let rows = try relay.rows(in: scope) else { return [] }
        var keys = rows.map(\.key)
        if relay.removed == .onDelete, try mapping.effectOfEnd != .keep {
            let present = Set(keys.map { ExactString($0) })
            keys += try await boundKeys(of: job).filter { !present.contains(ExactString($0)) }
        }
        return keys.map { RelayTarget(key: $0) }
    }

    /// The condition does not hold, the source was deleted and its targets are kept, or gone already; else there is simply
    /// no row.
    public func noTargetReason(for job: JobHandle) async throws -> NoTargetReason {
        if job.isDelete { return try mapping.effectOfEnd == .keep ? .sourceDeleted : .alreadyGone }
        return mapping.holds(in: run(job).scope(operation: nil, targetName: nil)) ? .controller : .condition
    }

    /// The keys of the source's rows that have a live target; under the old name as well, when the source was renamed.
    private func boundKeys(of job: JobHandle) async throws -> [String] {
        let request = job.job.request
        var keys: [String] = []
        var seen: Set<ExactString> = []
        for name in [request.sourceDocumentName, request.oldSourceDocumentName] {
            guard let name, !name.isEmpty else { continue }
            let source = DocumentKey(type: job.type.source, name: name)
            for binding in try await job.services.bindings(typeSlug: job.type.slug, source: source) {
                // A binding without a key was made before the type relayed: it is no row's.
                guard !binding.isDeleted, !binding.key.key.isEmpty else { continue }
                if seen.insert(ExactString(binding.key.key)).inserted { keys.append(binding.key.key) }
            }
        }
        return keys
    }

    // MARK: one row

    private enum State {
        /// The row is there, and counts.
        case there(JSONObject)
        /// The source was deleted, or has no such row that counts; the row as the last image has it.
        case gone(JSONObject?)
        /// The source's rows are missing or null: its targets are left alone.
        case unsaid
    }

    private func state(of job: JobHandle) throws(JobFailure) -> State {
        let scope = run(job).scope(operation: nil, targetName: nil)
        guard !job.isDelete else {
            let row: JSONObject?
            // What is wrong with the last image must not keep its targets from ending.
            do { row = try relay.row(job.targetKey, in: scope, of: job.source).fields } catch { row = nil }
            return .gone(row)
        }
        return switch try relay.row(job.targetKey, in: scope, of: job.source) {
        case .found(let row): .there(row)
        case .missing: .gone(nil)
        case .unsaid: .unsaid
        }
    }

    /// As ``MappingController/target(for:)``, for the row whose key is the job's target key.
    ///
    /// - Throws: ``JobFailure`` as there.
    public func target(for job: JobHandle) async throws -> TargetDecision {
        try await plan(for: job).decision(in: job.lookups)
    }

    /// As ``target(for:)``, up to the search by `match`.
    ///
    /// - Throws: ``JobFailure`` as there.
    public func plan(for job: JobHandle) async throws -> TargetPlan {
        guard !job.targetKey.isEmpty else { return .decided(.none(try await noTargetReason(for: job))) }
        if !job.isDelete, !mapping.holds(in: run(job).scope(operation: nil, targetName: nil)) {
            return .decided(.none(.condition))
        }
        switch try state(of: job) {
        case .there(let row): return try await run(job, row: row).plan()
        case .unsaid: return .decided(.none(.controller))
        case .gone(let row):
            if !job.isDelete, relay.removed == .keep { return .decided(.none(.sourceDeleted)) }
            return try await run(job, row: row, isEnd: true).plan()
        }
    }

    /// As ``MappingController/update(_:for:)``, with the root `row`.
    ///
    /// - Throws: ``JobFailure`` as there; permanent when the job is about no row, or one that is gone and whose end says
    ///   nothing about fields.
    public func update(_ target: inout Document, for job: JobHandle) async throws {
        try await runOfRow(job).update(&target)
    }

    /// Sets the fields of `write_back`, with the root `row`.
    ///
    /// - Throws: ``JobFailure`` as ``update(_:for:)``.
    public func writeBack(_ source: inout Document, target: DocumentKey, for job: JobHandle) async throws {
        try await runOfRow(job).writeBack(&source, target: target)
    }

    private func runOfRow(_ job: JobHandle) throws -> MappingRun {
        guard !job.targetKey.isEmpty else {
            throw JobFailure(
                .missingField, "the job names a target, but no row of \(relay.each)",
                remedy: "send \"target_key\" with the row's \(relay.key), or leave the target out")
        }
        switch try state(of: job) {
        case .there(let row): return run(job, row: row)
        case .gone(let row) where try mapping.effectOfEnd == .update: return run(job, row: row, isEnd: true)
        case .gone, .unsaid:
            throw JobFailure(
                .requiredFieldMissing, "\(relay.each) has no row \"\(job.targetKey.prefix(140))\"",
                remedy: "send the source without a target, so that the rows that are there are synced")
        }
    }

    /// For the job of one row, what each rule would do to `before`; for the source's own, one entry for each child.
    public func trace(of job: JobHandle, target before: Document?) async throws -> [FieldTrace] {
        guard job.targetKey.isEmpty else { return try await runOfRow(job).trace(before) }
        let present = try relay.rows(in: run(job).scope(operation: nil, targetName: nil)) ?? []
        let keys = Set(job.isDelete ? [] : present.map { ExactString($0.key) })
        return try await targets(for: job).compactMap { answer in
            guard let key = answer.key, !key.isEmpty else { return nil }
            return FieldTrace(
                field: relay.each.fields.joined(separator: "."), rowKey: .string(key), rule: "\(relay.key)",
                value: .string(key),
                note: keys.contains(ExactString(key)) ? "a job of its own" : "gone: on_delete, in a job of its own")
        }
    }
}
