// ferry documents list.

internal import ArgumentParser
internal import JobStore
internal import SyncJobs

/// `ferry documents list`.
struct DocumentsListCommand: FerrySubcommand {
    static let configuration = CommandConfiguration(
        commandName: "list", abstract: "Lists the documents of a type, by name.",
        discussion: """
            EXAMPLES
              ferry documents list iso.Country
              ferry documents list iso.Country --after FR --limit 20 --json
            """)

    @Argument(help: "The document type: SYSTEM.TYPE.", transform: Parsing.documentType)
    var documentType: DocumentType

    @Option(
        name: .long, help: ArgumentHelp("At most so many.", valueName: "n"), transform: Parsing.count(upTo: 10_000))
    var limit = 50

    @Option(name: .long, help: ArgumentHelp("Begin after this name.", valueName: "name"))
    var after: String?

    @Flag(help: "Print a JSON array: name, type, version, fields.") var json = false
    @OptionGroup var options: CommonOptions

    func perform(_ context: CommandContext) async throws {
        let access = try DocumentAccess(try context.composition(), type: documentType)
        let documents = try await access.system.list(typeName: documentType.name, after: after, limit: limit)
        let total = try await access.system.count(typeName: documentType.name)
        try access.store.close()
        if json {
            context.print(json: .array(documents.map { $0.json(name: $0.key?.name ?? "") }))
            return
        }
        guard !documents.isEmpty else {
            context.screen.note("no documents")
            return
        }
        var table = TextTable("NAME", "VERSION", "FIELDS")
        let values = VisibleValue(limit: 50)
        for document in documents {
            table.add([
                VisibleText.bare(document.key?.name ?? "", limit: 60),
                document.version.map { VisibleText.bare($0.text, limit: 30) } ?? "-",
                values.text(.object(document.fields)),
            ])
        }
        context.print(table.lines(style: context.style))
        if documents.count < total {
            context.screen.note(
                "\(documents.count) of \(Quantity.count(total, "document")); --after and --limit show others")
        }
    }
}
