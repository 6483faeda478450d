// The root of all subcommands, and the frame that each of them runs in: errors become one sentence with a remedy on
// standard error and an exit status.

internal import ArgumentParser
internal import Foundation
internal import Logging
internal import SyncJobs

/// `ferry`.
struct FerryCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "ferry",
        abstract: "Keeps documents of one system in sync with another, over RabbitMQ, and records what it did.",
        discussion: """
            Configuration: --config FILE, else FERRY_CONFIG, else ferry.yaml in the working folder.
            Exit codes: 0 good end, 1 a job failed or a thing is not there, 2 usage or configuration, 3 broker, 4 store.

            EXAMPLES
              ferry types check
              ferry topology apply --url "$FERRY_OPERATOR_URL"
              ferry work --until-empty
              ferry jobs list --status failed
            """,
        version: FerryVersion.current,
        subcommands: [
            WorkCommand.self, EnqueueCommand.self, ChangeCommand.self, JobsCommand.self, WatchCommand.self,
            PauseCommand.self, ResumeCommand.self, PausesCommand.self,
            DocumentsCommand.self, TypesCommand.self, TryCommand.self, SystemsCommand.self, ImportCommand.self,
            TopologyCommand.self,
            DeadCommand.self, AuditCommand.self, StoreCommand.self, QueuesCommand.self, VersionCommand.self,
        ])
}

/// A subcommand that does something.
protocol FerrySubcommand: AsyncParsableCommand {
    /// What every subcommand takes.
    var options: CommonOptions { get }
    /// The level of log lines unless `--log-level` says otherwise.
    var defaultLogLevel: Logger.Level { get }
    /// Does it.
    ///
    /// - Throws: anything; it is said to the user as ``CommandFailure`` says it.
    func perform(_ context: CommandContext) async throws
}

extension FerrySubcommand {
    var defaultLogLevel: Logger.Level { .warning }

    mutating func run() async throws {
        let environment = ProcessInfo.processInfo.environment
        let level = options.logLevel ?? defaultLogLevel
        let context = CommandContext(
            options: options, environment: environment, screen: .shared,
            logger: ScreenLogHandler.logger(level: level, screen: .shared))
        try await run(in: context)
    }

    /// Does it, and says what went wrong.
    ///
    /// - Throws: ``EndedWith``, after everything was said.
    func run(in context: CommandContext) async throws {
        do {
            try FailpointSetting.arm(context.environment)
            try await perform(context)
        } catch let ended as EndedWith {
            throw ended
        } catch {
            let failure = CommandFailure(error)
            context.say(failure)
            throw EndedWith(status: failure.status)
        }
    }
}

/// What every subcommand takes.
struct CommonOptions: ParsableArguments {
    @Option(name: .long, help: ArgumentHelp("The configuration file.", valueName: "file"))
    var config: String?

    @Option(
        name: .long,
        help: ArgumentHelp("Which log lines show: trace, debug, info, notice, warning, error.", valueName: "level"),
        transform: Parsing.logLevel)
    var logLevel: Logger.Level?
}

/// What a subcommand has around it.
struct CommandContext: Sendable {
    let options: CommonOptions
    let environment: [String: String]
    let screen: Screen
    let logger: Logger

    /// Reads the configuration.
    func composition() throws -> Composition {
        try Composition(configurationFlag: options.config, environment: environment, logger: logger)
    }

    /// Prints a line of what was asked for.
    func print(_ line: String) { screen.print(line) }

    /// Prints lines of what was asked for.
    func print(_ lines: [String]) { if !lines.isEmpty { screen.print(lines.joined(separator: "\n")) } }

    /// Prints JSON, indented for people and read by programs.
    func print(json: JSONValue) { screen.print(json.prettyText) }

    /// Says an error.
    func say(_ failure: CommandFailure) {
        screen.endProgress()
        screen.note("\(screen.errors.style(.bad, "ferry:")) \(failure)")
    }

    /// The style of standard output.
    var style: Style { screen.output.style }
}

extension CommonOptions: Sendable {}
