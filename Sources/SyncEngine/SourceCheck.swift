// Whether the source is still what a run has read. A write elsewhere is conditional on the target that was read, and not on the
// source; asked between the reading of the target and the write, and once more after it, this closes the gap: whoever
// overtook the run is seen either here or by the write's condition. Invariant: the run that wrote last has seen, after its
// write, the source that it wrote.

internal import DocumentSystems
internal import SyncJobs

/// Compares a run's source with what is there now.
struct SourceCheck: Sendable {
    let systems: DocumentSystems

    /// Whether the source of `handle` is as it was when the run began; true where it was not read from a system.
    ///
    /// - Throws: ``JobFailure``, as loading does.
    func isCurrent(_ handle: JobHandle) async throws(JobFailure) -> Bool {
        let request = handle.job.request
        guard let name = request.sourceDocumentName, !name.isEmpty, handle.isSourceLoaded || handle.isSourceDeleted
        else {
            return true
        }
        let state = try await systems.load(DocumentKey(type: handle.type.source, name: name))
        if handle.isSourceDeleted { return state.document == nil || state.isDeleted }
        guard case .present(let now) = state else { return false }
        return now.fields == handle.source?.fields
    }
}
