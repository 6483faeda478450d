// A worker's last words: what it did, by status, and how fast.

internal import SyncEngine
internal import SyncJobs

/// What a run of a worker did.
struct WorkReport: Sendable {
    private let statistics: WorkerStatistics
    private let elapsed: Duration

    init(_ statistics: WorkerStatistics, elapsed: Duration) {
        self.statistics = statistics
        self.elapsed = elapsed
    }

    /// Whether a job ended `Failed`.
    var hasFailures: Bool { statistics.jobs[.failed, default: 0] > 0 }

    /// Every failed job and every refused message is a dead letter.
    private var deadLetters: Int { statistics.refused + statistics.jobs[.failed, default: 0] }

    /// For people.
    func lines(style: Style) -> [String] {
        let counts = Self.counts(statistics, style: style)
        var facts = [
            "\(Quantity.count(statistics.ended, "job")) in \(Quantity.time(elapsed))",
            "\(Quantity.rate(statistics.ended, in: elapsed)) jobs/s",
            "\(VisibleText.grouped(statistics.redelivered)) redelivered",
            Quantity.count(deadLetters, "dead letter"),
        ]
        if statistics.refused > 0 { facts.append("\(Quantity.count(statistics.refused, "message")) refused") }
        if statistics.duplicates > 0 { facts.append("\(VisibleText.grouped(statistics.duplicates)) had ended before") }
        if statistics.changes > 0 { facts.append(Quantity.count(statistics.changes, "change event")) }
        if statistics.handedBack > 0 { facts.append("\(VisibleText.grouped(statistics.handedBack)) handed back") }
        return [counts.isEmpty ? "no jobs" : counts.joined(separator: " · "), facts.joined(separator: " · ")]
    }

    /// For programs.
    var json: JSONValue {
        var jobs = JSONObject()
        for status in JobStatus.allCases where status.isEnd {
            jobs[status.rawValue] = .int(statistics.jobs[status, default: 0])
        }
        let seconds = Double(elapsed.microseconds) / 1_000_000
        var skips = JSONObject()
        for (reason, count) in statistics.skips { skips[reason.rawValue] = .int(count) }
        return [
            "jobs": .object(jobs), "skip_reasons": .object(skips), "ended": .int(statistics.ended),
            "deliveries": .int(statistics.deliveries),
            "redelivered": .int(statistics.redelivered), "duplicates": .int(statistics.duplicates),
            "refused": .int(statistics.refused), "handed_back": .int(statistics.handedBack),
            "dead_letters": .int(deadLetters),
            "changes": .int(statistics.changes), "seconds": Self.number(Quantity.tenths(seconds)),
            "jobs_per_second": Self.number(Quantity.tenths(Quantity.rateValue(statistics.ended, in: elapsed))),
        ]
    }

    private static func number(_ text: String) -> JSONValue { JSONNumber(text).map { .number($0) } ?? .null }

    /// `Finished 13,467`, `Failed 2`, in the order of the specification; statuses that did not occur are left out, but
    /// that nothing failed is worth saying.
    static func counts(_ statistics: WorkerStatistics, style: Style) -> [String] {
        guard statistics.ended > 0 else { return [] }
        return JobStatus.allCases.compactMap { status in
            let count = statistics.jobs[status, default: 0]
            guard count > 0 || status == .failed else { return nil }
            let reasons = status == .skipped ? reasons(statistics.skips) : ""
            let text = "\(status.rawValue)\(reasons) \(VisibleText.grouped(count))"
            return count > 0 ? style(JobText.meaning(status), text) : text
        }
    }

    /// ` (no_changes)` where all were skipped for one reason, ` (no_changes 3, stale 1)` for several.
    private static func reasons(_ skips: [SkipReason: Int]) -> String {
        let counted = SkipReason.allCases.filter { skips[$0, default: 0] > 0 }
        guard counted.count > 1 else { return counted.first.map { " (\($0.rawValue))" } ?? "" }
        return " (" + counted.map { "\($0.rawValue) \(skips[$0, default: 0])" }.joined(separator: ", ") + ")"
    }
}
