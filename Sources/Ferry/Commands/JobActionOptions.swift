// What start, cancel and retry take: jobs by their ids, or jobs by their properties, never both.

internal import ArgumentParser
internal import JobStore
internal import SyncJobs

/// Which jobs an action means, and how it is done.
struct JobActionOptions: ParsableArguments {
    @Argument(help: "The jobs' ids, whole.")
    var ids: [String] = []

    @OptionGroup(title: "Jobs by their properties, instead of ids")
    var conditions: JobFilterOptions

    @Option(
        name: .long, help: ArgumentHelp("Why, for the audit and for the record of a canceled job.", valueName: "text"))
    var reason: String?

    @Flag(name: .long, help: "Do it without asking; needed where nobody can be asked.")
    var yes = false

    @Flag(name: [.customLong("dry-run"), .customLong("preview")], help: "Only show which jobs are meant.")
    var dryRun = false

    @Flag(help: "Print what was done as JSON.")
    var json = false

    func validate() throws {
        if !ids.isEmpty, !conditions.isEmpty {
            throw ValidationError("Name jobs by their ids, or by flags such as --type, not by both")
        }
        if ids.isEmpty, conditions.isEmpty {
            throw ValidationError("Name jobs by their ids, or say which are meant, such as --type or --since")
        }
    }
}
