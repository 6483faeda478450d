// One job from its delivery to the point where it may be acknowledged: inbox, run, commit, what is owed. The order is the
// promise: nothing is answered to the broker before the commit, and nothing owed is left unpublished behind an answer.

internal import JobStore
internal import Logging
internal import SyncBroker
internal import SyncJobs

/// Takes jobs to their end.
struct JobRunner: Sendable {
    /// How one delivery of a job ended.
    enum Ending: Sendable {
        /// It ran and is committed.
        case committed(SyncJob)
        /// The job had ended before this delivery.
        case duplicate
        /// It can't be this job: a dead letter, which the broker has.
        case refused
        /// The worker stops before the run could end; nothing is committed, the broker delivers it again.
        case abandoned
    }

    /// How often a run is repeated because its target changed under it.
    static let maximumConflicts = 5

    let executor: Executor
    let store: JobStore
    let outbox: OutboxPublisher
    let publisher: MessagePublisher
    let patience: StorePatience
    let node: String
    let now: @Sendable () -> Timestamp
    let logger: Logger

    /// What the store knows about the jobs of a batch, in one read transaction.
    func prepare(_ jobs: [QueuedJob]) async throws(JobStoreError) -> [JobStore.Preparation] {
        let lookups = jobs.map { lookup(for: $0) }
        return try await patience.attempt { () async throws(JobStoreError) in try await store.prepare(lookups) }
    }

    /// Runs a job to the point where its delivery may be answered.
    func run(_ job: QueuedJob, preparation first: JobStore.Preparation) async throws(JobStoreError) -> Ending {
        var preparation = first
        var conflicts = 0
        var lastConflict: String?
        while true {
            // A conflict says that nothing was written: what is found as this run meant it is somebody else's write.
            if let lastConflict, preparation.intent?.runID == lastConflict { preparation.intent = nil }
            if let over = try await endingWithoutRun(job, preparation: preparation) { return over }
            let run = JobRun(
                job: preparation.job
                    ?? SyncJob(request: job.request, type: job.type, queue: job.queue, createdAt: job.receivedAt),
                turn: job.delivery.turn, runID: Self.randomID(), node: node, startedAt: now(), body: job.delivery.body)
            let execution = try await executor.execute(job, run: run, preparation: preparation)
            // What a cancellation does to a run is no failure of the job.
            if Task.isCancelled, execution.result.isCutShort { return .abandoned }
            if case .conflict = execution.result { lastConflict = run.runID }
            switch try await commit(execution, of: run, type: job.type, conflicts: conflicts) {
            case .unrecordable(let failure): return await refuse(job, failure: failure)
            case .committed(let record, let owed):
                try await outbox.publish(owed)
                await finish(record, handle: execution.handle, job: job)
                return .committed(record)
            case .again(let isConflict):
                if isConflict { conflicts += 1 }
                preparation = try await prepare([job])[0]
            }
        }
    }

    // MARK: inbox

    /// What is left to do for a delivery that must not run: it is a duplicate, or another request under a used id.
    private func endingWithoutRun(
        _ job: QueuedJob, preparation: JobStore.Preparation
    ) async throws(JobStoreError) -> Ending? {
        guard let known = preparation.job else { return nil }
        if job.delivery.turn == 0, known.requestHash != job.request.contentHash {
            let reused = JobFailure(
                .idReused, "the id was used before, for a request with other content",
                remedy: "give every change an id of its own; a document's name is none")
            return await refuse(job, failure: reused)
        }
        guard job.delivery.turn < known.nextTurn else { return nil }
        let owed = try await patience.attempt { () async throws(JobStoreError) in
            try await store.owedMessages(jobID: job.request.id)
        }
        try await outbox.publish(owed)
        return .duplicate
    }

    private func refuse(_ job: QueuedJob, failure: JobFailure) async -> Ending {
        let isPublished = await refuse(
            job.delivery, failure: failure, id: job.request.id, typeSlug: job.type.slug, queue: job.queue)
        return isPublished ? .refused : .abandoned
    }

    /// Publishes a dead letter for a delivery that can't become a job; true once the broker has it, false when the worker
    /// stops before.
    func refuse(
        _ delivery: Delivery, failure: JobFailure, id: String?, typeSlug: String?, queue: String
    ) async -> Bool {
        let letter = DeadLetter(
            reason: failure, jobID: id, queue: queue, typeSlug: typeSlug, turn: delivery.turn, failedAt: now())
        logger.warning(
            "A message can't become a job; it goes to the dead letters",
            metadata: [
                "job_id": .string(id ?? "-"), "reason": .string(failure.code.rawValue), "queue": .string(queue),
            ])
        return await publishForCertain(.deadLetter(letter, body: delivery.body, messageID: delivery.messageID))
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

    // MARK: commit

    private enum Committed {
        case committed(SyncJob, owed: [OutboxMessage])
        case again(isConflict: Bool)
        /// Not even its failure can be stored.
        case unrecordable(JobFailure)
    }

    private func commit(
        _ execution: Executor.Execution, of run: JobRun, type: SyncJobType, conflicts: Int
    ) async throws(JobStoreError) -> Committed {
        var outcome: Outcome
        switch execution.result {
        case .outcome(let decided): outcome = decided
        case .conflict(let reason):
            guard conflicts >= Self.maximumConflicts else { return .again(isConflict: true) }
            outcome = Self.tooManyConflicts(reason)
        }
        while true {
            let transition = JobTransition.next(
                run, outcome: outcome, type: type, chance: Double.random(in: 0..<1), now: now())
            let result = try await patience.attempt { () async throws(JobStoreError) in
                try await store.commit(transition)
            }
            switch result {
            case .committed(let record, let owed, _): return .committed(record, owed: owed)
            case .fenced: return .again(isConflict: false)
            case .conflict(let reason):
                guard conflicts >= Self.maximumConflicts else { return .again(isConflict: true) }
                outcome = Self.tooManyConflicts(reason)
            case .stale:
                // A target outside the store has been written already: only a run from a fresh read mends that.
                if outcome.isWrittenOutside, conflicts < Self.maximumConflicts { return .again(isConflict: true) }
                outcome = Outcome(.skipped(.stale))
            case .refused(let failure):
                if case .failed = outcome.end { return .unrecordable(failure) }
                outcome = Outcome(.failed(failure))
            }
        }
    }

    private static func tooManyConflicts(_ reason: String) -> Outcome {
        Outcome(
            .failed(
                JobFailure(
                    .writeConflict, "the target changed under each of \(maximumConflicts + 1) tries: \(reason)",
                    remedy:
                        "see who else writes this document; for an insert, add match: so that an existing one is found",
                    disposition: .retryable(after: nil))))
    }

    /// `finished`, after the commit and at most once: what it throws is noted, the committed result stands.
    private func finish(_ record: SyncJob, handle: JobHandle?, job: QueuedJob) async {
        guard let handle, record.status == .finished || record.status == .skipped else { return }
        do {
            try await job.type.controller.finished(record, handle: handle)
        } catch {
            let failure = JobFailure(error)
            logger.warning(
                "The hook finished failed; the committed result stands",
                metadata: ["job_id": .string(record.id), "reason": .string(failure.message)])
            do {
                try await store.note(jobID: record.id, "finished failed: \(failure.message)")
            } catch {
                logger.error(
                    "A note was not stored", metadata: ["job_id": .string(record.id), "reason": .string("\(error)")])
            }
        }
    }

    private func lookup(for job: QueuedJob) -> JobStore.Lookup {
        let systems = executor.systems
        var source: DocumentKey?
        if let name = job.request.sourceDocumentName, !name.isEmpty, systems[job.type.source.system]?.isEmbedded == true
        {
            source = DocumentKey(type: job.type.source, name: name)
        }
        let isTargetEmbedded = job.type.target.map { systems[$0.system]?.isEmbedded == true } ?? false
        return JobStore.Lookup(
            jobID: job.request.id, binding: BindingKey(job.request, type: job.type), source: source,
            loadsBoundTarget: isTargetEmbedded)
    }

    private static func randomID() -> String { String(UInt64.random(in: .min ... .max), radix: 36) }
}

/// How long the engine waits for a store that is busy or full: nothing is acknowledged and nothing counts as an attempt
/// meanwhile.
struct StorePatience: Sendable {
    let limit: Duration
    let logger: Logger

    /// Calls `work` until it succeeds, fails for good, or `limit` has passed.
    func attempt<Value: Sendable>(
        _ work: @Sendable () async throws(JobStoreError) -> Value
    ) async throws(JobStoreError) -> Value {
        let start = ContinuousClock.now
        var delay = Duration.milliseconds(50)
        while true {
            let failure: JobStoreError
            do throws(JobStoreError) { return try await work() } catch { failure = error }
            guard failure.isTransient, ContinuousClock.now - start < limit else { throw failure }
            logger.warning("The store is not available; waiting", metadata: ["reason": .string("\(failure)")])
            // A cancelled wait ends at once, and so does the patience.
            do { try await Task.sleep(for: delay) } catch { throw failure }
            delay = min(delay * 2, .seconds(5))
        }
    }
}
