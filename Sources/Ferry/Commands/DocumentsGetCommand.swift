// ferry documents get.

internal import ArgumentParser
internal import JobStore
internal import SyncJobs

/// `ferry documents get`.
struct DocumentsGetCommand: FerrySubcommand {
    static let configuration = CommandConfiguration(
        commandName: "get", abstract: "Shows a document.",
        discussion: """
            EXAMPLES
              ferry documents get iso.Country TR
              ferry documents get shop.Account A-1 --json
            """)

    @Argument(help: "The document type: SYSTEM.TYPE.", transform: Parsing.documentType)
    var documentType: DocumentType
    @Argument(help: "The document's name.") var name: String
    @Flag(help: "Print JSON: name, type, version, fields.") var json = false
    @OptionGroup var options: CommonOptions

    func perform(_ context: CommandContext) async throws {
        let access = try DocumentAccess(try context.composition(), type: documentType)
        let state = try await access.load(name)
        try access.store.close()
        guard case .present(let document) = state else {
            if case .deleted = state {
                throw CommandFailure(
                    .failed, "\(documentType) \"\(VisibleText.bare(name, limit: 200))\" was deleted",
                    remedy: "ferry documents put makes it anew")
            }
            throw access.missing(name)
        }
        if json {
            context.print(json: document.json(name: name))
            return
        }
        let version = document.version.map { " · version \(VisibleText.bare($0.text))" } ?? ""
        context.print("\(context.style(.heading, "\(documentType)/\(VisibleText.bare(name))"))\(version)")
        context.print(Self.lines(document.fields))
    }

    /// A field a line, rows of child tables below their field.
    static func lines(_ fields: JSONObject) -> [String] {
        let values = VisibleValue(limit: 120)
        let width = fields.map { TextWidth.of(VisibleText.bare($0.key, limit: 60)) }.max() ?? 0
        return fields.flatMap { member -> [String] in
            let name = TextWidth.pad(VisibleText.bare(member.key, limit: 60), to: width)
            if let rows = member.value.arrayValue, !rows.isEmpty, rows.allSatisfy({ $0.objectValue != nil }) {
                return ["  \(name)  \(Quantity.count(rows.count, "row"))"] + rows.map { "    \(values.text($0))" }
            }
            return ["  \(name)  \(values.text(member.value))"]
        }
    }
}
