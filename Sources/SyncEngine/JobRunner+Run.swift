// One run of a job under watch, and what its end means: by itself, by its time, by a cancellation, by the worker's stop.

internal import JobStore
internal import Logging
internal import SyncJobs

extension JobRunner {
    /// What came of watching a run.
    struct Supervised {
        /// Nil when the run was found to count for nothing.
        var execution: Executor.Execution?
        /// A controller that does not end although its run is over.
        var leftover: RunSupervisor.Leftover?
        var isHandedBack = false
    }

    /// Runs the job under watch; a run that met a busy store is begun again, and counts for nothing.
    func supervise(
        _ job: QueuedJob, run: JobRun, preparation: JobStore.Preparation
    ) async throws(JobStoreError) -> Supervised {
        try await patience.attempt { () async throws(JobStoreError) in
            let active = ActiveRun(
                run: run, timeout: job.request.timeout ?? job.type.timeout,
                leaseKey: job.type.isExclusive ? job.orderKey.text : nil)
            let executor = self.executor
            let ending = await supervisor.supervise(active, isForeign: job.type.hasForeignController) {
                try await executor.execute(job, active: active, preparation: preparation)
            }
            return try await supervised(ending, job: job)
        }
    }

    /// What an ending means.
    ///
    /// - Throws: the store's own trouble, which fails no job.
    func supervised(
        _ ending: RunSupervisor.Ending<Executor.Execution>, job: QueuedJob
    ) async throws(JobStoreError) -> Supervised {
        switch ending {
        case .ended(.success(let execution)): return Supervised(execution: execution)
        case .ended(.failure(let error as JobStoreError)): throw error
        case .ended(.failure(let error)):
            return Supervised(execution: cutOff(Outcome(.failed(JobFailure(error)))))
        case .interrupted(.fenced, _): return Supervised()
        case .interrupted(.handedBack, let leftover):
            let hasEnded = await leftover.ended(within: .seconds(1))
            return Supervised(leftover: hasEnded ? nil : leftover, isHandedBack: true)
        case .interrupted(.stopped, _):
            return Supervised(execution: cutOff(Outcome(.failed(JobFailure(CancellationError())))))
        case .interrupted(.canceled(let reason), let leftover):
            return Supervised(
                execution: cutOff(outcome(.canceled(reason), of: job)), leftover: await stuck(leftover, job: job))
        case .interrupted(.timedOut, let leftover):
            return Supervised(
                execution: cutOff(outcome(.failed(Self.timedOut(job)), of: job)),
                leftover: await stuck(leftover, job: job))
        }
    }

    static func timedOut(_ job: QueuedJob) -> JobFailure {
        let timeout = (job.request.timeout ?? job.type.timeout).text
        return JobFailure(
            .timedOut, "the run took longer than its timeout of \(timeout)",
            remedy: "raise timeout: of the type, or find out what it waits for", disposition: .retryable(after: nil))
    }

    /// A run without a result of its own.
    func cutOff(_ outcome: Outcome) -> Executor.Execution {
        Executor.Execution(result: .outcome(outcome), handle: nil)
    }

    func outcome(_ end: Outcome.End, of job: QueuedJob) -> Outcome {
        var outcome = Outcome(end)
        outcome.targetType = job.type.target
        return outcome
    }

    /// A controller that has not ended a second after it was asked to is reported; its thread is written off.
    private func stuck(
        _ leftover: RunSupervisor.Leftover, job: QueuedJob
    ) async -> RunSupervisor.Leftover? {
        if await leftover.ended(within: .seconds(1)) { return nil }
        logger.error(
            "A controller does not end although its run is over; it is left behind, and its result will be dropped",
            metadata: ["job_id": .string(job.request.id), "type": .string(job.type.slug)])
        return leftover
    }

    // MARK: the hook finished

    /// How long the hook may take.
    static let hookPatience = Duration.seconds(60)

    /// `finished`, after the commit and at most once: what it throws is noted, the committed result stands.
    func finish(_ record: SyncJob, handle: JobHandle?, job: QueuedJob) async {
        guard let handle, hasHook(record, job: job) else { return }
        let result: RunSupervisor.HookResult
        if job.type.hasForeignController {
            result = await supervisor.bound(Self.hookPatience) { await hook(record, handle: handle, job: job) }
        } else {
            result = await hook(record, handle: handle, job: job)
        }
        await note(result, of: record)
    }

    /// Whether the end of a job is told to its controller.
    func hasHook(_ record: SyncJob, job: QueuedJob) -> Bool {
        job.request.relayFinished == nil && [.finished, .skipped, .relayed].contains(record.status)
    }

    /// Runs the hook; nothing where the run did not come to its controller.
    func hook(_ record: SyncJob, handle: JobHandle?, job: QueuedJob) async -> RunSupervisor.HookResult {
        guard let handle else { return .success(()) }
        do { return .success(try await job.type.controller.finished(record, handle: handle)) } catch {
            return .failure(error)
        }
    }

    /// Notes what the hook threw.
    func note(_ result: RunSupervisor.HookResult, of record: SyncJob) async {
        guard case .failure(let error) = result else { return }
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
