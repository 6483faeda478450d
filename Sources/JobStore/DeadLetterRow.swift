// A dead letter's row: which columns it has, how a record becomes one and comes back, and its bodies.
internal import Foundation
internal import GRDB
internal import SyncJobs

enum DeadLetterRow {
    private static let names = [
        "id", "job_id", "turn", "origin", "type_slug", "queue", "routing_key", "reason", "error", "remedy", "attempts",
        "headers", "body_bytes", "received_at", "first_failed_at", "last_failed_at", "arrivals", "shape", "group_key",
        "state", "revision", "replay_count", "content_hash", "resolved_at", "resolved_by", "resolved_reason",
        "replayed_as", "replayed_turn",
    ]

    /// What is selected for `letter(from:)`.
    static let columns = "sequence, " + names.joined(separator: ", ")

    /// Adds a letter; one that is there already stays, and has come once more.
    static let insert = """
        INSERT INTO dead_letters (\(names.joined(separator: ", ")))
        VALUES (\(names.map { _ in "?" }.joined(separator: ", ")))
        ON CONFLICT (id) DO UPDATE SET
            arrivals = arrivals + 1, last_failed_at = max(last_failed_at, excluded.last_failed_at),
            first_failed_at = min(first_failed_at, excluded.first_failed_at)
        """

    static func values(of letter: DeadLetterRecord) -> [DatabaseValue] {
        [
            letter.id.databaseValue, letter.jobID.nameValue, letter.turn.databaseValue,
            letter.origin.rawValue.databaseValue, letter.typeSlug.nameValue, letter.queue.nameValue,
            letter.routingKey.nameValue, letter.reason.nameValue, letter.error.nameValue, letter.remedy.nameValue,
            letter.attempts?.databaseValue ?? .null, JSONValue.object(letter.headers).columnValue,
            letter.bodyBytes.databaseValue, letter.receivedAt.columnValue, letter.firstFailedAt.columnValue,
            letter.lastFailedAt.columnValue, letter.arrivals.databaseValue, letter.shape.nameValue,
            letter.group.databaseValue, letter.state.rawValue.databaseValue, letter.revision.databaseValue,
            letter.replayCount.databaseValue, letter.contentHash?.columnValue ?? .null,
            letter.resolution?.at.columnValue ?? .null, letter.resolution?.actor.nameValue ?? .null,
            letter.resolution?.reason.nameValue ?? .null, letter.resolution?.replayedAs.nameValue ?? .null,
            letter.resolution?.replayedTurn?.databaseValue ?? .null,
        ]
    }

    static func letter(from row: StoredRow) throws -> DeadLetterRecord {
        var columns = ColumnReader(row, from: 1)
        let id = try columns.text()
        let jobID = try columns.optionalText()
        let turn = try columns.int()
        let origin = try columns.word(DeadLetterOrigin.self)
        let typeSlug = try columns.optionalText()
        let queue = try columns.optionalText()
        let routingKey = try columns.text()
        let reason = try columns.text()
        let error = try columns.text()
        let remedy = try columns.text()
        let attempts = columns.optionalInt()
        let headers = try columns.object()
        var letter = DeadLetterRecord(
            DeadLetterArrival(
                jobID: jobID, turn: turn, origin: origin, typeSlug: typeSlug, queue: queue, routingKey: routingKey,
                reason: reason, error: error, remedy: remedy, isByBroker: false, wasDelivered: false, failedAt: nil,
                headers: headers, body: []),
            id: id, sequence: row[0])
        letter.attempts = attempts
        letter.bodyBytes = try columns.int()
        letter.receivedAt = try columns.timestamp()
        letter.firstFailedAt = try columns.timestamp()
        letter.lastFailedAt = try columns.timestamp()
        letter.arrivals = try columns.int()
        letter.shape = try columns.text()
        letter.group = try columns.text()
        letter.state = try columns.word(DeadLetterState.self)
        letter.revision = try columns.int()
        letter.replayCount = try columns.int()
        letter.contentHash = try columns.optionalDigest()
        if let at = columns.optionalTimestamp() {
            letter.resolution = DeadLetterResolution(
                at: at, actor: try columns.optionalText(), reason: try columns.optionalText(),
                replayedAs: try columns.optionalText(), replayedTurn: columns.optionalInt())
        }
        return letter
    }

    /// The letter of this id; nil when there is none.
    static func letter(id: String, in db: Database) throws -> DeadLetterRecord? {
        try db.firstRow("SELECT \(columns) FROM dead_letters WHERE id = ?", [id.nameValue]) { try letter(from: $0) }
    }

    /// Adds a body.
    static func store(_ revision: DeadLetterRevision, of sequence: Int64, in context: WriteContext) throws {
        try context.execute(
            """
            INSERT INTO dead_letter_bodies (letter, revision, at, actor, reason, body) VALUES (?, ?, ?, ?, ?, ?)
            ON CONFLICT DO NOTHING
            """,
            [
                sequence.databaseValue, revision.number.databaseValue, revision.at.columnValue,
                revision.actor.nameValue, revision.reason.nameValue, Data(revision.body).databaseValue,
            ])
    }

    /// All versions of a letter's body, the original first.
    static func revisions(of sequence: Int64, in db: Database) throws -> [DeadLetterRevision] {
        let sql = "SELECT revision, at, actor, reason, body FROM dead_letter_bodies WHERE letter = ? ORDER BY revision"
        return try db.allRows(sql, [sequence.databaseValue]) { row in
            var columns = ColumnReader(row)
            let number = try columns.int()
            let at = try columns.timestamp()
            let actor = try columns.optionalText()
            let reason = try columns.optionalText()
            return DeadLetterRevision(number: number, body: try columns.bytes(), at: at, actor: actor, reason: reason)
        }
    }

    /// The body of a letter's newest revision.
    static func body(of letter: DeadLetterRecord, in db: Database) throws -> [UInt8] {
        try db.firstRow(
            "SELECT body FROM dead_letter_bodies WHERE letter = ? AND revision = ?",
            [letter.sequence.databaseValue, letter.revision.databaseValue]
        ) { row in
            var columns = ColumnReader(row)
            return try columns.bytes()
        } ?? []
    }
}
