// Writes into systems outside the store, of one run or of many at once: the source is asked for again, the intent is noted, the
// write is made, and the source is asked for once more. Each step is one call for all whose run still goes on; the order of the
// steps is what a crash between any two of them rests on (docs/reliability.md).

internal import DocumentSystems
internal import JobStore
internal import SyncJobs

/// What a run has decided to write into a system outside the store.
///
/// A class, because it is large and passed on in lists.
final class OutsideWrite: Sendable {
    let write: DocumentWrite
    let change: TargetChange
    let handle: JobHandle
    let active: ActiveRun
    /// What the run comes to when it is made.
    let outcome: Outcome
    /// The binding that the commit will store, but for what the write answers.
    let binding: Binding?

    init(
        write: DocumentWrite, change: TargetChange, handle: JobHandle, active: ActiveRun, outcome: Outcome,
        binding: Binding?
    ) {
        self.write = write
        self.change = change
        self.handle = handle
        self.active = active
        self.outcome = outcome
        self.binding = binding
    }
}

extension TargetWriter {
    /// How a write elsewhere ended.
    enum Answer: Sendable {
        /// It is made, over the source that is still there.
        case written(WriteReceipt)
        /// It was not made, or its source is another by now.
        case ended(Executor.Execution.Result)
        /// It was not made, as far as is known.
        case failed(JobFailure)
    }

    /// The writes that still go on, and how the others ended.
    private struct Round {
        private(set) var open: [OutsideWrite]
        private var positions: [Int]
        private(set) var answers: [Answer?]

        init(_ writes: [OutsideWrite]) {
            open = writes
            positions = Array(writes.indices)
            answers = Array(repeating: nil, count: writes.count)
        }

        /// Ends those of the open ones for which `verdicts`, in their order, have an answer.
        mutating func end(_ verdicts: [Answer?]) {
            var left: [Int] = []
            for (place, verdict) in zip(positions.indices, verdicts) {
                if let verdict { answers[positions[place]] = verdict } else { left.append(place) }
            }
            open = left.map { open[$0] }
            positions = left.map { positions[$0] }
        }
    }

    /// Makes writes to one system; answers in their order.
    ///
    /// - Throws: ``JobStoreError`` when an intent could not be noted: then none is made.
    func make(_ writes: [OutsideWrite]) async throws(JobStoreError) -> [Answer] {
        var round = Round(writes)
        round.end(await outrun(round.open, .conflict("the source changed while the target was read")))
        round.end(try await note(round.open))
        for _ in round.open { Failpoint.intentRecorded.pass() }
        round.end(round.open.map(\.interruption))
        var receipts: [WriteReceipt] = []
        do throws(JobFailure) {
            let results = try await systems.write(round.open.map(\.write))
            round.end(
                results.map { result in
                    switch result {
                    case .conflict(let reason): return .ended(.conflict(reason))
                    case .refused(let failure): return .failed(failure)
                    case .written(let receipt):
                        receipts.append(receipt)
                        return nil
                    }
                })
        } catch {
            round.end(round.open.map { _ in .failed(error) })
        }
        for _ in round.open { Failpoint.targetWritten.pass() }
        let overtaken = await outrun(round.open, .overtaken("the source changed while the target was written"))
        round.end(zip(overtaken, receipts).map { $0 ?? .written($1) })
        return round.answers.map { $0 ?? .failed(Self.unanswered) }
    }

    /// Ends each run whose source is not what it has read.
    private func outrun(_ writes: [OutsideWrite], _ result: Executor.Execution.Result) async -> [Answer?] {
        let sources = SourceCheck(systems: systems)
        return await sources.areCurrent(writes.map(\.handle)).map { answer in
            switch answer {
            case .success(let isCurrent): isCurrent ? nil : .ended(result)
            case .failure(let failure): .failed(failure)
            }
        }
    }

    /// Notes what is about to be written; ends each that is not to be.
    private func note(_ writes: [OutsideWrite]) async throws(JobStoreError) -> [Answer?] {
        guard !writes.isEmpty else { return [] }
        let intents = writes.map { write in
            var intent = WriteIntent(
                jobID: write.active.jobID, turn: write.active.run.turn, runID: write.active.run.runID,
                write: write.write, recordedAt: now(), binding: write.binding)
            intent.isSourceLoaded = write.handle.isSourceLoaded
            return intent
        }
        let standings = try await patience.attempt { () async throws(JobStoreError) in
            try await store.recordIntents(intents)
        }
        return standings.map { standing in
            switch standing {
            case .noted: nil
            case .outdated: .ended(.conflict("the job, or its target, has moved on since it was prepared"))
            case .stale: .ended(.outcome(Outcome(.skipped(.stale))))
            }
        }
    }

    /// What a run comes to whose write was made, or was not; after_sync for the former.
    func finish(_ write: OutsideWrite, _ answer: Answer) async throws -> Executor.Execution.Result {
        let receipt: WriteReceipt
        switch answer {
        case .ended(let result): return result
        case .failed(let failure): throw failure
        case .written(let made): receipt = made
        }
        let (change, handle) = (write.change, write.handle)
        var outcome = write.outcome
        outcome.targetName = receipt.name
        outcome.binding = binding(change, handle: handle, name: receipt.name, stored: receipt.stored)
        outcome.renamedFrom = change.renamedFrom
        if handle.flags.verboseLogging {
            outcome.updatedData = receipt.stored.map { change.place.sensitive.masking($0.fields) }
        }
        await afterSync(write.write, handle: handle, active: write.active, outcome: &outcome)
        return .outcome(outcome)
    }

    private static let unanswered = JobFailure.permanent(
        "the system gave no answer to a write", remedy: "report it as a fault of the system's adapter")
}

extension OutsideWrite {
    /// Why it is not to be made any more; nil while its run goes on.
    fileprivate var interruption: TargetWriter.Answer? {
        do throws(JobFailure) {
            try active.requireActive()
            return nil
        } catch { return .failed(error) }
    }
}
