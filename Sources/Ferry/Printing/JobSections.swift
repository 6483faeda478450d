// The parts of a record that only some jobs have: what it waits for, its children, its follow-ups.

internal import SyncJobs

extension JobText {
    /// What it waits for, how it runs, and which other jobs it has to do with.
    func going(_ job: SyncJob, _ details: JobDetails) -> [(String, String)] {
        var facts: [(String, String)] = []
        func add(_ name: String, _ value: String?) { if let value { facts.append((name, value)) } }
        add("waits for", waits(job, details))
        if let running = job.running {
            let stop = running.isCancelAsked ? ", asked to stop" : ""
            add("runs on", "\(VisibleText.bare(running.node)), last sign of life \(running.heartbeat)\(stop)")
        }
        add("progress", job.progress.map { ProgressText.words($0) })
        add("canceled", job.cancelReason.map { VisibleText.bare($0) })
        let other = job.relatedJob.map { VisibleText.bare($0) }
        add(job.skipReason == .superseded ? "superseded by" : "duplicate of", other)
        let named = job.superseded.prefix(JobDetails.maximumNamed).map { VisibleText.bare($0) }.joined(separator: ", ")
        let more = job.superseded.count - JobDetails.maximumNamed
        add("stands for", named.isEmpty ? nil : named + (more > 0 ? " and \(VisibleText.grouped(more)) more" : ""))
        return facts
    }

    private func waits(_ job: SyncJob, _ details: JobDetails) -> String? {
        guard let reason = job.waitReason else { return nil }
        var text = reason.rawValue
        if reason == .retry {
            let of = details.maximumAttempts.map { " of \($0)" } ?? ""
            text += ", attempt \(job.retryCount + 1)\(of)"
        }
        return text + (job.retryAfter.map { ", until \($0)" } ?? "")
    }

    /// Its children by status, and the first that failed.
    func children(_ details: JobDetails) -> [String] {
        guard let relay = details.relay, relay.total > 0 else { return [] }
        let open = details.openChildren == 0 ? "all over" : "\(VisibleText.grouped(details.openChildren)) not over"
        var lines = [
            "\(style(.heading, "children")) \(VisibleText.grouped(relay.total)), \(open): "
                + JobLine.counts(relay.counts, style: style)
        ]
        lines += relay.failedChildren.prefix(JobDetails.maximumNamed).map { child in
            let error = child.error.map { " (\($0.code.rawValue)): \(VisibleText.bare($0.message, limit: 100))" } ?? ""
            return "  \(VisibleText.bare(child.id))  \(style(.bad, child.status.rawValue))\(error)"
        }
        let failed = (relay.counts[.failed] ?? 0) + (relay.counts[.canceled] ?? 0)
        let more = min(failed, relay.failedChildren.count) - JobDetails.maximumNamed
        if more > 0 { lines.append("  … and \(VisibleText.grouped(more)) more; ferry jobs list --parent shows them") }
        return lines
    }

    /// The jobs that its controller asked for.
    func followUps(_ details: JobDetails) -> [String] {
        guard !details.followUps.isEmpty else { return [] }
        return [style(.heading, "follow-ups")]
            + details.followUps.map { job in
                "  \(VisibleText.bare(job.id))  \(style(Self.meaning(job.status), Self.status(job)))  "
                    + VisibleText.bare(job.title)
            }
    }
}
