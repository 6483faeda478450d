// What a run says and hears while it goes on: that it is alive, how far it has come, whether it is to stop; and what it
// saves for the next run. A run that is over hears that it is fenced.
internal import GRDB
public import SyncJobs

extension JobStore {
    /// A sign of life of a run.
    public struct Heartbeat: Sendable {
        /// The record as it was before the run, or a new one: it is born with the first sign of life.
        public var job: SyncJob
        /// The delivery's turn.
        public var turn: Int
        /// The run.
        public var runID: String
        /// Who runs it: `host:pid`.
        public var node: String
        /// When it began.
        public var startedAt: Timestamp
        /// When this sign was given.
        public var at: Timestamp
        /// How far it has come; nil where its controller said nothing.
        public var progress: JobProgress?
        /// The key of the lease it holds; nil for none.
        public var leaseKey: String?
        /// The new end of the lease; nil leaves it.
        public var leaseUntil: Timestamp?

        /// Gives a sign of life.
        public init(
            job: SyncJob, turn: Int, runID: String, node: String, startedAt: Timestamp, at: Timestamp,
            progress: JobProgress? = nil, leaseKey: String? = nil, leaseUntil: Timestamp? = nil
        ) {
            self.job = job
            self.turn = turn
            self.runID = runID
            self.node = node
            self.startedAt = startedAt
            self.at = at
            self.progress = progress
            self.leaseKey = leaseKey
            self.leaseUntil = leaseUntil
        }
    }

    /// What a run hears.
    public enum HeartbeatAnswer: Sendable, Hashable {
        /// All is well.
        case goOn
        /// Somebody asked that the job be stopped, for this reason.
        case cancel(reason: String)
        /// The job has been committed without it, or another run has taken over: whatever this one decides is discarded.
        case fenced
    }

    /// Stores signs of life, in transactions of at most 500; answers in their order.
    ///
    /// The record is `Started` from then on; it is born here when there is none.
    ///
    /// - Throws: ``JobStoreError``; the signs are simply given again then.
    public func beat(_ beats: [Heartbeat]) async throws(JobStoreError) -> [HeartbeatAnswer] {
        var answers: [HeartbeatAnswer] = []
        var rest = beats[...]
        while !rest.isEmpty {
            let part = Array(rest.prefix(GroupWriter.maximumCount))
            rest = rest.dropFirst(part.count)
            answers += try await writer.write("heartbeat", count: part.count, bytes: 500 * part.count) { context in
                try part.map { try $0.beat(in: context) }
            }
        }
        return answers
    }

    /// Stores what the next run of a job shall be handed, in place of what was saved before.
    ///
    /// - Throws: ``JobStoreError``; `fenced` when the job has been committed without the run of this turn.
    public func saveCheckpoint(jobID: String, turn: Int, state: JSONValue) async throws(JobStoreError) {
        let text = state.columnValue
        let savedAt = Timestamp.now
        try await writer.write("checkpoint", bytes: JobRow.size([text])) { context in
            let id = jobID.nameValue
            let isOver = try context.exists(
                "SELECT 1 FROM jobs WHERE id = ? AND next_turn > ?", [id, turn.databaseValue])
            guard !isOver else {
                throw JobStoreError(
                    .fenced, operation: "checkpoint", message: "the job has been committed without this run",
                    remedy: "end the run; what it decides is discarded")
            }
            try context.execute(
                """
                INSERT INTO checkpoints (job, turn, state, saved_at) VALUES (?, ?, ?, ?)
                ON CONFLICT DO UPDATE SET turn = excluded.turn, state = excluded.state, saved_at = excluded.saved_at
                """, [id, turn.databaseValue, text, savedAt.columnValue])
            context.note(.checkpoints)
        }
    }
}

enum CheckpointRow {
    /// What an earlier run of a job has saved; nil when none did.
    static func state(ofJob jobID: String, in db: Database) throws -> JSONValue? {
        try db.firstRow("SELECT state FROM checkpoints WHERE job = ?", [jobID.nameValue]) { row in
            var columns = ColumnReader(row)
            return try columns.optionalJSON()
        } ?? nil
    }
}

extension JobStore.Heartbeat {
    fileprivate func beat(in context: WriteContext) throws -> JobStore.HeartbeatAnswer {
        let sql = "SELECT next_turn, status, started_at, run_id FROM jobs WHERE id = ?"
        let known = try context.db.firstRow(sql, [job.id.nameValue]) { row in
            var columns = ColumnReader(row)
            let nextTurn = try columns.int()
            let status = try columns.word(JobStatus.self)
            let startedAt = columns.optionalTimestamp()
            return (nextTurn: nextTurn, status: status, startedAt: startedAt, runID: try columns.optionalText())
        }
        if let known {
            if known.nextTurn > turn { return .fenced }
            // Of two runs of one delivery the one that began later goes on: the broker gave it to that one last.
            if known.status == .started, let other = known.runID, !other.hasSameBytes(as: runID),
                let itsStart = known.startedAt, startedAt < itsStart
            {
                return .fenced
            }
        }
        if try hasLostLease(in: context) { return .fenced }
        let reason = try context.cancellation(of: job.id)
        if known == nil {
            let row = JobRow.Values(started(isCancelAsked: reason != nil))
            try context.statements.run(row.insert, row.row)
            try context.execute(
                "UPDATE jobs SET run_process = ferry_process() WHERE id = ?", [job.id.nameValue])
        } else {
            try update(isCancelAsked: reason != nil, in: context)
        }
        return reason.map { .cancel(reason: $0) } ?? .goOn
    }

    private func hasLostLease(in context: WriteContext) throws -> Bool {
        guard let leaseKey else { return false }
        guard let leaseUntil else { return try context.hasLostLease(runID: runID) }
        return try !context.renewLease(leaseKey, runID: runID, until: leaseUntil)
    }

    /// The record of a job that is born running.
    private func started(isCancelAsked: Bool) -> SyncJob {
        var job = job
        job.status = .started
        job.nextTurn = turn
        job.startedAt = startedAt
        job.progress = progress
        job.running = RunningRun(runID: runID, node: node, heartbeat: at, isCancelAsked: isCancelAsked)
        return job
    }

    /// What the run before has left on the record (its error, its difference) stays until this one has ended.
    private func update(isCancelAsked: Bool, in context: WriteContext) throws {
        try context.execute(
            """
            UPDATE jobs SET status = 'Started', started_at = ?, ended_at = NULL, retry_after = NULL, wait_reason = NULL,
                next_turn = max(next_turn, ?), progress = ?, run_id = ?, run_node = ?, heartbeat_at = ?, cancel_asked = ?,
                run_process = ferry_process()
            WHERE id = ?
            """,
            [
                startedAt.columnValue, turn.databaseValue, progress?.json.columnValue ?? .null, runID.nameValue,
                node.nameValue, at.columnValue, isCancelAsked.databaseValue, job.id.nameValue,
            ])
    }
}
