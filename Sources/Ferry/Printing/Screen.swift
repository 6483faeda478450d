// The two output streams and the one line of progress that is rewritten in place. Log lines and messages go through
// here too, so that they never end up in the middle of it.
// Invariant: what is written is whole lines, but for the progress line, which is erased before anything else is
// said.

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
    /// The progress line that stands on the terminal now.
    private let progress = Mutex<String?>(nil)

    init(environment: [String: String]) {
        output = Terminal(descriptor: STDOUT_FILENO, environment: environment)
        errors = Terminal(descriptor: STDERR_FILENO, environment: environment)
    }

    /// Prints a line of what was asked for.
    func print(_ line: String) {
        progress.withLock { shown in
            erase(&shown)
            Self.write(line + "\n", to: output.descriptor)
        }
    }

    /// Prints a line about what goes on.
    func note(_ line: String) {
        progress.withLock { shown in
            let kept = shown
            erase(&shown)
            Self.write(line + "\n", to: errors.descriptor)
            if let kept { draw(kept, &shown) }
        }
    }

    /// Rewrites the progress line; only on a terminal.
    func progress(_ line: String) {
        guard errors.isInteractive else { return }
        progress.withLock { shown in
            erase(&shown)
            draw(line, &shown)
        }
    }

    /// Leaves the progress line as it stands, and begins a new one.
    func endProgress() {
        progress.withLock { shown in
            guard shown != nil else { return }
            Self.write("\n", to: errors.descriptor)
            shown = nil
        }
    }

    private func draw(_ line: String, _ shown: inout String?) {
        Self.write(TextWidth.cut(line, to: max(20, errors.width - 1)), to: errors.descriptor)
        shown = line
    }

    private func erase(_ shown: inout String?) {
        guard shown != nil else { return }
        Self.write("\r\u{1B}[2K", to: errors.descriptor)
        shown = nil
    }

    /// Writes all of it.
    ///
    /// A reader that has gone away (`ferry jobs list | head`) ends the process as its signal would.
    static func write(_ text: String, to descriptor: Int32) {
        var rest = Array(text.utf8)[...]
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
