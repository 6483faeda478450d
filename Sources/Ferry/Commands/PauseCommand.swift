// ferry pause: stops the jobs of types, queues or systems until they are resumed.

internal import ArgumentParser
internal import JobStore
internal import SyncJobs

/// `ferry pause`.
struct PauseCommand: FerrySubcommand {
    static let configuration = CommandConfiguration(
        commandName: "pause", abstract: "Pauses types, queues or systems: their jobs are parked and lose nothing.",
        discussion: """
            Workers on the store act on it with their next job. What is delivered meanwhile is parked in the \
            store, in the order of its receipt; of a paused queue, and of one whose types are all paused, nothing \
            is taken, and its messages stay with the broker. Running jobs end as they would. A pause outlives \
            restarts, and is recorded in the audit.

            EXAMPLES
              ferry pause country_sync --reason "the registry is being moved"
              ferry pause --system registry --for 2h
              ferry pause --queue long
              ferry resume --system registry
            """)

    @OptionGroup var subjects: PauseSubjects

    @Option(name: .long, help: ArgumentHelp("Why, for the audit and for ferry jobs why.", valueName: "text"))
    var reason: String?

    @Option(
        name: .customLong("for"),
        help: ArgumentHelp("For so long; without it until ferry resume.", valueName: "duration"),
        transform: Parsing.duration)
    var duration: Duration?

    @Flag(help: "Print JSON.") var json = false
    @OptionGroup var options: CommonOptions

    func validate() throws {
        if subjects.isEmpty { throw ValidationError("Name a type, a --queue or a --system") }
        if duration == .zero { throw ValidationError("--for is a time of at least 1ms") }
    }

    func perform(_ context: CommandContext) async throws {
        let composition = try context.composition()
        let named = try subjects.named(composition)
        let store = try composition.openExistingStore()
        let now = Composition.now()
        let pauses = named.map { kind, name in
            Pause(
                kind: kind, name: name, reason: reason, actor: Operator.name(environment: context.environment),
                since: now, until: duration.map { now.advanced(by: $0) })
        }
        try await store.pause(pauses)
        try store.close()
        if json { return context.print(json: .array(pauses.map(\.json))) }
        for pause in pauses {
            let until = pause.until.map { " until \(ExplanationText.time($0, now: now))" } ?? ""
            context.print("paused: \(VisibleText.bare(pause.subject))\(until)")
        }
    }
}
