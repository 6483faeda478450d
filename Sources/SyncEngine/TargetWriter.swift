// From a computed change to an outcome. A write to the embedded system is a value that travels with the commit; a write to
// any other system is made by TargetWriter+Outside, behind a write intent that tells a later run of the same job what this one
// meant to do.

internal import JobStore
internal import SyncJobs
internal import DocumentSystems

/// A target as it was, as it shall be, and the difference.
///
/// A class, because it is large and handed on with what the run comes to.
final class TargetChange: Sendable {
    let place: DocumentPlace
    let before: Document?
    let after: Document?
    let diff: Diff
    /// The binding that is taken over from a source that was renamed or is gone.
    let renamedFrom: BindingKey?

    init(place: DocumentPlace, before: Document?, after: Document?, diff: Diff, renamedFrom: BindingKey? = nil) {
        self.place = place
        self.before = before
        self.after = after
        self.diff = diff
        self.renamedFrom = renamedFrom
    }

    var operation: Operation { before == nil ? .insert : after == nil ? .delete : .update }
}

/// Saves changes to targets.
struct TargetWriter: Sendable {
    let systems: DocumentSystems
    let store: JobStore
    let patience: StorePatience
    let now: @Sendable () -> Timestamp

    /// What becomes of a change.
    enum Saved: Sendable {
        /// The run has come to its result.
        case ended(Executor.Execution.Result)
        /// A system elsewhere has to be written.
        case writes(OutsideWrite)
    }

    /// before_sync → save → after_sync, up to a write elsewhere; or why nothing is written.
    nonisolated(nonsending) func save(
        _ change: TargetChange, handle: JobHandle, active: ActiveRun, intent: WriteIntent?
    ) async throws -> Saved {
        let isEmbedded = change.place.isEmbedded
        if !isEmbedded, let intent, var done = try await resumed(intent, change: change, handle: handle) {
            done.renamedFrom = change.renamedFrom
            await afterSync(intent.write, handle: handle, active: active, outcome: &done)
            return .ended(.outcome(done))
        }
        var outcome = described(change, handle: handle)
        if let reason = disabled(change.operation, by: handle.flags) {
            outcome.end = .skipped(reason)
            outcome.diff = nil
            return .ended(.outcome(outcome))
        }
        if isUnchanged(change, binding: handle.binding), !handle.flags.updateWithoutChangesEnabled {
            outcome.end = .skipped(handle.job.request.dryRun ? .dryRun : .noChanges)
            outcome.diff = Diff()
            if !handle.job.request.dryRun {
                outcome.binding = refreshedBinding(change, handle: handle)
                outcome.renamedFrom = change.renamedFrom
            }
            return .ended(.outcome(outcome))
        }
        if handle.job.request.dryRun {
            outcome.end = .skipped(.dryRun)
            return .ended(.outcome(outcome))
        }
        let write = try makeWrite(change, handle: handle)
        try await handle.type.targetController.beforeSync(write, for: handle)
        try active.requireActive()
        guard isEmbedded else {
            return .writes(
                OutsideWrite(
                    write: write, change: change, handle: handle, active: active, outcome: outcome,
                    binding: binding(change, handle: handle, name: change.before?.key?.name ?? "", stored: nil)))
        }
        outcome.embeddedWrite = write
        outcome.binding = binding(change, handle: handle, name: change.before?.key?.name ?? "", stored: nil)
        outcome.renamedFrom = change.renamedFrom
        await afterSync(write, handle: handle, active: active, outcome: &outcome)
        return .ended(.outcome(outcome))
    }

    /// Runs `write_back` and `after_sync`.
    ///
    /// What it throws fails the job: a write that travels with the commit is not made then; one that was made
    /// elsewhere stands, and so does what the record and the binding say about it.
    nonisolated(nonsending) func afterSync(
        _ write: DocumentWrite, handle: JobHandle, active: ActiveRun, outcome: inout Outcome
    ) async {
        do {
            if let name = outcome.targetName ?? write.insertedName, write.operation != .delete {
                let target = DocumentKey(type: write.type, name: name)
                outcome.sourceWrite = try await writeBack(to: target, handle: handle, active: active)
            }
            try await handle.type.targetController.afterSync(write, for: handle)
        } catch {
            outcome.end = .failed(JobFailure(error))
            outcome.sourceWrite = nil
            if outcome.embeddedWrite != nil {
                outcome.embeddedWrite = nil
                outcome.binding = nil
                outcome.renamedFrom = nil
            }
        }
    }

    private func disabled(_ operation: Operation, by flags: SyncFlags) -> SkipReason? {
        switch operation {
        case .insert: flags.insertEnabled ? nil : .insertDisabled
        case .update: flags.updateEnabled ? nil : .updateDisabled
        case .delete: flags.deleteEnabled ? nil : .deleteDisabled
        }
    }

    /// The outcome of a run that finds nothing to delete because an earlier run of the same job deleted it.
    func finishedDelete(_ handle: JobHandle, intent: WriteIntent?) -> Outcome? {
        guard let intent, intent.write.operation == .delete else { return nil }
        return outcome(of: intent, handle: handle, stored: nil)
    }

    // MARK: intents

    /// When an earlier run of this job died between its write and its commit, the write is found done: every changed
    /// field has its intended value.
    ///
    /// Then this run finishes that one, with that one's diff.
    private func resumed(_ intent: WriteIntent, change: TargetChange, handle: JobHandle) async throws -> Outcome? {
        guard intent.write.type == change.place.type, intent.write.after != nil else { return nil }
        // With a difference left, the source has moved on since: this run has its own write to make.
        guard let current = change.before, intent.write.isDone(in: current, shape: change.place.shape),
            change.diff.isEmpty
        else {
            return nil
        }
        return outcome(of: intent, handle: handle, stored: current)
    }

    private func outcome(of intent: WriteIntent, handle: JobHandle, stored: Document?) -> Outcome {
        let write = intent.write
        let change = TargetChange(
            place: systems.place(of: write.type), before: write.before, after: write.after, diff: write.diff)
        var outcome = described(change, handle: handle)
        let name = stored?.key?.name ?? write.before?.key?.name ?? ""
        outcome.targetName = name
        outcome.binding = binding(change, handle: handle, name: name, stored: stored)
        return outcome
    }

    // MARK: values

    private func described(_ change: TargetChange, handle: JobHandle) -> Outcome {
        var outcome = Outcome(.finished)
        outcome.operation = change.operation
        outcome.targetType = change.place.type
        outcome.targetName = change.before?.key?.name ?? change.after?.key?.name
        outcome.diff = change.place.sensitive.masking(change.diff)
        if handle.flags.verboseLogging {
            outcome.currentData = change.before.map { change.place.sensitive.masking($0.fields) }
            outcome.updatedData = change.after.map { change.place.sensitive.masking($0.fields) }
        }
        return outcome
    }

    /// Whether there is nothing to write: no difference, or only the one that the target made of what was sent last time.
    private func isUnchanged(_ change: TargetChange, binding: Binding?) -> Bool {
        guard let before = change.before, let after = change.after else { return false }
        if change.diff.isEmpty { return true }
        guard let binding, let sent = binding.sentHash, let stored = binding.storedHash, sent != stored else {
            return false
        }
        return stored == before.fieldsHash && sent == after.fieldsHash
    }

    private func makeWrite(_ change: TargetChange, handle: JobHandle) throws(JobFailure) -> DocumentWrite {
        var after = change.after
        if change.place.isEmbedded, let document = after {
            // The store knows no shapes: what version the document has is said with the write.
            let version = try change.place.shape.version(in: document.fields)
            // Unless it changes, the document is shared with the change.
            if document.version != version { after?.version = version }
        }
        return DocumentWrite(
            type: change.place.type, before: change.before, after: after,
            fallbackName: change.before?.key?.name ?? newName(of: change, handle: handle), diff: change.diff,
            jobID: handle.job.id)
    }

    /// The name of a new document where its system gives none: what its name field says, else the source's name, with the
    /// key where one source has several targets.
    private func newName(of change: TargetChange, handle: JobHandle) -> String {
        if let field = change.place.shape.nameField, let name = change.after?.fields[field]?.nameText,
            !name.isEmpty
        {
            return name
        }
        let source = handle.job.request.sourceDocumentName ?? handle.job.id
        return handle.targetKey.isEmpty ? source : "\(source)/\(handle.targetKey)"
    }

    private func bindingKey(_ handle: JobHandle) -> BindingKey? { BindingKey(handle) }

    func binding(_ change: TargetChange, handle: JobHandle, name: String, stored: Document?) -> Binding? {
        guard let key = bindingKey(handle) else { return nil }
        var binding = Binding(
            key: key, target: DocumentKey(type: change.place.type, name: name), isDeleted: change.operation == .delete,
            sourceVersion: handle.source?.version ?? handle.binding?.sourceVersion)
        binding.isNewIncarnation = handle.binding?.isDeleted == true && handle.isSourceLoaded
        if let stored, let after = change.after {
            // What was sent, over what the target made of it: equal to `stored` unless the target normalised something.
            let sent = change.place.shape.fields(sent: after.fields, storedAs: stored.fields)
            let hash = stored.fieldsHash
            binding.storedHash = hash
            binding.sentHash = sent.isWritten(like: stored.fields) ? hash : Digest(of: .object(sent))
        }
        return binding
    }

    /// The binding of a target that needed no write, when it says anything new: first contact, or a newer version.
    private func refreshedBinding(_ change: TargetChange, handle: JobHandle) -> Binding? {
        guard let key = bindingKey(handle), let target = change.before?.key else { return nil }
        var binding = handle.binding ?? Binding(key: key, target: target)
        binding.key = key
        binding.target = target
        binding.isDeleted = false
        if let version = handle.source?.version { binding.sourceVersion = version }
        return binding == handle.binding ? nil : binding
    }
}

extension BindingKey {
    /// The binding that a request of `type` is about; nil when it names no source document.
    init?(_ request: SyncRequest, type: SyncJobType, key: String? = nil) {
        guard let name = request.sourceDocumentName, !name.isEmpty else { return nil }
        self.init(
            typeSlug: type.slug, source: DocumentKey(type: type.source, name: name),
            key: key ?? request.targetKey ?? "")
    }

    /// The binding that a running job is about.
    init?(_ handle: JobHandle) { self.init(handle.job.request, type: handle.type, key: handle.targetKey) }
}
