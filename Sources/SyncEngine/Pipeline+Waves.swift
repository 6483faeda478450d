// What the pipeline lets begin: waves of jobs that are prepared together, and those that need only the store decided and
// committed together as well. Invariant: of what may wait for anything else no more runs than there are places, and nothing
// begins beside a suspect. Convoys begin in Pipeline+Convoys, quick code of users in Pipeline+Series.

internal import JobStore
internal import Logging
internal import SyncJobs

extension Pipeline {
    /// Prepares what is ready, one batch at a time: what becomes ready meanwhile goes into the next.
    func dispatch() {
        dispatchConvoys()
        dispatchSeries()
        guard !isPreparing, !isStopping else { return }
        let wasWaiting = suspects.isOneWaiting
        var wave = suspects.next(
            from: &ready.alone, running: running, places: min(concurrency - runningAlone, waveSize.count), at: .now)
        runningAlone += wave.count
        if suspects.isOneWaiting, !wasWaiting { dispatchAgain(after: Suspects.patience) }
        if suspects.isOneRunning { warnOfSuspect(wave) }
        if !isOneSuspect, ready.together.count >= leastTogether(behind: wavesTogether) {
            let together = ready.together.popFirst(waveSize.count)
            wavesTogether += together.isEmpty ? 0 : 1
            wave += together
        }
        guard !wave.isEmpty else { return }
        isPreparing = true
        running += wave.count
        errandSink.yield { [wave] in try await self.run(wave) }
    }

    /// Whether a suspect runs, or waits for everything else to end.
    var isOneSuspect: Bool { suspects.isOneRunning || suspects.isOneWaiting }

    /// How many jobs that are committed together are worth a commit of their own: any number when no others are on their way,
    /// many when some are, as what waits for its commit goes into one with the next.
    func leastTogether(behind others: Int) -> Int {
        switch others {
        case 0: 1
        case 1: waveSize.count / 4
        default: .max
        }
    }

    /// Takes a wave of jobs to their ends: those that need only the store together, each other one by itself.
    private nonisolated func run(_ wave: [QueuedJob]) async throws {
        let preparations = try await runner.prepare(wave, isFirstLook: true)
        let found = await runner.decide(wave, preparations)
        // The next wave is prepared while this one is committed.
        await prepared(preparations, found)
        try await withThrowingDiscardingTaskGroup { group in
            for (job, preparation) in zip(wave, preparations) where job.pace == .open {
                group.addTask { try await self.run(job, preparation: preparation) }
            }
            var again = found.others
            if found.decided.count + found.others.count > 0 {
                let ended = try await runner.commit(found.decided)
                await finish(ended)
                again += ended.filter { $0.ending == nil }.map(\.job)
            }
            guard !again.isEmpty else { return }
            for (job, preparation) in zip(again, try await runner.prepare(again)) {
                group.addTask { try await self.run(job, preparation: preparation) }
            }
        }
    }

    private nonisolated func run(_ job: QueuedJob, preparation: JobStore.Preparation) async throws {
        await finish(job, try await runner.run(job, preparation: preparation))
    }

    private func dispatchAgain(after delay: Duration) {
        let end = ContinuousClock.now + delay
        errandSink.yield {
            // In small steps, as the pipeline does not end before this; cancelled with it, nothing is to begin.
            while ContinuousClock.now < end, await !self.isStopping {
                do { try await Task.sleep(for: .milliseconds(500)) } catch { return }
            }
            await self.dispatch()
        }
    }

    private func warnOfSuspect(_ wave: [QueuedJob]) {
        for job in wave {
            logger.warning(
                "A message was delivered again and again without an answer; its job runs alone",
                metadata: [
                    "job_id": .string(job.request.id),
                    "deliveries": .stringConvertible(job.delivery?.deliveryCount ?? 0),
                ])
        }
    }

    private func prepared(_ preparations: [JobStore.Preparation], _ found: JobRunner.DecidedWave) {
        isPreparing = false
        waveSize.note(preparations, foundBytes: found.foundBytes)
        dispatch()
    }

    func finish(_ job: QueuedJob, _ ending: JobRunner.Ending) {
        conclude(job, ending)
        goOn()
    }

    private func finish(_ ended: [JobRunner.Ended]) {
        wavesTogether -= 1
        for job in ended { if let ending = job.ending { conclude(job.job, ending) } }
        goOn()
    }
}
