// Scheduled jobs: the record, its message and the schedule's last due time land together, so that a due time makes one job
// however many processes look at the clock.
internal import GRDB
public import SyncJobs

extension JobStore {
    /// What became of a due time.
    public enum Scheduled: Sendable, Hashable {
        /// Its job is created and queued; the message is owed.
        case created(SyncJob, OutboxMessage)
        /// It was taken before, by whichever process.
        case exists
        /// The schedule's last job is still going on: this due time is passed over.
        case overlaps(jobID: String)
    }

    /// Creates the job of a due time, unless it was taken before or the schedule's last job is still going on.
    ///
    /// - Parameters:
    ///   - name: the schedule's name within the job's type.
    ///   - skipsOverlap: whether a job of the schedule that is open, or whose relay is, stands in the way. The due time counts
    ///     as taken then.
    /// - Throws: ``JobStoreError``; then nothing is stored.
    public func schedule(
        _ job: SyncJob, name: String, due: Timestamp, skipsOverlap: Bool
    ) async throws(JobStoreError) -> Scheduled {
        let row = JobRow.Values(job)
        let message = OutboxMessage.child(job, owner: job.id)
        return try await writer.write("schedule", bytes: row.bytes) { context in
            let last = try ScheduleRow.last(typeSlug: job.typeSlug, name: name, in: context.db)
            if let last, last.due >= due { return .exists }
            if skipsOverlap, let lastJob = last?.jobID, try JobLife.isGoingOn(lastJob, in: context.db) == true {
                try ScheduleRow.set(typeSlug: job.typeSlug, name: name, due: due, jobID: lastJob, in: context)
                return .overlaps(jobID: lastJob)
            }
            try ScheduleRow.set(typeSlug: job.typeSlug, name: name, due: due, jobID: job.id, in: context)
            guard try SeenRow.requestHash(of: job.id, in: context.db) == nil else { return .exists }
            guard try context.statements.run(row.insertNew, row.row) > 0 else { return .exists }
            try context.owe(message)
            return .created(job, message.filled(from: job))
        }
    }

    /// The due time that a schedule has taken last, or its first sight; nil when it was never seen.
    ///
    /// - Throws: ``JobStoreError``.
    public func lastDue(typeSlug: String, schedule: String) async throws(JobStoreError) -> Timestamp? {
        try await read("schedule") { db in try ScheduleRow.last(typeSlug: typeSlug, name: schedule, in: db)?.due }
    }

    /// Notes that a schedule was seen: what was due before is not made up for.
    ///
    /// A schedule that was seen before stays as it is.
    ///
    /// - Throws: ``JobStoreError``.
    public func noteFirstSight(typeSlug: String, schedule: String, at: Timestamp) async throws(JobStoreError) {
        try await writer.write("schedule") { context in
            try context.execute(
                "INSERT INTO schedules (type_slug, name, last_due) VALUES (?, ?, ?) ON CONFLICT DO NOTHING",
                [typeSlug.nameValue, schedule.nameValue, at.columnValue])
        }
    }
}

private enum ScheduleRow {
    static func last(typeSlug: String, name: String, in db: Database) throws -> (due: Timestamp, jobID: String?)? {
        let sql = "SELECT last_due, job FROM schedules WHERE type_slug = ? AND name = ?"
        return try db.firstRow(sql, [typeSlug.nameValue, name.nameValue]) { row in
            var columns = ColumnReader(row)
            return (due: try columns.timestamp(), jobID: try columns.optionalText())
        }
    }

    static func set(
        typeSlug: String, name: String, due: Timestamp, jobID: String, in context: WriteContext
    ) throws {
        try context.execute(
            """
            INSERT INTO schedules (type_slug, name, last_due, job) VALUES (?, ?, ?, ?)
            ON CONFLICT DO UPDATE SET last_due = excluded.last_due, job = excluded.job
            """, [typeSlug.nameValue, name.nameValue, due.columnValue, jobID.nameValue])
    }
}
