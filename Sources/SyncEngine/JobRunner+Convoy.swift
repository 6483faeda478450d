// The way of jobs without code that have documents in a system elsewhere: those of one system travel together, and each step of
// their runs is one call for all of them: load, note the intents, write, ask for the sources again, commit. Invariant: the steps
// of each job are those of a run by itself and in their order, so it can be cut off between any two of them. Whatever is not so
// plain, or meets a conflict, goes the way of JobRunner.run, which knows everything.

internal import DocumentSystems
internal import JobStore
internal import Logging
internal import SyncJobs

extension JobRunner {
    /// A job in a convoy.
    private final class Traveller: Sendable {
        let job: QueuedJob
        let active: ActiveRun
        let preparation: JobStore.Preparation

        init(_ job: QueuedJob, _ active: ActiveRun, _ preparation: JobStore.Preparation) {
            self.job = job
            self.active = active
            self.preparation = preparation
        }

        var run: JobRun { active.run }
    }

    /// One that was cut off.
    private struct CutOff: Sendable {
        let traveller: Traveller
        let interruption: ActiveRun.Interruption
        let leftover: RunSupervisor.Leftover
    }

    /// How long a write that was under way when its run was cut off may still land.
    private static let writeDeadline = Pipeline.writeDeadline

    /// Takes a convoy to its end; a job without an ending has to be run by itself, from a fresh read.
    ///
    /// - Parameter cutOff: hears at once of a job that was interrupted, and is not in what is returned.
    func run(
        convoy jobs: [QueuedJob], _ preparations: [JobStore.Preparation],
        cutOff: @escaping @Sendable (Ended) async -> Void
    ) async throws -> [Ended] {
        var (travellers, ended) = board(jobs, preparations)
        guard !travellers.isEmpty else { return ended }
        let (interruptions, sink) = AsyncStream.makeStream(of: CutOff.self)
        return try await withThrowingTaskGroup(of: Void.self) { [travellers] group in
            group.addTask {
                try await withThrowingDiscardingTaskGroup { group in
                    for await one in interruptions { group.addTask { await cutOff(try await self.end(one)) } }
                }
            }
            let executions = await supervisor.supervise(travellers.map(\.active)) {
                await self.executions(of: travellers)
            } interrupted: { position, interruption, leftover in
                sink.yield(
                    CutOff(traveller: travellers[position], interruption: interruption, leftover: leftover))
            }
            sink.finish()
            let going = zip(travellers, executions ?? []).filter { $0.0.active.interruption == nil }
            ended += try await commit(going.map { (traveller: $0, execution: $1) })
            try await group.waitForAll()
            return ended
        }
    }

    /// Those that are to be run now and of which nothing but their records is known, and the others.
    private func board(
        _ jobs: [QueuedJob], _ preparations: [JobStore.Preparation]
    ) -> (travellers: [Traveller], others: [Ended]) {
        var travellers: [Traveller] = []
        travellers.reserveCapacity(jobs.count)
        var others: [Ended] = []
        for (job, preparation) in zip(jobs, preparations) {
            if let active = begin(job, preparation: preparation) {
                travellers.append(Traveller(job, active, preparation))
            } else {
                others.append(Ended(job: job))
            }
        }
        return (travellers, others)
    }

    // MARK: runs

    /// What each run comes to; nil for one that has to be begun again by itself.
    private func executions(of travellers: [Traveller]) async -> [Executor.Execution?] {
        var executions = [Executor.Execution?](repeating: nil, count: travellers.count)
        guard let preparations = await withDocuments(travellers) else { return executions }
        var writes: [String: [(position: Int, write: OutsideWrite)]] = [:]
        for (position, decision) in await decide(travellers, preparations).enumerated() {
            switch decision {
            case .ended(let execution): executions[position] = execution
            case .writes(let write): writes[write.write.type.system, default: []].append((position, write))
            case nil: break
            }
        }
        for writes in writes.values {
            for (place, execution) in zip(writes, await make(writes.map(\.write))) {
                executions[place.position] = execution
            }
        }
        return executions
    }

    /// What runs come to by their writes to one system; nil where the store's own trouble is in the way: the jobs' own runs wait
    /// for its end.
    private func make(_ writes: [OutsideWrite]) async -> [Executor.Execution?] {
        var executions: [Executor.Execution?] = []
        executions.reserveCapacity(writes.count)
        do {
            for (write, answer) in zip(writes, try await executor.targetWriter.make(writes)) {
                do { executions.append(try await executor.finish(write, answer)) } catch { executions.append(nil) }
            }
            return executions
        } catch { return writes.map { _ in nil } }
    }

    /// A document elsewhere that a run is known to need.
    private struct Wanted {
        let key: DocumentKey
        let position: Int
        let isSource: Bool
    }

    /// The preparations, with the documents elsewhere that are known to be needed; nil when those can't be had together.
    ///
    /// Why not, each job finds out for itself.
    private func withDocuments(_ travellers: [Traveller]) async -> [JobStore.Preparation]? {
        var preparations = travellers.map(\.preparation)
        var wanted: [String: [Wanted]] = [:]
        for (position, traveller) in travellers.enumerated() {
            let (request, preparation) = (traveller.job.request, traveller.preparation)
            if preparation.source == nil, request.document == nil, let name = request.sourceDocumentName, !name.isEmpty
            {
                let key = DocumentKey(type: traveller.job.type.source, name: name)
                wanted[key.type.system, default: []].append(Wanted(key: key, position: position, isSource: true))
            }
            if preparation.target == nil, let binding = preparation.binding, !binding.isDeleted {
                let key = binding.target
                wanted[key.type.system, default: []].append(Wanted(key: key, position: position, isSource: false))
            }
        }
        do throws(JobFailure) {
            for documents in wanted.values {
                for (document, state) in zip(documents, try await executor.systems.load(documents.map(\.key))) {
                    if document.isSource {
                        preparations[document.position].source = state
                    } else {
                        preparations[document.position].target = state
                    }
                }
            }
            return preparations
        } catch { return nil }
    }

    /// What each run decides; nil where the store's own trouble kept it from deciding.
    ///
    /// Side by side, since one that knows no target asks its system for it: those questions go together as well.
    private func decide(
        _ travellers: [Traveller], _ preparations: [JobStore.Preparation]
    ) async -> [Executor.Decision?] {
        await withTaskGroup(of: (Int, Executor.Decision?).self) { group in
            var decisions = [Executor.Decision?](repeating: nil, count: travellers.count)
            var atHand: [Int] = []
            for (position, traveller) in travellers.enumerated() {
                if preparations[position].target != nil {
                    atHand.append(position)
                } else {
                    group.addTask { (position, await decide(traveller, preparations[position])) }
                }
            }
            for position in atHand { decisions[position] = await decide(travellers[position], preparations[position]) }
            for await (position, decision) in group { decisions[position] = decision }
            return decisions
        }
    }

    private func decide(_ traveller: Traveller, _ preparation: JobStore.Preparation) async -> Executor.Decision? {
        do {
            return try await executor.decide(traveller.job, active: traveller.active, preparation: preparation)
        } catch { return nil }
    }

    // MARK: ends

    /// Makes true what the runs have come to; those that came to nothing, or are not committed, have to be run by themselves.
    private func commit(
        _ executions: [(traveller: Traveller, execution: Executor.Execution?)]
    ) async throws -> [Ended] {
        var ended: [Ended] = []
        var decided: [Decided] = []
        for (traveller, execution) in executions {
            if let execution,
                let result = self.decided(traveller.job, traveller.run, traveller.preparation, execution)
            {
                decided.append(result)
            } else {
                var job = traveller.job
                if case .conflict = execution?.result { job.conflictedRun = traveller.run.runID }
                ended.append(Ended(job: job))
            }
        }
        return ended + (try await commit(decided))
    }

    /// The end of a job whose run was interrupted, while the convoy goes on.
    private func end(_ cut: CutOff) async throws -> Ended {
        let (job, run) = (cut.traveller.job, cut.traveller.run)
        let outcome: Outcome
        switch cut.interruption {
        case .fenced: return Ended(job: job, ending: .duplicate)
        case .stopped: return Ended(job: job, ending: .abandoned)
        case .handedBack:
            let hasEnded = await cut.leftover.ended(within: .seconds(1))
            return Ended(job: job, ending: try await handBack(job, run: run, hasEnded: hasEnded))
        case .canceled(let reason): outcome = self.outcome(.canceled(reason), of: job)
        case .timedOut: outcome = self.outcome(.failed(Self.timedOut(job)), of: job)
        }
        let execution = cutOff(outcome)
        let result = try await committer.commit(execution, of: run, type: job.type, isLastConflict: false)
        guard case .committed(let record) = result else { return Ended(job: job) }
        try await outages.ran(job, execution.result)
        // A write of it may still land, and nothing of its key begins before that.
        _ = await cut.leftover.ended(within: Self.writeDeadline)
        return Ended(job: job, ending: .committed(record, leftover: nil))
    }
}
