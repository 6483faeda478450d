// ferry version.

internal import ArgumentParser
internal import SyncJobs

/// `ferry version`.
struct VersionCommand: FerrySubcommand {
    static let configuration = CommandConfiguration(
        commandName: "version", abstract: "Shows which version this is.",
        discussion: """
            EXAMPLES
              ferry version
              ferry version --json
            """)

    @Flag(help: "Print JSON.") var json = false
    @OptionGroup var options: CommonOptions

    func perform(_ context: CommandContext) async throws {
        if json {
            context.print(json: ["version": .string(FerryVersion.current)])
        } else {
            context.print("ferry \(FerryVersion.current)")
        }
    }
}
