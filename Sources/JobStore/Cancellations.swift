// Cancels that wait for their job: tombstones of ids that were not seen yet, and asks of running jobs. They go with the end
// of the job; a tombstone that nothing came for goes after thirty days.
internal import GRDB
internal import SyncJobs

enum CancellationRow {
    /// How long a cancel waits for a job that was never seen.
    static let lifetime = Duration.seconds(30 * 86_400)

    /// Why a job is to be canceled; nil when nobody asked.
    static func reason(_ jobID: String, in db: Database) throws -> String? {
        try db.firstRow("SELECT reason FROM cancellations WHERE job = ?", [jobID.nameValue]) { row in
            var columns = ColumnReader(row)
            return try columns.text()
        }
    }
}

extension WriteContext {
    /// Why a job is to be canceled; nil when nobody asked.
    func cancellation(of jobID: String) throws -> String? {
        guard try mayHave(.cancellations) else { return nil }
        return try CancellationRow.reason(jobID, in: db)
    }

    /// Asks that a job be canceled when it comes by.
    func askCancel(of jobID: String, reason: String, at time: Timestamp) throws {
        try execute(
            """
            INSERT INTO cancellations (job, reason, asked_at) VALUES (?, ?, ?)
            ON CONFLICT DO UPDATE SET reason = excluded.reason, asked_at = excluded.asked_at
            """, [jobID.nameValue, reason.nameValue, time.columnValue])
        note(.cancellations)
    }
}
