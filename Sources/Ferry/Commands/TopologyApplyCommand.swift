// ferry topology apply: declares what is missing; what is there and equal stays as it is.

internal import ArgumentParser
internal import SyncBroker

/// `ferry topology apply`.
struct TopologyApplyCommand: FerrySubcommand {
    static let configuration = CommandConfiguration(
        commandName: "apply", abstract: "Declares exchanges, queues and bindings at the broker.",
        discussion: """
            It may be run again at any time. What exists with other arguments is named and left as it is.

            EXAMPLES
              ferry topology apply
              ferry topology apply --url amqp://ferry-operator:secret@broker:5672/ferry
            """)

    @Option(
        name: .long,
        help: ArgumentHelp(
            "The broker's address. Default: \(TopologyCommand.operatorVariable), else the configured one.",
            valueName: "url"))
    var url: String?

    @Flag(help: "Print JSON.") var json = false
    @OptionGroup var options: CommonOptions

    func perform(_ context: CommandContext) async throws {
        let composition = try context.composition()
        let address = url ?? context.environment[TopologyCommand.operatorVariable]
        let check = TopologyCheck(
            topology: composition.topology, configuration: try TopologyCommand.broker(composition, url: address),
            logger: context.logger)
        let report = TopologyReport(steps: [.apply], findings: try await check.apply())
        try TopologyCommand.finish(report, json: json, context)
    }
}
