// ferry dead: the dead letters.

internal import ArgumentParser

/// `ferry dead`.
struct DeadCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "dead", abstract: "Looks at the dead letters.",
        discussion: """
            EXAMPLES
              ferry dead list
              ferry dead list --limit 100 --json
            """,
        subcommands: [DeadListCommand.self])
}
