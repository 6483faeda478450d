// What is open, by queue and by what it waits for: the store's half of what waits where.
internal import GRDB
public import SyncJobs

extension JobStore {
    /// Open jobs of one queue that are in the same place.
    public struct OpenJobs: Sendable, Hashable {
        /// The work queue, by its short name.
        public var queue: String
        /// Their status.
        public var status: JobStatus
        /// What they wait for; nil for what is with the broker or runs.
        public var waitReason: WaitReason?
        /// How many there are.
        public var count: Int
        /// When the oldest of them was received.
        public var oldest: Timestamp
        /// The next instant at which one of them is due; nil when none waits for a time.
        public var nextDue: Timestamp?
        /// The last instant at which one of them is due; nil when none waits for a time.
        public var lastDue: Timestamp?
        /// How many of them are past their time.
        public var overdue: Int
    }

    /// The open jobs by queue, status and what they wait for; the oldest part of each queue first.
    ///
    /// What is with the broker and has not run yet has no record, and is not among them.
    ///
    /// - Throws: ``JobStoreError``.
    public func openJobs(now: Timestamp) async throws(JobStoreError) -> [OpenJobs] {
        try await longRead("open jobs") { db in
            let sql = """
                SELECT queue, status, wait_reason, count(*), min(created_at), min(retry_after), max(retry_after),
                    coalesce(sum(retry_after < ?), 0)
                FROM jobs WHERE is_open = 1 GROUP BY queue, status, wait_reason ORDER BY queue, min(created_at)
                """
            return try db.allRows(sql, [now.columnValue]) { row in
                var columns = ColumnReader(row)
                return OpenJobs(
                    queue: try columns.text(), status: try columns.word(JobStatus.self),
                    waitReason: try columns.optionalWord(WaitReason.self), count: try columns.int(),
                    oldest: try columns.timestamp(), nextDue: columns.optionalTimestamp(),
                    lastDue: columns.optionalTimestamp(), overdue: try columns.int())
            }
        }
    }
}
