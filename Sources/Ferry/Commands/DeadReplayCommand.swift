// ferry dead replay.

internal import ArgumentParser
internal import JobStore
internal import SyncJobs

/// `ferry dead replay`.
struct DeadReplayCommand: FerrySubcommand {
    static let configuration = CommandConfiguration(
        commandName: "replay", abstract: "Sends dead letters on their way again, as they are or as they were edited.",
        discussion: """
            A job that failed goes on in its record, with all its retries; what never was a job becomes one under \
            its own id, and where that id belongs to another request, under one that derives from it. What a \
            worker would refuse again is refused here, with the reason: edit it first. With flags, letters are \
            counted and shown first, and you are asked. They go in parts of 500, oldest first; a command that is \
            ended in between has done whole parts, and the same command again does the rest. \
            dead_letters.max_replays bounds how often one letter comes back.

            EXAMPLES
              ferry dead replay 4f0c --reason "the type is there now"
              ferry dead replay --group 1b2c3d4e5f --dry-run
              ferry dead replay --all --except-group 1b2c3d4e5f --yes --reason "the target is back"
            """)

    @OptionGroup var action: DeadActionOptions
    @OptionGroup var options: CommonOptions

    func perform(_ context: CommandContext) async throws {
        let composition = try context.composition()
        try await DeadActionRun(
            action: .replay(composition.deadLetterRules), verb: "Replay", done: "replayed", options: action
        ).perform(composition, context)
    }
}
