// One run of a job, as one list of verbs: load the source, ask the controller for the target, let it set the fields,
// compute the difference, write. What it decides is an outcome, a value; only the commit that follows makes it true.

internal import JobStore
internal import Logging
internal import SyncJobs
internal import DocumentSystems

/// Runs jobs.
struct Executor: Sendable {
    /// What a run came to.
    struct Execution: Sendable {
        /// What to do with it.
        enum Result: Sendable {
            /// It decided this.
            case outcome(Outcome)
            /// The target changed between read and write: run again from a fresh read.
            case conflict(String)

            /// Whether nothing was decided that a commit could make true.
            var isCutShort: Bool {
                switch self {
                case .conflict: true
                case .outcome(let outcome): if case .failed = outcome.end { true } else { false }
                }
            }
        }
        let result: Result
        /// The controller's view of the job, for `finished`; nil when the run did not come so far.
        let handle: JobHandle?
    }

    let systems: DocumentSystems
    let targetWriter: TargetWriter
    let maximumDocumentBytes: Int
    let logger: Logger

    /// Runs a job once.
    ///
    /// What goes wrong is a failed outcome; only the job store's own trouble, which fails no job, is thrown.
    func execute(_ job: QueuedJob, run: JobRun, preparation: JobStore.Preparation) async throws(JobStoreError)
        -> Execution
    {
        var handle: JobHandle?
        do {
            let source = try await loadSource(job, preparation: preparation)
            let controllerView = makeHandle(job, run: run, source: source, binding: preparation.binding)
            handle = controllerView
            if let binding = preparation.binding, binding.fences(source.document?.version),
                !binding.isDeleted || !controllerView.isSourceLoaded
            {
                return Execution(result: .outcome(Outcome(.skipped(.stale))), handle: handle)
            }
            try await job.type.controller.afterStart(controllerView)
            let target = try await resolveTarget(controllerView, preparation: preparation)
            var result = try await sync(target, handle: controllerView, run: run, preparation: preparation)
            if case .outcome(var outcome) = result {
                outcome.notes = controllerView.notes
                result = .outcome(outcome)
            }
            return Execution(result: result, handle: handle)
        } catch let error as JobStoreError {
            throw error
        } catch {
            var outcome = Outcome(.failed(JobFailure(error)))
            outcome.targetType = job.type.target
            outcome.targetName = handle?.boundTargetName
            outcome.notes = handle?.notes ?? []
            return Execution(result: .outcome(outcome), handle: handle)
        }
    }

    // MARK: loadSource

    private func loadSource(
        _ job: QueuedJob, preparation: JobStore.Preparation
    ) async throws -> DocumentState {
        let request = job.request
        guard let name = request.sourceDocumentName, !name.isEmpty else { return .absent }
        let key = DocumentKey(type: job.type.source, name: name)
        // A delete is the sign that the source may be gone.
        let saysDeleted = request.operation == .delete
        let shape = systems.shape(of: key.type)
        if let image = request.document, !saysDeleted {
            return .present(Document(key: key, fields: image, version: try shape.version(in: image)))
        }
        let state = try await load(key, shape: shape, preparation: preparation)
        if saysDeleted, state.document == nil || state.isDeleted {
            let image = request.document ?? state.document?.fields ?? [:]
            var tombstone = Document(key: key, fields: image, version: try shape.version(in: image))
            // The delete itself may have a later version than the last image.
            if let said = try request.sourceVersion.flatMap({ try shape.version(reading: $0) }),
                tombstone.version?.isOlder(than: said) ?? true
            {
                tombstone.version = said
            }
            return .deleted(tombstone)
        }
        if !saysDeleted { try checkVisible(state, key: key, request: request) }
        try checkSize(state, key: key)
        return state
    }

    private func load(
        _ key: DocumentKey, shape: DocumentShape, preparation: JobStore.Preparation
    ) async throws -> DocumentState {
        guard let prepared = preparation.source else { return try await systems.load(key) }
        // The store knows no shapes; the version stands in the fields.
        return try prepared.mapDocument { document in
            Document(key: key, fields: document.fields, version: try shape.version(in: document.fields))
        }
    }

    private func checkVisible(_ state: DocumentState, key: DocumentKey, request: SyncRequest) throws {
        guard let document = state.document else {
            throw JobFailure(
                .sourceNotVisible, "the source document \(key.type) \"\(key.name.prefix(140))\" is not there",
                remedy: "check the name; if the document was deleted, send operation \"delete\" or a delete event",
                disposition: .retryable(after: nil))
        }
        let shape = systems.shape(of: key.type)
        if let seen = try request.sourceVersion.flatMap({ try shape.version(reading: $0) }),
            let version = document.version, version.isOlder(than: seen)
        {
            throw JobFailure(
                .sourceNotVisible,
                "the source document \(key.type) \"\(key.name.prefix(140))\" is still at version \(version), the request saw \(seen)",
                remedy: "the producer's commit may lag; send the request again later",
                disposition: .retryable(after: nil))
        }
    }

    private func checkSize(_ state: DocumentState, key: DocumentKey) throws {
        guard let document = state.document else { return }
        let bytes = JSONValue.object(document.fields).canonicalBytes.count
        guard bytes <= maximumDocumentBytes else {
            throw JobFailure(
                .documentTooLarge,
                "the source document \(key.type) \"\(key.name.prefix(140))\" has \(bytes) bytes",
                remedy:
                    "at most \(maximumDocumentBytes) are taken; raise limits.max_document, or leave large fields out")
        }
    }

    private func makeHandle(
        _ job: QueuedJob, run: JobRun, source: DocumentState, binding: Binding?
    ) -> JobHandle {
        var jobLogger = logger
        jobLogger[metadataKey: "job_id"] = .string(job.request.id)
        return JobHandle(
            job: run.job, type: job.type, source: source.document, isSourceDeleted: source.isDeleted, binding: binding,
            lookups: systems, logger: jobLogger)
    }

    // MARK: resolveTargets

    /// The target and the document that is there now.
    private enum ResolvedTarget {
        case none(NoTargetReason)
        case insert(DocumentType, name: String?)
        case existing(Document, Operation, DocumentType)
    }

    private func resolveTarget(
        _ handle: JobHandle, preparation: JobStore.Preparation
    ) async throws -> ResolvedTarget {
        let decision = try await decide(handle)
        guard case .target(let answer) = decision else {
            if case .none(let reason) = decision { return .none(reason) }
            return .none(.controller)
        }
        guard let type = answer.type ?? handle.type.target else {
            throw JobFailure(
                .invalidTarget, "neither the type nor its controller names a target document type",
                remedy: "add target: to the type, or let the controller answer one")
        }
        var operation = answer.operation
        var name = answer.name
        // An insert becomes an update when a live binding exists: a source never makes a second target.
        if operation == .insert, let bound = handle.boundTargetName {
            operation = .update
            name = bound
        }
        if operation == .insert { return .insert(type, name: name) }
        guard let name else {
            throw JobFailure(
                .invalidTarget, "the controller answers \(operation.rawValue) without a target name",
                remedy: "answer the name of the document to \(operation.rawValue)")
        }
        let key = DocumentKey(type: type, name: name)
        let state: DocumentState
        if handle.binding?.target == key, let prepared = preparation.target {
            state = prepared
        } else {
            state = try await systems.load(key)
        }
        if case .present(let document) = state { return .existing(document, operation, type) }
        if operation == .delete { return .none(.alreadyGone) }
        let isBound = handle.boundTargetName?.hasSameBytes(as: name) == true
        throw JobFailure(
            isBound ? .targetGone : .targetNotFound,
            "the target document \(type) \"\(name.prefix(140))\" \(isBound ? "was bound, and is gone" : "is not there")",
            remedy: isBound
                ? "restore it, or remove the binding so that it is inserted anew"
                : "check the name, or send operation \"insert\"")
    }

    private func decide(_ handle: JobHandle) async throws -> TargetDecision {
        let request = handle.job.request
        // A request that names its operation and target skips discovery.
        if let operation = request.operation, let name = request.targetDocumentName {
            let type = request.targetDocumentType.flatMap { said in
                handle.type.target.map { DocumentType(system: $0.system, name: said) }
            }
            return .target(TargetAnswer(operation: operation, type: type, name: name))
        }
        return try await handle.type.targetController.target(for: handle)
    }

    // MARK: update → diff → save

    private func sync(
        _ target: ResolvedTarget, handle: JobHandle, run: JobRun, preparation: JobStore.Preparation
    ) async throws -> Execution.Result {
        let type: DocumentType
        let before: Document?
        let operation: Operation
        var insertName: String?
        switch target {
        case .none(let reason):
            if reason == .alreadyGone, let done = targetWriter.finishedDelete(handle, intent: preparation.intent) {
                return .outcome(done)
            }
            return .outcome(Outcome(.noTarget(reason)))
        case .insert(let insertType, let name): (type, before, operation, insertName) = (insertType, nil, .insert, name)
        case .existing(let document, let wanted, let existingType):
            (type, before, operation) = (existingType, document, wanted)
        }
        var after: Document?
        if operation != .delete {
            var updated = before ?? Document(key: insertName.map { DocumentKey(type: type, name: $0) }, fields: [:])
            try await handle.type.targetController.update(&updated, for: handle)
            after = updated
        }
        let change = TargetChange(
            type: type, before: before, after: after,
            diff: try Diff(from: before, to: after, shape: systems.shape(of: type)),
            sensitive: SensitiveFields(of: systems.shape(of: type)))
        return try await targetWriter.save(change, handle: handle, run: run, intent: preparation.intent)
    }
}
