// One job by its id, or by the beginning of it when only one job begins so.

internal import JobStore
internal import SyncJobs

/// Finds jobs by what people type.
struct JobLookup: Sendable {
    let store: JobStore

    /// The whole id of the job that `text` names; nil when no job has or begins with it.
    ///
    /// - Throws: ``CommandFailure`` (failed) when several jobs begin with it.
    func wholeID(_ text: String) async throws -> String? {
        if try await store.job(id: text) != nil { return text }
        var filter = JobFilter()
        filter.idPrefix = text
        filter.limit = 6
        let found = text.isEmpty ? [] : try await store.jobs(filter)
        guard found.count > 1 else { return found.first?.id }
        let ids = found.prefix(5).map { VisibleText.bare($0.id) }.joined(separator: ", ")
        throw CommandFailure(
            .failed,
            "\(found.count > 5 ? "more than 5" : "\(found.count)") jobs begin with \"\(VisibleText.bare(text))\": \(ids)",
            remedy: "write more of the id")
    }

    /// The record of the job that `text` names, with its attempts.
    ///
    /// - Throws: ``CommandFailure`` (failed) when there is none, or several jobs begin with it.
    func job(_ text: String) async throws -> SyncJob {
        guard let id = try await wholeID(text), let job = try await store.job(id: id) else {
            throw CommandFailure(
                .failed, "there is no job \"\(VisibleText.bare(text, limit: 255))\"",
                remedy: "ferry jobs list shows the ids; a request that still waits in its queue has no record yet")
        }
        return job
    }
}
