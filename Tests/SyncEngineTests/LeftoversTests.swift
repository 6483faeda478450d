// What a dead process owed is published, page by page, whatever the broker thinks of some of it.
import Foundation
import JobStore
import Logging
import Synchronization
import SyncJobs
import Testing

@testable import SyncBroker
@testable import SyncEngine

@Suite struct LeftoversTests {
    /// A broker that takes nothing about some jobs.
    private final class PickySink: MessageSink {
        private let state: Mutex<(refused: Set<String>, published: [String])>

        init(refusing ids: Set<String>) { state = Mutex((ids, [])) }

        var published: [String] { state.withLock { $0.published } }
        func takeAll() { state.withLock { $0.refused = [] } }

        func publish(_ messages: [OutgoingMessage]) async -> [PublishOutcome] {
            messages.map { message in
                guard case .owed(let owed, _) = message else { return .failed("it is not owed") }
                return state.withLock { state in
                    if state.refused.contains(owed.messageID) { return .failed("the queue is full") }
                    state.published.append(owed.messageID)
                    return .confirmed
                }
            }
        }
    }

    private let folder = FileManager.default.temporaryDirectory.appending(path: "ferry-left-\(UUID().uuidString)")
    private let now = Timestamp(microseconds: 1_700_000_000_000_000)

    private var logger: Logger {
        var logger = Logger(label: "test")
        logger.logLevel = .critical
        return logger
    }

    private func open() throws -> JobStore {
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        return try JobStore(path: folder.appending(path: "jobs.sqlite").path, logger: logger)
    }

    /// Leaves the messages of these jobs in the outbox, as a process that is gone.
    private func leave(_ ids: [String]) async throws {
        let dead = try open()
        let type = SyncJobType(
            name: "Customer Sync", source: DocumentType(system: "erp", name: "Customer"),
            target: DocumentType(system: "shop", name: "Account"), controller: IdleController())
        for id in ids {
            let job = SyncJob(
                request: SyncRequest(id: id, type: type.slug, sourceName: id), type: type, queue: "default",
                createdAt: now)
            _ = try await dead.commit(.handBack(job, turn: 0, run: nil, until: nil, now: now))
        }
        try dead.close()
    }

    private func leftovers(_ store: JobStore, _ sink: any MessageSink) -> Leftovers {
        let patience = StorePatience(limit: .seconds(10), logger: logger)
        let outbox = OutboxPublisher(store: store, publisher: sink, patience: patience, now: { now }, logger: logger)
        return Leftovers(store: store, outbox: outbox, patience: patience, logger: logger)
    }

    @Test func whatADeadProcessOwesGoesOutAtTheFirstLookAndOnce() async throws {
        defer { remove() }
        try await leave(["a", "b"])
        let store = try open()
        let sink = PickySink(refusing: [])
        let leftovers = leftovers(store, sink)
        var progress = Leftovers.Progress()
        for _ in 0..<3 { try await leftovers.look(&progress) }
        #expect(sink.published == ["a", "b"])
        #expect(try await store.owedMessages(limit: 10).isEmpty)
        try store.close()
    }

    @Test func whatIsRefusedHoldsUpNothingAndIsTriedAgainLater() async throws {
        defer { remove() }
        // More than a page of it comes first.
        let refused = (0..<OutboxPublisher.batchSize + 20).map { "refused-\($0)" }
        try await leave(refused + ["fine"])
        let store = try open()
        let sink = PickySink(refusing: Set(refused))
        let leftovers = leftovers(store, sink)
        var progress = Leftovers.Progress()
        while sink.published.isEmpty { try await leftovers.look(&progress) }
        #expect(sink.published == ["fine"])
        sink.takeAll()
        try await leftovers.look(&progress)
        #expect(sink.published == ["fine"], "what was refused rests for a while")
        progress.forgetRefusals()
        while sink.published.count < refused.count + 1 { try await leftovers.look(&progress) }
        #expect(Set(sink.published) == Set(refused + ["fine"]))
        #expect(try await store.owedMessages(limit: 10).isEmpty)
        try store.close()
    }

    private func remove() {
        do { try FileManager.default.removeItem(at: folder) } catch { Issue.record("not removed: \(error)") }
    }
}
