// ferry jobs start.

internal import ArgumentParser
internal import JobStore

/// `ferry jobs start`.
struct JobsStartCommand: FerrySubcommand {
    static let configuration = CommandConfiguration(
        commandName: "start", abstract: "Starts jobs that are held (Pending).",
        discussion: """
            Jobs are named by their ids, or meant by flags; then they are counted and shown first, and you are \
            asked. Each start is recorded in the audit. What is to be published goes out at once when the broker \
            can be reached, else a worker on this store publishes it within seconds.

            EXAMPLES
              ferry jobs start country:TR:1
              ferry jobs start --type country_sync --dry-run
              ferry jobs start --type country_sync --yes --reason "the registry is open again"
            """)

    @OptionGroup var action: JobActionOptions
    @OptionGroup var options: CommonOptions

    func perform(_ context: CommandContext) async throws {
        try await JobActionRun(action: .start, options: action).perform(context)
    }
}
