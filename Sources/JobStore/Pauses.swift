// What stands still, as rows: pauses by hand and open circuits. Invariant: each change by hand and its audit entry are one
// transaction; whether a job stands still is decided by `Standstill`, never in SQL.
internal import GRDB
public import SyncJobs

extension JobStore {
    /// Everything that stands still now.
    ///
    /// - Throws: ``JobStoreError``.
    public func standstill() async throws(JobStoreError) -> Standstill {
        try await read("standstill") { try StandstillRow.standstill(in: $0) }
    }

    /// Pauses types, queues or systems; what is paused already takes on the new reason and end.
    ///
    /// - Throws: ``JobStoreError``; then nothing is paused.
    public func pause(_ pauses: [Pause]) async throws(JobStoreError) {
        try await writer.write("pause", count: pauses.count) { context in
            for pause in pauses {
                try context.execute(
                    """
                    INSERT INTO pauses (kind, name, reason, actor, since, until) VALUES (?, ?, ?, ?, ?, ?)
                    ON CONFLICT DO UPDATE SET reason = excluded.reason, actor = excluded.actor, until = excluded.until
                    """,
                    [
                        pause.kind.rawValue.databaseValue, pause.name.nameValue, pause.reason.nameValue,
                        pause.actor.nameValue, pause.since.columnValue, pause.until?.columnValue ?? .null,
                    ])
                context.note(.standstill)
                try context.audit(
                    action: "pause", actor: pause.actor, subject: pause.subject, reason: pause.reason, at: pause.since)
            }
        }
    }

    /// Ends pauses; answers those that there were.
    ///
    /// What was parked for them comes onto its way again as soon as a worker looks, earliest first.
    ///
    /// - Throws: ``JobStoreError``; then none is ended.
    public func resume(
        _ named: [(kind: Pause.Kind, name: String)], actor: String, reason: String?, at time: Timestamp
    ) async throws(JobStoreError) -> [Pause] {
        try await writer.write("resume", count: named.count) { context in
            let all = try StandstillRow.standstill(in: context.db).pauses
            let ended = all.filter { pause in
                named.contains { $0.kind == pause.kind && $0.name.hasSameBytes(as: pause.name) }
            }
            for pause in ended { try context.end(pause, actor: actor, reason: reason, at: time) }
            return ended
        }
    }

    /// Ends the pauses whose time has passed; answers them.
    ///
    /// - Throws: ``JobStoreError``.
    public func endPauses(until now: Timestamp) async throws(JobStoreError) -> [Pause] {
        try await writer.write("resume") { context in
            let over = try StandstillRow.standstill(in: context.db).pauses.filter { pause in
                pause.until.map { $0 <= now } ?? false
            }
            for pause in over {
                try context.end(pause, actor: pause.actor, reason: "its time had passed", at: now)
            }
            return over
        }
    }
}

extension WriteContext {
    fileprivate func end(_ pause: Pause, actor: String, reason: String?, at time: Timestamp) throws {
        try execute(
            "DELETE FROM pauses WHERE kind = ? AND name = ?",
            [pause.kind.rawValue.databaseValue, pause.name.nameValue])
        try audit(action: "resume", actor: actor, subject: pause.subject, reason: reason, at: time)
    }

    /// What stands still, read where anything does.
    func standstill() throws -> Standstill {
        try mayHave(.standstill) ? StandstillRow.standstill(in: db) : Standstill()
    }
}

enum StandstillRow {
    static func standstill(in db: Database) throws -> Standstill {
        let pauses = try db.allRows(
            "SELECT kind, name, reason, actor, since, until FROM pauses ORDER BY since, kind, name", []
        ) { row in
            var columns = ColumnReader(row)
            return Pause(
                kind: try columns.word(Pause.Kind.self), name: try columns.text(), reason: try columns.optionalText(),
                actor: try columns.text(), since: try columns.timestamp(), until: columns.optionalTimestamp())
        }
        return Standstill(pauses: pauses, circuits: try CircuitRow.all(in: db))
    }
}
