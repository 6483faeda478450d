// Controllers for tests that do what a closure says, one of each way; and what they write down.
import Foundation
import Synchronization
import SyncJobs

/// A single target, as told: the label is the source's name; what else happens, the closures say.
struct SingleScript: SingleTargetController {
    var onStart: @Sendable (JobHandle) async throws -> Void = { _ in }
    var onUpdate: @Sendable (inout Document, JobHandle) async throws -> Void = { _, _ in }
    var onFinished: @Sendable (SyncJob, JobHandle) async throws -> Void = { _, _ in }

    func afterStart(_ job: JobHandle) async throws { try await onStart(job) }

    func finished(_ record: SyncJob, handle: JobHandle) async throws { try await onFinished(record, handle) }

    func update(_ target: inout Document, for job: JobHandle) async throws {
        target["label"] = job.source?["customer_name"]
        try await onUpdate(&target, job)
    }
}

/// Multiple targets, as told; each target's code is the source's name and the target's key.
struct RelayScript: MultipleTargetsController {
    var onTargets: @Sendable (JobHandle) async throws -> [RelayTarget]
    var onUpdate: @Sendable (inout Document, JobHandle) async throws -> Void = { _, _ in }
    var onRelayFinished: @Sendable (RelaySummary, JobHandle) async throws -> Void = { _, _ in }

    func targets(for job: JobHandle) async throws -> [RelayTarget] { try await onTargets(job) }

    func update(_ target: inout Document, for job: JobHandle) async throws {
        target["code"] = .string("\(job.job.request.sourceDocumentName ?? "")/\(job.targetKey)")
        target["label"] = job.source?["customer_name"]
        try await onUpdate(&target, job)
    }

    func relayFinished(_ summary: RelaySummary, for job: JobHandle) async throws {
        try await onRelayFinished(summary, job)
    }
}

/// A bypass, as told; answers an update of an account of the source's name.
struct BypassScript: BypassController {
    var onExecute: @Sendable (JobHandle) async throws -> Void

    func execute(_ job: JobHandle) async throws -> BypassResult {
        try await onExecute(job)
        let name = job.job.request.sourceDocumentName ?? job.job.id
        return BypassResult(
            target: DocumentKey(type: DocumentType(system: "app", name: "Account"), name: name), operation: .update,
            diff: Diff(changed: [Diff.FieldChange(field: "label", old: .null, new: .string(name))]))
    }
}

/// What was written down, in order.
final class Log<Entry: Sendable>: Sendable {
    private let state = Mutex<[Entry]>([])
    var all: [Entry] { state.withLock { $0 } }
    var count: Int { state.withLock { $0.count } }
    func add(_ entry: Entry) { state.withLock { $0.append(entry) } }
}

/// Holds the thread of whoever comes, whatever is asked of it, until it is opened.
final class Blockade: Sendable {
    private let state = Mutex<(isOpen: Bool, entered: Int)>((false, 0))
    private let opening = DispatchSemaphore(value: 0)

    /// How many have come so far.
    var entered: Int { state.withLock { $0.entered } }

    /// Blocks the calling thread.
    func hold() {
        let isOpen = state.withLock { state in
            state.entered += 1
            return state.isOpen
        }
        guard !isOpen else { return }
        opening.wait()
        opening.signal()
    }

    /// Lets everybody go, now and later.
    func open() {
        state.withLock { $0.isOpen = true }
        opening.signal()
    }
}

/// Who is inside at the same time, by key.
final class Occupancy: Sendable {
    private let state = Mutex<(inside: [String: Int], most: [String: Int], together: Int, mostTogether: Int)>(
        ([:], [:], 0, 0))

    /// The most that were inside at once under one key.
    var mostPerKey: Int { state.withLock { $0.most.values.max() ?? 0 } }
    /// The most that were inside at once, whatever their keys.
    var mostTogether: Int { state.withLock { $0.mostTogether } }

    /// Counts `body` as being inside under `key`.
    func enter<Result>(_ key: String, _ body: () async throws -> Result) async rethrows -> Result {
        change(key, by: 1)
        defer { change(key, by: -1) }
        return try await body()
    }

    private func change(_ key: String, by step: Int) {
        state.withLock { state in
            let count = (state.inside[key] ?? 0) + step
            state.inside[key] = count
            state.most[key] = max(state.most[key] ?? 0, count)
            state.together += step
            state.mostTogether = max(state.mostTogether, state.together)
        }
    }
}
