// The composition root: from a checked configuration to a store, systems, a topology and connections. Nothing is
// opened before it is asked for, so that a command without a broker needs none.

internal import AMQP
internal import DocumentSystems
internal import Foundation
internal import JobStore
internal import Logging
internal import SyncBroker
internal import SyncEngine
internal import SyncJobs

/// What a command is made of.
struct Composition: Sendable {
    let configuration: FerryConfiguration
    let topology: Topology
    let logger: Logger

    /// Reads the configuration that the flag, the environment or the working folder names.
    ///
    /// - Throws: ``ConfigurationError`` with all problems at once.
    init(configurationFlag: String?, environment: [String: String], logger: Logger) throws {
        let path = ConfigurationLocation.find(flag: configurationFlag, environment: environment)
        let registrations = Registrations.current
        let configuration = try FerryConfiguration.load(
            path: path, environment: environment, controllers: registrations.controllers,
            functions: registrations.functions)
        try self.init(configuration, logger: logger)
    }

    init(_ configuration: FerryConfiguration, logger: Logger) throws {
        self.configuration = configuration
        self.logger = logger
        topology = try Topology(prefix: configuration.broker.prefix, queues: configuration.queues)
    }

    /// Who this process is in records: `host:pid`.
    static var node: String { "\(ProcessInfo.processInfo.hostName):\(ProcessInfo.processInfo.processIdentifier)" }

    /// The instant that records are stamped with.
    static func now() -> Timestamp {
        var time = timespec()
        clock_gettime(CLOCK_REALTIME, &time)
        return Timestamp(microseconds: Int64(time.tv_sec) * 1_000_000 + Int64(time.tv_nsec) / 1000)
    }

    // MARK: broker

    /// What a connection is opened with; its name at the broker says which command it is.
    func broker(_ command: String, url: String? = nil) throws -> AMQPConfiguration {
        var settings = configuration.broker
        if let url { settings.urls = [url] }
        return try settings.connection(named: "ferry \(command) \(Self.node)")
    }

    /// The management API, where the configuration names one.
    func management() throws -> Management? { try configuration.broker.managementURL.map { try Management(url: $0) } }

    // MARK: store and systems

    /// Opens the job store, and makes it when it is not there.
    func openStore() throws -> JobStore {
        try JobStore(
            path: configuration.store.path, maximumDocumentBytes: configuration.limits.maximumDocument.bytes,
            logger: logger)
    }

    /// Opens the job store that is there, for commands that only look: an empty new file would answer "nothing" where
    /// the truth is "not here".
    func openExistingStore() throws -> JobStore {
        guard FileManager.default.fileExists(atPath: configuration.store.path) else {
            throw CommandFailure(
                .store, "there is no job store at \(configuration.store.path)",
                remedy: "run ferry work to make it, or correct store.path in \(configuration.file)")
        }
        return try openStore()
    }

    /// The configured systems.
    ///
    /// `store` is needed where one of them is embedded.
    ///
    /// - Parameter down: systems that are known to be down, and need not be there.
    func systems(store: JobStore, down: [String] = []) throws -> DocumentSystems {
        DocumentSystems(
            try configuration.systems.map { settings in
                let isDown = down.contains { $0.hasSameBytes(as: settings.name) }
                return try system(settings, store: store, isDown: isDown)
            })
    }

    /// One system; `store` is asked for only when it is embedded.
    func system(
        _ settings: SystemSettings, store: @autoclosure () throws -> JobStore, isDown: Bool = false
    ) throws -> any DocumentSystem {
        let documents = configuration.documents.filter { $0.type.system.hasSameBytes(as: settings.name) }
        switch settings.kind {
        case .embedded:
            let shapes = documents.map { ($0.type.name, $0.shape) }
            return EmbeddedSystem(
                name: settings.name, store: try store(), shapes: Dictionary(shapes) { first, _ in first })
        case .sqlite(let path):
            let tables = documents.compactMap { document in document.table.map { (document.type.name, $0) } }
            return try SQLiteFileSystem(
                name: settings.name, path: path, tables: Dictionary(tables) { first, _ in first },
                maximumDocumentBytes: configuration.limits.maximumDocument.bytes, mayBeMissing: isDown,
                logger: logger)
        }
    }

    // MARK: types

    /// The type of this name or slug.
    func type(_ nameOrSlug: String) throws -> SyncJobType {
        if let type = configuration.types[nameOrSlug] { return type }
        let known = configuration.types.all.map(\.slug)
        throw CommandFailure(
            .usage, "there is no sync job type \"\(nameOrSlug.prefix(140))\"",
            remedy: Suggestion.remedy(for: nameOrSlug.slug, among: known))
    }

    /// Refuses a document type whose system the configuration does not have.
    func requireSystem(of type: DocumentType) throws {
        guard configuration.system(type.system) == nil else { return }
        throw CommandFailure(
            .usage, "there is no system \"\(type.system.prefix(80))\"",
            remedy: Suggestion.remedy(for: type.system, among: configuration.systems.map(\.name)))
    }

    /// Refuses a queue that is not configured, naming those that are.
    func requireQueue(_ queue: String) throws {
        guard !configuration.queues.contains(where: { $0.hasSameBytes(as: queue) }) else { return }
        throw CommandFailure(
            .usage, "there is no queue \"\(queue.prefix(80))\"",
            remedy: queue.nearest(among: configuration.queues).map { "did you mean \($0)?" }
                ?? "use one of \(configuration.queues.joined(separator: ", ")), or declare it under queues:")
    }
}
