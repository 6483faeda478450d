// One line for a job that ended or changed, for those who follow along: when, what it is now, how long it took, what differs.

internal import SyncJobs

/// Renders one record as one line.
enum JobLine {
    /// `22:13:20.004Z  Finished                 3 ms  2 changes   Country > Nation: TUR  country:TR:1`.
    ///
    /// - Parameter now: what stands for the time of a change that is not an end.
    static func text(_ job: SyncJob, now: Timestamp, style: Style) -> String {
        let time = clock(job.status.isEnd ? job.endedAt ?? now : now)
        let status = JobText.status(job)
        let shown = style(JobText.meaning(job.status), TextWidth.pad(status, to: 20))
        let took = job.status.isEnd ? job.timeTaken.map { Quantity.time($0) } ?? "-" : ""
        var parts = [
            time, shown, TextWidth.padLeft(took, to: 7), TextWidth.pad(changes(job), to: 10),
            VisibleText.bare(job.title), style(.quiet, VisibleText.bare(job.id)),
        ]
        if let due = job.retryAfter { parts.append(style(.notice, "again \(clock(due, isWhole: true))")) }
        return parts.joined(separator: "  ")
    }

    /// What differs: `2 changes`, `3 children`; nothing for what did not get so far.
    private static func changes(_ job: SyncJob) -> String {
        if job.status == .relayed {
            return Quantity.count(job.childCounts?.values.reduce(0, +) ?? 0, "child", "children")
        }
        return job.diff.map { Quantity.count($0.changeCount, "change") } ?? ""
    }

    /// `22:13:20.004Z`: the time of the day in UTC.
    static func clock(_ time: Timestamp, isWhole: Bool = false) -> String {
        let precision: Int64 = isWhole ? 1_000_000 : 1_000
        let text = Timestamp(microseconds: time.microseconds, precisionMicroseconds: precision).description
        return String(text.drop { $0 != "T" }.dropFirst())
    }

    /// `Finished 298 · Failed 2`, in the order of the specification.
    static func counts(_ counts: [JobStatus: Int], style: Style) -> String {
        JobStatus.allCases.compactMap { status in
            counts[status].map { style(JobText.meaning(status), "\(status.rawValue) \(VisibleText.grouped($0))") }
        }.joined(separator: " · ")
    }
}
