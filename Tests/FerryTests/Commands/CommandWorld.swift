// A world for commands without a broker: a configuration and a store in a folder of their own, and what a command says on
// either stream. The broker's address leads nowhere, as on a machine where it is down.

import Foundation
import JobStore
import Logging
import SyncJobs
import Testing

@testable import Ferry

/// How a command ended and what it said.
struct CommandAnswer: Sendable {
    let status: CommandStatus
    let output: String
    let errors: String

    /// Standard output, a line each.
    var lines: [String] { output.split(separator: "\n").map(String.init) }

    /// Standard output as JSON.
    var json: JSONValue { get throws { try JSONParser.parse(Array(output.utf8)) } }
}

/// A configuration, a store, and commands on them.
struct CommandWorld: Sendable {
    let folder: String
    let store: JobStore

    /// A port on which nobody ever listens.
    static let configuration = """
        broker: {url: "amqp://u:hidden@127.0.0.1:1"}
        store: {path: jobs.sqlite}
        queues: [nightly]
        systems: {iso: {kind: embedded}, registry: {kind: embedded}}
        types:
          Country Sync:
            source: iso.Country
            target: registry.Nation
            queue: short
            fields: {label: source.name}
          City Sync:
            source: iso.City
            target: registry.Town
            fields: {label: source.name}
        """

    /// Makes a world, runs `body`, and removes it.
    static func with<Result>(_ body: (CommandWorld) async throws -> Result) async throws -> Result {
        let folder = FileManager.default.temporaryDirectory.appendingPathComponent("ferry-\(UUID().uuidString)").path
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        try configuration.write(toFile: folder + "/ferry.yaml", atomically: true, encoding: .utf8)
        let world = CommandWorld(
            folder: folder, store: try JobStore(path: folder + "/jobs.sqlite", logger: Logger(label: "test")))
        let outcome: Swift.Result<Result, any Error>
        do { outcome = .success(try await body(world)) } catch { outcome = .failure(error) }
        try world.store.close()
        try FileManager.default.removeItem(atPath: folder)
        return try outcome.get()
    }

    /// Runs a command to its end.
    ///
    /// - Parameter isInteractive: whether standard error is taken for a terminal.
    func run(
        _ arguments: String..., isInteractive: Bool = false, environment: [String: String] = ["FERRY_ACTOR": "ada"]
    ) async throws -> CommandAnswer {
        let command = try FerryCommand.parseAsRoot(arguments + ["--config", folder + "/ferry.yaml"])
        let subcommand = try #require(command as? any FerrySubcommand)
        return try await capture(isInteractive: isInteractive, environment: environment) { context in
            try await subcommand.run(in: context)
        }
    }

    /// Runs `body` with a screen of its own, and answers what was written to it.
    func capture(
        isInteractive: Bool = false, environment: [String: String] = ["FERRY_ACTOR": "ada"],
        _ body: (CommandContext) async throws -> Void
    ) async throws -> CommandAnswer {
        let name = folder + "/" + UUID().uuidString
        let files = try [name + ".out", name + ".err"].map { path in
            try Data().write(to: URL(fileURLWithPath: path))
            return try #require(FileHandle(forWritingAtPath: path))
        }
        func terminal(_ file: FileHandle) -> Terminal {
            Terminal(
                descriptor: file.fileDescriptor, isInteractive: isInteractive, environment: ["NO_COLOR": "1"])
        }
        let screen = Screen(output: terminal(files[0]), errors: terminal(files[1]))
        let options = try CommonOptions.parse(["--config", folder + "/ferry.yaml"])
        let context = CommandContext(
            options: options, environment: environment, screen: screen,
            logger: ScreenLogHandler.logger(level: .warning, screen: screen))
        var status = CommandStatus.good
        do { try await body(context) } catch let ended as EndedWith { status = ended.status }
        for file in files { try file.close() }
        return CommandAnswer(
            status: status, output: try String(contentsOfFile: name + ".out", encoding: .utf8),
            errors: try String(contentsOfFile: name + ".err", encoding: .utf8))
    }

    // MARK: records

    /// A record of a type that is configured.
    static func job(
        _ id: String, type: String = "Country Sync", _ change: (inout SyncRequest) -> Void = { _ in }
    ) -> SyncJob {
        var request = SyncRequest(id: id, type: type.slug, sourceName: "N-\(id)")
        change(&request)
        return SyncJob(request: request, type: Self.type(type), queue: "short", createdAt: Sample.instant)
    }

    static func type(_ name: String) -> SyncJobType {
        SyncJobType(
            name: name,
            source: DocumentType(system: "iso", name: name.split(separator: " ").first.map(String.init) ?? ""),
            target: DocumentType(system: "registry", name: "Nation"), queue: "short", controller: NoController())
    }

    /// Commits the end of one run of `job`.
    @discardableResult
    func end(
        _ job: SyncJob, _ end: Outcome.End, turn: Int = 0, at time: Timestamp = Sample.instant,
        _ change: (inout Outcome) -> Void = { _ in }
    ) async throws -> SyncJob {
        var outcome = Outcome(end)
        change(&outcome)
        let run = JobRun(
            job: job, turn: turn, runID: "run-\(job.id)-\(turn)", node: "host:1", startedAt: time,
            body: Array("{}".utf8))
        let transition = JobTransition.next(
            run, outcome: outcome, type: Self.type(job.typeName), chance: 0, now: time.advanced(by: .milliseconds(3)))
        guard case .committed(let stored, _, _) = try await store.commit(transition) else {
            throw CommandFailure(.failed, "not committed: \(job.id)", remedy: "")
        }
        return stored
    }

    /// A failure that no retry mends.
    static let permanent = JobFailure(.targetGone, "the target is gone", remedy: "restore it")
    /// A failure that is tried again.
    static let retryable = JobFailure.retryable("the target is busy")

    /// Commits that `job` waits.
    func wait(_ job: SyncJob, for reason: WaitReason, until due: Timestamp? = nil) async throws {
        _ = try await store.commit(
            JobTransition.wait(job, turn: 0, reason: reason, until: due, now: Sample.instant))
    }

    /// What is owed to the broker about a job.
    func owed(_ id: String) async throws -> [OutboxMessage.Kind] {
        try await store.situation(id: id).owed.map(\.kind)
    }
}
