// ferry dead edit: gives a dead letter another body. What a worker would refuse is refused here; the body as it came stays.

internal import ArgumentParser
internal import Foundation
internal import JobStore
internal import SyncJobs

/// `ferry dead edit`.
struct DeadEditCommand: FerrySubcommand {
    static let configuration = CommandConfiguration(
        commandName: "edit", abstract: "Corrects the body of a dead letter, as a new revision of it.",
        discussion: """
            --set changes single fields, --file takes a whole body; with neither, $EDITOR is opened at a terminal. \
            The new body is checked as a worker would check it, and refused with the same reason. Nothing is \
            sent: ferry dead replay does that. A job that has a record keeps its id, parent and target key. The \
            body may hold what ferry dead show masks.

            EXAMPLES
              ferry dead edit 4f0c --set source_document_name='"C-17"' --reason "typo of the shop"
              ferry dead edit 4f0c --set context.country='"TR"' --unset max_retry
              ferry dead edit 4f0c --file letter.json
            """)

    @Argument(help: "The letter's id, the beginning of it when only one has it, or its job's id.")
    var id: String

    @Option(
        name: .long,
        help: ArgumentHelp("Set a field, by its path; repeat it for more.", valueName: "path=json"),
        transform: Parsing.assignment)
    var set: [JSONObject.Member] = []

    @Option(name: .long, help: ArgumentHelp("Leave a field out; repeat it for more.", valueName: "path"))
    var unset: [String] = []

    @Option(name: .long, help: ArgumentHelp("Take the body from this file, - for standard input.", valueName: "file"))
    var file: String?

    @Option(name: .long, help: ArgumentHelp("Why, for the audit and for the revision.", valueName: "text"))
    var reason: String?

    @Flag(help: "Print the letter as JSON.") var json = false
    @OptionGroup var options: CommonOptions

    func validate() throws {
        if file != nil, !set.isEmpty || !unset.isEmpty {
            throw ValidationError("Take the body from a file or change fields of it, not both")
        }
    }

    func perform(_ context: CommandContext) async throws {
        let composition = try context.composition()
        let store = try composition.openExistingStore()
        let letter = try await DeadLetterLookup(store: store).letter(id)
        let current = try await store.revisions(ofLetter: letter).last?.body ?? []
        let body = try edited(current, composition, context)
        guard body != current else {
            try store.close()
            return context.screen.note("nothing was changed")
        }
        let result = try await store.editLetter(
            letter.id, body: body, rules: composition.deadLetterRules,
            actor: Operator.name(environment: context.environment), reason: reason, at: Composition.now())
        try store.close()
        switch result {
        case .refused(let sentence):
            throw CommandFailure(
                .failed, "the dead letter \(letter.id) stays as it is: \(VisibleText.bare(sentence))",
                remedy: "correct the body and edit it again")
        case .done(let edited, _):
            if json { return context.print(json: edited.json) }
            context.print("edited \(edited.id): revision \(edited.revision)")
            context.screen.note("ferry dead replay \(edited.id) sends it")
        }
    }

    private func edited(_ body: [UInt8], _ composition: Composition, _ context: CommandContext) throws -> [UInt8] {
        let maximum = composition.configuration.limits.maximumMessage.bytes
        if let file { return try InputFile.read(file, maximumBytes: maximum) }
        if !set.isEmpty || !unset.isEmpty { return try changed(body) }
        guard isatty(STDIN_FILENO) == 1, context.screen.errors.isInteractive else {
            throw CommandFailure(
                .usage, "nobody can edit here, so nothing was changed", remedy: "use --set path=JSON or --file FILE")
        }
        return try EditorSession(environment: context.environment).edit(Self.readable(body), maximumBytes: maximum)
    }

    private func changed(_ body: [UInt8]) throws -> [UInt8] {
        let value: JSONValue
        do { value = try JSONParser.parse(body) } catch {
            throw CommandFailure(
                .failed, "the body is no JSON (\(error.message), byte \(error.offset)), so no field of it can be set",
                remedy: "write it anew: ferry dead show \(id) --body >letter.json, then --file letter.json")
        }
        guard var object = value.objectValue else {
            throw CommandFailure(
                .failed, "the body is \(value.kind), not an object, so no field of it can be set",
                remedy: "write it anew with --file")
        }
        for member in set { object = try JSONEdit.setting(member.key, to: member.value, in: object) }
        for path in unset { object = try JSONEdit.setting(path, to: nil, in: object) }
        return JSONValue.object(object).canonicalBytes
    }

    /// Indented where it is JSON, else as it is.
    static func readable(_ body: [UInt8]) -> [UInt8] {
        do { return Array((try JSONParser.parse(body).prettyText + "\n").utf8) } catch { return body }
    }
}
