// ferry topology export: the definitions file of RabbitMQ, from the code that names the topology.

internal import ArgumentParser
internal import Foundation
internal import SyncBroker
internal import SyncJobs

/// `ferry topology export`.
struct TopologyExportCommand: FerrySubcommand {
    static let configuration = CommandConfiguration(
        commandName: "export", abstract: "Writes the topology as a RabbitMQ definitions file.",
        discussion: """
            Without --prefix, prefix and queues come from the configuration where there is one, else they are the \
            defaults.

            EXAMPLES
              ferry topology export --output broker/definitions.json
              ferry topology export --prefix staging --virtual-host staging
            """)

    @Option(name: .long, help: ArgumentHelp("Write to this file instead of standard output.", valueName: "file"))
    var output: String?

    @Option(name: .long, help: ArgumentHelp("What all names begin with.", valueName: "prefix"))
    var prefix: String?

    @Option(name: .long, help: ArgumentHelp("The virtual host it is for.", valueName: "name"))
    var virtualHost = "ferry"

    @OptionGroup var options: CommonOptions

    func perform(_ context: CommandContext) async throws {
        let definitions = try topology(context).definitions(virtualHost: virtualHost)
        guard let output else {
            Screen.write(definitions, to: STDOUT_FILENO)
            return
        }
        do { try Data(definitions.utf8).write(to: URL(fileURLWithPath: output), options: .atomic) } catch {
            throw CommandFailure(
                .usage, "\(output) cannot be written: \(error.localizedDescription)",
                remedy: "check the path and its permissions")
        }
        context.screen.note("wrote \(output)")
    }

    private func topology(_ context: CommandContext) throws -> Topology {
        let path = ConfigurationLocation.find(flag: options.config, environment: context.environment)
        let isNamed = options.config != nil || context.environment[ConfigurationLocation.variable] != nil
        guard isNamed || FileManager.default.fileExists(atPath: path) else {
            return try Topology(prefix: prefix ?? BrokerSettings().prefix)
        }
        let configuration = try context.composition().configuration
        return try Topology(prefix: prefix ?? configuration.broker.prefix, queues: configuration.queues)
    }
}
