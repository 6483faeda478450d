// One run of a job, as one list of verbs: load the source, ask the controller for the target, let it set the fields,
// compute the difference, write. What it decides is an outcome, a value; only the commit that follows makes it true. A run that
// has to write elsewhere is decided up to its write and finished after it, so that the writes of many go together.
// The verbs run where their caller does (`nonisolated(nonsending)`): most wait for nothing, and a hop to the pool and back for each
// would cost more than the verb.

internal import DocumentSystems
internal import JobStore
internal import Logging
internal import SyncJobs

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
            /// The source changed while the target was written: run again from a fresh read, over what was written.
            case overtaken(String)

            /// Whether nothing was decided that a commit could make true.
            var isCutShort: Bool {
                switch self {
                case .conflict, .overtaken: true
                case .outcome(let outcome): if case .failed = outcome.end { true } else { false }
                }
            }
        }
        let result: Result
        /// The controller's view of the job, for `finished`; nil when the run did not come so far.
        let handle: JobHandle?
        /// The target before and after, as they are; nil where the run did not come so far.
        var change: TargetChange?
    }

    /// What a run works with, beside the job.
    ///
    /// A class, because it is large and passed on in lists.
    final class Frame: Sendable {
        let active: ActiveRun
        let preparation: JobStore.Preparation
        let handle: JobHandle
        let places: TypePlaces
        /// How far the target is known, where that was asked before.
        let plan: TargetPlan?
        /// What was found by the search of `plan`; nil where it was not searched yet.
        let found: FoundTargets?

        init(
            active: ActiveRun, preparation: JobStore.Preparation, handle: JobHandle, places: TypePlaces,
            plan: TargetPlan? = nil, found: FoundTargets? = nil
        ) {
            self.active = active
            self.preparation = preparation
            self.handle = handle
            self.places = places
            self.plan = plan
            self.found = found
        }

        func with(found: FoundTargets) -> Frame {
            Frame(
                active: active, preparation: preparation, handle: handle, places: places, plan: plan, found: found)
        }
    }

    let systems: DocumentSystems
    let places: AllPlaces
    let types: SyncJobTypes
    let sourceLoader: SourceLoader
    let targetResolver: TargetResolver
    let targetWriter: TargetWriter
    let relay: RelayRunner
    let services: any JobServices
    let logger: Logger

    /// How far a run comes before anything is changed.
    enum Decision: Sendable {
        /// To its end.
        case ended(Execution)
        /// To a write into a system elsewhere.
        case writes(OutsideWrite)
    }

    /// Runs a job once.
    ///
    /// What goes wrong is a failed outcome; only the job store's own trouble, which fails no job, is thrown.
    func execute(
        _ job: QueuedJob, active: ActiveRun, preparation: JobStore.Preparation
    ) async throws(JobStoreError) -> Execution {
        var begun = [try await begin(job, active: active, preparation: preparation)]
        await search(&begun)
        return try await execute(begun[0])
    }

    /// Runs what was begun to its end.
    ///
    /// Throws as ``execute(_:active:preparation:)``.
    nonisolated(nonsending) func execute(_ begun: Beginning) async throws(JobStoreError) -> Execution {
        switch try await decide(begun) {
        case .ended(let execution): return execution
        case .writes(let write): return try await finish(write, try await targetWriter.make([write])[0])
        }
    }

    /// Runs a job up to the point where a system elsewhere would be written.
    ///
    /// Throws as ``execute(_:active:preparation:)``.
    func decide(
        _ job: QueuedJob, active: ActiveRun, preparation: JobStore.Preparation
    ) async throws(JobStoreError) -> Decision {
        var begun = [try await begin(job, active: active, preparation: preparation)]
        await search(&begun)
        return try await decide(begun[0])
    }

    /// Runs what was begun up to the point where a system elsewhere would be written.
    ///
    /// Throws as ``execute(_:active:preparation:)``.
    nonisolated(nonsending) func decide(_ begun: Beginning) async throws(JobStoreError) -> Decision {
        switch begun {
        case .ended(let execution): return .ended(execution)
        case .begun(let frame):
            do { return try await perform(frame) } catch {
                return .ended(try cutShort(by: error, type: frame.handle.type, handle: frame.handle))
            }
        }
    }

    /// Finishes a run whose write was made, or was not.
    ///
    /// Throws as ``execute(_:active:preparation:)``.
    func finish(
        _ write: OutsideWrite, _ answer: TargetWriter.Answer
    ) async throws(JobStoreError) -> Execution {
        let handle = write.handle
        do {
            return try ended(try await targetWriter.finish(write, answer), handle, change: write.change)
        } catch {
            return try cutShort(by: error, type: handle.type, handle: handle)
        }
    }

    /// What a run came to, with what the controller has said to its handle.
    private func ended(
        _ result: Execution.Result, _ handle: JobHandle, change: TargetChange? = nil
    ) throws -> Execution {
        guard case .outcome(var outcome) = result else {
            return Execution(result: result, handle: handle, change: change)
        }
        if case .failed(let failure) = outcome.end, let trouble = storeTrouble(failure) { throw trouble }
        outcome.notes = handle.notes
        if !handle.job.request.dryRun {
            outcome.followUps = try route(handle.followUps)
            outcome.awaited = handle.awaited
        }
        return Execution(result: .outcome(outcome), handle: handle, change: change)
    }

    /// The way of the type's controller.
    private nonisolated(nonsending) func perform(_ frame: Frame) async throws -> Decision {
        let request = frame.handle.job.request
        func ended(_ outcome: Outcome) throws -> Decision {
            .ended(try self.ended(.outcome(outcome), frame.handle))
        }
        switch frame.handle.type.controller.way {
        case .bypass(let controller):
            try relay.refuseRelayFinished(request)
            return try ended(try await execute(controller, frame))
        case .single:
            try relay.refuseRelayFinished(request)
            return try await sync(frame)
        case .multiple(let controller):
            if let parent = request.relayFinished {
                return try ended(try await relay.finish(controller, parentID: parent, handle: frame.handle))
            }
            guard !request.namesItsTarget else { return try await sync(frame) }
            switch try await relay.plan(controller, handle: frame.handle) {
            case .inline(let handle):
                return try await sync(
                    Frame(
                        active: frame.active, preparation: frame.preparation, handle: handle, places: frame.places))
            case .outcome(let outcome): return try ended(outcome)
            }
        }
    }

    // MARK: bypass

    private func execute(_ controller: any BypassController, _ frame: Frame) async throws -> Outcome {
        let request = frame.handle.job.request
        let result = try await controller.execute(frame.handle)
        try frame.active.requireActive()
        guard let target = result.target else {
            return Outcome(request.dryRun ? .skipped(.dryRun) : .noTarget(.controller))
        }
        var outcome = Outcome(
            request.dryRun ? .skipped(.dryRun) : result.diff.isEmpty ? .skipped(.noChanges) : .finished)
        let sensitive = targetResolver.place(of: target.type, frame).sensitive
        outcome.operation = result.operation
        outcome.targetType = target.type
        outcome.targetName = target.name
        outcome.diff = sensitive.masking(result.diff)
        if frame.handle.flags.verboseLogging {
            outcome.currentData = result.before.map { sensitive.masking($0) }
            outcome.updatedData = result.after.map { sensitive.masking($0) }
        }
        return outcome
    }

    // MARK: one target

    /// The stale fence, then target → update → diff → save.
    private nonisolated(nonsending) func sync(_ frame: Frame) async throws -> Decision {
        let handle = frame.handle
        func ended(_ outcome: Outcome) throws -> Decision {
            .ended(try self.ended(.outcome(outcome), handle))
        }
        if let binding = handle.binding, binding.fences(handle.source?.version),
            !binding.isDeleted || !handle.isSourceLoaded
        {
            return try ended(Outcome(.skipped(.stale)))
        }
        let resolved = try await targetResolver.resolve(frame)
        guard case .target(var target) = resolved else {
            guard case .none(let reason) = resolved else {
                return try ended(Outcome(.noTarget(.controller)))
            }
            if reason == .alreadyGone,
                let done = targetWriter.finishedDelete(handle, intent: frame.preparation.intent)
            {
                return try ended(done)
            }
            var outcome = Outcome(.noTarget(reason))
            if reason == .alreadyGone { outcome.binding = targetWriter.tombstone(handle) }
            return try ended(outcome)
        }
        if target.operation == .insert,
            let made = try await targetWriter.inserted(by: frame.preparation.intent, type: target.place.type)
        {
            target.operation = .update
            target.document = made
        }
        let view = target.context.map { handle.with(context: $0, targetKey: nil, binding: handle.binding) } ?? handle
        var after: Document?
        if target.operation != .delete {
            var updated =
                target.document
                ?? Document(key: target.name.map { DocumentKey(type: target.place.type, name: $0) }, fields: [:])
            try await view.type.targetController.update(&updated, for: view)
            after = updated
        }
        let change = TargetChange(
            place: target.place, before: target.document, after: after,
            diff: try Diff(from: target.document, to: after, shape: target.place.shape),
            renamedFrom: target.renamedFrom)
        switch try await targetWriter.save(
            change, handle: view, active: frame.active, intent: frame.preparation.intent)
        {
        case .ended(let result): return .ended(try self.ended(result, view, change: change))
        case .writes(let write): return .writes(write)
        }
    }

    // MARK: follow-ups

    private func route(_ requests: [SyncRequest]) throws(JobFailure) -> [RoutedRequest] {
        var routed: [RoutedRequest] = []
        for request in requests {
            guard let type = types[request.syncJobType], !type.isDisabled else {
                throw JobFailure(
                    .unknownType,
                    "a follow-up names the type \"\(request.syncJobType.prefix(140))\", which is "
                        + (types[request.syncJobType] == nil ? "not configured" : "disabled"),
                    remedy: "correct the controller, or the configuration")
            }
            routed.append(RoutedRequest(request, type: type))
        }
        return routed
    }
}
