// ferry jobs cancel.

internal import ArgumentParser
internal import JobStore

/// `ferry jobs cancel`.
struct JobsCancelCommand: FerrySubcommand {
    static let configuration = CommandConfiguration(
        commandName: "cancel", abstract: "Cancels jobs that wait or failed, and asks running ones to stop.",
        discussion: """
            A job that waits is canceled at once, and its message does nothing when it arrives; a running one is \
            asked to stop. An id without a record is canceled when its request comes, if it does within 30 days. \
            With flags, jobs are counted and shown first, and you are asked; without --status only those are \
            meant to which anything is still to come.

            EXAMPLES
              ferry jobs cancel country:TR:1 --reason "sent by mistake"
              ferry jobs cancel --parent import:7 --dry-run
              ferry jobs cancel --type country_sync --waiting retry --yes
            """)

    @OptionGroup var action: JobActionOptions
    @OptionGroup var options: CommonOptions

    func perform(_ context: CommandContext) async throws {
        try await JobActionRun(action: .cancel, options: action).perform(context)
    }
}
