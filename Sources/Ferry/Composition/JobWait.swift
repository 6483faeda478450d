// Waiting until jobs are over, by looking at their records: whoever enqueued them learns how they ended without a connection
// to the worker that ran them.

internal import JobStore
internal import SyncJobs

/// Waits for jobs.
struct JobWait: Sendable {
    /// How they ended.
    struct Report: Sendable, Hashable {
        /// How many are over.
        var over = 0
        /// How many of them failed or were canceled, or have a child that did.
        var bad = 0
        /// The ids of those that are not over, as the time was up.
        var open: [String] = []
    }

    let store: JobStore
    let pace: Pace

    /// How many records are read at a time.
    private static let page = 500

    /// Waits until all of `ids` are over, or the time is up; `each` hears of every end as it is seen.
    ///
    /// - Throws: `JobStoreError`, `CancellationError`.
    func untilOver(
        _ ids: [String], timeout: Duration, each: @Sendable (JobEnd) async -> Void
    ) async throws -> Report {
        let deadline = ContinuousClock.now + timeout
        var report = Report()
        var seen: Set<ExactString> = []
        report.open = ids.filter { seen.insert(ExactString($0)).inserted }
        while true {
            let start = ContinuousClock.now
            var rest = report.open[...]
            var open: [String] = []
            while !rest.isEmpty {
                let page = Array(rest.prefix(Self.page))
                rest = rest.dropFirst(page.count)
                let over = try await ends(of: page)
                for end in over.sorted(by: Self.inOrderOfTheirEnd) {
                    report.over += 1
                    if !end.isGood { report.bad += 1 }
                    await each(end)
                }
                let overIDs = Set(over.map { ExactString($0.job.id) })
                open += page.filter { !overIDs.contains(ExactString($0)) }
            }
            report.open = open
            if open.isEmpty || ContinuousClock.now >= deadline { return report }
            try await pace.wait(since: start)
        }
    }

    private func ends(of ids: [String]) async throws -> [JobEnd] {
        var ends: [JobEnd] = []
        for job in try await store.jobs(ids: ids) where !job.isOpen {
            let end = try await JobEnd(job, in: store)
            if end.isOver { ends.append(end) }
        }
        return ends
    }

    private static func inOrderOfTheirEnd(_ left: JobEnd, _ right: JobEnd) -> Bool {
        (left.job.endedAt?.microseconds ?? 0) < (right.job.endedAt?.microseconds ?? 0)
    }
}
