// Whether the source is still what a run has read. A write elsewhere is conditional on the target that was read, and not on the
// source; asked between the reading of the target and the write, and once more after it, this closes the gap: whoever
// overtook the run is seen either here or by the write's condition. Invariant: the run that wrote last has seen, after its
// write, the source that it wrote.

internal import DocumentSystems
internal import SyncJobs

/// Compares the sources of runs with what is there now.
struct SourceCheck: Sendable {
    let systems: DocumentSystems

    /// Whether each source is as it was when its run began; true where it was not read from a system.
    ///
    /// Asked in one call to each system; where that fails, so does the answer for its sources.
    func areCurrent(_ handles: [JobHandle]) async -> [Result<Bool, JobFailure>] {
        var answers = [Result<Bool, JobFailure>](repeating: .success(true), count: handles.count)
        var asked: [String: [(position: Int, key: DocumentKey)]] = [:]
        for (position, handle) in handles.enumerated() {
            guard let name = handle.job.request.sourceDocumentName, !name.isEmpty,
                handle.isSourceLoaded || handle.isSourceDeleted
            else { continue }
            asked[handle.type.source.system, default: []]
                .append((position, DocumentKey(type: handle.type.source, name: name)))
        }
        for sources in asked.values {
            do throws(JobFailure) {
                let found = try await systems.fingerprints(sources.map(\.key))
                for (source, now) in zip(sources, found) {
                    answers[source.position] = .success(now == handles[source.position].expectedSource)
                }
            } catch {
                for source in sources { answers[source.position] = .failure(error) }
            }
        }
        return answers
    }
}

extension JobHandle {
    /// What the source was when the run began.
    fileprivate var expectedSource: DocumentFingerprint {
        guard !isSourceDeleted, let source else { return .gone }
        return .present(source.fieldsHash)
    }
}
