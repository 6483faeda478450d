// ferry types list.

internal import ArgumentParser
internal import SyncJobs

/// `ferry types list`.
struct TypesListCommand: FerrySubcommand {
    static let configuration = CommandConfiguration(
        commandName: "list", abstract: "Lists the sync job types.",
        discussion: """
            EXAMPLES
              ferry types list
              ferry types list --json
            """)

    @Flag(help: "Print a JSON array.") var json = false
    @OptionGroup var options: CommonOptions

    func perform(_ context: CommandContext) async throws {
        let types = try context.composition().configuration.types.all
        if json {
            context.print(json: .array(types.map(\.json)))
            return
        }
        guard !types.isEmpty else {
            context.screen.note("no types; add them under types: in the configuration")
            return
        }
        context.print(Self.table(types, style: context.style))
    }

    /// The types, a line each.
    static func table(_ types: [SyncJobType], style: Style) -> [String] {
        var table = TextTable("NAME", "SLUG", "SOURCE", "TARGET", "QUEUE", "TRIGGERS")
        for type in types {
            let triggers = type.triggers.map { "\($0.document) \($0.eventNames.joined(separator: ","))" }
            table.add([
                type.isDisabled
                    ? style(.quiet, "\(VisibleText.bare(type.name)) (disabled)") : VisibleText.bare(type.name),
                type.slug, type.source.description, type.target?.description ?? "-", type.queue,
                triggers.isEmpty ? "-" : triggers.joined(separator: "; "),
            ])
        }
        return table.lines(style: style)
    }
}
