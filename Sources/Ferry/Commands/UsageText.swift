// What the argument parser has to say: help on standard output with status 0, mistakes on standard error with
// status 2.

internal import ArgumentParser
internal import Foundation

/// The parser's words about an error that came up before a command ran.
struct UsageText {
    let text: String
    let isError: Bool

    init(_ error: any Error) {
        isError = FerryCommand.exitCode(for: error) != .success
        text = FerryCommand.fullMessage(for: error)
    }

    /// Prints it and answers how the process ends.
    func print() -> ExitStatus {
        let prefix = "Error: "
        let body = text.hasPrefix(prefix) ? "ferry: " + text.dropFirst(prefix.count) : text
        Screen.write(body + "\n", to: isError ? STDERR_FILENO : STDOUT_FILENO)
        return isError ? .usage : .good
    }
}
