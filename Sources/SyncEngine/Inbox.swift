// The first question to the store about a delivery: is it still to be run? What is over, was canceled, or is another request
// under a used id is answered without a run.

internal import JobStore
internal import Logging
internal import SyncBroker
internal import SyncJobs

/// Tells deliveries that must not run.
struct Inbox: Sendable {
    let places: AllPlaces
    let store: JobStore
    let committer: Committer
    let publisher: any MessageSink
    let patience: StorePatience
    let now: @Sendable () -> Timestamp
    let logger: Logger

    /// What the store knows about the jobs of a batch, in one read transaction.
    ///
    /// - Parameter isFirstLook: whether those that are new in all likelihood need not be looked for: should one be known all the
    ///   same, its commit says so, and it is prepared again.
    func prepare(_ jobs: [QueuedJob], isFirstLook: Bool) async throws(JobStoreError) -> [JobStore.Preparation] {
        let lookups = lookups(for: jobs, isFirstLook: isFirstLook)
        return try await patience.attempt { () async throws(JobStoreError) in try await store.prepare(lookups) }
    }

    private func lookups(for jobs: [QueuedJob], isFirstLook: Bool) -> [JobStore.Lookup] {
        jobs.map { lookup(for: $0, isTakenForNew: isFirstLook && isNewInAllLikelihood($0)) }
    }

    /// Whether a job's only message so far is delivered for the first time, and a run for nothing would be nothing but work: it
    /// is a declarative type's, and writes nowhere but with its commit.
    private func isNewInAllLikelihood(_ job: QueuedJob) -> Bool {
        job.pace == .storeOnly && job.turn == 0 && job.delivery?.isRedelivered == false
            && job.request.parentSyncJob == nil
    }

    private func lookup(for job: QueuedJob, isTakenForNew: Bool) -> JobStore.Lookup {
        let places = places[job.type]
        let binding = BindingKey(job.request, type: job.type)
        return JobStore.Lookup(
            jobID: job.request.id, binding: binding, source: places.source.isEmbedded ? binding?.source : nil,
            loadsBoundTarget: places.target?.isEmbedded ?? false,
            needs: JobNeeds(
                typeSlug: job.type.slug, queue: job.queue, orderKey: job.orderKey.text, systems: places.systems),
            probing: job.probing, isTakenForNew: isTakenForNew)
    }

    /// What is left to do for a delivery that must not run; nil when it is to be run.
    func endingWithoutRun(
        _ job: QueuedJob, preparation: JobStore.Preparation
    ) async throws(JobStoreError) -> JobRunner.Ending? {
        if let known = preparation.job {
            if job.turn == 0, known.requestHash != job.request.contentHash {
                return await refuse(job, failure: Self.reused)
            }
            guard job.turn < known.nextTurn else { return try await canceled(job, preparation: preparation) }
            try await committer.publishOwed(jobID: job.request.id)
            return .duplicate
        }
        if let seen = preparation.seenHash {
            return seen == job.request.contentHash ? .duplicate : await refuse(job, failure: Self.reused)
        }
        return try await canceled(job, preparation: preparation)
    }

    /// Whether a delivery is one that will not run: its job has moved on, or it is no such job.
    func isOver(_ job: QueuedJob, preparation: JobStore.Preparation) -> Bool {
        guard let known = preparation.job else { return preparation.seenHash != nil }
        return job.turn < known.nextTurn || (job.turn == 0 && known.requestHash != job.request.contentHash)
    }

    private static let reused = JobFailure(
        .idReused, "the id was used before, for a request with other content",
        remedy: "give every change an id of its own; a document's name is none")

    private func canceled(
        _ job: QueuedJob, preparation: JobStore.Preparation
    ) async throws(JobStoreError) -> JobRunner.Ending? {
        guard let reason = preparation.cancelReason else { return nil }
        let canceled = JobTransition.cancel(
            preparation.job ?? job.newRecord(), turn: job.turn, reason: reason, now: now())
        guard let record = try await committer.commit(canceled) else { return .duplicate }
        return .committed(record, leftover: nil)
    }

    // MARK: refusal

    func refuse(_ job: QueuedJob, failure: JobFailure) async -> JobRunner.Ending {
        let isPublished = await refuse(
            body: job.body, messageID: job.delivery?.messageID ?? job.request.id, turn: job.turn, failure: failure,
            id: job.request.id, typeSlug: job.type.slug, queue: job.queue)
        return isPublished ? .refused : .abandoned
    }

    /// Publishes a dead letter for a delivery that can't become a job; true once the broker has it, false when the worker
    /// stops before.
    func refuse(
        body: [UInt8], messageID: String?, turn: Int, failure: JobFailure, id: String?, typeSlug: String?,
        queue: String
    ) async -> Bool {
        let letter = DeadLetter(
            reason: failure, jobID: id, queue: queue, typeSlug: typeSlug, turn: turn, failedAt: now())
        logger.warning(
            "A message can't become a job; it goes to the dead letters",
            metadata: [
                "job_id": .string(id ?? "-"), "reason": .string(failure.code.rawValue), "queue": .string(queue),
            ])
        return await publishForCertain(.deadLetter(letter, body: body, messageID: messageID))
    }

    /// Publishes until the broker confirms or the run is cancelled; only then may the delivery behind it be answered.
    func publishForCertain(_ message: OutgoingMessage) async -> Bool {
        while !Task.isCancelled {
            guard case .failed(let reason)? = await publisher.publish([message]).first else { return true }
            logger.error(
                "A message was not taken by the broker; it is tried again", metadata: ["reason": .string(reason)])
            do { try await Task.sleep(for: .seconds(1)) } catch { return false }
        }
        return false
    }
}
