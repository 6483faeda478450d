// The question before something happens to many jobs. Where nobody can answer, the answer has to be on the command line:
// a script never gets stuck at a question, and never does by accident what it was not told to do.

internal import Foundation

/// Asks before something is done.
struct Confirmation: Sendable {
    /// Whether somebody sits there to answer.
    let isInteractive: Bool
    /// Reads what they answer; nil at the end of the input.
    let readAnswer: @Sendable () -> String?

    /// Asks people at a terminal; with `isInteractive: false`, nobody.
    init(
        isInteractive: Bool = isatty(STDIN_FILENO) == 1,
        readAnswer: @escaping @Sendable () -> String? = { readLine() }
    ) {
        self.isInteractive = isInteractive
        self.readAnswer = readAnswer
    }

    /// Asks `question` ("Retry 3 jobs?").
    ///
    /// - Throws: ``CommandFailure`` when nobody can be asked (usage), or the answer was no (failed): nothing was done.
    func require(_ question: String, on screen: Screen) throws {
        guard isInteractive, screen.errors.isInteractive else {
            throw CommandFailure(
                .usage, "\(question) Nobody can be asked here, so nothing was done",
                remedy: "--yes does it without asking, --dry-run only shows what would happen")
        }
        screen.ask("\(question) [y/N] ")
        let answer = readAnswer()?.lowercased().filter { !$0.isWhitespace } ?? ""
        guard ["y", "yes"].contains(answer) else {
            throw CommandFailure(.failed, "nothing was done", remedy: "answer y to do it")
        }
    }
}
