// Everything that a job needs, without a broker: a store on a real file, the embedded systems erp and app, the outside system
// shop, a clock that a test sets, and engines for the types that a test makes. Nothing is shared between tests.
import DocumentSystems
import Foundation
import Logging
import SyncBroker
import SyncJobs
import Testing

@testable import JobStore
@testable import SyncEngine

let quietLogger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }

/// A folder that goes with its owner.
final class TemporaryFolder: Sendable {
    let path: String

    init() throws {
        path = NSTemporaryDirectory() + "ferry-engine-" + UUID().uuidString
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    }

    deinit {
        do {
            try FileManager.default.removeItem(atPath: path)
        } catch { print("left behind: \(path)") }
    }
}

/// A clock that stands still until a test moves it.
final class TestClock: Sendable {
    static let start = Timestamp(microseconds: 1_700_000_000_000_000)
    private let instant = Box(start)

    var now: Timestamp { instant.value }
    func advance(by duration: Duration) { instant.change { $0 = $0.advanced(by: duration) } }
}

/// One world of documents and jobs.
struct LocalWorld: Sendable {
    static let customer = DocumentType(system: "erp", name: "Customer")
    static let account = DocumentType(system: "app", name: "Account")
    static let shopAccount = DocumentType(system: "shop", name: "Account")
    /// A source document type outside the store.
    static let shopOrder = DocumentType(system: "shop", name: "Order")

    let folder: TemporaryFolder
    let store: JobStore
    let outside: OutsideSystem
    let systems: DocumentSystems
    let clock = TestClock()
    let log = WordLog()

    /// - Parameters:
    ///   - busyTimeout: how long the store waits for another program's lock.
    ///   - backup: a copy of another world's store to begin with.
    init(busyTimeout: Duration = .seconds(30), restoring backup: String? = nil) throws {
        folder = try TemporaryFolder()
        if let backup { try FileManager.default.copyItem(atPath: backup, toPath: folder.path + "/jobs.sqlite") }
        var limits = StoreLimits()
        limits.busyTimeout = busyTimeout
        store = try JobStore(path: folder.path + "/jobs.sqlite", limits: limits, logger: quietLogger)
        let version = DocumentShape.VersionShape(field: "version", order: .number)
        let sensitive = ["tax_id": FieldShape(kind: .text, isSensitive: true)]
        let secret = ["secret": FieldShape(kind: .text, isSensitive: true)]
        outside = OutsideSystem(
            name: "shop",
            shapes: ["Account": DocumentShape(fields: secret), "Order": DocumentShape(version: version)], log: log)
        systems = DocumentSystems([
            EmbeddedSystem(
                name: "erp", store: store,
                shapes: ["Customer": DocumentShape(version: version, fields: sensitive)]),
            EmbeddedSystem(name: "app", store: store, shapes: ["Account": DocumentShape(fields: secret)]),
            outside,
        ])
    }

    // MARK: types and engines

    /// A script that writes its words into the world's log.
    var script: Script { Script(log) }

    func engine(_ types: SyncJobType...) throws -> LocalEngine {
        LocalEngine(
            types: try SyncJobTypes(types), systems: systems, store: store,
            logger: quietLogger, now: { [clock] in clock.now })
    }

    /// The engine's parts, for deliveries that only a broker makes; nothing is published but what `sink` takes.
    func parts(
        _ types: [SyncJobType], sink: any MessageSink = DeafSink(), storePatience: Duration = .seconds(1)
    ) throws -> EngineParts {
        EngineParts(
            types: try SyncJobTypes(types), systems: systems, store: store, publisher: sink,
            maximumDocumentBytes: 1_000_000, storePatience: storePatience, controllerThreads: 1, node: "test",
            logger: quietLogger, now: { [clock] in clock.now })
    }

    /// A type from erp.Customer with a delay of a minute and no jitter.
    func type(
        _ controller: any SyncController, name: String = "Customer Sync", source: DocumentType = customer,
        target: DocumentType? = account, _ adjust: (inout SyncJobType) -> Void = { _ in }
    ) -> SyncJobType {
        var type = SyncJobType(name: name, source: source, target: target, controller: controller)
        type.retryPolicy.delay = .seconds(60)
        type.retryPolicy.jitter = 0
        adjust(&type)
        return type
    }

    /// An engine with one type of a single target.
    func single(
        target: DocumentType = account, _ change: (inout Script) -> Void = { _ in },
        type adjust: (inout SyncJobType) -> Void = { _ in }
    ) throws -> LocalEngine {
        var script = self.script
        change(&script)
        return try engine(type(ScriptedSingle(script: script), target: target, adjust))
    }

    /// An engine with one type of multiple targets.
    func multiple(
        target: DocumentType = account, _ change: (inout Script) -> Void,
        type adjust: (inout SyncJobType) -> Void = { _ in }
    ) throws -> LocalEngine {
        var script = self.script
        change(&script)
        return try engine(type(ScriptedMultiple(script: script), target: target, adjust))
    }

    /// An engine with one type that does everything itself.
    func bypass(
        _ change: (inout Script) -> Void, type adjust: (inout SyncJobType) -> Void = { _ in }
    ) throws -> LocalEngine {
        var script = self.script
        change(&script)
        return try engine(type(ScriptedBypass(script: script), target: Self.shopAccount, adjust))
    }

    // MARK: documents

    /// Puts a customer into erp.
    func putCustomer(_ name: String, _ label: String, version: Int = 1, _ more: JSONObject = [:]) async throws {
        var fields: JSONObject = ["name": .string(label), "version": .int(version)]
        for member in more { fields[member.key] = member.value }
        let key = DocumentKey(type: Self.customer, name: name)
        let stored = DocumentVersion(order: .number, text: String(version))
        _ = try await store.putDocuments([(key, fields, stored)])
    }

    func deleteCustomer(_ name: String) async throws {
        _ = try await store.deleteDocument(DocumentKey(type: Self.customer, name: name))
    }

    /// Puts an account into app, as somebody else would.
    func putAccount(_ name: String, _ fields: JSONObject) async throws {
        _ = try await store.putDocuments([(DocumentKey(type: Self.account, name: name), fields, nil)])
    }

    /// The account of this name in app; nil when it is not there.
    func account(_ name: String) async throws -> JSONObject? {
        guard case .present(let found) = try await systems.load(DocumentKey(type: Self.account, name: name)) else {
            return nil
        }
        return found.fields
    }

    func customer(_ name: String) async throws -> JSONObject? {
        try await systems.load(DocumentKey(type: Self.customer, name: name)).document?.fields
    }

    // MARK: jobs

    func request(
        _ id: String, _ source: String? = "C-1", type: String = "customer_sync",
        _ adjust: (inout SyncRequest) -> Void = { _ in }
    ) -> SyncRequest {
        var request = SyncRequest(id: id, type: type, sourceName: source)
        if source == nil { request.context = [:] }
        adjust(&request)
        return request
    }

    /// The record as stored.
    func job(_ id: String) async throws -> SyncJob { try #require(try await store.job(id: id), "no record of \(id)") }

    func binding(_ source: String = "C-1", key: String = "") async throws -> Binding? {
        try await store.binding(
            BindingKey(
                typeSlug: "customer_sync", source: DocumentKey(type: Self.customer, name: source), key: key))
    }

    /// Lets the time of `duration` pass, then runs what is due.
    @discardableResult
    func pass(_ duration: Duration, in engine: LocalEngine) async throws -> [SyncJob] {
        clock.advance(by: duration)
        return try await engine.runPending()
    }

    /// Does what an operator does, and brings what follows onto its way.
    @discardableResult
    func perform(
        _ action: JobStore.OperatorAction, _ ids: String..., in engine: LocalEngine
    ) async throws -> [JobStore.ActionResult] {
        let results = try await store.perform(
            action, ids: ids, actor: "tester", reason: "because", at: clock.now)
        try await engine.collectOwed()
        return results
    }
}

/// The failure that `body` throws; nil when it throws none.
func failure(_ body: () async throws -> Void) async throws -> JobFailure? {
    do {
        try await body()
        return nil
    } catch let failure as JobFailure { return failure }
}

/// Takes nothing: what is owed stays in the store.
struct DeafSink: MessageSink {
    func publish(_ messages: [OutgoingMessage]) async -> [PublishOutcome] { messages.map { _ in .failed("deaf") } }
}

extension EngineParts {
    /// One delivery of a request.
    func deliver(_ request: SyncRequest, turn: Int = 0) async throws -> JobRunner.Ending {
        let type = try runner.executor.types.type(for: request)
        let job = QueuedJob(
            delivery: nil, request: request, type: type, queue: request.queue ?? type.queue,
            receivedAt: runner.now(), turn: turn, body: [])
        return try await runner.run(job, preparation: try await runner.prepare([job])[0])
    }
}

/// Waits until `condition` holds, at most 30 seconds.
func until(_ what: String, _ condition: () async throws -> Bool) async throws {
    let deadline = ContinuousClock.now + .seconds(300)
    while try await !condition() {
        guard ContinuousClock.now < deadline else {
            Issue.record("never happened: \(what)")
            return
        }
        try await Task.sleep(for: .milliseconds(5))
    }
}
