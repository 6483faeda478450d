// How quick code of users is run: one job after the other on one thread, one series at a time, committed together. A series takes
// one place among the jobs that run by themselves, so that no more of users' code runs side by side than was asked for.

internal import JobStore
internal import SyncJobs

extension Pipeline {
    /// Begins a series where there is a place for it.
    func dispatchSeries() {
        guard !isSeriesRunning, !isStopping, !isOneSuspect,
            ready.seriesGoesFirst(places: concurrency - runningAlone),
            ready.inSeries.count >= leastTogether(behind: series)
        else { return }
        let wave = ready.inSeries.popFirst(waveSize.count)
        isSeriesRunning = true
        series += 1
        runningAlone += 1
        running += wave.count
        errandSink.yield { try await self.runSeries(wave) }
    }

    private nonisolated func runSeries(_ wave: [QueuedJob]) async throws {
        let preparations = try await runner.prepare(wave)
        let found = await runner.decideInSeries(wave, preparations)
        await decided(found, preparations)
        try await withThrowingDiscardingTaskGroup { group in
            if let late = found.late {
                group.addTask { await self.finish(late.job, try await self.runner.run(late)) }
            }
            let ended = try await runner.commit(found.decided)
            await committed(ended)
            for job in ended {
                guard let ending = job.ending, let hook = job.pendingHook else { continue }
                group.addTask {
                    await hook()
                    await self.finish(job.job, ending)
                }
            }
        }
    }

    /// A series has run: its place is free, or that of the one that takes its time.
    private func decided(_ found: JobRunner.DecidedSeries, _ preparations: [JobStore.Preparation]) {
        isSeriesRunning = false
        waveSize.note(preparations)
        if found.late == nil { runningAlone -= 1 }
        for job in found.others { putBack(job.with(pace: .open)) }
        for job in found.unbegun { putBack(job.with(pace: runner.pace(of: job))) }
        dispatch()
    }

    private func committed(_ ended: [JobRunner.Ended]) {
        series -= 1
        for job in ended where job.pendingHook == nil {
            if let ending = job.ending { conclude(job.job, ending) } else { putBack(job.job.with(pace: .open)) }
        }
        goOn()
    }

    /// A job is to begin again; what came with an earlier connection is delivered again.
    func putBack(_ job: QueuedJob) {
        running -= 1
        if job.delivery.map({ $0.epoch == epoch }) ?? true { ready.append(job) } else { releaseLane(of: job) }
    }
}
