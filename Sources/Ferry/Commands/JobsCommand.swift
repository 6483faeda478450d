// ferry jobs: the records, read from the store; no broker is needed.

internal import ArgumentParser

/// `ferry jobs`.
struct JobsCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "jobs", abstract: "Looks at the records of jobs.",
        discussion: """
            EXAMPLES
              ferry jobs list --status failed --since 1h
              ferry jobs show country:TR:1
              ferry jobs count --type country_sync
            """,
        subcommands: [JobsListCommand.self, JobsShowCommand.self, JobsCountCommand.self])
}
