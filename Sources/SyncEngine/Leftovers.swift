// What is owed and nobody is about to publish: left by a process that died, or by a broker that would not take it; and what
// dead processes still hold. Invariant: a look goes through all of it in pages, so what the broker refuses holds up nothing
// that comes after it; what it refused is not tried again for five seconds.

internal import JobStore
internal import Logging
internal import SyncJobs

/// Publishes leftovers and frees what the dead hold, once a second.
struct Leftovers: Sendable {
    /// Between two looks.
    static let interval = Duration.seconds(1)
    /// How long what this process owes is left to the jobs that wrote it, and what was refused rests.
    static let rest = Duration.seconds(5)
    /// How long one look may take before the next goes on where it has ended.
    static let longestLook = Duration.seconds(2)

    let store: JobStore
    let outbox: OutboxPublisher
    let patience: StorePatience
    let logger: Logger

    /// Where a look has ended, and what the broker would not take.
    struct Progress: Sendable {
        /// Rows before it are not looked at in this round.
        fileprivate(set) var position: Int64 = 0
        fileprivate var refused: Set<String> = []
        fileprivate var forgetting: ContinuousClock.Instant?
        /// What was owed before this is nobody's in this process.
        fileprivate let start = ContinuousClock.now

        init() {}

        /// What was refused may be tried again.
        mutating func forgetRefusals() {
            refused = []
            forgetting = nil
        }
    }

    /// Looks until it is cancelled.
    func run() async throws(JobStoreError) {
        var progress = Progress()
        while !Task.isCancelled {
            try await look(&progress)
            do { try await Task.sleep(for: Self.interval) } catch { return }
        }
    }

    /// One look: frees what dead processes hold, then publishes page by page.
    func look(_ progress: inout Progress) async throws(JobStoreError) {
        let begin = ContinuousClock.now
        if let time = progress.forgetting, time <= begin { progress.forgetRefusals() }
        let released = try await patience.attempt { () async throws(JobStoreError) in
            try await store.deleteSettled()
            return try await store.releaseDead()
        }
        if released > 0 {
            logger.notice(
                "Jobs of a process that is gone are the broker's again",
                metadata: ["count": .stringConvertible(released)])
        }
        repeat {
            let position = progress.position
            let ownAge = min(Self.rest, ContinuousClock.now - progress.start)
            let page = try await patience.attempt { () async throws(JobStoreError) in
                try await store.leftMessages(from: position, ownAge: ownAge)
            }
            progress.position = page.next ?? 0
            let due = page.messages.filter { !progress.refused.contains($0.id) && !outbox.inHand.contains($0.id) }
            guard !due.isEmpty else { continue }
            logger.info(
                "Messages that were left behind are published", metadata: ["count": .stringConvertible(due.count)])
            if try await outbox.publish(due) { continue }
            progress.refused.formUnion(due.map(\.id))
            progress.forgetting = progress.forgetting ?? .now + Self.rest
        } while progress.position > 0 && ContinuousClock.now - begin < Self.longestLook && !Task.isCancelled
    }
}
