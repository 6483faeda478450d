// ferry jobs: the records, read from the store, and what operators do to them; no broker is needed.

internal import ArgumentParser

/// `ferry jobs`.
struct JobsCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "jobs", abstract: "Looks at the records of jobs, and starts, cancels, retries and prunes them.",
        discussion: """
            EXAMPLES
              ferry jobs list --status failed --since 1h
              ferry jobs show country:TR:1
              ferry jobs count --type country_sync
              ferry jobs why country:TR:1
              ferry jobs retry --error source_not_visible --since 1h
            """,
        subcommands: [
            JobsListCommand.self, JobsShowCommand.self, JobsCountCommand.self, JobsWhyCommand.self,
            JobsStartCommand.self, JobsCancelCommand.self, JobsRetryCommand.self, JobsPruneCommand.self,
        ])
}
