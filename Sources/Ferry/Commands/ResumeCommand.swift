// ferry resume: ends pauses, and lets an open circuit be tried at once.

internal import ArgumentParser
internal import JobStore
internal import SyncJobs

/// `ferry resume`.
struct ResumeCommand: FerrySubcommand {
    static let configuration = CommandConfiguration(
        commandName: "resume", abstract: "Resumes what was paused: parked jobs go on, in the order of their receipt.",
        discussion: """
            A worker on the store brings the parked jobs onto their way within a second or two. For a system that \
            is taken for down, --system lets one job try it at once. Each resume is recorded in the audit.

            EXAMPLES
              ferry resume country_sync
              ferry resume --system registry --reason "the move is done"
              ferry resume --all
            """)

    @OptionGroup var subjects: PauseSubjects
    @Flag(name: .long, help: "Everything that is paused.") var all = false

    @Option(name: .long, help: ArgumentHelp("Why, for the audit.", valueName: "text"))
    var reason: String?

    @Flag(help: "Print JSON.") var json = false
    @OptionGroup var options: CommonOptions

    func validate() throws {
        if all == !subjects.isEmpty {
            throw ValidationError("Name a type, a --queue or a --system, or say --all")
        }
    }

    func perform(_ context: CommandContext) async throws {
        let composition = try context.composition()
        let store = try composition.openExistingStore()
        let now = Composition.now()
        let actor = Operator.name(environment: context.environment)
        // What was paused may be gone from the configuration since: --all takes it from the store.
        let named =
            all ? try await store.standstill().pauses.map { ($0.kind, $0.name) } : try subjects.named(composition)
        let ended = try await store.resume(named, actor: actor, reason: reason, at: now)
        var tried: [String] = []
        for system in subjects.system {
            if try await store.hastenProbe(of: system, actor: actor, reason: reason, at: now) { tried.append(system) }
        }
        try store.close()
        if json {
            return context.print(
                json: ["resumed": .array(ended.map(\.json)), "tried": .array(tried.map { .string($0) })])
        }
        for pause in ended { context.print("resumed: \(VisibleText.bare(pause.subject))") }
        for system in tried {
            context.print("system \(VisibleText.bare(system)) is taken for down; a job tries it now")
        }
        if ended.isEmpty, tried.isEmpty { context.screen.note("nothing of that was paused") }
    }
}
