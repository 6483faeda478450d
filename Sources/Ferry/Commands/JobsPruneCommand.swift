// ferry jobs prune: removes old records, by the retention of the configuration unless told otherwise.
// Invariant: what the store calls prunable goes, and nothing else; a command that is ended in between has pruned whole parts.

internal import ArgumentParser
internal import JobStore
internal import SyncJobs

/// `ferry jobs prune`.
struct JobsPruneCommand: FerrySubcommand {
    static let configuration = CommandConfiguration(
        commandName: "prune", abstract: "Removes the records of jobs that ended long ago.",
        discussion: """
            How long records are kept says retention: in ferry.yaml (good ends 30d, failures and cancels 90d, \
            unless it says otherwise). Nothing goes that is open, has an open relay or parent, or whose dead \
            letter is not resolved. The ids stay known (retention: ids), so that a late message is not run again.

            EXAMPLES
              ferry jobs prune --dry-run
              ferry jobs prune --yes
              ferry jobs prune --keep-good 7d --keep-failed 180d --yes
            """)

    @Option(
        name: .long,
        help: ArgumentHelp("Keep Finished, Skipped, Relayed and No Target so long.", valueName: "duration"),
        transform: Parsing.duration)
    var keepGood: Duration?

    @Option(
        name: .long, help: ArgumentHelp("Keep Failed and Canceled so long.", valueName: "duration"),
        transform: Parsing.duration)
    var keepFailed: Duration?

    @Flag(name: .long, help: "Do it without asking; needed where nobody can be asked.")
    var yes = false

    @Flag(name: [.customLong("dry-run"), .customLong("preview")], help: "Only count what would go.")
    var dryRun = false

    @Flag(help: "Print the counts as JSON.")
    var json = false

    @OptionGroup var options: CommonOptions

    func perform(_ context: CommandContext) async throws {
        let composition = try context.composition()
        let retention = retention(composition.configuration.retention)
        let store = try composition.openExistingStore()
        let now = Composition.now()
        let prunable = try await store.prunable(retention, now: now)
        let total = prunable.values.reduce(0, +)
        if dryRun {
            try store.close()
            return show(PruneText(counts: prunable, retention: retention, isDryRun: true), context)
        }
        if total > 0, !yes {
            for line in PruneText(counts: prunable, retention: retention, isDryRun: true).lines(style: context.style) {
                context.screen.note(line)
            }
            try Confirmation().require("Remove \(Quantity.count(total, "record"))?", on: context.screen)
        }
        var pruned = PruneText(counts: [:], retention: retention, isDryRun: false)
        while true {
            let report = try await store.prune(retention, now: now)
            pruned.add(report)
            if report.counts.isEmpty, report.forgottenIDs == 0, report.deadLetters == 0 { break }
            context.screen.progress("removed \(VisibleText.grouped(pruned.total)) of \(VisibleText.grouped(total))")
        }
        if pruned.total > 0 {
            try await store.audit(
                action: "prune", actor: Operator.name(environment: context.environment), subject: "jobs",
                reason: pruned.summary)
        }
        try store.close()
        context.screen.clearProgress()
        show(pruned, context)
    }

    private func show(_ text: PruneText, _ context: CommandContext) {
        if json { context.print(json: text.json) } else { context.print(text.lines(style: context.style)) }
    }

    /// The flags over the configuration.
    func retention(_ settings: RetentionSettings) -> JobStore.Retention {
        var retention = JobStore.Retention(settings)
        if let keepGood { retention.good = keepGood }
        if let keepFailed { retention.failed = keepFailed }
        return retention
    }
}

extension JobStore.Retention {
    /// What the configuration says.
    init(_ settings: RetentionSettings) {
        self.init(good: settings.good, failed: settings.failed, seen: settings.ids)
    }
}
