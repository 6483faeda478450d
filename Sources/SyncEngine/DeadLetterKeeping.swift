// One dead letter from its message to its commit, without a connection: what a keeper does between receipt and answer.
// Invariant: when it returns, the letter is on the disk, and what the end of its job owes is published or in the outbox.

internal import AMQP
internal import JobStore
internal import Logging
internal import SyncBroker
internal import SyncJobs

/// Keeps single dead letters.
struct DeadLetterKeeping: Sendable {
    let reading: DeadLetterReading
    let types: SyncJobTypes
    let maximumDepth: Int
    let store: JobStore
    let committer: Committer
    let patience: StorePatience
    let now: @Sendable () -> Timestamp
    let logger: Logger

    /// Keeps a message; answers the letter.
    ///
    /// - Throws: ``JobStoreError`` that waiting does not mend.
    @discardableResult
    func keep(_ delivery: AMQPDelivery) async throws(JobStoreError) -> DeadLetterRecord {
        let (arrival, request) = reading.read(delivery).reading(types: types, maximumDepth: maximumDepth)
        let instant = now()
        let types = self.types
        let kept = try await patience.attempt { () async throws(JobStoreError) in
            try await store.keep(arrival, request: request, types: types, at: instant)
        }
        if case .committed(let record, let owed, let endedRelay)? = kept.ending {
            logger.warning(
                "A job ends because its message is among the dead letters",
                metadata: ["job_id": .string(record.id), "reason": .string(arrival.reason)])
            try await committer.settle(record, owed: owed, endedRelay: endedRelay)
        }
        logger.info(
            "A dead letter is kept",
            metadata: [
                "letter": .string(kept.letter.id), "job_id": .string(kept.letter.jobID ?? "-"),
                "reason": .string(kept.letter.reason), "state": .string(kept.letter.state.rawValue),
            ])
        return kept.letter
    }
}
