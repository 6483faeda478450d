// ferry change: says that documents changed, as an upstream system would.

internal import ArgumentParser
internal import DocumentSystems
internal import JobStore
internal import SyncBroker
internal import SyncJobs

/// `ferry change`.
struct ChangeCommand: FerrySubcommand {
    static let configuration = CommandConfiguration(
        commandName: "change", abstract: "Publishes change events, which triggers turn into requests.",
        discussion: """
            With --all there is one event for every document of the type, with ids prefix:name:round: the same \
            prefix and round make the same ids, and ended jobs are not run again. With --stdin each line is a \
            change event (contracts/).

            EXAMPLES
              ferry change iso.Country TR --event update
              ferry change iso.Country --all --id-prefix country --round 1
              ferry change erp.Customer C-7 --event delete --document @last-image.json
              cat events.jsonl | ferry change --stdin
            """)

    @Argument(help: "The document type: SYSTEM.TYPE.", transform: Parsing.documentType)
    var documentType: DocumentType?

    @Argument(help: "The document's name.")
    var name: String?

    @Option(
        name: .long,
        help: ArgumentHelp("insert, update, delete or rename. Default with --all: update.", valueName: "event"),
        transform: Parsing.event)
    var event: ChangeEvent.Kind?

    @Option(name: .long, help: ArgumentHelp("The event's id. Default: made from name and time.", valueName: "id"))
    var id: String?

    @Option(name: .long, help: ArgumentHelp("The name before a rename.", valueName: "name"))
    var oldName: String?

    @Option(name: .long, help: ArgumentHelp("The document's version.", valueName: "version"))
    var version: String?

    @Option(name: .long, help: ArgumentHelp("The document's image: JSON, @file or -.", valueName: "json"))
    var document: String?

    @Flag(name: .long, help: "One event for every document of the type.")
    var all = false

    @Flag(name: .long, help: "With --all: carry each document's image.")
    var withDocument = false

    @Option(name: .long, help: ArgumentHelp("With --all: what ids begin with. Default: the type.", valueName: "prefix"))
    var idPrefix: String?

    @Option(name: .long, help: ArgumentHelp("With --all: what ids end with. Default: the time.", valueName: "text"))
    var round: String?

    @Flag(name: .long, help: "Read change events from standard input, a JSON object a line.")
    var stdin = false

    @Flag(name: .long, help: "Say nothing but what went wrong.")
    var quiet = false

    @OptionGroup var options: CommonOptions

    func validate() throws {
        if stdin {
            guard documentType == nil, !all else { throw ValidationError("With --stdin the lines say everything") }
            return
        }
        guard documentType != nil else { throw ValidationError("Name the document type, or read events with --stdin") }
        if all {
            guard name == nil, id == nil, document == nil, version == nil, oldName == nil else {
                throw ValidationError("--all makes names, ids and versions itself")
            }
            if event == .rename { throw ValidationError("a rename needs the old name, which --all does not know") }
        } else {
            guard name != nil else { throw ValidationError("Name the document, or say --all") }
            guard event != nil else {
                throw ValidationError("Say what happened: --event insert, update, delete or rename")
            }
            if event == .rename, oldName == nil { throw ValidationError("A rename needs --old-name") }
        }
    }

    func perform(_ context: CommandContext) async throws {
        let composition = try context.composition()
        let limits = composition.configuration.limits
        let broker = try composition.broker("change")
        if stdin {
            let lines = LinePublishing(
                noun: "change event", limits: limits, screen: context.screen, isQuiet: quiet
            ) { object in
                let bytes = JSONValue.object(object).canonicalBytes
                let event = try ChangeEvent(decoding: bytes, messageID: nil, maximumDepth: limits.maximumDepth)
                return (event.id, .change(event))
            }
            try await ConfirmedPublishing.with(broker, composition: composition) { publishing in
                if let failure = try await lines.publishAll(to: publishing).failure { throw failure }
            }
            return
        }
        guard let type = documentType else { return }
        try composition.requireSystem(of: type)
        if !quiet, let note = ChangeDraft.unheard(type, types: composition.configuration.types) {
            context.screen.note(note)
        }
        if all {
            try await publishAll(of: type, composition, context)
        } else if let name, let event {
            let change = try changeEvent(event, of: DocumentKey(type: type, name: name), composition)
            try await ConfirmedPublishing.with(broker, composition: composition) { publishing in
                await publishing.publish([(change.id, .change(change))])
                try await publishing.requireAllConfirmed()
            }
            if !quiet { context.print("published \(VisibleText.bare(change.id))") }
        }
    }

    /// The event of the flags, decoded by the real decoder, so that what is wrong shows here.
    func changeEvent(
        _ event: ChangeEvent.Kind, of key: DocumentKey, _ composition: Composition
    ) throws -> ChangeEvent {
        let draft = ChangeDraft(key.type, types: composition.configuration.types)
        var change = ChangeEvent(
            id: id ?? draft.id(of: key.name), documentType: key.type, documentName: key.name, event: event)
        change.oldName = oldName
        change.version = version
        let limits = composition.configuration.limits
        let limit = limits.maximumMessage.bytes
        change.document = try document.map { try Parsing.object($0, named: "--document", maximumBytes: limit) }
        let bytes = JSONValue.object(change.json).canonicalBytes
        guard bytes.count <= limit else {
            throw CommandFailure(
                .usage, "the event has \(VisibleText.grouped(bytes.count)) bytes, more than limits.max_message",
                remedy: "leave the document out, or raise the limit")
        }
        do { return try ChangeEvent(decoding: bytes, messageID: nil, maximumDepth: limits.maximumDepth) } catch {
            throw CommandFailure(.usage, error.message, remedy: error.remedy)
        }
    }

    private func publishAll(of type: DocumentType, _ composition: Composition, _ context: CommandContext) async throws {
        let store = try composition.openStore()
        let systems = try composition.systems(store: store)
        guard let system = systems[type.system] else { return }
        let draft = ChangeDraft(type, types: composition.configuration.types, prefix: idPrefix, round: round)
        let total = try await system.count(typeName: type.name)
        let start = ContinuousClock.now
        let kind = event ?? .update
        let (withImage, isQuiet) = (withDocument, quiet)
        let confirmed = try await ConfirmedPublishing.with(
            try composition.broker("change"), composition: composition
        ) { publishing in
            var last: String?
            while true {
                let page = try await system.list(typeName: type.name, after: last, limit: 1000)
                let events = page.compactMap { document in
                    document.key.map { draft.event(kind, document, name: $0.name, withImage: withImage) }
                }
                await publishing.publish(events.map { ($0.id, .change($0)) })
                let done = await publishing.confirmed
                if !isQuiet {
                    context.screen.progress("confirmed \(VisibleText.grouped(done))/\(VisibleText.grouped(total))")
                }
                guard page.count == 1000, let name = page.last?.key?.name else { break }
                last = name
            }
            try await publishing.requireAllConfirmed()
            return await publishing.confirmed
        }
        try store.close()
        context.screen.endProgress()
        guard !quiet else { return }
        let elapsed = ContinuousClock.now - start
        context.print("confirmed \(Quantity.count(confirmed, "change event")) in \(Quantity.time(elapsed))")
    }
}
