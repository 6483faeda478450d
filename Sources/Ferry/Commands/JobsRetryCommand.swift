// ferry jobs retry.

internal import ArgumentParser
internal import JobStore

/// `ferry jobs retry`.
struct JobsRetryCommand: FerrySubcommand {
    static let configuration = CommandConfiguration(
        commandName: "retry", abstract: "Runs failed jobs again, with all their retries.",
        discussion: """
            Only Failed jobs can be retried, those that wait for their next attempt among them. With flags, jobs \
            are counted and shown first, and you are asked; they come back oldest first. Each retry is recorded \
            in the audit. What is to be published goes out at once when the broker can be reached, else a worker \
            on this store publishes it within seconds.

            EXAMPLES
              ferry jobs retry country:TR:1
              ferry jobs retry --error source_not_visible --since 1h --dry-run
              ferry jobs retry --parent import:7 --yes --reason "the target is back"
            """)

    @OptionGroup var action: JobActionOptions
    @OptionGroup var options: CommonOptions

    func perform(_ context: CommandContext) async throws {
        try await JobActionRun(action: .retry, options: action).perform(context)
    }
}
