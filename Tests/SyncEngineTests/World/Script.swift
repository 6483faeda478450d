// Controllers of the three ways whose every step a test can say: a script of closures, which writes down the word of each
// hook before it runs.
import Synchronization
import SyncJobs

/// The words of the hooks that ran, in their order.
final class WordLog: Sendable {
    private let words = Mutex<[String]>([])

    func add(_ word: String) { words.withLock { $0.append(word) } }
    var all: [String] { words.withLock { $0 } }
    func count(_ word: String) -> Int { all.count { $0 == word } }
    func clear() { words.withLock { $0 = [] } }
}

/// A value that several tasks share.
final class Box<Value: Sendable>: Sendable {
    private let state: Mutex<Value>

    init(_ value: Value) { state = Mutex(value) }
    var value: Value { state.withLock { $0 } }
    func set(_ value: Value) { state.withLock { $0 = value } }
    @discardableResult
    func change<Result: Sendable>(_ body: (inout Value) -> Result) -> Result { state.withLock { body(&$0) } }
}

/// What a controller of a test does.
struct Script: Sendable {
    let log: WordLog
    /// Whether it runs on the engine's own threads, like a mapping; else on those for users' code.
    var isDeclarative = false
    /// Runs in every hook, by its word; may throw.
    var on: @Sendable (String, JobHandle) async throws -> Void = { _, _ in }
    var target: @Sendable (JobHandle) async throws -> TargetDecision = { $0.defaultTarget }
    var update: @Sendable (inout Document, JobHandle) async throws -> Void = { target, job in
        target["label"] = job.source?["name"]
        target["secret"] = job.source?["tax_id"]
    }
    var writeBack: @Sendable (inout Document, DocumentKey, JobHandle) async throws -> Void = { _, _, _ in }
    var beforeSync: @Sendable (DocumentWrite, JobHandle) async throws -> Void = { _, _ in }
    var finished: @Sendable (SyncJob, JobHandle) async throws -> Void = { _, _ in }
    var targets: @Sendable (JobHandle) async throws -> [RelayTarget] = { _ in [] }
    var beforeRelay: @Sendable (inout [RelayTarget]) async throws -> Void = { _ in }
    var afterRelay: @Sendable ([SyncRequest], JobHandle) async throws -> Void = { _, _ in }
    var relayFinished: @Sendable (RelaySummary, JobHandle) async throws -> Void = { _, _ in }
    var execute: @Sendable (JobHandle) async throws -> BypassResult = { _ in .noTarget }

    init(_ log: WordLog) { self.log = log }

    func say(_ word: String, _ job: JobHandle) async throws {
        log.add(word)
        try await on(word, job)
    }

    /// Looks the target up by its natural key where nothing is bound: `match:` in code.
    static func matching(_ field: String) -> @Sendable (JobHandle) async throws -> TargetDecision {
        { job in
            guard job.boundTargetName == nil, !job.isDelete, let type = job.type.target,
                let name = job.job.request.sourceDocumentName
            else { return job.defaultTarget }
            let found = try await job.lookups.find(DocumentQuery(type: type, fields: [field: .string(name)]))
            return found.first?.key.map { .update($0.name) } ?? .insert()
        }
    }
}

/// A single-target controller that follows its script.
struct ScriptedSingle: SingleTargetController {
    let script: Script
    var isDeclarative: Bool { script.isDeclarative }

    func afterStart(_ job: JobHandle) async throws { try await script.say("after_start", job) }
    func target(for job: JobHandle) async throws -> TargetDecision {
        try await script.say("target", job)
        return try await script.target(job)
    }
    func update(_ target: inout Document, for job: JobHandle) async throws {
        try await script.say("update", job)
        try await script.update(&target, job)
    }
    func writeBack(_ source: inout Document, target: DocumentKey, for job: JobHandle) async throws {
        try await script.writeBack(&source, target, job)
    }
    func beforeSync(_ write: DocumentWrite, for job: JobHandle) async throws {
        try await script.say("before_sync", job)
        try await script.beforeSync(write, job)
    }
    func afterSync(_ write: DocumentWrite, for job: JobHandle) async throws { try await script.say("after_sync", job) }
    func finished(_ job: SyncJob, handle: JobHandle) async throws {
        try await script.say("finished", handle)
        try await script.finished(job, handle)
    }
}

/// A multiple-targets controller that follows its script.
struct ScriptedMultiple: MultipleTargetsController {
    let script: Script
    var isDeclarative: Bool { script.isDeclarative }
    private var single: ScriptedSingle { ScriptedSingle(script: script) }

    init(script: Script) { self.script = script }

    func afterStart(_ job: JobHandle) async throws { try await single.afterStart(job) }
    func target(for job: JobHandle) async throws -> TargetDecision { try await single.target(for: job) }
    func update(_ target: inout Document, for job: JobHandle) async throws {
        try await single.update(&target, for: job)
    }
    func beforeSync(_ write: DocumentWrite, for job: JobHandle) async throws {
        try await single.beforeSync(write, for: job)
    }
    func afterSync(_ write: DocumentWrite, for job: JobHandle) async throws {
        try await single.afterSync(write, for: job)
    }
    func finished(_ job: SyncJob, handle: JobHandle) async throws { try await single.finished(job, handle: handle) }
    func targets(for job: JobHandle) async throws -> [RelayTarget] {
        try await script.say("targets", job)
        return try await script.targets(job)
    }
    func beforeRelay(_ targets: inout [RelayTarget], for job: JobHandle) async throws {
        try await script.say("before_relay", job)
        try await script.beforeRelay(&targets)
    }
    func afterRelay(_ children: [SyncRequest], for job: JobHandle) async throws {
        try await script.say("after_relay", job)
        try await script.afterRelay(children, job)
    }
    func relayFinished(_ summary: RelaySummary, for job: JobHandle) async throws {
        try await script.say("relay_finished", job)
        try await script.relayFinished(summary, job)
    }
}

/// A bypass controller that follows its script.
struct ScriptedBypass: BypassController {
    let script: Script
    var isDeclarative: Bool { script.isDeclarative }

    func afterStart(_ job: JobHandle) async throws { try await script.say("after_start", job) }
    func execute(_ job: JobHandle) async throws -> BypassResult {
        try await script.say("execute", job)
        return try await script.execute(job)
    }
    func finished(_ job: SyncJob, handle: JobHandle) async throws {
        try await script.say("finished", handle)
        try await script.finished(job, handle)
    }
}

extension Box<Int> {
    /// Counts one more, and answers the count.
    func next() -> Int {
        change { count in
            count += 1
            return count
        }
    }
}

extension Box<Bool> {
    /// True for the first that asks.
    func takeFirst() -> Bool {
        change { isFirst in
            defer { isFirst = false }
            return isFirst
        }
    }
}
