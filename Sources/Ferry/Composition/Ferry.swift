// The way in: a user's own main makes a Ferry with the controllers it registers, and has every subcommand.
// Invariant: the process ends here, and in WorkerRun after a second signal or a grace that has passed, and always with an
// exit code of ExitStatus.

internal import ArgumentParser
internal import Foundation
public import SyncJobs

/// The `ferry` command as a value: every subcommand, with the controllers and functions that a program registers.
///
/// ```swift
/// import Ferry
///
/// await Ferry(controllers: ["nation": NationController()]).run()
/// ```
public struct Ferry: Sendable {
    private let registrations: Registrations

    /// A command that knows these controllers and functions.
    ///
    /// - Parameters:
    ///   - controllers: what `controller:` of a type names.
    ///   - functions: the pure functions that `using:` of a mapping names.
    public init(
        controllers: [String: any SyncController] = [:],
        functions: [String: @Sendable (JSONValue) throws -> JSONValue] = [:]
    ) {
        registrations = Registrations(controllers: controllers, functions: functions)
    }

    /// Runs the subcommand that the arguments name and ends the process: 0 good end, 1 a job failed, 2 usage or
    /// configuration, 3 broker, 4 store.
    ///
    /// - Parameter arguments: what follows the command's name; those of the process by default.
    public func run(arguments: [String]? = nil) async -> Never {
        exit(await Registrations.$current.withValue(registrations) { await status(arguments: arguments) }.code)
    }

    /// Runs the subcommand and answers how it ended.
    func status(arguments: [String]?) async -> ExitStatus {
        do {
            var command = try FerryCommand.parseAsRoot(arguments)
            if var asynchronous = command as? any AsyncParsableCommand {
                try await asynchronous.run()
            } else {
                try command.run()
            }
            return .good
        } catch let ended as EndedWith {
            return ended.status
        } catch {
            return UsageText(error).print()
        }
    }
}
