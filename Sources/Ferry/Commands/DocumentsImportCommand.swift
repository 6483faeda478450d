// ferry documents import: a file of documents into an embedded system.

internal import ArgumentParser
internal import JobStore
internal import SyncBroker
internal import SyncJobs

/// `ferry documents import`.
struct DocumentsImportCommand: FerrySubcommand {
    static let configuration = CommandConfiguration(
        commandName: "import", abstract: "Imports a file of documents into an embedded system.",
        discussion: """
            The file is a JSON array, an object with an array inside (--path), or a JSON object a line. It is \
            checked whole before anything is written. A document that is there already is replaced; others stay.

            EXAMPLES
              ferry documents import iso.Country iso_3166-1.json --path 3166-1 --name alpha_2
              ferry documents import erp.Customer customers.jsonl --name code --publish
            """)

    @Argument(help: "The document type: SYSTEM.TYPE.", transform: Parsing.documentType)
    var documentType: DocumentType
    @Argument(help: "The file; - for standard input.") var file: String

    @Option(name: .long, help: ArgumentHelp("The field that holds the document's name.", valueName: "field"))
    var name: String

    @Option(name: .long, help: ArgumentHelp("json or jsonl. Default: by the file's name.", valueName: "format"))
    var format: ImportFile.Format?

    @Option(
        name: .long,
        help: ArgumentHelp("The key of the array, taken as it is; repeat it for keys further in.", valueName: "key"))
    var path: [String] = []

    @Flag(help: "Also publish change events for what is new or changed.") var publish = false
    @Flag(help: "Print the counts as JSON.") var json = false
    @Flag(name: .long, help: "Say nothing but what went wrong.") var quiet = false
    @OptionGroup var options: CommonOptions

    /// How many documents are compared and written at a time.
    private static let batch = 1000

    /// What became of the documents.
    struct Counts: Sendable, Hashable {
        var new = 0
        var changed = 0
        var same = 0
        var published = 0
    }

    func perform(_ context: CommandContext) async throws {
        let composition = try context.composition()
        let access = try DocumentAccess(composition, type: documentType)
        guard access.system.isEmbedded else {
            throw CommandFailure(
                .usage, "\(documentType.system) is not an embedded system",
                remedy: "ferry documents put writes single documents to it")
        }
        let bytes = try InputFile.read(file, maximumBytes: ImportFile.maximumBytes)
        let contents = try ImportFile(
            bytes, format: format ?? ImportFile.Format(ofFile: file), path: path, nameField: name)
        let counts: Counts
        if publish {
            if !quiet, let note = ChangeDraft.unheard(documentType, types: composition.configuration.types) {
                context.screen.note(note)
            }
            counts = try await ConfirmedPublishing.with(
                try composition.broker("documents"), composition: composition
            ) { publishing in
                let counts = try await importAll(contents, access, publishing, context)
                try await publishing.requireAllConfirmed()
                return counts
            }
        } else {
            counts = try await importAll(contents, access, nil, context)
        }
        try access.store.close()
        say(counts, context)
    }

    private func importAll(
        _ contents: ImportFile, _ access: DocumentAccess, _ publishing: ConfirmedPublishing?, _ context: CommandContext
    ) async throws -> Counts {
        let draft = ChangeDraft(documentType, types: access.composition.configuration.types)
        var counts = Counts()
        var rest = contents.entries[...]
        while !rest.isEmpty {
            let batch = rest.prefix(Self.batch)
            rest = rest.dropFirst(Self.batch)
            let events = try await store(Array(batch), access, draft, &counts)
            if let publishing {
                await publishing.publish(events.map { ($0.id, .change($0)) })
                counts.published = await publishing.confirmed
            }
            let done = VisibleText.grouped(contents.entries.count - rest.count)
            if !quiet { context.screen.progress("imported \(done)/\(VisibleText.grouped(contents.entries.count))") }
        }
        context.screen.endProgress()
        return counts
    }

    /// Writes what differs and answers the events about it.
    private func store(
        _ entries: [ImportFile.Entry], _ access: DocumentAccess, _ draft: ChangeDraft, _ counts: inout Counts
    ) async throws -> [ChangeEvent] {
        let keys = entries.map { DocumentKey(type: documentType, name: $0.name) }
        let states = try await access.store.loadDocuments(keys)
        let shape = access.shape
        var writes: [(DocumentKey, JSONObject, DocumentVersion?)] = []
        var events: [ChangeEvent] = []
        for (entry, (key, state)) in zip(entries, zip(keys, states)) {
            let kind: ChangeEvent.Kind
            if case .present(let document) = state {
                guard document.fields != entry.fields else {
                    counts.same += 1
                    continue
                }
                counts.changed += 1
                kind = .update
            } else {
                counts.new += 1
                kind = .insert
            }
            let version = try shape.version(in: entry.fields)
            writes.append((key, entry.fields, version))
            events.append(
                draft.event(kind, Document(key: key, fields: entry.fields, version: version), name: entry.name))
        }
        if !writes.isEmpty { _ = try await access.store.putDocuments(writes) }
        return events
    }

    private func say(_ counts: Counts, _ context: CommandContext) {
        if json {
            var object: JSONObject = [
                "new": .int(counts.new), "changed": .int(counts.changed), "same": .int(counts.same),
            ]
            if publish { object["published"] = .int(counts.published) }
            context.print(json: .object(object))
            return
        }
        guard !quiet else { return }
        let total = counts.new + counts.changed + counts.same
        let published = publish ? " · \(Quantity.count(counts.published, "change event")) published" : ""
        context.print(
            "\(documentType): \(Quantity.count(total, "document")) · new \(VisibleText.grouped(counts.new)) · changed "
                + "\(VisibleText.grouped(counts.changed)) · same \(VisibleText.grouped(counts.same))\(published)")
    }
}

extension ImportFile.Format: ExpressibleByArgument {}
