// The harness of a user's tests: types, systems and a store of their own in one value, in which jobs run for real (the same
// transitions, commits and retries as in a worker) without a broker and without waiting.
// Invariant: nothing outlives it; its store is a temporary file.

internal import Foundation
internal import Synchronization
public import DocumentSystems
public import JobStore
public import Logging
public import SyncEngine
public import SyncJobs

/// Runs sync jobs in a test.
///
/// ```swift
/// let test = try SyncTest(types: [customerSync])
/// try await test.put("erp.Customer", "C-1", ["name": "Acme"])
/// let job = try await test.run("Customer Sync", source: "C-1")
/// #expect(job.status == .finished)
/// #expect(try await test.difference("app.Account", "C-1", ["label": "Acme"]) == .none)
/// ```
///
/// Systems that the types name and that are not handed in are ``MemorySystem``s.
public final class SyncTest: Sendable {
    /// The time in the test.
    public let clock: TestClock
    /// The types.
    public let types: SyncJobTypes
    /// Where the documents are.
    public let systems: DocumentSystems
    /// The store, in a temporary file.
    public let store: JobStore
    /// What runs the jobs.
    public let engine: LocalEngine
    private let folder: TemporaryFolder
    private let count = Mutex(0)

    /// Sets up a store, systems and an engine.
    ///
    /// - Parameters:
    ///   - types: the types whose jobs run.
    ///   - systems: systems of the test's own making.
    ///   - embedded: the systems that live in the store, as `kind: embedded` does.
    ///   - shapes: the declared document types by their full names (`app.Account`), for the systems made here.
    ///   - clock: the time in the test.
    ///   - logger: where log lines go; nowhere by default.
    /// - Throws: ``JobFailure`` for types or names that can't be; ``JobStoreError`` when the temporary file can't be made.
    public init(
        types: [SyncJobType], systems: [any DocumentSystem] = [], embedded: Set<String> = [],
        shapes: [String: DocumentShape] = [:], clock: TestClock = TestClock(), logger: Logger? = nil
    ) throws {
        let logger = logger ?? Logger(label: "ferry.test") { _ in SwiftLogNoOpLogHandler() }
        let folder = try TemporaryFolder()
        let store = try JobStore(path: folder.path + "/ferry.sqlite", logger: logger)
        var declared: [String: [String: DocumentShape]] = [:]
        for (name, shape) in shapes {
            let type = try DocumentType(testName: name)
            declared[type.system, default: [:]][type.name] = shape
        }
        let given = Set(systems.map(\.name))
        let named = Set(types.flatMap(\.systemNames)).union(declared.keys).union(embedded).subtracting(given)
        let made = named.sorted().map { name -> any DocumentSystem in
            let shapes = declared[name] ?? [:]
            return embedded.contains(name)
                ? EmbeddedSystem(name: name, store: store, shapes: shapes) : MemorySystem(name, shapes: shapes)
        }
        self.types = try SyncJobTypes(types)
        self.systems = DocumentSystems(systems + made)
        self.clock = clock
        self.store = store
        self.folder = folder
        engine = LocalEngine(
            types: self.types, systems: self.systems, store: store, logger: logger, now: { clock.now })
    }

    deinit {
        // try?: what is left of a temporary store is the machine's to clean, and no test depends on it.
        try? store.close()
        folder.remove()
    }

    /// A new id for a request or an event: `test-1`, then `test-2`.
    func nextID() -> String {
        count.withLock { count in
            count += 1
            return "test-\(count)"
        }
    }

    /// The memory system of this name.
    ///
    /// - Throws: ``JobFailure`` when the test has no memory system of this name.
    public func memory(_ name: String) throws -> MemorySystem {
        guard let system = systems[name] as? MemorySystem else {
            throw JobFailure(
                .invalidTarget, "the test has no memory system \"\(name)\"",
                remedy: "it has \(systems.all.map { "\"\($0.name)\"" }.joined(separator: ", "))")
        }
        return system
    }
}

extension SyncJobType {
    /// The systems that the type reads, writes or hears of.
    fileprivate var systemNames: [String] {
        [source.system] + (target.map { [$0.system] } ?? []) + triggers.map(\.document.system)
    }
}

extension DocumentType {
    /// Reads `system.Type`.
    init(testName text: String) throws(JobFailure) {
        guard let type = DocumentType(text) else {
            throw JobFailure(
                .invalidTarget, "\"\(text)\" names no document type", remedy: "write system.Type, such as erp.Customer")
        }
        self = type
    }
}

/// A folder of its own in the machine's temporary one.
final class TemporaryFolder: Sendable {
    let path: String

    init() throws {
        path = NSTemporaryDirectory() + "ferry-test-" + UUID().uuidString
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    }

    func remove() {
        // try?: as at the store's close.
        try? FileManager.default.removeItem(atPath: path)
    }
}
