// How runs begin: each with its source, its binding and what its controller says first. Those whose target has to be searched
// for are searched for together. What goes wrong with a common search each finds out by a search of its own.

internal import DocumentSystems
internal import JobStore
internal import SyncJobs

extension Executor {
    /// How far a run comes by itself.
    enum Beginning: Sendable {
        /// To its end.
        case ended(Execution)
        /// To the question of its target.
        case begun(Frame)

        /// Whether its target has to be searched for.
        var searches: Bool {
            if case .begun(let frame) = self, case .search? = frame.plan { true } else { false }
        }
    }

    /// Loads a job's source, and asks for its target as far as that can be told without a search.
    ///
    /// Throws as ``execute(_:active:preparation:)``.
    nonisolated(nonsending) func begin(
        _ job: QueuedJob, active: ActiveRun, preparation: JobStore.Preparation
    ) async throws(JobStoreError) -> Beginning {
        var handle: JobHandle?
        do {
            let places = places[job.type]
            var source = try await sourceLoader.load(job, in: places.source, preparation: preparation)
            var binding = preparation.binding
            if binding?.isDeleted != false {
                binding = try await targetResolver.binding(of: job, preparation: preparation)
            }
            if source.isDeleted, binding?.isDeleted != false,
                let made = try await targetWriter.unboundInsert(of: job, intent: preparation.intent)
            {
                source = source.with(versionOf: binding)
                binding = made
            }
            let view = makeHandle(
                job, run: active.run, source: source, binding: binding, checkpoint: preparation.checkpoint)
            handle = view
            try await job.type.controller.afterStart(view)
            let plan = try await view.binding == nil ? targetResolver.plan(view) : nil
            return .begun(
                Frame(active: active, preparation: preparation, handle: view, places: places, plan: plan))
        } catch {
            return .ended(try cutShort(by: error, type: job.type, handle: handle))
        }
    }

    /// Searches for the targets of all runs that have to, where they live in the store: one search in each system, and one look at
    /// the bindings of what it has found.
    func search(_ beginnings: inout [Beginning]) async {
        var places: [String: [(position: Int, query: DocumentQuery)]] = [:]
        for (position, beginning) in beginnings.enumerated() {
            guard case .begun(let frame) = beginning, case .search(let search)? = frame.plan,
                systems[search.query.type.system]?.isEmbedded == true
            else { continue }
            places[search.query.type.system, default: []].append((position, search.query))
        }
        for searches in places.values {
            guard let found = await targetResolver.find(searches.map(\.query)) else { continue }
            for (search, found) in zip(searches, found) {
                guard case .begun(let frame) = beginnings[search.position] else { continue }
                beginnings[search.position] = .begun(frame.with(found: found))
            }
        }
    }

    private func makeHandle(
        _ job: QueuedJob, run: JobRun, source: DocumentState, binding: Binding?, checkpoint: JSONValue?
    ) -> JobHandle {
        JobHandle(
            job: run.job, type: job.type, source: source.document, isSourceDeleted: source.isDeleted,
            binding: binding, checkpoint: checkpoint, lookups: systems, services: services, logger: logger)
    }

    /// What a run came to that `error` has ended.
    func cutShort(
        by error: any Error, type: SyncJobType, handle: JobHandle?
    ) throws(JobStoreError) -> Execution {
        if let error = error as? JobStoreError { throw error }
        if error is TargetResolver.Outdated {
            return Execution(result: .conflict("the target was deleted while it was looked for"), handle: handle)
        }
        let failure = JobFailure(error)
        if let trouble = storeTrouble(failure) { throw trouble }
        var outcome = Outcome(.failed(failure))
        outcome.targetType = type.target
        outcome.targetName = handle?.boundTargetName
        outcome.notes = handle?.notes ?? []
        return Execution(result: .outcome(outcome), handle: handle)
    }

    /// The embedded system is the job store: when it can't answer, the engine waits for it, and no job fails of that.
    func storeTrouble(_ failure: JobFailure) -> JobStoreError? {
        guard failure.code == .systemUnavailable, let system = failure.system, systems[system]?.isEmbedded == true
        else { return nil }
        return JobStoreError(.busy, operation: "documents", message: failure.message, remedy: failure.remedy)
    }
}

extension DocumentState {
    /// The same, in the version of a tombstone that knows a later one: the delete's, where this is the last image's.
    fileprivate func with(versionOf tombstone: Binding?) -> DocumentState {
        mapDocument { document in
            var later = document
            if tombstone?.fences(document.version) == true { later.version = tombstone?.sourceVersion }
            return later
        }
    }
}
