// The commit of a job, as its callers see it: one transition or many, and how each ended. What is written stands in
// ReadyCommit, what an end changes beside the record in JobEnd.
internal import GRDB
public import SyncJobs

extension JobStore {
    /// How a commit ended.
    public enum CommitResult: Sendable, Hashable {
        /// Everything is on the disk.
        ///
        /// The record as stored (its target's name from the write; canceled, when that was asked of a job that only
        /// waits). The first ``JobStore/owedPage`` messages of what the job owes, and after them, where there is room, what
        /// its end made due for others: the next job of its key, the end of its relay. And its parent as stored, when it
        /// was the parent's last open child.
        case committed(SyncJob, owed: [OutboxMessage], endedRelay: SyncJob?)
        /// A later turn has been committed already, another run has taken this one's lease, or a job that was taken for new is
        /// known; the whole result is discarded.
        case fenced
        /// The target document is no longer what the run read; nothing was written.
        case conflict(String)
        /// A later version of the source was applied already; nothing was written.
        case stale
        /// The write can never be made, or a row of the job breaks a rule of the schema; nothing was written.
        case refused(JobFailure)
    }

    /// Commits what a run decided, in one transaction with whatever else is waiting.
    ///
    /// A cancelled task still waits for the answer.
    ///
    /// - Throws: ``JobStoreError`` when the transaction failed as a whole: nothing is stored, nothing may be acked.
    public func commit(_ transition: JobTransition) async throws(JobStoreError) -> CommitResult {
        let ready: ReadyCommit
        do throws(JobFailure) {
            ready = try ReadyCommit(transition, maximumDocumentBytes: maximumDocumentBytes)
        } catch { return .refused(error) }
        // It takes its savepoint itself, and only once all its conditions hold.
        return try await writer.write("commit", bytes: ready.bytes, inSavepoint: false) { try ready.perform(in: $0) }
    }

    /// What one run decided, with its rows made: what is left to do is to write them.
    public struct CommitRows: Sendable {
        /// The failure says why they can never be stored.
        fileprivate let ready: Result<ReadyCommit, JobFailure>

        fileprivate var bytes: Int {
            switch ready {
            case .success(let ready): ready.bytes
            case .failure: 0
            }
        }
    }

    /// Makes the rows of a commit, on the caller's thread.
    ///
    /// - Parameter preparation: what the run began with: what it has read need not be read again.
    public func rows(of transition: JobTransition, begunWith preparation: Preparation = Preparation()) -> CommitRows {
        do throws(JobFailure) {
            let ready = try ReadyCommit(
                transition, begunWith: preparation, maximumDocumentBytes: maximumDocumentBytes)
            return CommitRows(ready: .success(ready))
        } catch { return CommitRows(ready: .failure(error)) }
    }

    /// Commits what several runs decided, each on its own, in transactions of at most 500; answers in the same order.
    ///
    /// - Throws: ``JobStoreError`` when a transaction failed as a whole. Those of earlier parts are stored then; a
    ///   repeated commit of them is `fenced`.
    public func commit(_ rows: [CommitRows]) async throws(JobStoreError) -> [CommitResult] {
        var results: [CommitResult] = []
        results.reserveCapacity(rows.count)
        var rest = rows[...]
        while !rest.isEmpty {
            let part = rest.prefix(GroupWriter.maximumCount)
            rest = rest.dropFirst(part.count)
            let bytes = part.reduce(0) { $0 + $1.bytes }
            results += try await writer.write("commit", count: part.count, bytes: bytes, inSavepoint: false) {
                context in
                try part.map { rows in
                    switch rows.ready {
                    case .success(let ready): try ready.perform(in: context)
                    case .failure(let failure): .refused(failure)
                    }
                }
            }
        }
        return results
    }

    /// Commits what several runs decided, as ``commit(_:)-([CommitRows])``.
    ///
    /// - Throws: ``JobStoreError``.
    public func commit(_ transitions: [JobTransition]) async throws(JobStoreError) -> [CommitResult] {
        try await commit(transitions.map { rows(of: $0) })
    }
}
