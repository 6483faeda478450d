// One job as it goes: from two records of it to the lines that say what happened in between. Pure, so that a log and a
// terminal say the same.

internal import SyncJobs

/// Follows one job.
struct JobFollowing: Sendable {
    /// How many attempts it may make; nil when its type is no longer configured.
    let maximumAttempts: Int?
    let style: Style
    /// Whether progress is drawn elsewhere, and is no line.
    let isProgressDrawn: Bool
    private var last: JobEnd?

    init(maximumAttempts: Int?, style: Style, isProgressDrawn: Bool) {
        self.maximumAttempts = maximumAttempts
        self.style = style
        self.isProgressDrawn = isProgressDrawn
    }

    /// Whether anything about the job differs from the last look.
    func differs(_ end: JobEnd) -> Bool { last?.job != end.job || last?.openChildren != end.openChildren }

    /// What happened since the last look.
    mutating func lines(_ end: JobEnd, now: Timestamp) -> [String] {
        defer { last = end }
        let job = end.job
        var lines = attempts(job)
        if hasMoved(job) { lines.append(JobLine.text(job, now: now, style: style)) }
        if job.running?.isCancelAsked == true, last?.job.running?.isCancelAsked != true {
            lines.append("\(JobLine.clock(now))  asked to stop")
        }
        if !isProgressDrawn, let progress = job.progress, isWorthALine(progress) {
            lines.append("\(JobLine.clock(now))  \(ProgressText.words(progress))")
        }
        if let children = children(end, now: now) { lines.append(children) }
        return lines
    }

    /// The attempts that ended since, without the end of the job itself, which has a line of its own.
    private func attempts(_ job: SyncJob) -> [String] {
        let known = last?.job.attempts.count ?? 0
        return job.attempts.dropFirst(known).map { attempt in
            let of = maximumAttempts.map { " of \($0)" } ?? ""
            let error = attempt.error.map { "  \(VisibleText.bare($0.code.rawValue)): \(VisibleText.bare($0.message))" }
            let outcome = style(JobText.meaning(attempt.outcome), attempt.outcome.rawValue)
            return "\(JobLine.clock(attempt.endedAt))  attempt \(attempt.number)\(of)  \(outcome)  "
                + "\(Quantity.time(attempt.endedAt.since(attempt.startedAt)))  \(VisibleText.bare(attempt.node))"
                + (error ?? "")
        }
    }

    private func hasMoved(_ job: SyncJob) -> Bool {
        guard let before = last?.job else { return true }
        return before.status != job.status || before.waitReason != job.waitReason || before.retryAfter != job.retryAfter
            || (before.nextTurn != job.nextTurn && !job.isOpen)
    }

    /// A log gets a line for every tenth of the way, and for every new title.
    private func isWorthALine(_ progress: JobProgress) -> Bool {
        guard let before = last?.job.progress else { return true }
        func tenth(_ progress: JobProgress) -> Int? { progress.percent.map { Int($0 / 10) } }
        return before.title != progress.title || tenth(before) != tenth(progress)
    }

    /// How far a relay has come, for every tenth of its children, and at its end.
    private func children(_ end: JobEnd, now: Timestamp) -> String? {
        guard end.job.status == .relayed, let counts = end.job.childCounts else { return nil }
        let total = counts.values.reduce(0, +)
        guard total > 0 else { return nil }
        let over = total - end.openChildren
        if let last, last.job.status == .relayed, !end.isOver || last.isOver {
            let before = last.job.childCounts?.values.reduce(0, +) ?? 0
            guard !isProgressDrawn, (before - last.openChildren) * 10 / total != over * 10 / total else { return nil }
        }
        return "\(JobLine.clock(now))  \(VisibleText.grouped(over)) of "
            + "\(Quantity.count(total, "child", "children")) over: \(JobLine.counts(counts, style: style))"
    }

    /// What stands below the lines on a terminal: how far the run, or the relay, has come.
    static func progress(_ end: JobEnd, now: Timestamp) -> [String] {
        if end.job.status == .started { return [ProgressText.line(end.job, now: now)] }
        guard end.job.status == .relayed, !end.isOver, let counts = end.job.childCounts else { return [] }
        let total = counts.values.reduce(0, +)
        let progress = JobProgress(done: total - end.openChildren, total: total)
        return ["\(ProgressText.bar(progress))  children: \(JobLine.counts(counts, style: .plain))"]
    }
}
