// Real RabbitMQ nodes for tests: one shared by the whole test process, and own ones for tests that stop or kill theirs.
// Invariant: a node never outlives the test process (a watcher of each ends it), and none is shared between processes
// unless FERRY_TEST_BROKER names it. Tests on the shared node use names of their own, so that they can run in parallel.
import AMQP
import Foundation
import Logging
import Synchronization

/// A private node, run by `broker/start` and `broker/stop` of this repository.
struct PrivateBroker: Sendable {
    /// The node's data folder.
    let data: URL
    /// The variables of the folder's `broker.env`.
    let environment: [String: String]

    /// The URL of a user who may do everything in the virtual host.
    var operatorURL: String { environment["FERRY_OPERATOR_URL"] ?? "" }
    /// The URL of the worker's user.
    var workerURL: String { environment["FERRY_BROKER_URL"] ?? "" }
    /// The URL of the producer's user.
    var producerURL: String { environment["FERRY_PRODUCER_URL"] ?? "" }
    /// The management API, with an operator's credentials.
    var managementURL: String { environment["FERRY_MANAGEMENT_URL"] ?? "" }
    /// The AMQP port on 127.0.0.1.
    var port: Int { environment["FERRY_BROKER_PORT"].flatMap { Int($0) } ?? 0 }

    /// The repository, found from this file.
    static let repository = URL(fileURLWithPath: #filePath).resolvingSymlinksInPath()
        .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent()

    // MARK: - The shared node

    private static let sharedNode = Task { () throws -> PrivateBroker in
        if let folder = ProcessInfo.processInfo.environment["FERRY_TEST_BROKER"], !folder.isEmpty {
            return try PrivateBroker(running: URL(fileURLWithPath: folder))
        }
        return try await PrivateBroker.own()
    }

    /// The node that all tests of this process share; started by the first that asks.
    static func shared() async throws -> PrivateBroker { try await sharedNode.value }

    // MARK: - Own nodes

    /// Starts a node in a folder of its own; `configuration` is added to its configuration file.
    static func own(configuration: String = "") async throws -> PrivateBroker {
        let data = FileManager.default.temporaryDirectory.appending(path: "ferry-test-\(randomName())")
        try FileManager.default.createDirectory(
            at: data.appending(path: "etc/conf.d"), withIntermediateDirectories: true)
        if !configuration.isEmpty {
            try configuration.write(
                to: data.appending(path: "etc/conf.d/90-test.conf"), atomically: true, encoding: .utf8)
        }
        try watch(data)
        try await script("start", ["--data", data.path, "--timeout", "180"])
        return try PrivateBroker(running: data)
    }

    private init(running data: URL) throws {
        self.data = data
        let text = try String(contentsOf: data.appending(path: "broker.env"), encoding: .utf8)
        var environment: [String: String] = [:]
        for line in text.split(separator: "\n") where !line.hasPrefix("#") {
            let parts = line.split(separator: "=", maxSplits: 1).map(String.init)
            if parts.count == 2 { environment[parts[0]] = parts[1] }
        }
        self.environment = environment
    }

    /// Stops the node; with `kill` as a crash would.
    func stop(kill: Bool = false) async throws {
        try await PrivateBroker.script("stop", ["--data", data.path] + (kill ? ["--kill"] : []))
    }

    /// Starts it again, with its data, port and passwords.
    func start() async throws {
        try await PrivateBroker.script("start", ["--data", data.path, "--timeout", "180"])
    }

    /// Runs `rabbitmqctl` against the node.
    @discardableResult
    func control(_ arguments: String...) async throws -> String {
        try await PrivateBroker.script("ctl", ["--data", data.path] + arguments)
    }

    /// Stops the node and removes its folder.
    func remove() async throws {
        try await stop(kill: true)
        try FileManager.default.removeItem(at: data)
    }

    // MARK: - Scripts

    /// Ends the node of `data` once this process is gone, also when it crashed.
    private static func watch(_ data: URL) throws {
        let script = """
            while kill -0 "$1" 2>/dev/null && [ -d "$2" ]; do sleep 1; done
            [ -d "$2" ] || exit 0
            "$3/broker/stop" --data "$2" --kill
            rm -rf "$2"
            """
        let process = String(ProcessInfo.processInfo.processIdentifier)
        try Program("/bin/sh", ["-c", script, "watcher", process, data.path, repository.path]).detach()
    }

    @discardableResult
    private static func script(_ name: String, _ arguments: [String]) async throws -> String {
        try await Program(repository.appending(path: "broker/\(name)").path, arguments).run()
    }
}

/// A name that nothing else has.
func randomName() -> String { String(UInt64.random(in: .min ... .max), radix: 36) }

/// A logger that says nothing.
let quietLogger: Logger = {
    var logger = Logger(label: "test")
    logger.logLevel = ProcessInfo.processInfo.environment["FERRY_TEST_LOG"] == nil ? .critical : .trace
    return logger
}()
