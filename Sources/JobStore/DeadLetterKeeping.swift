// The keeper's write: a letter, its body, and the end of the job that waits for it, in one transaction. What comes twice is
// one letter; what comes again after somebody has decided is open again, unless its job has gone on.
internal import GRDB
public import SyncJobs

extension JobStore {
    /// A letter that was kept, and what that ended.
    public struct KeptLetter: Sendable {
        /// The letter as stored.
        public var letter: DeadLetterRecord
        /// How the end of its job was committed; nil where none ended.
        public var ending: CommitResult?
    }

    /// Keeps a message that came to the dead letters.
    ///
    /// Once this has answered, the message may be acknowledged.
    ///
    /// - Parameter request: its body, where that is a request.
    /// - Throws: ``JobStoreError``; then nothing is kept.
    public func keep(
        _ arrival: DeadLetterArrival, request: SyncRequest?, types: SyncJobTypes, at time: Timestamp
    ) async throws(JobStoreError) -> KeptLetter {
        try await writer.write("keep", bytes: arrival.body.count + 2_000) { context in
            var found: (job: SyncJob?, seen: Digest?) = (nil, nil)
            if arrival.origin == .request, let jobID = arrival.jobID {
                found.job = try JobRow.job(id: jobID, in: context.db)
                if found.job == nil { found.seen = try SeenRow.requestHash(of: jobID, in: context.db) }
            }
            let standing = arrival.standing(
                request: request, job: found.job, seenHash: found.seen, types: types, at: time)
            var ending: CommitResult?
            if case .ends(let job) = standing {
                let end = JobTransition.deadLettered(job, turn: arrival.turn, failure: arrival.failure, now: time)
                ending = try ReadyCommit(end, maximumDocumentBytes: 0).perform(in: context)
            }
            let letter = try DeadLetterRecord(arrival, at: time).described(in: context.db)
            if let known = try DeadLetterRow.letter(id: letter.id, in: context.db) {
                try context.meet(known, again: letter, standing: standing)
            } else {
                try context.store(letter, body: arrival.body, isSuperseded: standing.isSuperseded, at: time)
            }
            guard let stored = try DeadLetterRow.letter(id: letter.id, in: context.db) else {
                throw JobStoreError.unreadable("dead letter")
            }
            return KeptLetter(letter: stored, ending: ending)
        }
    }
}

extension DeadLetterStanding {
    fileprivate var isSuperseded: Bool { if case .superseded = self { true } else { false } }
}

extension DeadLetterRecord {
    /// The letter with what the store knows of its job's attempts and of earlier replays.
    fileprivate func described(in db: Database) throws -> DeadLetterRecord {
        guard let jobID else { return self }
        var letter = self
        let replays = "SELECT max(replay_count) + 1 FROM dead_letters WHERE replayed_as = ? AND state = 'replayed'"
        letter.replayCount = try db.firstRow(replays, [jobID.nameValue]) { row -> Int? in row[0] }.flatMap { $0 } ?? 0
        guard origin == .request, let job = try JobRow.job(id: jobID, in: db), isOwn(to: job) else { return letter }
        letter.attempts = job.attemptCount
        let first = """
            SELECT min(ended_at) FROM attempts
            WHERE job = (SELECT sequence FROM jobs WHERE id = ?) AND outcome = 'Failed'
            """
        let failedAt = try db.firstRow(first, [jobID.nameValue]) { row -> Int64? in row[0] }.flatMap { $0 }
        if let failedAt { letter.firstFailedAt = min(letter.firstFailedAt, Timestamp(microseconds: failedAt)) }
        return letter
    }
}

extension WriteContext {
    /// Adds a letter with its body as it came.
    fileprivate func store(
        _ letter: DeadLetterRecord, body: [UInt8], isSuperseded: Bool, at time: Timestamp
    ) throws {
        var letter = letter
        if isSuperseded {
            letter.state = .superseded
            letter.resolution = DeadLetterResolution(at: time, actor: nil, reason: nil)
        }
        try execute(DeadLetterRow.insert, DeadLetterRow.values(of: letter))
        let original = DeadLetterRevision(number: 1, body: body, at: time, actor: nil, reason: nil)
        try DeadLetterRow.store(original, of: db.lastInsertedRowID, in: self)
    }

    /// A letter that is known has come once more.
    fileprivate func meet(
        _ known: DeadLetterRecord, again letter: DeadLetterRecord, standing: DeadLetterStanding
    ) throws {
        try execute(DeadLetterRow.insert, DeadLetterRow.values(of: letter))
        if standing.isSuperseded {
            try resolve(
                known, as: .superseded, DeadLetterResolution(at: letter.receivedAt, actor: nil, reason: nil))
        } else if known.state != .open {
            // Nothing tells a message that was delivered twice from one that was sent twice: better asked twice than lost.
            try execute(
                """
                UPDATE dead_letters SET state = 'open', resolved_at = NULL, resolved_by = NULL,
                    resolved_reason = NULL, replayed_as = NULL, replayed_turn = NULL WHERE sequence = ?
                """, [known.sequence.databaseValue])
        }
    }

    /// Notes what was decided about a letter; one that is not open any more stays as it is.
    func resolve(
        _ letter: DeadLetterRecord, as state: DeadLetterState, _ resolution: DeadLetterResolution
    ) throws {
        try execute(
            """
            UPDATE dead_letters SET state = ?, resolved_at = ?, resolved_by = ?, resolved_reason = ?,
                replayed_as = ?, replayed_turn = ?
            WHERE sequence = ? AND state = 'open'
            """,
            [
                state.rawValue.databaseValue, resolution.at.columnValue, resolution.actor.nameValue,
                resolution.reason.nameValue, resolution.replayedAs.nameValue,
                resolution.replayedTurn?.databaseValue ?? .null, letter.sequence.databaseValue,
            ])
    }

    /// Notes what an operator did to a job for its letters that wait for a decision.
    func resolveLetters(
        of job: SyncJob, as state: DeadLetterState, actor: String, reason: String?, at time: Timestamp
    ) throws {
        let sql = "SELECT \(DeadLetterRow.columns) FROM dead_letters WHERE job_id = ? AND state = 'open' AND turn < ?"
        let letters = try db.allRows(sql, [job.id.nameValue, job.nextTurn.databaseValue]) {
            try DeadLetterRow.letter(from: $0)
        }
        for letter in letters where letter.isOwn(to: job) {
            try resolve(letter, as: state, DeadLetterResolution(at: time, actor: actor, reason: reason))
        }
    }
}
