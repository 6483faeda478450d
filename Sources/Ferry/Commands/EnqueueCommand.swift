// ferry enqueue: one request by flags, or many from standard input.

internal import ArgumentParser
internal import SyncBroker
internal import SyncJobs

/// `ferry enqueue`.
struct EnqueueCommand: FerrySubcommand {
    static let configuration = CommandConfiguration(
        commandName: "enqueue", abstract: "Publishes requests to sync documents.",
        discussion: """
            With --stdin each line is a JSON object with the fields of a sync request (contracts/); what a line \
            leaves out comes from the flags, TYPE among them, and an id is made up. Bad lines are named and left \
            out. A request is sent when the broker has confirmed it.

            EXAMPLES
              ferry enqueue country_sync --source TR
              ferry enqueue "Country Sync" --source TR --dry-run
              printf '{"source_document_name":"TR"}\\n' | ferry enqueue --stdin country_sync
            """)

    @Argument(help: "The sync job type, by name or slug.")
    var type: String?

    @Flag(name: .long, help: "Read requests from standard input, a JSON object a line.")
    var stdin = false

    @OptionGroup(title: "Request") var request: RequestOptions
    @Flag(help: "Print what was sent as JSON.") var json = false
    @Flag(name: .long, help: "Say nothing but what went wrong.") var quiet = false
    @OptionGroup var options: CommonOptions

    func validate() throws {
        if type == nil, !stdin { throw ValidationError("Name the sync job type, or read requests with --stdin") }
        if stdin, request.id != nil {
            throw ValidationError("--id would give every line the same id; write ids in the lines")
        }
        if stdin, json { throw ValidationError("--json is for one request; lines are counted on standard error") }
        if stdin, request.context == "-" {
            throw ValidationError("standard input holds the requests; use --context @file")
        }
    }

    func perform(_ context: CommandContext) async throws {
        let composition = try context.composition()
        let limit = composition.configuration.limits.maximumMessage.bytes
        let draft = RequestDraft(
            composition: composition, defaultType: try type.map { try composition.type($0) },
            defaults: try request.object(maximumBytes: limit))
        let broker = try composition.broker("enqueue")
        if stdin {
            let lines = LinePublishing(
                noun: "request", limits: composition.configuration.limits, screen: context.screen, isQuiet: quiet
            ) {
                try draft.message(for: $0)
            }
            try await ConfirmedPublishing.with(broker, composition: composition) { try await lines.publishAll(to: $0) }
            return
        }
        let message: (id: String, message: OutgoingMessage)
        do { message = try draft.message(for: JSONObject()) } catch {
            throw CommandFailure(.usage, error.message, remedy: error.remedy)
        }
        try await ConfirmedPublishing.with(broker, composition: composition) { publishing in
            await publishing.publish([message])
            try await publishing.requireAllConfirmed()
        }
        guard case .request(let sent, let queue, _) = message.message else { return }
        if json {
            var object = sent.json
            object["queue"] = .string(queue)
            context.print(json: .object(object))
        } else if !quiet {
            context.print("enqueued \(VisibleText.bare(sent.id)) into \(queue)")
        }
    }
}
