// Runs a program to its end, for tests: its output goes to a file, nothing else is inherited.
// Invariant: the child gets no descriptor but the standard three. Foundation's Process hands its own down, sees the end
// of a program by their closing, and so waits for as long as a server lives that the program has started.
import Foundation

#if canImport(Glibc)
    import Glibc
#elseif canImport(Darwin)
    import Darwin
#endif

/// A program and its arguments.
struct Script: Sendable {
    /// A program that could not be run, or ended badly.
    struct Failure: Error, CustomStringConvertible {
        let description: String
    }

    let path: String
    let arguments: [String]
    var folder: String?

    /// Runs it and waits; gives what it printed.
    ///
    /// - Throws: ``Failure`` when it does not end with 0.
    @discardableResult
    func run() async throws -> String {
        let output = FileManager.default.temporaryDirectory.appending(path: "ferry-script-\(randomName())")
        // A log that is left over in the temporary folder harms nobody.
        defer { try? FileManager.default.removeItem(at: output) }
        let process = try spawn(output: output.path)
        let status = await withCheckedContinuation { continuation in
            Thread.detachNewThread {
                var status: Int32 = 0
                while waitpid(process, &status, 0) < 0, errno == EINTR {}
                continuation.resume(returning: status)
            }
        }
        let text = String(decoding: try Data(contentsOf: output), as: UTF8.self)
        guard status == 0 else {
            throw Failure(description: "\(path) \(arguments.joined(separator: " ")): status \(status)\n\(text)")
        }
        return text
    }

    /// Starts it and does not wait for it; what it prints is lost.
    func start() throws { _ = try spawn(output: "/dev/null") }

    // posix_spawn can close what is inherited, but not by anything that Swift sees on every system; bash can (a plain
    // sh knows descriptors of one digit only).
    private static let wrapper = """
        for fd in /dev/fd/*; do
            fd=${fd##*/}
            if [ "$fd" -gt 2 ]; then eval "exec $fd>&-"; fi
        done 2>/dev/null
        cd "$1" && shift && exec "$@"
        """

    private func spawn(output: String) throws -> pid_t {
        #if canImport(Glibc)
            var actions = posix_spawn_file_actions_t()
        #else
            var actions: posix_spawn_file_actions_t?
        #endif
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0)
        posix_spawn_file_actions_addopen(&actions, 1, output, O_WRONLY | O_CREAT | O_TRUNC, 0o600)
        posix_spawn_file_actions_adddup2(&actions, 1, 2)
        let command = ["bash", "-c", Script.wrapper, "wrapper", folder ?? "/", path] + arguments
        var words: [UnsafeMutablePointer<CChar>?] = command.map { strdup($0) } + [nil]
        defer { for word in words { free(word) } }
        var process: pid_t = 0
        let error = posix_spawnp(&process, "bash", &actions, nil, &words, environ)
        guard error == 0 else { throw Failure(description: "\(path) cannot be started: error \(error)") }
        return process
    }
}
