// What the end of a job changes beside its own record, in the same transaction: what it held is free, the next job of its
// key goes on, and its relay ends with its last open child. A plain job holds nothing and asks nothing.
internal import GRDB
internal import SyncJobs

/// What the end of a job has set in motion.
struct EndEffects {
    /// Messages that others owe because of it, already stored.
    var owed: [OutboxMessage] = []
    /// The relay that ended with it.
    var endedRelay: SyncJob?
    /// The job itself, when it relays to children that had all ended before, so that its relay has ended too.
    var ownRelay: SyncJob?
}

extension WriteContext {
    /// Does what the end of `job` demands.
    ///
    /// - Parameters:
    ///   - orderKey: the key behind which later jobs may wait.
    ///   - relays: for a job that relays, how many of its children are new; nil for any other.
    func end(_ job: SyncJob, orderKey: String?, relays: Int? = nil) throws -> EndEffects {
        var effects = EndEffects()
        if let next = try unpark(job.id) { effects.owed.append(next) }
        try forgetRun(ofJob: job.id)
        if let relays {
            if try relays == 0 && !hasOpenChildren(job.id) {
                effects.ownRelay = try endRelay(job.id).endedRelay
            }
        } else {
            try freeDedupKey(of: job)
        }
        if let orderKey, let message = try releaseBlocked(behind: orderKey) { effects.owed.append(message) }
        if let parent = job.request.parentSyncJob, try !hasOpenChildren(parent) {
            let relay = try endRelay(parent)
            effects.owed += relay.owed
            effects.endedRelay = relay.endedRelay
        }
        return effects
    }

    /// Removes what was kept for further runs of a job.
    func forgetRun(ofJob jobID: String) throws {
        if try mayHave(.checkpoints) {
            try execute("DELETE FROM checkpoints WHERE job = ?", [jobID.nameValue])
        }
        if try mayHave(.cancellations) {
            try execute("DELETE FROM cancellations WHERE job = ?", [jobID.nameValue])
        }
    }

    /// Whether a child of the job is open.
    func hasOpenChildren(_ parent: String) throws -> Bool {
        try exists("SELECT 1 FROM jobs WHERE parent = ? AND is_open = 1 LIMIT 1", [parent.nameValue])
    }

    /// Ends the relay of `parent`, whose children have all ended: counts its revision and frees its dedup key.
    private func endRelay(_ parent: String) throws -> EndEffects {
        guard var relay = try JobRow.job(id: parent, in: db), relay.status == .relayed else { return EndEffects() }
        relay.relayRevision += 1
        try execute(
            "UPDATE jobs SET relay_revision = ? WHERE id = ?", [relay.relayRevision.databaseValue, parent.nameValue])
        try freeDedupKey(of: relay)
        var effects = EndEffects(endedRelay: relay)
        if relay.runsRelayFinished {
            let message = relay.relayFinishedMessage()
            try owe(message)
            effects.owed.append(message)
        }
        return effects
    }

    /// Lets the first job of a key go on, where it is one that waits behind those before it.
    private func releaseBlocked(behind orderKey: String) throws -> OutboxMessage? {
        // The first one by birth: as long as it is no blocked one, its own end releases the next.
        let first = try db.firstRow(
            """
            SELECT sequence, wait_reason, id FROM jobs
            WHERE order_key = ? AND is_open = 1 AND status <> 'Pending' ORDER BY sequence LIMIT 1
            """, [orderKey.nameValue]
        ) { row in
            var columns = ColumnReader(row, from: 1)
            let reason = try columns.optionalWord(WaitReason.self)
            return (sequence: row[0] as Int64, reason: reason, id: try columns.text())
        }
        guard let first, first.reason == .blocked, var job = try JobRow.job(id: first.id, in: db) else { return nil }
        try execute("UPDATE jobs SET wait_reason = NULL WHERE sequence = ?", [first.sequence.databaseValue])
        job.waitReason = nil
        let message = OutboxMessage.again(job, dueAt: nil)
        try owe(message)
        return message.filled(from: job)
    }
}
