// ferry jobs show: everything about one job.

internal import ArgumentParser
internal import JobStore
internal import SyncJobs

/// `ferry jobs show`.
struct JobsShowCommand: FerrySubcommand {
    static let configuration = CommandConfiguration(
        commandName: "show", abstract: "Shows all there is about one job.",
        discussion: """
            The diff shows old → new; white space and control characters are visible, long values are shortened \
            (--full shows them whole).

            EXAMPLES
              ferry jobs show country:TR:1
              ferry jobs show 7d9f --json
            """)

    @Argument(help: "The job's id, or the beginning of it when only one job has it.")
    var id: String

    @Flag(help: "Show long values whole.")
    var full = false

    @Flag(help: "Print the record as JSON.")
    var json = false

    @OptionGroup var options: CommonOptions

    func perform(_ context: CommandContext) async throws {
        let composition = try context.composition()
        let store = try composition.openExistingStore()
        let job = try await JobLookup(store: store).job(id)
        let details = try await JobDetails(job, composition: composition, store: store)
        try store.close()
        if json {
            context.print(json: details.json(of: job))
        } else {
            var text = JobText(style: context.style)
            if full { text.values.limit = .max / 4 }
            context.print(text.lines(job, details))
        }
    }
}
