// ferry store: the file itself, as opposed to the jobs in it; no broker is needed.

internal import ArgumentParser

/// `ferry store`.
struct StoreCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "store", abstract: "Looks after the job store's file: what it holds, whether it is whole, copies.",
        discussion: """
            docs/store.md says how a copy is put back, and what that means.

            EXAMPLES
              ferry store info
              ferry store check
              ferry store backup /backup/jobs-2026-11-21.sqlite
            """,
        subcommands: [StoreInfoCommand.self, StoreCheckCommand.self, StoreBackupCommand.self])
}
