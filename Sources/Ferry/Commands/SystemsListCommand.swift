// ferry systems list.

internal import ArgumentParser
internal import Foundation
internal import SyncJobs

/// `ferry systems list`.
struct SystemsListCommand: FerrySubcommand {
    static let configuration = CommandConfiguration(
        commandName: "list", abstract: "Lists the configured systems and their document types.",
        discussion: """
            Nothing is opened: whether a system fits what is declared for it is for ferry systems check to say.

            EXAMPLES
              ferry systems list
              ferry systems list --json
            """)

    @Flag(help: "Print a JSON array.") var json = false
    @OptionGroup var options: CommonOptions

    func perform(_ context: CommandContext) async throws {
        let composition = try context.composition()
        let systems = composition.configuration.systems.map { system in
            let file = composition.file(of: system)
            return ListedSystem(
                settings: system, file: file, isThere: FileManager.default.fileExists(atPath: file),
                documentTypes: composition.documentTypes(of: system))
        }
        if json {
            context.print(json: .array(systems.map(\.json)))
        } else if systems.isEmpty {
            context.screen.note("no systems; add them under systems: in the configuration")
        } else {
            context.print(ListedSystem.table(systems, style: context.style))
        }
    }
}

/// A system as the list shows it.
struct ListedSystem: Sendable {
    let settings: SystemSettings
    let file: String
    let isThere: Bool
    let documentTypes: [DocumentType]

    /// For programs.
    var json: JSONValue {
        [
            "name": .string(settings.name), "kind": .string(settings.kindName), "file": .string(file),
            "is_there": .bool(isThere), "document_types": .array(documentTypes.map { .string($0.description) }),
        ]
    }

    /// The systems, a line each.
    static func table(_ systems: [ListedSystem], style: Style) -> [String] {
        var table = TextTable("NAME", "KIND", "FILE", "DOCUMENT TYPES")
        for system in systems {
            let types = system.documentTypes.map { VisibleText.bare($0.name, limit: 60) }.joined(separator: ", ")
            let file = VisibleText.bare(system.file)
            table.add([
                VisibleText.bare(system.settings.name), system.settings.kindName,
                system.isThere ? file : style(.notice, "\(file) (not there)"), types.isEmpty ? "-" : types,
            ])
        }
        return table.lines(style: style)
    }
}
