// How far a running job has come: in words for a sentence, as a bar for a terminal.

internal import SyncJobs

/// Renders progress.
enum ProgressText {
    /// How many characters a bar has.
    static let barWidth = 20

    /// `52 % (5,200 of 10,000), rows: the last page`.
    static func words(_ progress: JobProgress) -> String {
        var parts: [String] = []
        if let percent = percent(progress) { parts.append("\(percent) %") }
        if let done = progress.done {
            let of = progress.total.map { " of \(VisibleText.grouped($0))" } ?? " done"
            parts.append(parts.isEmpty ? VisibleText.grouped(done) + of : "(\(VisibleText.grouped(done))\(of))")
        }
        let what = [progress.title, progress.description].compactMap { $0 }.map { VisibleText.bare($0) }
        let told = what.joined(separator: ": ")
        let numbers = parts.joined(separator: " ")
        return [numbers, told].filter { !$0.isEmpty }.joined(separator: ", ")
    }

    /// `██████████░░░░░░░░░░  52 %`; blank where no percentage is known.
    static func bar(_ progress: JobProgress?) -> String {
        guard let progress, let percent = percent(progress) else {
            return String(repeating: "░", count: barWidth) + "     "
        }
        let full = percent * barWidth / 100
        let bar = String(repeating: "█", count: full) + String(repeating: "░", count: barWidth - full)
        return bar + TextWidth.padLeft("\(percent) %", to: 6)
    }

    /// A line for one running job: bar, title, time, details.
    static func line(_ job: SyncJob, now: Timestamp) -> String {
        var parts = ["\(bar(job.progress))  \(VisibleText.bare(job.title))"]
        if let startedAt = job.startedAt { parts.append(Quantity.time(max(.zero, now.since(startedAt)))) }
        if let progress = job.progress {
            let told = words(progress)
            if !told.isEmpty { parts.append(told) }
        }
        if job.running?.isCancelAsked == true { parts.append("asked to stop") }
        return parts.joined(separator: " · ")
    }

    private static func percent(_ progress: JobProgress) -> Int? {
        progress.percent.flatMap { $0.isFinite ? Int(min(max($0, 0), 100)) : nil }
    }
}

extension Diff {
    /// How many fields and rows differ.
    var changeCount: Int { changed.count + added.count + removed.count + rowChanged.count }
}
