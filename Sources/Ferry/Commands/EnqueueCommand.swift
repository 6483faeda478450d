// ferry enqueue: one request by flags, or many from standard input; with --wait until they are over.

internal import ArgumentParser
internal import JobStore
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

            Where the job store is on this host, an id that has ended and a dedup key that is held are noticed \
            before anything is sent: a failed job is not run again by sending it, ferry jobs retry does that; a \
            duplicate is said and not sent (--force sends it all the same). --wait waits until the jobs are over \
            and says how they ended: status 0 when all ended well, 1 when one failed or was canceled, or the time \
            was up.

            EXAMPLES
              ferry enqueue country_sync --source TR
              ferry enqueue "Country Sync" --source TR --dry-run --wait
              ferry enqueue country_sync --source TR --not-before 10m --dedup-key TR
              printf '{"source_document_name":"TR"}\\n' | ferry enqueue --stdin country_sync
            """)

    @Argument(help: "The sync job type, by name or slug.")
    var type: String?

    @Flag(name: .long, help: "Read requests from standard input, a JSON object a line.")
    var stdin = false

    @OptionGroup(title: "Request") var request: RequestOptions

    @Flag(name: .long, help: "Wait until the jobs are over, and say how they ended.")
    var wait = false

    @Option(
        name: .customLong("wait-timeout"),
        help: ArgumentHelp("With --wait: for how long at most.", valueName: "duration"), transform: Parsing.duration)
    var waitTimeout: Duration = .seconds(300)

    @Flag(name: .long, help: "Send it even if its id or its dedup key is in use.")
    var force = false

    @Flag(help: "Print what was sent as JSON; with --wait the records, with --stdin --wait one a line.")
    var json = false

    @Flag(name: .long, help: "Say nothing but what went wrong.") var quiet = false
    @OptionGroup var options: CommonOptions

    func validate() throws {
        if type == nil, !stdin { throw ValidationError("Name the sync job type, or read requests with --stdin") }
        if stdin, request.id != nil {
            throw ValidationError("--id would give every line the same id; write ids in the lines")
        }
        if stdin, json, !wait {
            throw ValidationError("--json is for one request; lines are counted on standard error")
        }
        if stdin, request.sync.context == "-" {
            throw ValidationError("standard input holds the requests; use --context @file")
        }
        if wait, request.hold {
            throw ValidationError("a held job is not over before somebody starts it; leave --wait or --hold out")
        }
    }

    func perform(_ context: CommandContext) async throws {
        let composition = try context.composition()
        let limit = composition.configuration.limits.maximumMessage.bytes
        let draft = RequestDraft(
            composition: composition, defaultType: try type.map { try composition.type($0) },
            defaults: try request.object(maximumBytes: limit))
        let store = try store(composition, context)
        let sending = EnqueueSending(
            composition: composition, draft: draft, broker: try composition.broker("enqueue"),
            inspection: force
                ? nil : store.map { EnqueueInspection(store: $0, types: composition.configuration.types) },
            isQuiet: quiet, isSilent: json)
        let sent = try await stdin ? sending.sendLines(keepingIDs: wait, context) : sending.sendOne(context)
        if let store, wait, !sent.jobIDs.isEmpty {
            let waiting = EnqueueWaiting(
                store: store, timeout: waitTimeout, isQuiet: quiet, isJSON: json, isOne: !stdin)
            try await waiting.wait(for: sent.jobIDs, context)
        } else if json, let object = sent.json {
            context.print(json: .object(object))
        }
        try store?.close()
        if let failure = sent.failure { throw failure }
    }

    /// The store, where it is on this host; what is to be waited for must be.
    private func store(_ composition: Composition, _ context: CommandContext) throws -> JobStore? {
        do { return try composition.openExistingStore() } catch {
            let failure = CommandFailure(error)
            if wait {
                throw CommandFailure(
                    failure.status, "--wait reads the records of jobs, and \(failure.message)",
                    remedy: "wait where the worker's store is, or leave --wait out")
            }
            // A host that only sends has no store; one that can't be read must not keep anybody from sending.
            if case is JobStoreError = error { context.screen.note("sent unchecked: \(failure)") }
            return nil
        }
    }
}
