// What an operator's action on a job, or on its dead letter, changes beside the decision itself: the keys that a waiting job
// holds, its record, and the message that it owes. Part of that action's transaction.
internal import GRDB
internal import SyncJobs

extension WriteContext {
    /// A job that waits holds its dedup key, and an open child that of its relay.
    func claimKeys(of job: SyncJob, at time: Timestamp) throws {
        try refuseHeldKey(of: job, whose: "its dedup key", at: time)
        if let parentID = job.request.parentSyncJob, let parent = try JobRow.job(id: parentID, in: db),
            parent.status == .relayed
        {
            try refuseHeldKey(of: parent, whose: "the dedup key of its relay \(parentID)", at: time)
            if let key = parent.request.dedupKey {
                _ = try claimDedupKey(key, typeSlug: parent.typeSlug, jobID: parentID, now: time)
            }
        }
        if let key = job.request.dedupKey {
            _ = try claimDedupKey(key, typeSlug: job.typeSlug, jobID: job.id, now: time)
        }
    }

    private func refuseHeldKey(of job: SyncJob, whose: String, at time: Timestamp) throws {
        guard let key = job.request.dedupKey,
            let claim = try DedupClaim.claim(typeSlug: job.typeSlug, key: key, in: db),
            !claim.jobID.hasSameBytes(as: job.id), try claim.isHeld(at: time, in: db)
        else { return }
        throw OperatorRefusal("\(whose) is held by the job \(claim.jobID)")
    }

    /// Stores a job that is sent on its way, and owes its message.
    func queue(_ job: SyncJob) throws {
        try storeRecord(job)
        // Whoever sends it on its way again wants no earlier cancel to stop it.
        if try mayHave(.cancellations) {
            try execute("DELETE FROM cancellations WHERE job = ?", [job.id.nameValue])
        }
        try owe(.again(job, dueAt: nil))
    }

    /// Stores the record of a job that has one.
    func storeRecord(_ job: SyncJob) throws {
        let sql = "SELECT sequence FROM jobs WHERE id = ?"
        guard let sequence = try db.firstRow(sql, [job.id.nameValue], { $0[0] as Int64 }) else { return }
        let row = JobRow.Values(job)
        try statements.run(row.update, row.row, sequence)
    }
}
