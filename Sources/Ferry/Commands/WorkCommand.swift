// ferry work: composes a worker, checks that everything it needs is there, and runs it until it is told to stop.

internal import AMQP
internal import ArgumentParser
internal import DocumentSystems
internal import JobStore
internal import Logging
internal import SyncEngine
internal import SyncJobs

/// `ferry work`.
struct WorkCommand: FerrySubcommand {
    static let configuration = CommandConfiguration(
        commandName: "work", abstract: "Takes requests and change events from the broker and syncs documents.",
        discussion: """
            Before it takes a message it checks the configuration, the systems and the broker's topology, and \
            says what is missing. The first Ctrl-C (or SIGTERM) stops gracefully: running jobs get their grace, \
            the rest goes back to the broker. A second one ends the process at once; nothing is lost by it.

            EXAMPLES
              ferry work
              ferry work --queue short --queue default --concurrency 64
              ferry work --until-empty --json
            """)

    @Option(
        name: .long, help: ArgumentHelp("A queue to work on; repeat it for more. Default: all.", valueName: "queue"))
    var queue: [String] = []

    @Flag(name: .long, help: "Leave change events to other workers.")
    var noChanges = false

    @Option(
        name: .long, help: ArgumentHelp("How many jobs may wait for other systems at a time.", valueName: "n"),
        transform: Parsing.count(upTo: 1000))
    var concurrency: Int?

    @Option(
        name: .long, help: ArgumentHelp("How many messages of a queue are held at a time.", valueName: "n"),
        transform: Parsing.count(upTo: 2000))
    var prefetch: Int?

    @Flag(name: .long, help: "Stop once the queues are empty; exit status 1 when a job failed.")
    var untilEmpty = false

    @Option(
        name: .long, help: ArgumentHelp("How long running jobs may go on after a stop.", valueName: "duration"),
        transform: Parsing.duration)
    var grace: Duration?

    @Flag(name: .long, help: "No progress; only warnings and the last words.")
    var quiet = false

    @Flag(help: "Print the final statistics as JSON.")
    var json = false

    @OptionGroup var options: CommonOptions

    var defaultLogLevel: Logger.Level { quiet || Screen.shared.errors.isInteractive ? .warning : .info }

    func perform(_ context: CommandContext) async throws {
        let composition = try context.composition()
        let settings = try settings(composition)
        let store = try composition.openStore()
        try await composition.requireWholeStore(store)
        try await tellOfOpenLetters(in: store, context)
        // A worker that starts in the middle of an outage works for the other systems.
        let down = try await store.standstill().circuits.map(\.system)
        let systems = try composition.systems(store: store, down: down)
        let broker = try composition.broker("work")
        try await composition.requireFittingSystems(systems, down: down)
        try await composition.requireTopology(broker)
        let worker = Worker(
            settings: settings, types: composition.configuration.types, systems: systems, store: store, broker: broker,
            topology: composition.topology, node: Composition.node, logger: context.logger, now: { Composition.now() })
        let run = WorkerRun(
            worker: worker, settings: settings, screen: context.screen, logger: context.logger, isQuiet: quiet
        ) { report in
            if json { context.print(json: report.json) } else { context.print(report.lines(style: context.style)) }
            return untilEmpty && report.hasFailures ? .failed : .good
        }
        let status = try await run.untilStopped()
        try store.close()
        if status != .good { throw EndedWith(status: status) }
    }

    private func tellOfOpenLetters(in store: JobStore, _ context: CommandContext) async throws {
        var open = DeadLetterFilter()
        open.states = [.open]
        let count = try await store.countDeadLetters(open).count
        guard count > 0 else { return }
        context.logger.info(
            "Dead letters wait for a decision: ferry dead groups", metadata: ["count": .stringConvertible(count)])
    }

    /// The flags over the configuration.
    func settings(_ composition: Composition) throws -> Worker.Settings {
        let configuration = composition.configuration
        for name in queue { try composition.requireQueue(name) }
        let queues = queue.isEmpty ? configuration.queues : configuration.queues.filter { queue.contains($0) }
        var settings = Worker.Settings(queues: queues)
        settings.takesChanges = !noChanges
        settings.concurrency = concurrency ?? configuration.worker.concurrency
        settings.prefetch = prefetch ?? configuration.worker.prefetch
        if prefetch == nil {
            for queue in queues { settings.prefetchByQueue[queue] = configuration.prefetch(ofQueue: queue) }
        }
        settings.grace = grace ?? configuration.worker.grace
        settings.stopsWhenEmpty = untilEmpty
        settings.maximumBodyBytes = configuration.limits.maximumMessage.bytes
        settings.maximumDepth = configuration.limits.maximumDepth
        settings.maximumDocumentBytes = configuration.limits.maximumDocument.bytes
        settings.keepsDeadLetters = configuration.worker.keepsDeadLetters
        settings.maximumParked = configuration.worker.maximumParked
        for system in configuration.systems { settings.circuits[system.name] = system.circuit }
        settings.retention = JobStore.Retention(configuration.retention)
        return settings
    }
}
