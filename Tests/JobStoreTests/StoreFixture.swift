// A store on a real file in a folder of its own, and the values that tests commit to it.
import Foundation
import GRDB
import JobStore
import Logging
import SyncJobs

/// A folder that goes with its owner.
final class TemporaryFolder: Sendable {
    let path: String

    init() throws {
        let url = FileManager.default.temporaryDirectory.appendingPathComponent("ferry-store-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: url, withIntermediateDirectories: true)
        path = url.path
    }

    deinit {
        do {
            try FileManager.default.removeItem(atPath: path)
        } catch { print("left behind: \(path)") }
    }

    func file(_ name: String) -> String { path + "/" + name }
}

/// A store in a temporary folder.
struct StoreFixture {
    let folder: TemporaryFolder
    let store: JobStore

    init() throws {
        folder = try TemporaryFolder()
        store = try StoreFixture.open(folder.file("jobs.sqlite"))
    }

    var path: String { folder.file("jobs.sqlite") }

    static func open(_ path: String) throws -> JobStore { try JobStore(path: path, logger: Logger(label: "test")) }

    /// Rows as another program sees them.
    func rows(_ sql: String) throws -> [Row] {
        let database = try DatabaseQueue(path: path)
        return try database.read { try Row.fetchAll($0, sql: sql) }
    }

    func integer(_ sql: String) throws -> Int { try rows(sql).first?[0] ?? -1 }
}

struct NoController: SingleTargetController {
    func update(_ target: inout Document, for job: JobHandle) async throws {}
}

enum Sample {
    static let source = DocumentType(system: "erp", name: "Customer")
    static let target = DocumentType(system: "shop", name: "Client")
    static let type = SyncJobType(name: "Customer Sync", source: source, target: target, controller: NoController())
    static let start = Timestamp(microseconds: 1_700_000_000_000_000)

    static func job(_ id: String, sourceName: String? = nil) -> SyncJob {
        SyncJob(
            request: SyncRequest(id: id, type: type.slug, sourceName: sourceName ?? "C-\(id)"), type: type,
            queue: "default", createdAt: start)
    }

    static func key(_ name: String) -> DocumentKey { DocumentKey(type: target, name: name) }

    static func bindingKey(_ sourceName: String) -> BindingKey {
        BindingKey(typeSlug: type.slug, source: DocumentKey(type: source, name: sourceName))
    }

    static func run(_ job: SyncJob, turn: Int = 0) -> JobRun {
        JobRun(
            job: job, turn: turn, runID: "run-\(job.id)-\(turn)", node: "host:1", startedAt: start,
            body: Array("{}".utf8))
    }

    /// The commit of a job that ended as `end`.
    static func transition(
        _ id: String, turn: Int = 0, end: Outcome.End = .finished, _ change: (inout Outcome) -> Void = { _ in }
    ) -> JobTransition { transition(of: job(id), turn: turn, end: end, change) }

    static func transition(
        of job: SyncJob, turn: Int = 0, end: Outcome.End = .finished, _ change: (inout Outcome) -> Void = { _ in }
    ) -> JobTransition {
        var outcome = Outcome(end)
        change(&outcome)
        return JobTransition.next(
            run(job, turn: turn), outcome: outcome, type: type, chance: 0, now: start.advanced(by: .seconds(1)))
    }

    /// The commit of a parent that relays to `count` children, named `id/0`, `id/1` and so on.
    static func relay(
        _ id: String, turn: Int = 0, children count: Int, runsRelayFinished: Bool = true, dedupKey: String? = nil
    ) -> JobTransition {
        let requests = (0..<count).map { number in
            var request = SyncRequest(id: "\(id)/\(number)", type: type.slug, sourceName: "C-\(id)")
            request.parentSyncJob = id
            request.targetKey = "\(number)"
            return request
        }
        var parent = job(id)
        parent.request.dedupKey = dedupKey
        return transition(of: parent, turn: turn, end: .relayed(requests)) { $0.runsRelayFinished = runsRelayFinished }
    }

    /// A retryable failure.
    static let mishap = JobFailure.retryable("try again")

    static func insert(_ name: String?, _ fields: JSONObject, fallbackName: String = "fallback") -> DocumentWrite {
        write(before: nil, after: Document(key: name.map(key), fields: fields), fallbackName: fallbackName)
    }

    static func write(before: Document?, after: Document?, fallbackName: String = "fallback") -> DocumentWrite {
        DocumentWrite(
            type: target, before: before, after: after, fallbackName: fallbackName, diff: Diff(),
            idempotencyKey: Digest(ofParts: ["write"]))
    }

    static func binding(_ sourceName: String, target name: String, version: DocumentVersion? = nil) -> Binding {
        Binding(key: bindingKey(sourceName), target: key(name), sourceVersion: version)
    }

    static func number(_ text: String) -> DocumentVersion { DocumentVersion(order: .number, text: text) }

    /// Names that break what is careless with text.
    static let awkwardNames = [
        "a'b\"c", "line\nbreak\r\n\t", "🚢⚓️", "nul\0inside", "\0", "é", "e\u{301}", " ", "%_\\*?[",
        String(repeating: "ä", count: 5_000),
        "NULL", "123", "1e3",
    ]
}

/// What a caller of `commit` expects, read from the result.
extension JobStore.CommitResult {
    var job: SyncJob? { if case .committed(let job, _, _) = self { job } else { nil } }
    var owed: [OutboxMessage]? { if case .committed(_, let owed, _) = self { owed } else { nil } }
    var endedRelay: SyncJob? { if case .committed(_, _, let relay) = self { relay } else { nil } }
    var conflict: String? { if case .conflict(let text) = self { text } else { nil } }
    var isFenced: Bool { if case .fenced = self { true } else { false } }
    var refusal: JobFailure? { if case .refused(let failure) = self { failure } else { nil } }
}

extension JobStore {
    /// The record of a job that must be there.
    func known(_ id: String) async throws -> SyncJob {
        guard let job = try await job(id: id) else { throw MissingRecord(id: id) }
        return job
    }

    /// The commit of a further run of a job that is known.
    func rerun(
        _ id: String, end: Outcome.End = .finished, _ change: (inout Outcome) -> Void = { _ in }
    ) async throws -> CommitResult {
        let job = try await known(id)
        return try await commit(Sample.transition(of: job, turn: job.nextTurn, end: end, change))
    }

    /// An operator's action on one job.
    func act(_ action: OperatorAction, _ id: String, reason: String? = nil) async throws -> ActionResult {
        try await perform(action, ids: [id], actor: "ann", reason: reason, at: Sample.start.advanced(by: .seconds(9)))[
            0]
    }
}

struct MissingRecord: Error {
    let id: String
}

extension JobStore.ActionResult {
    var done: SyncJob? { if case .done(let job) = self { job } else { nil } }
    var refusal: String? { if case .refused(let sentence) = self { sentence } else { nil } }
}

/// The error of the store that `body` throws.
func storeError(_ body: () async throws -> Void) async -> JobStoreError.Code? {
    do {
        try await body()
        return nil
    } catch { return (error as? JobStoreError)?.code }
}
