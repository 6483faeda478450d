// Jobs that run, and jobs that are over: how, since when, and what can still be done.

internal import JobStore
internal import SyncJobs

extension JobExplanation {
    private typealias Text = ExplanationText

    /// From here on a run without a sign of life is called stuck.
    static let silence = Duration.seconds(60)

    static func running(_ job: SyncJob, _ facts: JobFacts) -> JobExplanation {
        let since = job.startedAt.map { " since \(Text.time($0, now: facts.now))" } ?? ""
        guard let run = job.running else {
            return JobExplanation(.running, ["It runs\(since)."])
        }
        let node = VisibleText.bare(run.node)
        let beat = "the last sign of life came \(Text.ago(run.heartbeat, now: facts.now))"
        if facts.isProcessGone == true {
            return JobExplanation(
                .processGone,
                [
                    "It ran\(since) on \(node), but that process is gone.",
                    "Its message is the broker's again, and the next worker runs the job anew.",
                ], remedies: ["ferry work, if no worker runs"])
        }
        if facts.now.since(run.heartbeat) > silence {
            return JobExplanation(
                .stuck,
                [
                    "It is stuck since \(Text.time(run.heartbeat, now: facts.now)): it runs\(since) on \(node), and "
                        + "\(beat).",
                    "The process hangs, or cannot reach the store; once it is gone the broker hands the job to another.",
                ], remedies: ["look at the worker \(node), and end it if it hangs"])
        }
        var sentences = ["It runs\(since) on \(node); \(beat)."]
        if let progress = job.progress { sentences.append("It has come \(ProgressText.words(progress)).") }
        guard run.isCancelAsked else {
            return JobExplanation(
                .running, sentences, remedies: ["ferry jobs cancel \(Text.id(job.id)) asks it to stop"])
        }
        let reason = facts.situation.cancelReason.map { " (\(VisibleText.bare($0)))" } ?? ""
        sentences.append("It was asked to stop\(reason), and does so when its controller next checks.")
        return JobExplanation(.cancelAsked, sentences)
    }

    static func failed(_ job: SyncJob, _ facts: JobFacts) -> JobExplanation {
        let attempts = Quantity.count(max(1, job.attemptCount), "attempt")
        let ended = job.endedAt.map { " at \(Text.time($0, now: facts.now))" } ?? ""
        var sentences = ["It failed for good\(ended), after \(attempts)."]
        var remedies: [String] = []
        if let error = job.error {
            sentences.append("\(Text.error(error)).")
            remedies.append(VisibleText.bare(error.remedy))
        }
        if let letter = facts.deadLetters.last(where: { $0.jobID.map { $0.hasSameBytes(as: job.id) } ?? false }) {
            sentences.append("Its request lies in the dead letters as \(letter.id) (\(letter.state.rawValue)).")
            remedies.append("ferry dead show \(letter.id)")
        } else if job.deadLetteredAt != nil {
            sentences.append("Its request lies in the dead letters; no worker has kept it yet.")
        }
        remedies.append("ferry jobs retry \(Text.id(job.id))")
        return JobExplanation(.failed, sentences, remedies: remedies)
    }

    static func relayed(_ job: SyncJob, _ facts: JobFacts) -> JobExplanation {
        let counts = job.childCounts ?? [:]
        let total = counts.values.reduce(0, +)
        guard total > 0 else {
            return JobExplanation(.relayed, ["It is over: it relayed to no children, as there was nothing to do."])
        }
        let byStatus = JobStatus.allCases.compactMap { status in
            counts[status].map { "\(status.rawValue) \(VisibleText.grouped($0))" }
        }.joined(separator: ", ")
        guard facts.openChildCount > 0 else {
            let failed = (counts[.failed] ?? 0) + (counts[.canceled] ?? 0)
            return JobExplanation(
                .relayed,
                ["It is over: all of its \(Quantity.count(total, "child", "children")) have ended: \(byStatus)."],
                remedies: failed == 0
                    ? []
                    : ["ferry jobs list --parent \(Text.id(job.id)) --status failed"]
                        + ((counts[.failed] ?? 0) == 0 ? [] : ["ferry jobs retry --parent \(Text.id(job.id))"]))
        }
        let named = facts.openChildren.map { "\(Text.id($0.id)) (\(JobText.status($0)))" }.joined(separator: ", ")
        let more = facts.openChildCount > facts.openChildren.count ? ", …" : ""
        var explanation = JobExplanation(
            .relaying,
            [
                "It relayed, and \(VisibleText.grouped(facts.openChildCount)) of its "
                    + "\(Quantity.count(total, "child", "children")) are not over: \(named)\(more).",
                "So far: \(byStatus).",
            ], remedies: facts.openChildren.prefix(1).map { "ferry jobs why \(Text.id($0.id))" })
        if facts.situation.owed.contains(where: { $0.kind == .child }) {
            explanation.sentences.append("Some of their messages are not published yet.")
        }
        return explanation
    }

    /// Jobs to which nothing more happens.
    static func over(_ job: SyncJob) -> JobExplanation {
        switch job.status {
        case .canceled:
            let reason = job.cancelReason.map { ": \(VisibleText.bare($0))" } ?? ""
            return JobExplanation(
                .canceled, ["It was canceled\(reason).", "It does not run again under this id."],
                remedies: ["send the request under another id if it shall run after all"])
        case .noTarget: return noTarget(job)
        case .skipped: return skipped(job)
        default:
            let target = job.targetName.map { " \(VisibleText.bare($0))" } ?? ""
            let changes = job.diff.map { Quantity.count($0.changeCount, "change") } ?? "no changes"
            let operation = job.operation.map { " (\($0.rawValue))" } ?? ""
            return JobExplanation(
                .finished,
                [
                    "It is finished: the target\(target) was written\(operation), with \(changes).",
                    "Nothing is left to do.",
                ])
        }
    }

    private static func noTarget(_ job: SyncJob) -> JobExplanation {
        let why =
            switch job.noTargetReason {
            case .condition: "the condition of its type (when) is not met by the source"
            case .sourceDeleted: "its source was deleted, and the type does not follow deletes"
            case .alreadyGone: "its target was gone already"
            case .controller, nil: "its controller named none"
            }
        return JobExplanation(.noTarget, ["It is over, with nothing to write to: \(why)."])
    }

    private static func skipped(_ job: SyncJob) -> JobExplanation {
        let other = job.relatedJob.map { Text.id($0) } ?? "another job"
        let seeOther = job.relatedJob.map { ["ferry jobs why \(Text.id($0))"] } ?? []
        func disabled(_ operation: String, _ article: String = "an") -> JobExplanation {
            JobExplanation(
                .skipped, ["It was skipped: it would have been \(article) \(operation), which is disabled for it."],
                remedies: ["set \(operation)_enabled: true in its type or its request, and send it again"])
        }
        switch job.skipReason {
        case .duplicate:
            return JobExplanation(
                .duplicate, ["It was skipped as a duplicate: \(other) held the same dedup key when it came."],
                remedies: seeOther)
        case .superseded:
            return JobExplanation(
                .superseded,
                ["It was skipped because \(other) supersedes it: a later request of the same key stands for it."],
                remedies: seeOther)
        case .insertDisabled: return disabled("insert")
        case .updateDisabled: return disabled("update")
        case .deleteDisabled: return disabled("delete", "a")
        case .dryRun:
            return JobExplanation(
                .skipped, ["It was a dry run: its diff is recorded, and nothing was written."],
                remedies: ["ferry jobs show \(Text.id(job.id))"])
        case .stale:
            return JobExplanation(
                .skipped, ["It was skipped as stale: a newer version of its source was applied before."])
        case .noChanges, nil:
            return JobExplanation(
                .skipped, ["It was skipped: the target is already as it should be, and there were no changes."])
        }
    }
}
