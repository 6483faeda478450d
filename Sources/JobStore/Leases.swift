// Leases of exclusive jobs: one run at a time holds a key, until a time that its heartbeats move. A lease that is over, or
// whose process is gone, may be taken; a run that held it learns so at its next heartbeat, and its commit is fenced.
internal import GRDB
internal import SyncJobs

/// The run that holds a lease.
struct LeaseHolder {
    let runID: String
    let jobID: String
    let until: Timestamp
    /// The number of its process; nil for one from before there were any.
    let process: Int64?

    /// The holder of a key, its time passed or not; nil when nobody has taken the key.
    static func holder(of key: String, in db: Database) throws -> LeaseHolder? {
        try first("key = ? AND is_lost = 0", [key.nameValue], in: db)
    }

    /// The lease that a run of the job holds; nil when none does.
    static func lease(ofJob jobID: String, in db: Database) throws -> LeaseHolder? {
        try first("job = ? AND is_lost = 0", [jobID.nameValue], in: db)
    }

    private static func first(_ condition: String, _ arguments: [DatabaseValue], in db: Database) throws -> LeaseHolder?
    {
        try db.firstRow("SELECT run_id, job, until, process FROM leases WHERE \(condition) LIMIT 1", arguments) { row in
            var columns = ColumnReader(row)
            return LeaseHolder(
                runID: try columns.text(), jobID: try columns.text(), until: try columns.timestamp(),
                process: row[3] as Int64?)
        }
    }
}

extension WriteContext {
    /// Takes a lease for a run, or answers the other run that holds it.
    ///
    /// - Parameter endedRunID: a run that has ended and held it.
    func takeLease(
        _ key: String, runID: String, after endedRunID: String?, jobID: String, until: Timestamp, now: Timestamp
    ) throws -> LeaseHolder? {
        if let holder = try LeaseHolder.holder(of: key, in: db), !holder.runID.hasSameBytes(as: runID) {
            let hasEnded = endedRunID?.hasSameBytes(as: holder.runID) ?? false
            if !hasEnded, now < holder.until, holder.process.map(processes.isAlive) ?? true { return holder }
            try execute("UPDATE leases SET is_lost = 1 WHERE run_id = ?", [holder.runID.nameValue])
        }
        try execute(
            """
            INSERT INTO leases (run_id, key, job, until, is_lost, process) VALUES (?, ?, ?, ?, 0, ferry_process())
            ON CONFLICT (run_id) DO UPDATE
                SET key = excluded.key, until = excluded.until, is_lost = 0, process = excluded.process
            """, [runID.nameValue, key.nameValue, jobID.nameValue, until.columnValue])
        note(.leases)
        return nil
    }

    /// Moves the end of a run's lease; answers whether the run still holds it.
    func renewLease(_ key: String, runID: String, until: Timestamp) throws -> Bool {
        try execute(
            "UPDATE leases SET until = ? WHERE run_id = ? AND key = ? AND is_lost = 0",
            [until.columnValue, runID.nameValue, key.nameValue])
        return db.changesCount > 0
    }

    /// Whether another run has taken the lease that this one held.
    func hasLostLease(runID: String) throws -> Bool {
        guard try mayHave(.leases) else { return false }
        return try exists("SELECT 1 FROM leases WHERE run_id = ? AND is_lost = 1", [runID.nameValue])
    }

    /// Frees what the runs of a job hold: its commit has fenced them all by its turn.
    func freeLeases(ofJob jobID: String) throws {
        guard try mayHave(.leases) else { return }
        try execute("DELETE FROM leases WHERE job = ?", [jobID.nameValue])
    }
}
