// ferry audit: what operators did, newest first.

internal import ArgumentParser
internal import JobStore
internal import SyncJobs

/// `ferry audit`.
struct AuditCommand: FerrySubcommand {
    static let configuration = CommandConfiguration(
        commandName: "audit", abstract: "Shows what operators did: who, when, what, to which job, and why.",
        discussion: """
            Who it was is FERRY_ACTOR, else the user behind sudo, else the user, as the command saw it.

            EXAMPLES
              ferry audit
              ferry audit --job country:TR:1
              ferry audit --limit 1000 --json
            """)

    @Option(name: .long, help: ArgumentHelp("Only what was done to this job.", valueName: "id"))
    var job: String?

    @Option(
        name: .long, help: ArgumentHelp("At most so many entries.", valueName: "n"),
        transform: Parsing.count(upTo: 10_000))
    var limit = 50

    @Flag(help: "Print a JSON array.") var json = false
    @OptionGroup var options: CommonOptions

    func perform(_ context: CommandContext) async throws {
        let store = try context.composition().openExistingStore()
        let entries = try await store.auditEntries(limit: limit, subject: job)
        try store.close()
        if json {
            context.print(json: .array(entries.map(\.json)))
            return
        }
        guard !entries.isEmpty else {
            context.screen.note("nothing was done by hand" + (job.map { " to \(VisibleText.bare($0))" } ?? ""))
            return
        }
        context.print(AuditTable.lines(entries, style: context.style))
        if entries.count == limit { context.screen.note("… there may be more; --limit shows them") }
    }
}
