// Whether a job that was delivered may run: its dedup key, its place among the jobs of its key, its lease. One
// transaction, so that of two that ask at the same time one is told of the other.
internal import GRDB
public import SyncJobs

extension JobStore {
    /// A delivered job that asks to run.
    public struct AdmissionRequest: Sendable {
        /// The record as it is known, or a new one.
        public var job: SyncJob
        /// The delivery's turn.
        public var turn: Int
        /// The run.
        public var runID: String
        /// The key that its request claims; nil for none.
        public var dedupKey: String?
        /// The key behind whose open jobs it waits (`on_failure: block`); nil where it overtakes them.
        public var orderKey: String?
        /// The key that one run holds at a time (`exclusive`); nil where there is no such thing.
        public var leaseKey: String?
        /// An earlier run of this job that has ended without a commit, whose lease this one takes over; nil for none.
        public var endedRunID: String?
        /// Until when the lease is taken; heartbeats move it.
        public var leaseUntil: Timestamp
        /// When it asks.
        public var now: Timestamp

        /// Asks.
        public init(
            job: SyncJob, turn: Int, runID: String, dedupKey: String? = nil, orderKey: String? = nil,
            leaseKey: String? = nil, leaseUntil: Timestamp, now: Timestamp
        ) {
            self.job = job
            self.turn = turn
            self.runID = runID
            self.dedupKey = dedupKey
            self.orderKey = orderKey
            self.leaseKey = leaseKey
            self.leaseUntil = leaseUntil
            self.now = now
        }
    }

    /// Whether a job may run.
    public enum Admission: Sendable, Hashable {
        /// It may: it holds its dedup key and its lease now.
        case run
        /// This other job holds its dedup key.
        case duplicate(of: String)
        /// A run of this job holds the lease until then.
        ///
        /// It may be another run of the job itself: a commit that raises its turn would fence that one.
        case leased(by: String, until: Timestamp)
        /// It waits behind this open job of its key, and its record says so: the delivery may be acknowledged.
        case blocked(behind: String)
    }

    /// Lets a job run, or says what is in its way.
    ///
    /// Asking again for the same run changes nothing.
    ///
    /// - Throws: ``JobStoreError``; then nothing is claimed.
    public func admit(_ request: AdmissionRequest) async throws(JobStoreError) -> Admission {
        try await writer.write("admit", bytes: 1_000) { try request.admit(in: $0) }
    }
}

extension JobStore.AdmissionRequest {
    /// The dedup key first: a duplicate waits for nothing and takes nothing.
    fileprivate func admit(in context: WriteContext) throws -> JobStore.Admission {
        if let dedupKey,
            let holder = try context.claimDedupKey(dedupKey, typeSlug: job.typeSlug, jobID: job.id, now: now)
        {
            return .duplicate(of: holder)
        }
        if let orderKey, let older = try olderOpenJob(of: orderKey, in: context.db), try wait(in: context) {
            return .blocked(behind: older)
        }
        if let leaseKey,
            let holder = try context.takeLease(
                leaseKey, runID: runID, after: endedRunID, jobID: job.id, until: leaseUntil, now: now)
        {
            return .leased(by: holder.jobID, until: holder.until)
        }
        return .run
    }

    /// The first open job of the key that was born before this one.
    private func olderOpenJob(of orderKey: String, in db: Database) throws -> String? {
        let sql = """
            SELECT id FROM jobs
            WHERE order_key = ?1 AND is_open = 1 AND status <> 'Pending' AND id <> ?2
                AND sequence < coalesce((SELECT sequence FROM jobs WHERE id = ?2), 9223372036854775807)
            ORDER BY sequence LIMIT 1
            """
        return try db.firstRow(sql, [orderKey.nameValue, job.id.nameValue]) { row in
            var columns = ColumnReader(row)
            return try columns.text()
        }
    }

    /// Stores that the job waits; false when its turn is over or its row is refused, which its run's commit will tell.
    private func wait(in context: WriteContext) throws -> Bool {
        var waiting = job
        waiting.orderKey = orderKey
        let transition = JobTransition.wait(waiting, turn: turn, reason: .blocked, until: nil, now: now)
        switch try ReadyCommit(transition, maximumDocumentBytes: 0).perform(in: context) {
        case .committed: return true
        case .fenced, .conflict, .stale, .refused: return false
        }
    }
}
