// The two output streams and the few lines of progress that are rewritten in place. Log lines and messages go through
// here too, so that they never end up in the middle of it.
// Invariant: what is written is whole lines, but for the progress, which is erased before anything else is said.

internal import Foundation
internal import Synchronization

/// Standard output and standard error.
final class Screen: Sendable {
    /// The one of this process: there is one terminal, however many parts write to it.
    static let shared = Screen(environment: ProcessInfo.processInfo.environment)

    /// Standard output: what was asked for.
    let output: Terminal
    /// Standard error: progress, logs and errors.
    let errors: Terminal
    /// The lines of progress that stand on the terminal now; none when there are none.
    private let progress = Mutex<[String]>([])

    init(environment: [String: String]) {
        output = Terminal(descriptor: STDOUT_FILENO, environment: environment)
        errors = Terminal(descriptor: STDERR_FILENO, environment: environment)
    }

    init(output: Terminal, errors: Terminal) {
        self.output = output
        self.errors = errors
    }

    /// Prints a line of what was asked for; progress stays below it.
    func print(_ line: String) { write(line, to: output.descriptor) }

    /// Prints bytes of what was asked for, as they are.
    func print(bytes: [UInt8]) { Self.write(bytes, to: output.descriptor) }

    /// Prints a line about what goes on.
    func note(_ line: String) { write(line, to: errors.descriptor) }

    private func write(_ line: String, to descriptor: Int32) {
        progress.withLock { shown in
            let kept = shown
            erase(&shown)
            Self.write(line + "\n", to: descriptor)
            draw(kept, &shown)
        }
    }

    /// Asks something; the answer is typed behind it.
    func ask(_ question: String) {
        clearProgress()
        Self.write(question, to: errors.descriptor)
    }

    /// Rewrites the progress line; only on a terminal.
    func progress(_ line: String) { progress([line]) }

    /// Rewrites the lines of progress; only on a terminal, and only as many as it is high.
    func progress(_ lines: [String]) {
        guard errors.isInteractive else { return }
        progress.withLock { shown in
            erase(&shown)
            draw(Array(lines.prefix(max(1, errors.height - 1))), &shown)
        }
    }

    /// Leaves the progress as it stands, and begins a new line.
    func endProgress() {
        progress.withLock { shown in
            guard !shown.isEmpty else { return }
            Self.write("\n", to: errors.descriptor)
            shown = []
        }
    }

    /// Takes the progress away: what it told is over.
    func clearProgress() { progress.withLock { erase(&$0) } }

    private func draw(_ lines: [String], _ shown: inout [String]) {
        guard !lines.isEmpty else { return }
        let width = max(20, errors.width - 1)
        let text = lines.map { TextWidth.cut($0, to: width) }.joined(separator: "\n")
        Self.write(text, to: errors.descriptor)
        shown = lines
    }

    private func erase(_ shown: inout [String]) {
        guard !shown.isEmpty else { return }
        let above = String(repeating: "\u{1B}[1A\u{1B}[2K", count: shown.count - 1)
        Self.write("\r\u{1B}[2K" + above, to: errors.descriptor)
        shown = []
    }

    /// Writes all of it.
    ///
    /// A reader that has gone away (`ferry jobs list | head`) ends the process as its signal would.
    static func write(_ text: String, to descriptor: Int32) { write(Array(text.utf8), to: descriptor) }

    private static func write(_ bytes: [UInt8], to descriptor: Int32) {
        var rest = bytes[...]
        while !rest.isEmpty {
            let count = rest.withUnsafeBytes { Foundation.write(descriptor, $0.baseAddress, $0.count) }
            if count > 0 {
                rest = rest.dropFirst(count)
            } else if errno == EPIPE {
                exit(ExitStatus.signal(SIGPIPE).code)
            } else if errno == EAGAIN {
                var ready = pollfd(fd: descriptor, events: Int16(POLLOUT), revents: 0)
                _ = poll(&ready, 1, 1000)
            } else if errno != EINTR {
                return
            }
        }
    }
}
