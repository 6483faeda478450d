// One source with many targets: what `targets` answers becomes children, a single target that runs inline, or nothing; and
// when the last child has ended, `relay_finished` runs as a job of its own.

internal import JobStore
internal import SyncJobs

/// Plans relays and ends them.
struct RelayRunner: Sendable {
    /// What becomes of the answers.
    enum Plan: Sendable {
        /// One target: this job does it, with this view.
        case inline(JobHandle)
        /// Decided.
        case outcome(Outcome)
    }

    /// The most children of one relay.
    static let maximumChildren = 100_000

    let store: JobStore
    let patience: StorePatience

    /// `targets` → `before_relay` → children → `after_relay`.
    func plan(_ controller: any MultipleTargetsController, handle: JobHandle) async throws -> Plan {
        var targets = try await controller.targets(for: handle)
        if targets.count == 1, targets[0].source == nil { return .inline(try await inline(targets[0], handle: handle)) }
        let isRelay = !targets.isEmpty
        if isRelay { try await controller.beforeRelay(&targets, for: handle) }
        let children = try children(of: handle, targets: targets)
        if isRelay { try await controller.afterRelay(children, for: handle) }
        var outcome = Outcome(.relayed(children))
        if children.isEmpty { outcome.end = .noTarget(try await controller.noTargetReason(for: handle)) }
        outcome.targetType = handle.type.target
        outcome.runsRelayFinished = controller.runsRelayFinished
        return .outcome(outcome)
    }

    private func inline(_ target: RelayTarget, handle: JobHandle) async throws -> JobHandle {
        // The only one needs nothing that tells it from others; the rest is checked as a child's would be.
        let key: String
        if target.identity == nil, target.operation == nil || target.operation == .insert {
            key = ""
        } else {
            key = try target.request(childOf: handle.job, type: handle.type).targetKey ?? ""
        }
        let binding = try await binding(ofKey: key, handle: handle)
        let answer = target.operation.map { TargetAnswer(operation: $0, type: target.type, name: target.name) }
        return handle.with(context: target.context, targetKey: key, binding: binding, answer: answer)
    }

    /// The binding of one key; of a source that was renamed, that which its old name has.
    private func binding(ofKey key: String, handle: JobHandle) async throws -> Binding? {
        let request = handle.job.request
        guard let mine = BindingKey(request, type: handle.type, key: key) else { return handle.binding }
        let known = try await patience.attempt { () async throws(JobStoreError) in try await store.binding(mine) }
        guard known?.isDeleted != false, let oldName = request.oldSourceDocumentName else { return known }
        let source = DocumentKey(type: mine.source.type, name: oldName)
        let old = BindingKey(typeSlug: mine.typeSlug, source: source, key: key)
        let found = try await patience.attempt { () async throws(JobStoreError) in try await store.binding(old) }
        return found.flatMap { $0.isDeleted ? nil : $0 } ?? known
    }

    private func children(of handle: JobHandle, targets: [RelayTarget]) throws(JobFailure) -> [SyncRequest] {
        guard targets.count <= Self.maximumChildren else {
            throw JobFailure(
                .invalidTarget, "the controller answers \(targets.count) targets",
                remedy: "at most \(Self.maximumChildren) are taken; let it answer parts that relay again")
        }
        var children: [SyncRequest] = []
        children.reserveCapacity(targets.count)
        var ids: Set<ExactString> = []
        for target in targets {
            let child = try target.request(childOf: handle.job, type: handle.type)
            guard ids.insert(ExactString(child.id)).inserted else {
                throw JobFailure(
                    .invalidTarget, "two answers of targets are \"\((target.identity ?? "").prefix(140))\"",
                    remedy: "give each answer a key of its own")
            }
            children.append(child)
        }
        return children
    }

    /// Runs `relay_finished` with the totals.
    func finish(
        _ controller: any MultipleTargetsController, parentID: String, handle: JobHandle
    ) async throws -> Outcome {
        let summary = try await patience.attempt { () async throws(JobStoreError) in
            try await store.relaySummary(of: parentID)
        }
        guard let summary else {
            throw JobFailure(
                .invalidField, "\"relay_finished\" names a job that is not known: \"\(parentID.prefix(140))\"",
                remedy: "leave the field out: Ferry sends this request itself")
        }
        try await controller.relayFinished(summary, for: handle)
        return Outcome(handle.job.request.dryRun ? .skipped(.dryRun) : .finished)
    }

    /// Only a type with multiple targets has relays that end.
    func refuseRelayFinished(_ request: SyncRequest) throws(JobFailure) {
        guard request.relayFinished != nil else { return }
        throw JobFailure(
            .invalidField, "\"relay_finished\" is no field for a type without multiple targets",
            remedy: "leave the field out: Ferry sends this request itself")
    }
}
