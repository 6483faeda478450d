// What a worker does when its store has been busy or full for so long that it gave its messages back: it waits until the
// store takes writes again, and a new run begins. Invariant: while it waits it holds no message, and Ctrl-C ends it with
// the store's error; an error that waiting does not mend ends it at once.

internal import JobStore
internal import Logging
internal import SyncJobs

/// Runs a worker again and again, over the outages of its store.
struct WorkPatience: Sendable {
    let store: JobStore
    let screen: Screen
    /// The time between two looks at the store.
    var interval: Duration = .seconds(5)

    /// Runs `work` until it ends by itself or by an error that waiting does not mend.
    ///
    /// - Throws: what `work` throws; the store's error when somebody stops the waiting.
    func run(_ work: () async throws -> ExitStatus) async throws -> ExitStatus {
        while true {
            do { return try await work() } catch let error as JobStoreError where Self.isOutage(error) {
                screen.endProgress()
                screen.note(
                    "ferry: \(CommandFailure(error)) The messages are with the broker again; waiting for the store.")
                let ending = try await UntilStopped.run { try await untilWritable() }
                if case .signal = ending { throw error }
                screen.note("ferry: the store takes writes again; going on.")
            }
        }
    }

    /// Whether the error is of the machine's state, which may change.
    private static func isOutage(_ error: JobStoreError) -> Bool { error.isTransient && error.code != .canceled }

    private func untilWritable() async throws {
        while true {
            do throws(JobStoreError) {
                try await store.probe()
                return
            } catch { guard Self.isOutage(error) else { throw error } }
            try await Task.sleep(for: interval)
        }
    }
}
