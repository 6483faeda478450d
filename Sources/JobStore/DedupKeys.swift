// Who holds a dedup key: claimed before a job runs, freed when it ends, a relay's when its last child has. A holder that
// is over all the same, or that never became a record, is replaced.
internal import GRDB
public import SyncJobs

extension WriteContext {
    /// How long a claim holds whose job has no record: a run that died is delivered again well before.
    private static var unseenClaim: Duration { .seconds(7 * 86_400) }

    /// Claims a key for a job, again if it holds it already; answers the other job that holds it, and claims nothing then.
    func claimDedupKey(_ key: String, typeSlug: String, jobID: String, now: Timestamp) throws -> String? {
        if let claim = try DedupClaim.claim(typeSlug: typeSlug, key: key, in: db),
            !claim.jobID.hasSameBytes(as: jobID), try claim.isHeld(at: now, in: db)
        {
            return claim.jobID
        }
        try execute(
            """
            INSERT INTO dedup_keys (type_slug, key, job, claimed_until) VALUES (?, ?, ?, ?)
            ON CONFLICT DO UPDATE SET job = excluded.job, claimed_until = excluded.claimed_until
            """,
            [
                typeSlug.nameValue, key.nameValue, jobID.nameValue,
                now.advanced(by: Self.unseenClaim).columnValue,
            ])
        return nil
    }

    /// Frees the key that a job's request names, where the job holds it.
    func freeDedupKey(of job: SyncJob) throws {
        guard let key = job.request.dedupKey else { return }
        try execute(
            "DELETE FROM dedup_keys WHERE type_slug = ? AND key = ? AND job = ?",
            [job.typeSlug.nameValue, key.nameValue, job.id.nameValue])
    }
}

/// A claim of a dedup key.
struct DedupClaim {
    let jobID: String
    private let claimedUntil: Timestamp

    /// The claim of a key; nil when it is free.
    static func claim(typeSlug: String, key: String, in db: Database) throws -> DedupClaim? {
        let sql = "SELECT job, claimed_until FROM dedup_keys WHERE type_slug = ? AND key = ?"
        return try db.firstRow(sql, [typeSlug.nameValue, key.nameValue]) { row in
            var columns = ColumnReader(row)
            return DedupClaim(jobID: try columns.text(), claimedUntil: try columns.timestamp())
        }
    }

    /// Whether its job is open, or its relay is; without a record, whether the claim's time has not passed.
    func isHeld(at now: Timestamp, in db: Database) throws -> Bool {
        try JobLife.isGoingOn(jobID, in: db) ?? (now < claimedUntil)
    }
}

/// Whether a job or its relay is still going on.
enum JobLife {
    /// Nil when there is no record of the job.
    static func isGoingOn(_ jobID: String, in db: Database) throws -> Bool? {
        let sql = """
            SELECT is_open = 1 OR status = 'Relayed'
                AND EXISTS (SELECT 1 FROM jobs AS child WHERE child.parent = job.id AND child.is_open = 1)
            FROM jobs AS job WHERE id = ?
            """
        return try db.firstRow(sql, [jobID.nameValue]) { $0[0] as Int64 != 0 }
    }
}

extension JobStore {
    /// The job that holds a dedup key; nil when the key is free, or its holder runs and has no record yet.
    ///
    /// - Throws: ``JobStoreError``.
    public func dedupHolder(typeSlug: String, key: String) async throws(JobStoreError) -> SyncJob? {
        try await read("dedup") { db in
            guard let claim = try DedupClaim.claim(typeSlug: typeSlug, key: key, in: db),
                try JobLife.isGoingOn(claim.jobID, in: db) == true
            else { return nil }
            return try JobRow.job(id: claim.jobID, in: db)
        }
    }
}
