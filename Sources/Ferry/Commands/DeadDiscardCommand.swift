// ferry dead discard.

internal import ArgumentParser
internal import JobStore
internal import SyncJobs

/// `ferry dead discard`.
struct DeadDiscardCommand: FerrySubcommand {
    static let configuration = CommandConfiguration(
        commandName: "discard", abstract: "Decides that dead letters are not to be done.",
        discussion: """
            The letter stays, with who, when and why, until retention: failed: of ferry.yaml has passed; a job \
            that failed with it is canceled with that reason. With flags, letters are counted and shown first, and \
            you are asked.

            EXAMPLES
              ferry dead discard 4f0c --reason "a test of the shop"
              ferry dead discard --group 1b2c3d4e5f --yes --reason "these customers are gone"
            """)

    @OptionGroup var action: DeadActionOptions
    @OptionGroup var options: CommonOptions

    func validate() throws {
        if action.reason.map({ $0.allSatisfy(\.isWhitespace) }) ?? true, !action.dryRun {
            throw ValidationError("Say why: --reason \"…\"")
        }
    }

    func perform(_ context: CommandContext) async throws {
        try await DeadActionRun(action: .discard, verb: "Discard", done: "discarded", options: action)
            .perform(try context.composition(), context)
    }
}
