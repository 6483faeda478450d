// Pruning: records of jobs that are over go after a time by how they ended, and their ids are remembered, so that a
// message that comes late is still known. Nothing that is alive, owed or unresolved ever goes.
internal import GRDB
public import SyncJobs

extension JobStore {
    /// How long what is over is kept.
    public struct Retention: Sendable, Hashable {
        /// Records that are `Finished`, `Skipped`, `Relayed` or `No Target`, from their end on.
        public var good: Duration
        /// Records that are `Failed` or `Canceled`, from their end on; dead letters, from the decision on.
        ///
        /// A `Failed` one whose dead letter is unresolved stays, however old.
        public var failed: Duration
        /// The ids of pruned records, from their pruning on.
        public var seen: Duration

        /// Thirty days, ninety days and ninety days, unless told otherwise.
        public init(
            good: Duration = .seconds(30 * 86_400), failed: Duration = .seconds(90 * 86_400),
            seen: Duration = .seconds(90 * 86_400)
        ) {
            self.good = good
            self.failed = failed
            self.seen = seen
        }
    }

    /// What one call has pruned.
    public struct PruneReport: Sendable, Hashable {
        /// How many records of each status are gone; empty when there was nothing to prune.
        public var counts: [JobStatus: Int]
        /// How many ids of records that went long ago are forgotten too.
        public var forgottenIDs: Int
        /// How many dead letters are gone about which somebody had decided.
        public var deadLetters: Int

        /// Makes a report.
        public init(counts: [JobStatus: Int] = [:], forgottenIDs: Int = 0, deadLetters: Int = 0) {
            self.counts = counts
            self.forgottenIDs = forgottenIDs
            self.deadLetters = deadLetters
        }
    }

    /// How many records of each status ``prune(_:now:limit:)`` would take away in the end.
    ///
    /// - Throws: ``JobStoreError``.
    public func prunable(_ retention: Retention, now: Timestamp) async throws(JobStoreError) -> [JobStatus: Int] {
        try await longRead("prunable") { db in
            var counts: [JobStatus: Int] = [:]
            for part in PrunePart.all(retention, now: now) { try part.count(into: &counts, in: db) }
            return counts
        }
    }

    /// Takes away the oldest records whose time has passed, with their attempts, in one transaction; call it again until
    /// its counts are empty.
    ///
    /// - Parameter limit: the most records, and the most remembered ids, of one call; 1…50,000.
    /// - Throws: ``JobStoreError``.
    public func prune(
        _ retention: Retention, now: Timestamp, limit: Int = 5_000
    ) async throws(JobStoreError) -> PruneReport {
        let limit = min(max(limit, 1), 50_000)
        // It has a transaction to itself.
        return try await writer.write("prune", count: GroupWriter.maximumCount) { context in
            var report = PruneReport()
            var rest = limit
            for part in PrunePart.all(retention, now: now) where rest > 0 {
                for job in try part.jobs(limit: rest, in: context.db) {
                    try SeenRow.remember(job, at: now, in: context)
                    try context.execute("DELETE FROM jobs WHERE sequence = ?", [job.sequence.databaseValue])
                    try WriteIntentRow.removeAll(ofJob: job.id, in: context)
                    report.counts[job.status, default: 0] += 1
                    rest -= 1
                }
            }
            report.forgottenIDs = try SeenRow.forget(
                before: now.advanced(by: .zero - retention.seen), limit: limit, in: context)
            report.deadLetters = try context.removeLetters(
                resolvedBefore: now.advanced(by: .zero - retention.failed), limit: limit)
            try context.removeRemains(now: now)
            return report
        }
    }
}

/// A record that goes.
struct PrunedJob {
    let sequence: Int64
    let id: String
    let requestHash: Digest
    let status: JobStatus
}

/// The records that are kept equally long.
struct PrunePart {
    let statuses: [JobStatus]
    let before: Timestamp

    static func all(_ retention: JobStore.Retention, now: Timestamp) -> [PrunePart] {
        [
            PrunePart(
                statuses: [.finished, .skipped, .relayed, .noTarget], before: now.advanced(by: .zero - retention.good)),
            PrunePart(statuses: [.failed, .canceled], before: now.advanced(by: .zero - retention.failed)),
        ]
    }

    private static let isUnresolved = "status = 'Failed' AND dead_lettered_at IS NOT NULL"

    /// Whether a child of `parent` is alive, or failed for good and nobody has done anything about it.
    ///
    /// Two looks, each at an index, because a relay may have any number of children.
    private static func hasUnresolvedChild(_ parent: String) -> String {
        """
        (EXISTS (SELECT 1 FROM jobs WHERE parent = \(parent) AND is_open = 1)
            OR EXISTS (SELECT 1 FROM jobs WHERE parent = \(parent) AND \(isUnresolved)))
        """
    }

    /// What was born late has not ended early: the index of births leads, and the status must not.
    ///
    /// A relay's records are kept as long as one of them is unresolved: a child that is retried ends its relay once more,
    /// with all in its count.
    private var condition: String {
        """
        job.created_at < ?1 AND coalesce(job.ended_at, job.created_at) < ?1
        AND +job.status IN (\(statuses.map { "'\($0.rawValue)'" }.joined(separator: ", ")))
        AND +job.is_open = 0 AND NOT (\(Self.isUnresolved)) AND NOT \(Self.hasUnresolvedChild("job.id"))
        AND (job.parent IS NULL OR NOT EXISTS (
            SELECT 1 FROM jobs AS relay
            WHERE relay.id = job.parent AND (relay.is_open = 1 OR \(Self.hasUnresolvedChild("relay.id")))))
        AND NOT EXISTS (SELECT 1 FROM outbox WHERE message_id = job.id)
        AND NOT EXISTS (SELECT 1 FROM outbox WHERE job_id = job.id)
        """
    }

    func count(into counts: inout [JobStatus: Int], in db: Database) throws {
        let sql = "SELECT status, count(*) FROM jobs AS job WHERE \(condition) GROUP BY status"
        for (status, count) in try db.allRows(
            sql, [before.columnValue],
            { row in
                var columns = ColumnReader(row)
                return (try columns.word(JobStatus.self), try columns.int())
            })
        {
            counts[status] = count
        }
    }

    /// Selects the oldest of them, at most so many.
    var jobsSQL: String {
        "SELECT sequence, id, request_hash, status FROM jobs AS job WHERE \(condition) ORDER BY created_at LIMIT ?2"
    }

    func jobs(limit: Int, in db: Database) throws -> [PrunedJob] {
        try db.allRows(jobsSQL, [before.columnValue, limit.databaseValue]) { row in
            var columns = ColumnReader(row, from: 1)
            return PrunedJob(
                sequence: row[0], id: try columns.text(), requestHash: try columns.digest(),
                status: try columns.word(JobStatus.self))
        }
    }
}

enum SeenRow {
    private static func idHash(_ jobID: String) -> DatabaseValue { Digest(of: Array(jobID.utf8)).columnValue }

    /// The request hash of a job whose record is gone; nil when the id is not remembered.
    static func requestHash(of jobID: String, in db: Database) throws -> Digest? {
        try db.firstRow("SELECT request_hash FROM seen WHERE id_hash = ?", [idHash(jobID)]) { row in
            var columns = ColumnReader(row)
            return try columns.digest()
        }
    }

    fileprivate static func remember(_ job: PrunedJob, at time: Timestamp, in context: WriteContext) throws {
        try context.execute(
            "INSERT OR REPLACE INTO seen (id_hash, request_hash, pruned_at) VALUES (?, ?, ?)",
            [idHash(job.id), job.requestHash.columnValue, time.columnValue])
        context.note(.seen)
    }

    /// Forgets ids that were remembered long enough; answers how many.
    fileprivate static func forget(before: Timestamp, limit: Int, in context: WriteContext) throws -> Int {
        try context.execute(
            "DELETE FROM seen WHERE id_hash IN (SELECT id_hash FROM seen WHERE pruned_at < ? ORDER BY pruned_at LIMIT ?)",
            [before.columnValue, limit.databaseValue])
        return context.db.changesCount
    }
}

extension WriteContext {
    /// How long what a run has left behind that never came back is kept.
    private static var remainsLifetime: Duration { .seconds(30 * 86_400) }

    /// Removes dead letters about which somebody has decided; answers how many.
    fileprivate func removeLetters(resolvedBefore time: Timestamp, limit: Int) throws -> Int {
        try execute(
            """
            DELETE FROM dead_letters WHERE sequence IN (
                SELECT sequence FROM dead_letters WHERE resolved_at < ? AND state <> 'open'
                ORDER BY resolved_at LIMIT ?)
            """, [time.columnValue, limit.databaseValue])
        return db.changesCount
    }

    /// Removes what waits for jobs that never came, and what runs left that never ended.
    fileprivate func removeRemains(now: Timestamp) throws {
        let past = now.advanced(by: .zero - Self.remainsLifetime).columnValue
        try execute(
            "DELETE FROM cancellations WHERE asked_at < ?",
            [now.advanced(by: .zero - CancellationRow.lifetime).columnValue])
        try execute("DELETE FROM leases WHERE until < ?", [past])
        try execute(
            "DELETE FROM checkpoints WHERE saved_at < ? AND NOT EXISTS (SELECT 1 FROM jobs WHERE id = job)", [past])
        try execute(
            """
            DELETE FROM write_intents WHERE recorded_at < ? AND NOT EXISTS (
                SELECT 1 FROM jobs WHERE id = job_id AND (is_open = 1 OR status = 'Failed'))
            """, [past])
        try execute(
            "DELETE FROM dedup_keys WHERE claimed_until < ? AND NOT EXISTS (SELECT 1 FROM jobs WHERE id = job)",
            [now.columnValue])
    }
}
