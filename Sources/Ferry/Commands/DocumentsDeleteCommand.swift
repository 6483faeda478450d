// ferry documents delete.

internal import ArgumentParser
internal import JobStore
internal import SyncJobs

/// `ferry documents delete`.
struct DocumentsDeleteCommand: FerrySubcommand {
    static let configuration = CommandConfiguration(
        commandName: "delete", abstract: "Deletes a document; an embedded one leaves its last image behind.",
        discussion: """
            EXAMPLES
              ferry documents delete iso.Currency XTS
              ferry documents delete iso.Currency XTS --publish
            """)

    @Argument(help: "The document type: SYSTEM.TYPE.", transform: Parsing.documentType)
    var documentType: DocumentType
    @Argument(help: "The document's name.") var name: String
    @Flag(help: "Also publish the change event, which carries the last image.") var publish = false
    @OptionGroup var options: CommonOptions

    func perform(_ context: CommandContext) async throws {
        let composition = try context.composition()
        let access = try DocumentAccess(composition, type: documentType)
        guard case .present(let document) = try await access.load(name) else {
            try access.store.close()
            throw access.missing(name)
        }
        _ = try await access.write(before: document, after: nil, name: name)
        context.print("deleted \(documentType)/\(VisibleText.bare(name))")
        if publish {
            let draft = ChangeDraft(documentType, types: composition.configuration.types)
            try await access.publish([draft.event(.delete, document, name: name)])
            context.screen.note("published the change event")
        }
        try access.store.close()
    }
}
