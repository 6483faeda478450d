// What a controller says to its handle: notes, follow-up jobs, documents that it waits for. Invariant: bounded, whatever it says.
internal import Synchronization

/// What a run has said so far beside its result.
final class JobRecordings: Sendable {
    private static let maximumFollowUps = 1_000
    private static let maximumAwaited = 1_000

    private struct State {
        var notes: [String] = []
        var followUps: [SyncRequest] = []
        var awaited: Set<BindingKey> = []
    }

    private let state = Mutex(State())

    func await(_ key: BindingKey) {
        let isFull = state.withLock { state in
            if state.awaited.count < Self.maximumAwaited { state.awaited.insert(key) }
            return state.awaited.count >= Self.maximumAwaited && !state.awaited.contains(key)
        }
        if isFull { note("it goes on without more than \(Self.maximumAwaited) documents; run it again for the rest") }
    }

    func note(_ text: String) {
        state.withLock { if $0.notes.count < 50 { $0.notes.append(String(text.prefix(500))) } }
    }

    func add(_ request: SyncRequest) throws(JobFailure) {
        try state.withLock { state throws(JobFailure) in
            guard state.followUps.count < Self.maximumFollowUps else {
                throw JobFailure.permanent(
                    "the job sends more than \(Self.maximumFollowUps) follow-ups",
                    remedy: "use a multiple-targets controller, whose children have no such limit")
            }
            guard !state.followUps.contains(where: { $0.id.hasSameBytes(as: request.id) }) else {
                throw JobFailure.permanent(
                    "two follow-ups have the id \"\(request.id.prefix(140))\"", remedy: "give each a key of its own")
            }
            state.followUps.append(request)
        }
    }

    var notes: [String] { state.withLock { $0.notes } }
    var followUps: [SyncRequest] { state.withLock { $0.followUps } }
    var awaited: [BindingKey] { state.withLock { Array($0.awaited) } }
}
