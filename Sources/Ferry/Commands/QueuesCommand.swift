// ferry queues: what waits where, with its age: the broker's queues and delay levels, and the store's open jobs.

internal import ArgumentParser
internal import Foundation
internal import JobStore
internal import SyncBroker
internal import SyncJobs

/// `ferry queues`.
struct QueuesCommand: FerrySubcommand {
    static let configuration = CommandConfiguration(
        commandName: "queues", abstract: "Shows what waits where: queues, delays, and the records that wait.",
        discussion: """
            Ready messages and consumers are asked of the broker; unacknowledged and stuck messages and rates come \
            from its management API (broker.management_url), where there is one. Without it they are not known, and \
            are shown as "?". Open jobs are those with a record: what has not run yet is with the broker alone.

            EXAMPLES
              ferry queues
              ferry queues --all
              ferry queues --watch --interval 2s
              ferry queues --json
            """)

    @Flag(help: "Show each level of the delays.") var all = false
    @Flag(help: "Look again and again, until Ctrl-C; with --json a line each.") var watch = false

    @Option(
        name: .long, help: ArgumentHelp("The time between two looks of --watch, 20ms to 1h.", valueName: "duration"),
        transform: Parsing.interval)
    var interval: Duration = .seconds(2)

    @Flag(help: "Print JSON.") var json = false
    @OptionGroup var options: CommonOptions

    func perform(_ context: CommandContext) async throws {
        let composition = try context.composition()
        var broker = try composition.broker("queues")
        // Somebody is looking on: an answer that is late is none.
        broker.connectTimeout = min(broker.connectTimeout, OwedPublishing.patience)
        broker.rpcTimeout = min(broker.rpcTimeout, OwedPublishing.patience)
        let depths = QueueDepths(configuration: broker, logger: context.logger)
        let path = composition.configuration.store.path
        let store = FileManager.default.fileExists(atPath: path) ? try composition.openStore() : nil
        let virtualHost = broker.virtualHost
        let problem: CommandFailure?
        if watch {
            let ending = try await UntilStopped.run {
                try await follow(context) {
                    try await QueueOverview.look(composition, depths: depths, store: store, virtualHost: virtualHost)
                }
            }
            context.screen.endProgress()
            if case .signal = ending { problem = nil } else { return }
        } else {
            let overview = try await QueueOverview.look(
                composition, depths: depths, store: store, virtualHost: virtualHost)
            show(overview, context)
            problem = overview.brokerProblem
        }
        await depths.close()
        try store?.close()
        if let problem { throw problem }
    }

    private func show(_ overview: QueueOverview, _ context: CommandContext) {
        let text = QueueOverviewText(overview: overview, showsLevels: all)
        if json {
            watch ? context.print(text.json.canonicalText) : context.print(json: text.json)
        } else if watch, context.screen.errors.isInteractive {
            context.screen.progress(text.lines(style: context.screen.errors.style))
        } else {
            context.print(text.lines(style: context.style))
        }
    }

    /// Goes on until it is cancelled.
    private func follow(
        _ context: CommandContext, _ look: @Sendable () async throws -> QueueOverview
    ) async throws -> Never {
        let pace = Pace(interval: interval)
        while true {
            let start = ContinuousClock.now
            show(try await look(), context)
            try await pace.wait(since: start)
        }
    }
}
