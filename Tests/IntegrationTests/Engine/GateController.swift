// Controllers for tests: one that waits until it is let through, one that fails as told.
import Synchronization
import SyncJobs

/// Waits in `update` until it is opened; tells how many wait.
final class GateController: SingleTargetController {
    private let state = Mutex<(isOpen: Bool, waiting: [CheckedContinuation<Void, Never>], entered: Int)>((false, [], 0))

    /// How many runs have reached the gate so far.
    var entered: Int { state.withLock { $0.entered } }

    /// Lets everybody through, now and later.
    func open() {
        let waiting = state.withLock { state in
            state.isOpen = true
            defer { state.waiting = [] }
            return state.waiting
        }
        for continuation in waiting { continuation.resume() }
    }

    /// Holds those up that come from here on.
    func close() { state.withLock { $0.isOpen = false } }

    func update(_ target: inout Document, for job: JobHandle) async throws {
        await withCheckedContinuation { continuation in
            let isOpen = state.withLock { state in
                state.entered += 1
                if !state.isOpen { state.waiting.append(continuation) }
                return state.isOpen
            }
            if isOpen { continuation.resume() }
        }
        target["label"] = job.source?["customer_name"]
    }
}

/// Calls a closure in each hook.
struct HookController: SingleTargetController {
    var onUpdate: @Sendable (inout Document, JobHandle) async throws -> Void = { _, _ in }
    var onAfterSync: @Sendable (JobHandle) async throws -> Void = { _ in }
    var onFinished: @Sendable (SyncJob) async throws -> Void = { _ in }

    func update(_ target: inout Document, for job: JobHandle) async throws {
        target["label"] = job.source?["customer_name"]
        try await onUpdate(&target, job)
    }

    func afterSync(_ write: DocumentWrite, for job: JobHandle) async throws { try await onAfterSync(job) }
    func finished(_ job: SyncJob, handle: JobHandle) async throws { try await onFinished(job) }
}
