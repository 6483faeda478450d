// Whether of two waiting jobs of one key one may stand for both, and which, pure. The loser ends `Skipped (superseded)`; the
// winner always gets a run.

internal import SyncJobs

/// The rules of `coalesce`.
struct Coalescing: Sendable {
    /// How many jobs one may stand for.
    static let maximumSuperseded = 10_000

    /// The declared shape of a source, for the order of its versions.
    let shape: @Sendable (DocumentType) -> DocumentShape

    /// Whether one run may serve both: equal in all that makes the run, with a source that is loaded then.
    func canMerge(_ waiting: QueuedJob, _ arriving: QueuedJob) -> Bool {
        guard waiting.type.coalesces, waiting.probing == nil, arriving.probing == nil,
            waiting.orderKey == arriving.orderKey, waiting.queue == arriving.queue,
            waiting.superseded.count < Self.maximumSuperseded
        else { return false }
        let (a, b) = (waiting.request, arriving.request)
        return isReplaceable(a) && isReplaceable(b) && a.operation == b.operation
            && a.sourceDocumentName.sameBytes(b.sourceDocumentName) && a.targetKey.sameBytes(b.targetKey)
            && a.targetDocumentType == b.targetDocumentType && a.targetDocumentName.sameBytes(b.targetDocumentName)
            && a.flags == b.flags && a.context == b.context && a.parentSyncJob == b.parentSyncJob
    }

    /// A dry run replaces nothing; what travels with its message, or is not to run now, is not the same as what will be
    /// loaded; a held dedup key is somebody else's promise.
    private func isReplaceable(_ request: SyncRequest) -> Bool {
        !request.dryRun && request.document == nil && request.operation != .delete && !request.hold
            && request.notBefore == nil && request.dedupKey == nil && request.relayFinished == nil
            && request.sourceDocumentName?.isEmpty == false
    }

    /// Whether the arriving one wins: unless the waiting one knows of a higher version of the source.
    func arrivingWins(_ waiting: QueuedJob, _ arriving: QueuedJob) -> Bool {
        guard let first = version(waiting), let second = version(arriving) else { return true }
        return !second.isOlder(than: first)
    }

    private func version(_ job: QueuedJob) -> DocumentVersion? {
        // A version that can't be read orders nothing; its own run says what is wrong with it.
        do { return try job.request.sourceVersion.flatMap { try shape(job.type.source).version(reading: $0) } } catch {
            return nil
        }
    }
}

extension String? {
    /// Byte equality; nil equals nil.
    fileprivate func sameBytes(_ other: String?) -> Bool {
        switch (self, other) {
        case (nil, nil): true
        case (let a?, let b?): a.hasSameBytes(as: b)
        default: false
        }
    }
}
