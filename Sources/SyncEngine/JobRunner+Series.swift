// Jobs whose sync logic is a user's code, and whose documents are all in the store: as long as that code is quick, it is run for
// one job after the other, and they are committed together. A run that takes its time goes on alone, and holds up nobody.

internal import JobStore
internal import SyncJobs

extension JobRunner {
    /// A run of a series that takes its time.
    struct LateRun: Sendable {
        let job: QueuedJob
        let active: ActiveRun
        let code: UserCode<TimedEnding>
    }

    /// How a run of a series ended.
    struct TimedEnding: Sendable {
        let startedAt: Timestamp
        /// Nil where it was interrupted.
        let ending: RunSupervisor.Ending<Executor.Execution>?
    }

    /// What became of a series.
    struct DecidedSeries: Sendable {
        var decided: [Decided] = []
        /// Those that have to be run by themselves, from a fresh read.
        var others: [QueuedJob] = []
        /// The one that takes its time.
        var late: LateRun?
        /// Those that have not begun.
        var unbegun: [QueuedJob] = []
    }

    /// Decides what becomes of quick jobs, without committing it.
    func decideInSeries(_ wave: [QueuedJob], _ preparations: [JobStore.Preparation]) async -> DecidedSeries {
        var found = DecidedSeries()
        var ready: [(job: QueuedJob, preparation: JobStore.Preparation, run: ActiveRun)] = []
        for (job, preparation) in zip(wave, preparations) {
            if let run = begin(job, preparation: preparation) {
                ready.append((job, preparation, run))
            } else {
                found.others.append(job)
            }
        }
        let runs = ready
        let series = Series(runs.count) { [self] number in
            let (job, preparation, run) = runs[number]
            let start = ContinuousClock.now
            let ending = await runInSeries(job, run, preparation)
            let end = ContinuousClock.now
            return (ending, quickTypes.note(job.type.slug, end - start, at: end))
        }
        let ended = await series.run(on: supervisor.threads)
        for (timed, (job, preparation, run)) in zip(ended.values, runs) {
            var run = run.run
            run.startedAt = timed.startedAt
            if case .ended(.success(let execution))? = timed.ending,
                let result = decided(job, run, preparation, execution)
            {
                found.decided.append(result)
            } else {
                found.others.append(job)
            }
        }
        var rest = runs.dropFirst(ended.values.count)
        if let code = ended.late, let (job, _, run) = rest.popFirst() {
            quickTypes.noteLate(job.type.slug)
            found.late = LateRun(job: job.with(pace: .open), active: run, code: code)
        }
        found.unbegun = rest.map(\.job)
        return found
    }

    private func runInSeries(
        _ job: QueuedJob, _ run: ActiveRun, _ preparation: JobStore.Preparation
    ) async -> TimedEnding {
        let startedAt = now()
        supervisor.runs.add([run])
        defer { supervisor.runs.remove([run]) }
        return TimedEnding(
            startedAt: startedAt,
            ending: await RunSupervisor.work(run) {
                try await executor.execute(job, active: run, preparation: preparation)
            })
    }

    /// Takes a job to its end whose run is under way: it was one of a series, and takes its time.
    func run(_ late: LateRun) async throws(JobStoreError) -> Ending {
        let timed = await supervisor.watch(late.active, late.code) {
            TimedEnding(startedAt: late.active.run.startedAt, ending: .interrupted($0, leftover: $1))
        }
        var run = late.active.run
        run.startedAt = timed.startedAt
        // A run that was cut off may end before anybody is told of that; it counts as cut off all the same.
        let leftover = late.code.promise.leftover
        let ending = timed.ending ?? late.active.interruption.map { .interrupted($0, leftover: leftover) }
        // Where the store is in trouble, the job's own run waits for the end of that.
        if let ending, let supervised = try? await supervised(ending, job: late.job),
            case .ended(let end) = try await conclude(late.job, run: run, supervised, isLastConflict: false)
        {
            return end
        }
        return try await self.run(late.job, preparation: try await prepare([late.job])[0])
    }

    // MARK: the hook finished

    /// Runs the hook `finished` of jobs that were committed together.
    ///
    /// - Returns: for each job what there is still to wait for; nil where its hook has ended.
    func finishInSeries(_ committed: [(decided: Decided, record: SyncJob)]) async -> [(@Sendable () async -> Void)?] {
        var pending = [(@Sendable () async -> Void)?](repeating: nil, count: committed.count)
        let hooks = committed.indices.filter { hasHook(committed[$0].record, job: committed[$0].decided.job) }
        guard !hooks.isEmpty else { return pending }
        let series = Series(hooks.count) { number in
            let (decided, record) = committed[hooks[number]]
            let start = ContinuousClock.now
            let result = await hook(record, handle: decided.handle, job: decided.job)
            let end = ContinuousClock.now
            return (result, quickTypes.note(decided.job.type.slug, end - start, at: end))
        }
        let ended = await series.run(on: supervisor.threads)
        for (result, position) in zip(ended.values, hooks) { await note(result, of: committed[position].record) }
        var rest = hooks.dropFirst(ended.values.count)
        if let code = ended.late, let position = rest.popFirst() {
            let (decided, record) = committed[position]
            quickTypes.noteLate(decided.job.type.slug)
            pending[position] = { await note(await supervisor.bound(Self.hookPatience, code), of: record) }
        }
        for position in rest {
            let (decided, record) = committed[position]
            pending[position] = { await finish(record, handle: decided.handle, job: decided.job) }
        }
        return pending
    }
}
