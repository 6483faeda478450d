// ferry topology: what the broker has to have, whether it has it, and making it so.

internal import AMQP
internal import ArgumentParser
internal import Foundation
internal import SyncBroker
internal import SyncJobs

/// `ferry topology`.
struct TopologyCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "topology", abstract: "Exports, checks and applies the broker's exchanges, queues and bindings.",
        discussion: """
            EXAMPLES
              ferry topology export --output broker/definitions.json
              ferry topology check
              ferry topology apply --url "$FERRY_OPERATOR_URL"
            """,
        subcommands: [TopologyExportCommand.self, TopologyCheckCommand.self, TopologyApplyCommand.self])

    /// The environment variable with the address of a user that may declare things.
    static let operatorVariable = "FERRY_OPERATOR_URL"

    /// The connection to check or apply over; the user behind `url` may do more than a worker's.
    static func broker(_ composition: Composition, url: String?) throws -> AMQPConfiguration {
        do { return try composition.broker("topology", url: url) } catch let error as AMQPError {
            throw CommandFailure(.usage, error.message, remedy: error.remedy)
        }
    }

    /// Prints a report and fails when something is wrong.
    static func finish(_ report: TopologyReport, json: Bool, _ context: CommandContext) throws {
        if json {
            let encoder = JSONEncoder()
            encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
            context.print(String(decoding: try encoder.encode(report), as: UTF8.self))
        } else {
            context.print(report.description)
        }
        if !report.isGood { throw EndedWith(status: .broker) }
    }
}
