// ferry store info: version, sizes, rows, and what is owed to the broker.

internal import ArgumentParser
internal import JobStore
internal import SyncJobs

/// `ferry store info`.
struct StoreInfoCommand: FerrySubcommand {
    static let configuration = CommandConfiguration(
        commandName: "info", abstract: "Says what the store's file holds: version, sizes, rows, what is owed.",
        discussion: """
            EXAMPLES
              ferry store info
              ferry store info --json
            """)

    @Flag(help: "Print JSON.") var json = false
    @OptionGroup var options: CommonOptions

    func perform(_ context: CommandContext) async throws {
        let store = try context.composition().openExistingStore()
        let info = try await store.info()
        try store.close()
        let text = StoreInfoText(info: info, now: Composition.now())
        if json { context.print(json: text.json) } else { context.print(text.lines(style: context.style)) }
    }
}
