// What pruning took away, or would: by status, and how long each was to be kept.

internal import JobStore
internal import SyncJobs

/// Counts of pruned records, for people and programs.
struct PruneText: Sendable, Hashable {
    private(set) var counts: [JobStatus: Int]
    /// Ids that are no longer known either.
    private(set) var forgottenIDs = 0
    /// Dead letters that were decided about long ago.
    private(set) var deadLetters = 0
    let retention: JobStore.Retention
    /// Whether it only would have happened.
    let isDryRun: Bool

    init(counts: [JobStatus: Int], retention: JobStore.Retention, isDryRun: Bool) {
        self.counts = counts
        self.retention = retention
        self.isDryRun = isDryRun
    }

    /// How many records.
    var total: Int { counts.values.reduce(0, +) }

    /// Adds what one more transaction took away.
    mutating func add(_ report: JobStore.PruneReport) {
        counts.merge(report.counts) { $0 + $1 }
        forgottenIDs += report.forgottenIDs
        deadLetters += report.deadLetters
    }

    /// `removed 3 records: Finished 2 · Failed 1 (kept good 30d, failed 90d)`.
    var summary: String { line(style: .plain) }

    private func line(style: Style) -> String {
        let kept = "(kept good \(retention.good.text), failed \(retention.failed.text))"
        guard total > 0 else { return "no record is old enough \(kept)" }
        let parts = JobStatus.allCases.compactMap { status in
            counts[status].map { style(JobText.meaning(status), "\(status.rawValue) \(VisibleText.grouped($0))") }
        }
        let done = isDryRun ? "would remove" : "removed"
        return "\(done) \(Quantity.count(total, "record")): \(parts.joined(separator: " · ")) \(kept)"
    }

    /// For people.
    func lines(style: Style) -> [String] {
        var lines = [line(style: style)]
        if forgottenIDs > 0 { lines.append("forgot \(Quantity.count(forgottenIDs, "id")) of records removed before") }
        if deadLetters > 0 {
            lines.append("removed \(Quantity.count(deadLetters, "dead letter")) decided about long ago")
        }
        return lines
    }

    /// For programs.
    var json: JSONValue {
        var byStatus = JSONObject()
        for status in JobStatus.allCases { byStatus[status.rawValue] = counts[status].map { .int($0) } }
        return [
            "dry_run": .bool(isDryRun), "total": .int(total), "by_status": .object(byStatus),
            "forgotten_ids": .int(forgottenIDs), "dead_letters": .int(deadLetters),
            "keep_good": .string(retention.good.text),
            "keep_failed": .string(retention.failed.text), "keep_ids": .string(retention.seen.text),
        ]
    }
}
