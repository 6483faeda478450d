// Programs of other people, and our own as a process: run to their end, or started, signalled and waited for.
// Invariant: the child gets no descriptor but the standard three, and no signal is blocked in it. Foundation's Process
// hands its own descriptors down, sees the end of a program by their closing, and so waits for as long as a server
// lives that the program has started.
import Foundation
import Synchronization

#if canImport(Glibc)
    import Glibc
#elseif canImport(Darwin)
    import Darwin
#endif

/// A program with its arguments and what is around it.
struct Program: Sendable {
    /// A program that could not be run, did not end, or ended badly.
    struct Failure: Error, CustomStringConvertible {
        let description: String
    }

    /// The path, or a name that is looked for in PATH.
    let path: String
    let arguments: [String]
    /// Its working folder.
    var folder = "/"
    /// What it reads on standard input.
    var input: [UInt8] = []
    /// Variables beside those of this process; those of the latter that begin with FERRY_ are not handed down.
    var environment: [String: String] = [:]

    init(
        _ path: String, _ arguments: [String] = [], folder: String = "/", input: [UInt8] = [],
        environment: [String: String] = [:]
    ) {
        self.path = path
        self.arguments = arguments
        self.folder = folder
        self.input = input
        self.environment = environment
    }

    var description: String { ([path] + arguments).joined(separator: " ") }

    /// Runs it to its end and answers what it printed on standard output.
    ///
    /// - Throws: ``Failure`` when it does not end with 0, or not within `limit`.
    @discardableResult
    func run(within limit: Duration = .seconds(240)) async throws -> String {
        let result = try await result(within: limit)
        guard result.status == 0 else {
            throw Failure(description: "\(description): status \(result.status)\n\(result.errors)\(result.output)")
        }
        return result.output
    }

    /// Runs it to its end, however it ends.
    ///
    /// - Throws: ``Failure`` when it cannot be started, or does not end within `limit`; then it was killed.
    func result(within limit: Duration = .seconds(240)) async throws -> ProgramResult {
        try await whileRunning { try await $0.end(within: limit) }
    }

    /// Starts it and runs `body`; if it still runs after that, it is killed.
    func whileRunning<Result>(_ body: (RunningProgram) async throws -> Result) async throws -> Result {
        let running = try RunningProgram(self)
        do {
            let result = try await body(running)
            await running.kill()
            return result
        } catch {
            await running.kill()
            throw error
        }
    }

    /// Starts it and forgets it: it ends by itself, and what it prints is lost.
    func detach() throws { _ = try spawn(input: "/dev/null", output: "/dev/null", errors: "/dev/null") }

    // posix_spawn can close what is inherited, but not by anything that Swift sees on every system; bash can (a plain
    // sh knows descriptors of one digit only).
    private static let wrapper = """
        for fd in /dev/fd/*; do
            fd=${fd##*/}
            if [ "$fd" -gt 2 ]; then eval "exec $fd>&-"; fi
        done
        cd "$1" && shift && exec "$@"
        """

    /// Starts it with files for the standard descriptors.
    fileprivate func spawn(input: String, output: String, errors: String) throws -> pid_t {
        #if canImport(Glibc)
            var actions = posix_spawn_file_actions_t()
            var attributes = posix_spawnattr_t()
        #else
            var actions: posix_spawn_file_actions_t?
            var attributes: posix_spawnattr_t?
        #endif
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        posix_spawn_file_actions_addopen(&actions, 0, input, O_RDONLY, 0)
        posix_spawn_file_actions_addopen(&actions, 1, output, O_WRONLY | O_CREAT | O_APPEND, 0o600)
        posix_spawn_file_actions_addopen(&actions, 2, errors, O_WRONLY | O_CREAT | O_APPEND, 0o600)
        // The threads of Swift's pool block signals, and a child inherits that: it would not hear of SIGTERM.
        posix_spawnattr_init(&attributes)
        defer { posix_spawnattr_destroy(&attributes) }
        var none = sigset_t()
        var all = sigset_t()
        sigemptyset(&none)
        sigfillset(&all)
        posix_spawnattr_setsigmask(&attributes, &none)
        posix_spawnattr_setsigdefault(&attributes, &all)
        posix_spawnattr_setflags(&attributes, Int16(POSIX_SPAWN_SETSIGMASK) | Int16(POSIX_SPAWN_SETSIGDEF))
        let own = ProcessInfo.processInfo.environment.filter { !$0.key.hasPrefix("FERRY_") }
        let variables = own.merging(environment) { _, new in new }.map { "\($0.key)=\($0.value)" }
        let command = ["bash", "-c", Program.wrapper, "wrapper", folder, path] + arguments
        var words: [UnsafeMutablePointer<CChar>?] = command.map { strdup($0) } + [nil]
        defer { for word in words { free(word) } }
        var settings: [UnsafeMutablePointer<CChar>?] = variables.map { strdup($0) } + [nil]
        defer { for setting in settings { free(setting) } }
        var process: pid_t = 0
        let error = posix_spawnp(&process, "bash", &actions, &attributes, &words, &settings)
        guard error == 0 else { throw Failure(description: "\(path) cannot be started: error \(error)") }
        return process
    }
}

/// How a program ended.
struct ProgramResult: Sendable {
    /// The exit code, or minus the number of the signal that ended it.
    let status: Int32
    let output: String
    let errors: String

    /// Both streams.
    var text: String { output + errors }
}

/// A program that was started.
///
/// Invariant: a signal goes to this process or to none, never to another that has its number by now.
final class RunningProgram: Sendable {
    let pid: pid_t
    private let program: Program
    private let folder: URL
    /// How it ended; nil while it runs.
    private let ended = Mutex<Int32?>(nil)

    fileprivate init(_ program: Program) throws {
        self.program = program
        let folder = FileManager.default.temporaryDirectory.appending(path: "ferry-program-\(randomName())")
        self.folder = folder
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: false)
        try Data(program.input).write(to: folder.appending(path: "in"))
        let files = ["in", "out", "err"].map { folder.appending(path: $0).path }
        pid = try program.spawn(input: files[0], output: files[1], errors: files[2])
        Thread.detachNewThread { self.reap() }
    }

    deinit {
        // What is left over in the temporary folder harms nobody.
        try? FileManager.default.removeItem(at: folder)
    }

    /// Waits for its end; the number is given back only under the lock, so that no signal can go astray.
    private func reap() {
        var information = siginfo_t()
        while waitid(P_PID, id_t(pid), &information, WEXITED | WNOWAIT) < 0, errno == EINTR {}
        ended.withLock { ended in
            var status: Int32 = 0
            while waitpid(pid, &status, 0) < 0, errno == EINTR {}
            // The macros of wait(2): the low seven bits are the signal, the next byte is the exit code.
            ended = status & 0x7F == 0 ? (status >> 8) & 0xFF : -(status & 0x7F)
        }
    }

    /// Whether it has ended.
    var hasEnded: Bool { ended.withLock { $0 != nil } }

    /// Sends it a signal; nothing happens when it has ended.
    func signal(_ number: Int32) {
        ended.withLock { ended in
            if ended == nil { _ = sendSignal(number) }
        }
    }

    private func sendSignal(_ number: Int32) -> Int32 {
        #if canImport(Glibc)
            Glibc.kill(pid, number)
        #else
            Darwin.kill(pid, number)
        #endif
    }

    /// What it has printed so far.
    var printed: ProgramResult { get throws { try result(status: 0) } }

    private func result(status: Int32) throws -> ProgramResult {
        let texts = try ["out", "err"].map { name in
            String(decoding: try Data(contentsOf: folder.appending(path: name)), as: UTF8.self)
        }
        return ProgramResult(status: status, output: texts[0], errors: texts[1])
    }

    /// Waits for its end.
    ///
    /// - Throws: ``Program/Failure`` when it does not come within `limit`; then it was killed.
    func end(within limit: Duration = .seconds(120)) async throws -> ProgramResult {
        let deadline = ContinuousClock.now + limit
        while true {
            if let status = ended.withLock({ $0 }) { return try result(status: status) }
            guard ContinuousClock.now < deadline else {
                await kill()
                let last = try result(status: 0)
                throw Program.Failure(
                    description: "\(program.description) did not end within \(limit)\n\(last.errors)\(last.output)")
            }
            try await Task.sleep(for: .milliseconds(2))
        }
    }

    /// Ends it at once, if it still runs, and waits until it is gone.
    func kill() async {
        signal(SIGKILL)
        // Nothing survives SIGKILL, so this ends; a cancelled test must wait too.
        while !hasEnded { await Task.yield() }
    }
}

/// The `ferry` that this test run was built with: it stands beside the program of the tests.
var ferryProgram: String {
    let beside = URL(fileURLWithPath: CommandLine.arguments[0]).resolvingSymlinksInPath().deletingLastPathComponent()
        .appending(path: "ferry").path
    let built = PrivateBroker.repository.appending(path: ".build/debug/ferry").path
    return FileManager.default.isExecutableFile(atPath: beside) ? beside : built
}
