// What speaks against sending a request: its id has been used, or somebody else holds its dedup key. A worker would say the
// same, but later and elsewhere; here it is said to whoever asks.

internal import JobStore
internal import SyncBroker
internal import SyncJobs

/// Why a request is better not sent.
enum EnqueueObjection: Sendable, Hashable {
    /// It would not do what is asked: an error.
    case refused(CommandFailure)
    /// What is asked is done already, or under way: by this job, where it has a record.
    case known(jobID: String?, words: String)

    /// What is known about a request that is about to be sent; nil when nothing speaks against it.
    init?(_ request: SyncRequest, situation: JobStore.JobSituation, dedupHolder: SyncJob?) {
        let name = VisibleText.bare(request.id)
        if let job = situation.job {
            self.init(request, known: job, name: name)
        } else if situation.isSeen {
            self = .known(
                jobID: nil, words: "\(name) ended long ago, and its record was pruned: it is not run again")
        } else if let reason = situation.cancelReason {
            self = .refused(
                CommandFailure(
                    .failed, "\(name) was canceled before it came (\(VisibleText.bare(reason)))",
                    remedy: "send it under another id; --force sends it all the same, and it ends Canceled"))
        } else if let key = request.dedupKey, let holder = dedupHolder, !holder.id.hasSameBytes(as: request.id) {
            self = .known(
                jobID: holder.id,
                words: "not sent: the dedup key \"\(VisibleText.bare(key, limit: 80))\" is held by "
                    + "\(VisibleText.bare(holder.id)), which is \(JobText.status(holder))")
        } else {
            return nil
        }
    }

    private init(_ request: SyncRequest, known job: SyncJob, name: String) {
        let ended = job.endedAt.map { " on \(ExplanationText.second($0))" } ?? ""
        if job.requestHash != request.contentHash {
            self = .refused(
                CommandFailure(
                    .failed, "the id \(name) stands for another request, which is \(JobText.status(job))",
                    remedy: "send it under an id of its own; --force makes it a dead letter (id_reused)"))
        } else if job.isOpen {
            let start = job.status == .pending ? "; ferry jobs start \(name) sets it off" : ""
            self = .known(
                jobID: job.id,
                words: "not sent: \(name) is \(JobText.status(job)) already, and does not run twice\(start)")
        } else if job.status == .failed {
            let why = job.error.map { " (\($0.code.rawValue): \(VisibleText.bare($0.message)))" } ?? ""
            self = .refused(
                CommandFailure(
                    .failed, "\(name) failed\(ended)\(why), and is not run again by sending it",
                    remedy: "ferry jobs retry \(name)"))
        } else if job.status == .canceled {
            self = .refused(
                CommandFailure(
                    .failed, "\(name) was canceled\(ended), and is not run again by sending it",
                    remedy: "send it under another id"))
        } else {
            self = .known(
                jobID: job.id,
                words: "not sent: \(name) ended \(JobText.status(job))\(ended); a duplicate, which is not run again")
        }
    }
}

/// Looks for objections in the store.
struct EnqueueInspection: Sendable {
    let store: JobStore
    let types: SyncJobTypes

    /// What speaks against each message, in their order; all of them are requests.
    ///
    /// - Throws: `JobStoreError`.
    func objections(toMessages messages: [OutgoingMessage]) async throws -> [EnqueueObjection?] {
        let requests = messages.compactMap { message -> SyncRequest? in
            if case .request(let request, _, _) = message { request } else { nil }
        }
        return try await objections(to: requests)
    }

    /// What speaks against each request, in their order.
    ///
    /// - Throws: `JobStoreError`.
    func objections(to requests: [SyncRequest]) async throws -> [EnqueueObjection?] {
        let known = try await store.jobs(ids: requests.map(\.id))
        let byID = Dictionary(known.map { (ExactString($0.id), $0) }) { first, _ in first }
        var objections: [EnqueueObjection?] = []
        for request in requests {
            var situation = JobStore.JobSituation(job: byID[ExactString(request.id)])
            // The rest is asked one by one: for a batch of lines what has a record is answer enough.
            if situation.job == nil, requests.count == 1 { situation = try await store.situation(id: request.id) }
            var holder: SyncJob?
            if situation.job == nil, let key = request.dedupKey, let type = types[request.syncJobType] {
                holder = try await store.dedupHolder(typeSlug: type.slug, key: key)
            }
            objections.append(EnqueueObjection(request, situation: situation, dedupHolder: holder))
        }
        return objections
    }
}
