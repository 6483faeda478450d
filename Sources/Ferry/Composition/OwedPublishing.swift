// What a command's commit owes to the broker, published right after it, so that it need not wait for a worker's next look.
// Invariant: the rows are in the outbox whatever happens here; nothing is lost by a broker that cannot be reached.

internal import AMQP
internal import JobStore
internal import SyncBroker
internal import SyncJobs

/// Publishes what jobs owe.
struct OwedPublishing: Sendable {
    /// What came of it.
    struct Report: Sendable, Hashable {
        /// How many messages the broker confirmed.
        var published = 0
        /// Why not all of them were; nil when they were.
        var problem: String?
    }

    /// How long a broker may take to answer before a worker is left to publish.
    static let patience = Duration.seconds(5)

    let composition: Composition
    let store: JobStore

    /// Publishes what `jobIDs` owe.
    ///
    /// - Parameter progress: hears how many messages were confirmed so far.
    /// - Throws: `JobStoreError`. What the broker has to say is in the report.
    func publish(_ jobIDs: [String], progress: @escaping @Sendable (Int) -> Void) async throws -> Report {
        guard !jobIDs.isEmpty else { return Report() }
        Failpoint.operatorCommitted.pass()
        let first = try await firstOwing(jobIDs)
        guard let first else { return Report() }
        var broker = try composition.broker("jobs")
        broker.connectTimeout = min(broker.connectTimeout, Self.patience)
        broker.rpcTimeout = min(broker.rpcTimeout, Self.patience)
        do {
            return try await ConfirmedPublishing.with(broker, composition: composition) { publishing in
                var report = Report()
                for id in jobIDs[first...] {
                    guard try await publish(id, to: publishing, into: &report) else { break }
                    progress(report.published)
                }
                return report
            }
        } catch let error as AMQPError { return Report(problem: error.message) }
    }

    /// Where the first job stands that owes anything, so that no broker is asked for nothing.
    private func firstOwing(_ jobIDs: [String]) async throws -> Int? {
        for (position, id) in jobIDs.enumerated() where try await !store.owedMessages(jobID: id, limit: 1).isEmpty {
            return position
        }
        return nil
    }

    /// Publishes page by page what one job owes; answers whether it is worth going on.
    private func publish(
        _ jobID: String, to publishing: ConfirmedPublishing, into report: inout Report
    ) async throws -> Bool {
        while true {
            let owed = try await store.owedMessages(jobID: jobID)
            guard !owed.isEmpty else { return true }
            let confirmed = await publishing.publish(
                owed.map { (id: $0.id, message: .owed($0, now: Composition.now())) })
            try await store.settle(confirmed)
            report.published += confirmed.count
            guard confirmed.count == owed.count else {
                report.problem = await publishing.refusals.last?.reason ?? "the broker did not take a message"
                return false
            }
        }
    }
}
