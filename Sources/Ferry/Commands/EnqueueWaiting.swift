// enqueue --wait: how each job ended, as it ends, and what the command says at last.

internal import JobStore
internal import SyncJobs

/// Waits for jobs that were sent.
struct EnqueueWaiting: Sendable {
    let store: JobStore
    let timeout: Duration
    let isQuiet: Bool
    let isJSON: Bool
    /// Whether it is one job, whose record is printed for reading.
    let isOne: Bool
    var pace = Pace(interval: .milliseconds(100))

    /// How many jobs that are not over are named.
    private static let named = 5

    /// Waits until they are over.
    ///
    /// - Throws: ``CommandFailure`` or ``EndedWith`` (failed) when one failed, was canceled or is not over in time;
    ///   ``EndedWith`` with the signal that ended the wait.
    func wait(for ids: [String], _ context: CommandContext) async throws {
        let ending = try await UntilStopped.run {
            try await JobWait(store: store, pace: pace).untilOver(ids, timeout: timeout) { await say($0, context) }
        }
        switch ending {
        case .signal(let number): throw EndedWith(status: .signal(number))
        case .done(let report): try conclude(report, context)
        }
    }

    private func say(_ end: JobEnd, _ context: CommandContext) async {
        if isJSON {
            var job = end.job
            // A batch is read without attempts; one record is shown whole.
            if isOne, let whole = await whole(job.id) { job = whole }
            return isOne ? context.print(json: job.json) : context.print(job.json.canonicalText)
        }
        let line = JobLine.text(end.job, now: Composition.now(), style: context.style)
        if !isQuiet { context.print(line) } else if !end.isGood { context.screen.note(line) }
        if let error = end.job.error, !end.isGood {
            context.screen.note("  \(VisibleText.bare(error.message)). ferry jobs why \(VisibleText.bare(end.job.id))")
        }
    }

    private func whole(_ id: String) async -> SyncJob? {
        do { return try await store.job(id: id) } catch {
            // The record without attempts is at hand, and says how the job ended.
            return nil
        }
    }

    /// What is left to say once all are over, or the time is.
    func conclude(_ report: JobWait.Report, _ context: CommandContext) throws {
        if let first = report.open.first {
            let total = report.open.count + report.over
            let names = report.open.prefix(Self.named).map { VisibleText.bare($0) }.joined(separator: ", ")
            let more = report.open.count > Self.named ? ", …" : ""
            throw CommandFailure(
                .failed,
                "\(VisibleText.grouped(report.open.count)) of \(Quantity.count(total, "job")) "
                    + "\(report.open.count == 1 ? "is" : "are") not over after \(timeout.text): \(names)\(more)",
                remedy: "ferry jobs why \(VisibleText.bare(first)) says what it waits for; --wait-timeout waits longer")
        }
        guard report.bad > 0 else { return }
        if report.over > 1 {
            context.screen.note(
                "\(VisibleText.grouped(report.bad)) of \(Quantity.count(report.over, "job")) did not end well")
        }
        throw EndedWith(status: .failed)
    }
}
