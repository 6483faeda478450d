// ferry jobs list.

internal import ArgumentParser
internal import JobStore
internal import SyncJobs

/// `ferry jobs list`.
struct JobsListCommand: FerrySubcommand {
    static let configuration = CommandConfiguration(
        commandName: "list", abstract: "Lists jobs, newest first.",
        discussion: """
            EXAMPLES
              ferry jobs list
              ferry jobs list --status failed --error source_not_visible
              ferry jobs list --parent import:7 --open
              ferry jobs list --waiting retry
              ferry jobs list --source TR --json
            """)

    @OptionGroup var conditions: JobFilterOptions

    @Option(
        name: .long, help: ArgumentHelp("At most so many jobs.", valueName: "n"),
        transform: Parsing.count(upTo: JobFilter.maximumLimit))
    var limit = 50

    @Flag(help: "Print a JSON array of records.")
    var json = false

    @OptionGroup var options: CommonOptions

    func perform(_ context: CommandContext) async throws {
        let composition = try context.composition()
        let store = try composition.openExistingStore()
        var filter = conditions.filter(composition)
        filter.limit = limit
        let page = try await store.jobPage(filter)
        try store.close()
        if json {
            context.print(json: .array(page.jobs.map(\.json)))
            return
        }
        guard !page.jobs.isEmpty else {
            context.screen.note("no jobs")
            return
        }
        context.print(JobTable.lines(page.jobs, style: context.style))
        if page.nextSequence != nil { context.screen.note("… there are more; --limit shows them") }
    }
}
