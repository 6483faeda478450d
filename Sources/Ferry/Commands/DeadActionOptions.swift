// What replay and discard take: dead letters by their ids, or by their properties, never both.

internal import ArgumentParser
internal import JobStore
internal import SyncJobs

/// Which dead letters an action means, and how it is done.
struct DeadActionOptions: ParsableArguments {
    @Argument(help: "The letters' ids, or the beginnings of them.")
    var ids: [String] = []

    @OptionGroup(title: "Letters by their properties, instead of ids")
    var conditions: DeadFilterOptions

    @Flag(name: .long, help: "All open letters.")
    var all = false

    @Option(name: .long, help: ArgumentHelp("Why, for the audit and for the letter.", valueName: "text"))
    var reason: String?

    @Flag(name: .long, help: "Do it without asking; needed where nobody can be asked.")
    var yes = false

    @Flag(name: [.customLong("dry-run"), .customLong("preview")], help: "Only show which letters are meant.")
    var dryRun = false

    @Flag(help: "Print what was done as JSON.")
    var json = false

    func validate() throws {
        if !ids.isEmpty, !conditions.isEmpty || all {
            throw ValidationError("Name letters by their ids, or by flags such as --group, not by both")
        }
        if all, !conditions.namesNone {
            throw ValidationError("--all means every open letter, but for --except-group; leave it or the flags out")
        }
        if ids.isEmpty, conditions.isEmpty, !all {
            throw ValidationError("Name letters by their ids, or say which are meant, such as --group or --all")
        }
    }
}
