// Which target document a job is about, and how it is now. A request that names it is believed; otherwise the controller
// decides, and a source that has a live binding never gets a second target.

internal import DocumentSystems
internal import JobStore
internal import SyncJobs

/// Resolves targets.
struct TargetResolver: Sendable {
    /// A target and what is done to it.
    struct Target: Sendable {
        var place: DocumentPlace
        var operation: Operation
        /// The document as it is; nil for an insert.
        var document: Document?
        /// The name for an insert, when somebody gave one.
        var name: String?
        /// Replaces the job's context.
        var context: JSONObject?
        /// The binding that this job takes over, from a source that was renamed or is gone.
        var renamedFrom: BindingKey?
    }

    /// What was resolved.
    enum Resolved: Sendable {
        case target(Target)
        case none(NoTargetReason)
    }

    let systems: DocumentSystems
    let store: JobStore
    let patience: StorePatience

    /// The binding of a source that has no live one: of one that was renamed, the binding that its old name has.
    ///
    /// - Throws: ``JobStoreError``.
    nonisolated(nonsending) func binding(of job: QueuedJob, preparation: JobStore.Preparation) async throws -> Binding?
    {
        guard let oldName = job.request.oldSourceDocumentName,
            let mine = BindingKey(job.request, type: job.type)
        else { return preparation.binding }
        var key = mine
        key.source = DocumentKey(type: mine.source.type, name: oldName)
        let old = key
        let found = try await patience.attempt { () async throws(JobStoreError) in try await store.binding(old) }
        guard let found, !found.isDeleted else { return preparation.binding }
        return found
    }

    /// The target of a job.
    ///
    /// - Throws: ``JobFailure``: `invalid_target`, `target_gone`, `target_not_found`, and what the controller throws.
    nonisolated(nonsending) func resolve(_ frame: Executor.Frame) async throws -> Resolved {
        let handle = frame.handle
        let answer: TargetAnswer
        switch try await decide(frame) {
        case .none(let reason): return .none(reason)
        case .target(let said): answer = said
        }
        guard let place = answer.type.map({ place(of: $0, frame) }) ?? frame.places.target else {
            throw JobFailure(
                .invalidTarget, "neither the type nor its controller names a target document type",
                remedy: "add target: to the type, or let the controller answer one")
        }
        var target = Target(place: place, operation: answer.operation, name: answer.name, context: answer.context)
        // An insert becomes an update when a live binding exists: a source never makes a second target.
        if target.operation == .insert, let bound = handle.boundTargetName {
            target.operation = .update
            target.name = bound
        }
        if target.operation == .insert { return .target(target) }
        guard let name = target.name else {
            throw JobFailure(
                .invalidTarget, "the controller answers \(target.operation.rawValue) without a target name",
                remedy: "answer the name of the document to \(target.operation.rawValue)")
        }
        let key = DocumentKey(type: place.type, name: name)
        guard case .present(let document) = try await load(key, frame) else {
            return try await missing(target, key: key, handle: handle)
        }
        target.document = document
        if let bound = handle.binding, let mine = BindingKey(handle), bound.key != mine {
            target.renamedFrom = bound.key
        }
        if handle.binding == nil, target.operation == .update {
            target.renamedFrom = try await bindingToTakeOver(key, frame)
        }
        return .target(target)
    }

    /// Where documents of a type live: mostly it is the one that the type of the job names.
    func place(of type: DocumentType, _ frame: Executor.Frame) -> DocumentPlace {
        if let known = frame.places.target, known.type == type { return known }
        return systems.place(of: type)
    }

    private nonisolated(nonsending) func load(_ key: DocumentKey, _ frame: Executor.Frame) async throws -> DocumentState
    {
        if let found = frame.found?.only, found.key == key { return .present(found) }
        // Of a tombstone's target more may be known by now: whoever answered with its name has found it since.
        if let binding = frame.preparation.binding, !binding.isDeleted, binding.target == key,
            let prepared = frame.preparation.target
        {
            return prepared
        }
        return try await systems.load(key)
    }

    /// What this run was prepared with is no longer so: it is to be prepared anew.
    struct Outdated: Error {}

    private func missing(_ target: Target, key: DocumentKey, handle: JobHandle) async throws -> Resolved {
        if target.operation == .delete { return .none(.alreadyGone) }
        let isBound = handle.boundTargetName?.hasSameBytes(as: key.name) == true
        if isBound, handle.type.onGone == .insert {
            return .target(Target(place: target.place, operation: .insert, context: target.context))
        }
        if try await hasMovedOn(target, isBound: isBound, handle: handle) { throw Outdated() }
        let name = key.name.prefix(140)
        throw JobFailure(
            isBound ? .targetGone : .targetNotFound,
            "the target document \(key.type) \"\(name)\" \(isBound ? "was bound, and is gone" : "is not there")",
            remedy: isBound
                ? "restore it, or let the type say on_gone: insert so that it is inserted anew"
                : "check the name, or send operation \"insert\"")
    }

    /// Whether a target that is not there was deleted by another job since this one was prepared: then the binding is
    /// another, or the controller answers something else.
    private func hasMovedOn(_ target: Target, isBound: Bool, handle: JobHandle) async throws -> Bool {
        if isBound, let known = handle.binding {
            let now = try await patience.attempt { () async throws(JobStoreError) in try await store.binding(known.key)
            }
            return now?.isDeleted != false || now?.target != known.target
        }
        guard !handle.job.request.namesItsTarget else { return false }
        guard case .target(let answer) = try await decide(handle), answer.operation == target.operation,
            let name = answer.name, let before = target.name
        else { return true }
        return !name.hasSameBytes(as: before)
    }

    /// How far the target of a source that was never bound is known without a search.
    ///
    /// - Returns: nil where somebody else says it, or it is to be asked when its turn comes.
    nonisolated(nonsending) func plan(_ handle: JobHandle) async throws -> TargetPlan? {
        let request = handle.job.request
        guard request.relayFinished == nil, said(by: handle) == nil,
            let controller = handle.type.controller as? any DeclarativeController
        else { return nil }
        if case .multiple = controller.way, !request.namesItsTarget { return nil }
        return try await controller.plan(for: handle)
    }

    /// What searches in one system find, and the bindings to it; nil where they can't be made together.
    func find(_ queries: [DocumentQuery]) async -> [FoundTargets]? {
        do {
            let found = try await systems.find(queries)
            let single = found.map { $0.count == 1 ? $0[0].key : nil }
            var bindings = try await store.bindings(targets: single.compactMap { $0 })[...]
            return zip(found, single).map { documents, single in
                FoundTargets(documents: documents, bindings: single.flatMap { _ in bindings.popFirst() } ?? [])
            }
        } catch { return nil }
    }

    private nonisolated(nonsending) func decide(_ frame: Executor.Frame) async throws -> TargetDecision {
        switch frame.plan {
        case .search(let search)?:
            if let found = frame.found { return try search.decision(finding: found.documents) }
            return try search.decision(finding: try await systems.find(search.query))
        case .decided(let decision)?: return decision
        case nil: return try await decide(frame.handle)
        }
    }

    private nonisolated(nonsending) func decide(_ handle: JobHandle) async throws -> TargetDecision {
        if let answer = said(by: handle) { return .target(answer) }
        return try await handle.type.targetController.target(for: handle)
    }

    /// The target where it needs no discovery: an answer of `targets`, a request that names its operation and target, or a
    /// child that inserts under its key.
    private func said(by handle: JobHandle) -> TargetAnswer? {
        if let answer = handle.answer { return answer }
        let request = handle.job.request
        guard let operation = request.operation,
            request.targetDocumentName != nil || (operation == .insert && request.targetKey != nil)
        else { return nil }
        let type = request.targetDocumentType.flatMap { said in
            handle.type.target.map { DocumentType(system: $0.system, name: said) }
        }
        return TargetAnswer(operation: operation, type: type, name: request.targetDocumentName)
    }

    /// First contact with a document that another source of the type is bound to: that binding is taken over when its
    /// source is gone (it was renamed, and nobody said so), and is an error when it is there.
    private func bindingToTakeOver(_ target: DocumentKey, _ frame: Executor.Frame) async throws -> BindingKey? {
        guard let mine = BindingKey(frame.handle) else { return nil }
        let bindings = try await bindings(to: target, frame)
        let others = bindings.filter { !$0.isDeleted && $0.key.typeSlug == mine.typeSlug && $0.key != mine }
        guard let other = others.first else { return nil }
        if other.key.source != mine.source, case .present = try await systems.load(other.key.source) {
            throw JobFailure(
                .targetBound,
                "the target document \(target.type) \"\(target.name.prefix(140))\" is bound to another source document",
                remedy: "see who it belongs to (\"\(other.key.source.name.prefix(140))\"), and correct match:")
        }
        return other.key
    }

    private func bindings(to target: DocumentKey, _ frame: Executor.Frame) async throws -> [Binding] {
        if let found = frame.found, found.only?.key == target { return found.bindings }
        return try await patience.attempt { () async throws(JobStoreError) in try await store.bindings(target: target) }
    }
}

/// What a search for the target of a job has found, and who is bound to it.
struct FoundTargets: Sendable {
    let documents: [Document]
    /// The bindings to the only document; none where there is not one.
    let bindings: [Binding]

    /// The document, where it is the only one.
    var only: Document? { documents.count == 1 ? documents[0] : nil }

    /// How much JSON was read.
    var bytes: Int { documents.reduce(0) { $0 + $1.byteCount } }
}

extension SyncRequest {
    /// Whether it says itself what is done to which target, so that nobody has to be asked for targets.
    var namesItsTarget: Bool {
        targetKey != nil || (operation != nil && targetDocumentName != nil)
    }
}
