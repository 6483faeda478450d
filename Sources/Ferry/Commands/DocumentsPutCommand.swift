// ferry documents put: sets fields of one document, and makes it when it is not there.

internal import ArgumentParser
internal import JobStore
internal import SyncJobs

/// `ferry documents put`.
struct DocumentsPutCommand: FerrySubcommand {
    static let configuration = CommandConfiguration(
        commandName: "put", abstract: "Sets fields of a document, and makes it when it is not there.",
        discussion: """
            Fields that are not named are left alone. The write is refused when somebody else changes the \
            document meanwhile.

            EXAMPLES
              ferry documents put erp.Customer C-7 --set label='"Oslo kommune"' --set limit=5000.00
              ferry documents put erp.Customer C-7 --json @customer.json --publish
            """)

    @Argument(help: "The document type: SYSTEM.TYPE.", transform: Parsing.documentType)
    var documentType: DocumentType
    @Argument(help: "The document's name.") var name: String

    @Option(
        name: .long, help: ArgumentHelp("Set a field; repeat it for more.", valueName: "field=json"),
        transform: Parsing.assignment)
    var set: [JSONObject.Member] = []

    @Option(name: .long, help: ArgumentHelp("Set these fields: a JSON object, @file or -.", valueName: "json"))
    var json: String?

    @Flag(help: "Also publish the change event, if something changed.") var publish = false
    @OptionGroup var options: CommonOptions

    func validate() throws {
        if set.isEmpty, json == nil { throw ValidationError("Say what to set: --set field=JSON, or --json") }
    }

    func perform(_ context: CommandContext) async throws {
        let composition = try context.composition()
        let limit = composition.configuration.limits.maximumDocument.bytes
        var fields = try json.map { try Parsing.object($0, named: "--json", maximumBytes: limit) } ?? JSONObject()
        for member in set { fields[member.key] = member.value }
        let access = try DocumentAccess(composition, type: documentType)
        let current: Document? = if case .present(let document) = try await access.load(name) { document } else { nil }
        if current == nil, let field = access.shape.nameField, fields[field] == nil { fields[field] = .string(name) }
        let after = Document(key: DocumentKey(type: documentType, name: name), fields: fields)
        let diff = try Diff(from: current, to: after, shape: access.shape)
        guard current == nil || !diff.isEmpty else {
            try access.store.close()
            context.print("\(documentType)/\(VisibleText.bare(name)): no change")
            return
        }
        let receipt = try await access.write(before: current, after: after, name: name)
        let masked = SensitiveFields(of: access.shape).masking(diff)
        context.print("\(documentType)/\(VisibleText.bare(receipt.name)) (\(current == nil ? "insert" : "update"))")
        context.print(DiffText(style: context.style).lines(masked).map { "  \($0)" })
        if publish, let stored = receipt.stored {
            let draft = ChangeDraft(documentType, types: composition.configuration.types)
            try await access.publish([draft.event(current == nil ? .insert : .update, stored, name: receipt.name)])
            context.screen.note("published the change event")
        }
        try access.store.close()
    }
}
