// ferry systems inspect: drafts the declaration of a system's documents from its schema, or from its documents.

internal import ArgumentParser
internal import DocumentSystems
internal import JobStore
internal import Logging
internal import SyncJobs

/// `ferry systems inspect`.
struct SystemsInspectCommand: FerrySubcommand {
    static let configuration = CommandConfiguration(
        commandName: "inspect", abstract: "Drafts a system's document types, ready to paste under documents:.",
        discussion: """
            Of a SQLite file the schema is read, and up to 200 rows of each table: the primary key becomes the name, \
            declared types the kinds of fields, and a table that refers to another and is named after it (or is \
            deleted with it) a child table. Of an embedded system up to 200 documents of each type are looked at.

            What follows from the schema is written out; what is only likely (the version, what should be masked, \
            what values look like) stands in comments. Nothing is changed. Read the draft before you use it.

            EXAMPLES
              ferry systems inspect shop
              ferry systems inspect shop accounts items
              ferry systems inspect shop --file shop.sqlite     (without any configuration)
              ferry systems inspect erp --json
            """)

    @Argument(help: "The system.") var system: String
    @Argument(help: ArgumentHelp("Only these tables; for an embedded system, document types.", valueName: "table"))
    var tables: [String] = []

    @Option(
        name: .long,
        help: ArgumentHelp("Look at this SQLite file, whatever the configuration says.", valueName: "file"))
    var file: String?

    @Flag(help: "Print JSON.") var json = false
    @OptionGroup var options: CommonOptions

    func validate() throws {
        if system.isEmpty || system.contains(".") {
            throw ValidationError("\"\(system)\" is no name of a system; document types are named SYSTEM.TYPE")
        }
    }

    func perform(_ context: CommandContext) async throws {
        let (kind, path, drafts) = try await look(context)
        if json {
            context.print(
                json: [
                    "system": .string(system), "kind": .string(kind), "file": .string(path),
                    "documents": .array(drafts.map(DraftText.json)),
                ])
        } else if drafts.isEmpty {
            context.screen.note("\(VisibleText.bare(path)) has no tables or documents to draft")
        } else {
            context.print(["  # \(Self.heading(system, kind: kind, file: path))"] + DraftText.yaml(drafts))
        }
    }

    private func look(_ context: CommandContext) async throws -> (kind: String, path: String, drafts: [DocumentDraft]) {
        if let file {
            let shown = try SQLiteFileSystem(name: system, path: file, tables: [:], logger: context.logger)
            let drafts = try await shown.drafts(of: tables)
            try shown.close()
            return (SystemKindName.sqlite.rawValue, file, drafts)
        }
        let composition = try context.composition()
        let settings = try composition.requireSystem(system)
        let path = composition.file(of: settings)
        guard case .sqlite(let file) = settings.kind else {
            let store = try composition.openExistingStore()
            let drafts = try await composition.system(settings, store: store).drafts(of: tables)
            try store.close()
            return (settings.kindName, path, drafts)
        }
        // Without its declared document types: they may be what is wrong.
        let drafts = try await SQLiteFileSystem(name: system, path: file, tables: [:], logger: context.logger)
            .drafts(of: tables)
        return (settings.kindName, path, drafts)
    }

    /// What stands above a draft.
    static func heading(_ system: String, kind: String, file: String) -> String {
        YAMLText.comment("drafted from \(system) (\(kind), \(file)): paste below documents:, and read the comments")
    }
}
