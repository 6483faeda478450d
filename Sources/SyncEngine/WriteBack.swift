// What a controller sets in the source once the target is written (`write_back`): conditional like every write, and its echo
// is a job without changes.

internal import DocumentSystems
internal import SyncJobs

extension TargetWriter {
    /// How often a write into the source is computed anew because the source changed meanwhile.
    private static let maximumWriteBacks = 3

    /// What the controller sets in the source once the target is written.
    ///
    /// In the embedded system it travels with the commit, and is answered; elsewhere it is made here, on the source as it
    /// is now. The echo of it is a job without changes.
    nonisolated(nonsending) func writeBack(
        to target: DocumentKey, handle: JobHandle, active: ActiveRun
    ) async throws -> DocumentWrite? {
        guard handle.isSourceLoaded, var source = handle.source, let key = source.key else { return nil }
        for _ in 0..<Self.maximumWriteBacks {
            guard let write = try await sourceWrite(source, key: key, target: target, handle: handle) else {
                return nil
            }
            if systems[key.type.system]?.isEmbedded == true { return write }
            try active.requireActive()
            switch try await systems.write(write) {
            case .written: return nil
            case .refused(let failure): throw failure
            case .conflict:
                guard case .present(let current) = try await systems.load(key) else { return nil }
                source = current
            }
        }
        throw JobFailure(
            .writeConflict,
            "the source document changed under each of \(Self.maximumWriteBacks) tries to write into it",
            remedy: "see who else writes it; the target is written, and a retry finds it so",
            disposition: .retryable(after: nil))
    }

    private nonisolated(nonsending) func sourceWrite(
        _ source: Document, key: DocumentKey, target: DocumentKey, handle: JobHandle
    ) async throws -> DocumentWrite? {
        let source = source.shared
        var after = source
        try await handle.type.targetController.writeBack(&after, target: target, for: handle)
        // Most types write nothing back; to compare the whole source for each job would be most of its work.
        guard !after.isUntouched(since: source) else { return nil }
        let shape = systems.shape(of: key.type)
        let diff = try Diff(from: source, to: after, shape: shape)
        guard !diff.isEmpty else { return nil }
        after.version = try shape.version(in: after.fields)
        let parts = ["write_back", handle.job.id, source.fieldsHash.hex, Digest(of: diff.json).hex]
        return DocumentWrite(
            type: key.type, before: source, after: after, fallbackName: key.name, diff: diff,
            idempotencyKey: Digest(ofParts: parts))
    }
}
