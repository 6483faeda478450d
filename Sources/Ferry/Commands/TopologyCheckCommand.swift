// ferry topology check: what the broker lacks, by name, in full where there is a management API, and by canaries.

internal import ArgumentParser
internal import SyncBroker

/// `ferry topology check`.
struct TopologyCheckCommand: FerrySubcommand {
    static let configuration = CommandConfiguration(
        commandName: "check", abstract: "Checks that the broker is as Ferry needs it.",
        discussion: """
            Exchanges and queues are asked for by name; types, arguments, bindings and policies through the \
            management API (broker.management_url). When all of it is good, canaries prove that messages arrive: \
            one through the delays into each work queue, one that nothing is bound for into the dead letters. \
            They neither take nor hold up real messages.

            EXAMPLES
              ferry topology check
              ferry topology check --url "$FERRY_OPERATOR_URL" --json
              ferry topology check --no-canaries
            """)

    @Option(
        name: .long,
        help: ArgumentHelp(
            "The broker's address. Default: \(TopologyCommand.operatorVariable), else the configured one.",
            valueName: "url"))
    var url: String?

    @Flag(name: .long, help: "Send no canaries.") var noCanaries = false
    @Flag(help: "Print JSON.") var json = false
    @OptionGroup var options: CommonOptions

    func perform(_ context: CommandContext) async throws {
        let composition = try context.composition()
        let address = url ?? context.environment[TopologyCommand.operatorVariable]
        let check = TopologyCheck(
            topology: composition.topology, configuration: try TopologyCommand.broker(composition, url: address),
            logger: context.logger)
        let report = try await check.run(management: try composition.management(), canaries: !noCanaries)
        try TopologyCommand.finish(report, json: json, context)
    }
}
