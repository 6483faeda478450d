// How a worker is doing: one line for a terminal, facts for a log.

internal import Logging
internal import SyncEngine
internal import SyncJobs

/// Renders progress; remembers the last look, so that the rate is the present one.
struct WorkProgress {
    /// Looks back this far for the rate.
    private static let window = Duration.seconds(3)
    private var looks: [(at: Duration, ended: Int)] = [(.zero, 0)]

    /// `1,024 done · 980 jobs/s · Finished 1,000 · Failed 24 · 32 running · 180 waiting`.
    mutating func text(_ statistics: WorkerStatistics, at elapsed: Duration) -> String {
        var parts = [
            "\(VisibleText.grouped(statistics.ended)) done", "\(rate(statistics, at: elapsed)) jobs/s",
        ]
        // The beginning is what a narrow terminal shows; that nothing can go on belongs there.
        if !statistics.isConnected { parts.append("not connected") }
        if let reason = statistics.standBy.first { parts.append("standing by: \(reason)") }
        for queue in statistics.lostQueues.sorted() { parts.append("no queue \(VisibleText.bare(queue, limit: 60))") }
        if let reason = statistics.blockedReason {
            parts.append("broker blocked: \(VisibleText.bare(reason, limit: 60))")
        }
        parts += WorkReport.counts(statistics, style: .plain)
        parts.append("\(VisibleText.grouped(statistics.running)) running")
        if statistics.parked > 0 { parts.append("\(VisibleText.grouped(statistics.parked)) parked") }
        if !statistics.openCircuits.isEmpty { parts.append("down: \(Self.names(statistics.openCircuits))") }
        if !statistics.pausedQueues.isEmpty { parts.append("not taken: \(Self.names(statistics.pausedQueues))") }
        if statistics.waiting > 0 { parts.append("\(VisibleText.grouped(statistics.waiting)) waiting") }
        if statistics.changes > 0 { parts.append("\(VisibleText.grouped(statistics.changes)) changes") }
        return parts.joined(separator: " · ")
    }

    /// The same as facts.
    mutating func facts(_ statistics: WorkerStatistics, at elapsed: Duration) -> Logger.Metadata {
        var facts: Logger.Metadata = [
            "done": "\(statistics.ended)", "jobs_per_second": "\(rate(statistics, at: elapsed))",
            "running": "\(statistics.running)", "waiting": "\(statistics.waiting)", "changes": "\(statistics.changes)",
            "refused": "\(statistics.refused)", "connected": "\(statistics.isConnected)",
            "parked": "\(statistics.parked)",
        ]
        if !statistics.openCircuits.isEmpty { facts["open_circuits"] = "\(Self.names(statistics.openCircuits))" }
        if !statistics.pausedQueues.isEmpty { facts["paused_queues"] = "\(Self.names(statistics.pausedQueues))" }
        for (status, count) in statistics.jobs { facts[status.rawValue.slug] = "\(count)" }
        if let reason = statistics.blockedReason { facts["blocked"] = "\(reason)" }
        if !statistics.standBy.isEmpty {
            facts["standing_by"] = "\(statistics.standBy.joined(separator: ", "))"
        }
        if !statistics.lostQueues.isEmpty {
            facts["no_queue"] = "\(statistics.lostQueues.sorted().joined(separator: ", "))"
        }
        return facts
    }

    private static func names(_ names: [String]) -> String {
        names.map { VisibleText.bare($0) }.joined(separator: ", ")
    }

    private mutating func rate(_ statistics: WorkerStatistics, at elapsed: Duration) -> String {
        looks.append((elapsed, statistics.ended))
        while looks.count > 2, looks[1].at <= elapsed - Self.window { looks.removeFirst() }
        return Quantity.rate(statistics.ended - looks[0].ended, in: elapsed - looks[0].at)
    }
}
