// ferry dead: the dead letters as a workplace.

internal import ArgumentParser

/// `ferry dead`.
struct DeadCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "dead", abstract: "Shows, mends, replays and discards dead letters.",
        discussion: """
            A worker moves dead letters from the broker's queue into its store; there they stay until somebody \
            has decided about them. A letter's id may be shortened as long as only one begins with it.

            EXAMPLES
              ferry dead groups
              ferry dead show 4f0c
              ferry dead edit 4f0c --set source_document_name='"C-17"' --reason "typo of the shop"
              ferry dead replay --group 1b2c3d4e5f --reason "the target is back"
              ferry dead discard 4f0c --reason "a test of the shop"
            """,
        subcommands: [
            DeadListCommand.self, DeadGroupsCommand.self, DeadShowCommand.self, DeadEditCommand.self,
            DeadReplayCommand.self, DeadDiscardCommand.self, DeadExportCommand.self,
        ])
}
