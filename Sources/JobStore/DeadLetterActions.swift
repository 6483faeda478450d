// What operators do to dead letters: replay, discard, edit. What a letter becomes is decided in SyncJobs; here it lands with
// its job, the message that is owed, and its audit entry, in one transaction, before anything is published.
internal import GRDB
public import SyncJobs

extension JobStore {
    /// What an operator does to dead letters.
    public enum DeadLetterAction: Sendable {
        /// They are sent on their way again.
        case replay(DeadLetterRules)
        /// They are not to be done; a job that failed with its letter is canceled.
        case discard

        /// The word in the audit.
        public var word: String {
            switch self {
            case .replay: "replay"
            case .discard: "discard"
            }
        }
    }

    /// What became of an action on one letter.
    public enum DeadLetterResult: Sendable, Hashable {
        /// It is done; the letter as stored, and which job or event owes its message to the broker.
        case done(DeadLetterRecord, owing: String?)
        /// Nothing was changed; one sentence without a full stop says why.
        case refused(String)
    }

    /// Does the same to several letters, by their whole ids, in one transaction; answers in the order of `ids`.
    ///
    /// Each letter for which something was done gets an audit entry.
    ///
    /// - Throws: ``JobStoreError``; then nothing is done. `invalid_argument` for more than 500 ids.
    public func perform(
        _ action: DeadLetterAction, letters ids: [String], actor: String, reason: String?, at time: Timestamp
    ) async throws(JobStoreError) -> [DeadLetterResult] {
        guard ids.count <= Self.maximumActionCount else {
            throw JobStoreError(
                .invalidArgument, operation: action.word,
                message: "\(ids.count) letters are more than \(Self.maximumActionCount)",
                remedy: "give them in parts")
        }
        let deed = DeadLetterDeed(action: action, actor: actor, reason: reason, at: time)
        return try await writer.write(action.word, count: ids.count, bytes: 2_000 * ids.count) { context in
            try ids.map { id in
                do { return try deed.perform(on: id, in: context) } catch let refusal as OperatorRefusal {
                    return .refused(refusal.sentence)
                }
            }
        }
    }

    /// What a replay would do.
    public enum ReplayPlan: Sendable, Hashable {
        /// The job or event of this id goes on its way.
        case goesOnAs(String)
        /// Nothing would be changed; one sentence without a full stop says why.
        case refused(String)
    }

    /// What a replay of a letter would do now.
    ///
    /// - Throws: ``JobStoreError``.
    public func planReplay(
        of id: String, rules: DeadLetterRules, at time: Timestamp
    ) async throws(JobStoreError) -> ReplayPlan {
        try await read("plan") { db in
            do {
                switch try WriteContext.replay(of: id, in: db).plan(rules, at: time) {
                case .again(let job), .new(let job): return .goesOnAs(job.id)
                case .message(let message): return .goesOnAs(message.messageID)
                case .event(let event): return .goesOnAs(event.id)
                }
            } catch let refusal as OperatorRefusal { return .refused(refusal.sentence) }
        }
    }

    /// Gives an open letter another body: its next revision.
    ///
    /// A body that a worker would refuse is refused here, with the same reason.
    ///
    /// - Throws: ``JobStoreError``.
    public func editLetter(
        _ id: String, body: [UInt8], rules: DeadLetterRules, actor: String, reason: String?, at time: Timestamp
    ) async throws(JobStoreError) -> DeadLetterResult {
        try await writer.write("edit", bytes: body.count + 1_000) { context in
            do {
                var replay = try context.replay(of: id)
                replay.body = body
                replay.letter.revision += 1
                try replay.requireGoodBody(rules)
                let letter = replay.letter
                try DeadLetterRow.store(
                    DeadLetterRevision(number: letter.revision, body: body, at: time, actor: actor, reason: reason),
                    of: letter.sequence, in: context)
                try context.execute(
                    "UPDATE dead_letters SET revision = ?, body_bytes = ? WHERE sequence = ?",
                    [letter.revision.databaseValue, body.count.databaseValue, letter.sequence.databaseValue])
                try context.audit("edit", letter, actor: actor, reason: reason, at: time)
                return .done(try context.letter(id), owing: nil)
            } catch let refusal as OperatorRefusal { return .refused(refusal.sentence) }
        }
    }
}

/// One action of one operator, for any number of letters.
private struct DeadLetterDeed: Sendable {
    let action: JobStore.DeadLetterAction
    let actor: String
    let reason: String?
    let at: Timestamp

    /// - Throws: ``OperatorRefusal`` before anything is written.
    func perform(on id: String, in context: WriteContext) throws -> JobStore.DeadLetterResult {
        let replay = try context.replay(of: id)
        var resolution = DeadLetterResolution(at: at, actor: actor, reason: reason)
        var owing: String?
        switch action {
        case .replay(let rules):
            let sent = try send(replay, rules, in: context)
            owing = sent.id
            resolution.replayedAs = sent.id
            resolution.replayedTurn = sent.turn
            try context.resolve(replay.letter, as: .replayed, resolution)
        case .discard:
            try discard(replay, in: context)
            try context.resolve(replay.letter, as: .discarded, resolution)
        }
        try context.audit(action.word, replay.letter, actor: actor, reason: reason, at: at)
        return .done(try context.letter(id), owing: owing)
    }

    /// Stores what is to be sent, and owes its message.
    private func send(
        _ replay: DeadLetterReplay, _ rules: DeadLetterRules, in context: WriteContext
    ) throws -> (id: String, turn: Int?) {
        switch try replay.plan(rules, at: at) {
        case .again(let job):
            try context.claimKeys(of: job, at: at)
            try context.queue(job)
            return (job.id, job.nextTurn)
        case .new(let job):
            guard try JobRow.job(id: job.id, in: context.db) == nil else {
                throw OperatorRefusal("it was replayed before, as the job \(job.id)")
            }
            try context.claimKeys(of: job, at: at)
            let row = JobRow.Values(job)
            try context.statements.run(row.insert, row.row)
            try context.owe(.again(job, dueAt: job.retryAfter))
            return (job.id, job.nextTurn)
        case .message(let message):
            try context.owe(message)
            return (message.messageID, replay.letter.turn + 1)
        case .event(let event):
            try context.owe(.change(event, letter: replay.letter.id))
            return (event.id, nil)
        }
    }

    /// A job that failed with this letter is canceled; any other is none of the letter's business.
    private func discard(_ replay: DeadLetterReplay, in context: WriteContext) throws {
        let letter = replay.letter
        guard letter.state == .open else {
            throw OperatorRefusal("it is \(letter.state.rawValue), and only an open letter can be discarded")
        }
        guard let job = replay.job, letter.isOwn(to: job), job.status == .failed, job.deadLetteredAt != nil,
            job.nextTurn == letter.turn + 1
        else { return }
        try context.storeRecord(
            try job.canceled(reason: reason ?? "its dead letter was discarded by \(actor)", at: at))
    }
}

extension WriteContext {
    /// The letter of this id.
    ///
    /// - Throws: ``OperatorRefusal`` when there is none.
    fileprivate func letter(_ id: String) throws -> DeadLetterRecord { try Self.letter(id, in: db) }

    private static func letter(_ id: String, in db: Database) throws -> DeadLetterRecord {
        guard let letter = try DeadLetterRow.letter(id: id, in: db) else {
            throw OperatorRefusal("there is no dead letter of this id")
        }
        return letter
    }

    /// What an action on a letter is decided by.
    fileprivate func replay(of id: String) throws -> DeadLetterReplay { try Self.replay(of: id, in: db) }

    fileprivate static func replay(of id: String, in db: Database) throws -> DeadLetterReplay {
        let letter = try letter(id, in: db)
        var replay = DeadLetterReplay(
            letter: letter, body: try DeadLetterRow.body(of: letter, in: db), job: nil, isSeen: false)
        if letter.origin == .request, let jobID = letter.jobID {
            replay.job = try JobRow.job(id: jobID, in: db)
            if replay.job == nil { replay.isSeen = try SeenRow.requestHash(of: jobID, in: db) != nil }
        }
        return replay
    }

    fileprivate func audit(
        _ action: String, _ letter: DeadLetterRecord, actor: String, reason: String?, at time: Timestamp
    ) throws {
        try audit(
            action: action, actor: actor, subject: letter.jobID ?? letter.id, reason: reason, letter: letter.id,
            at: time)
    }
}
