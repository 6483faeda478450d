// How convoys begin and end: jobs without code whose documents are in the same system elsewhere, which are prepared, decided,
// written and committed together. Each system's convoys wait for it alone: neither for places nor for other waves, so one
// that does not answer holds up nobody else.

internal import JobStore
internal import SyncBroker

extension Pipeline {
    /// Sends off what is ready: any number of jobs when no other convoy of theirs is on its way, many when one is.
    func dispatchConvoys() {
        guard !isStopping, !isOneSuspect else { return }
        for (name, waiting) in ready.convoys where waiting.count >= leastTogether(behind: convoys[name, default: 0]) {
            let jobs = ready.convoys[name]?.popFirst(waveSize.count) ?? []
            running += jobs.count
            convoys[name, default: 0] += 1
            errandSink.yield { try await self.run(jobs, convoy: name) }
        }
    }

    private nonisolated func run(_ jobs: [QueuedJob], convoy name: String) async throws {
        let preparations = try await runner.prepare(jobs)
        await prepared(convoy: preparations)
        let ended = try await runner.run(convoy: jobs, preparations) { await self.finish($0) }
        await finish(ended, convoy: name)
    }

    private func prepared(convoy preparations: [JobStore.Preparation]) { waveSize.note(preparations) }

    /// One that was cut off, while the others go on.
    private func finish(_ ended: JobRunner.Ended) {
        end(ended)
        goOn()
    }

    private func finish(_ ended: [JobRunner.Ended], convoy name: String) {
        convoys[name, default: 1] -= 1
        for job in ended { end(job) }
        goOn()
    }

    private func end(_ ended: JobRunner.Ended) {
        if let ending = ended.ending { conclude(ended.job, ending) } else { putBack(ended.job.with(pace: .open)) }
    }
}
