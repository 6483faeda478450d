// What is owed to the broker: written by a job's commit, published after it, deleted once confirmed. Deletion is
// lazy, in a transaction that happens anyway; until then a settled message is known here and not answered as owed.
internal import GRDB
public import SyncJobs
internal import Synchronization

extension JobStore {
    /// The most messages that a job's commit answers as owed, and a page of them holds by itself.
    public static let owedPage = 500

    /// What a job owes, oldest first: at most `limit` messages, and at most 10,000.
    ///
    /// A job that owes more is asked again once these are settled.
    ///
    /// - Throws: ``JobStoreError``.
    public func owedMessages(jobID: String, limit: Int = JobStore.owedPage) async throws(JobStoreError)
        -> [OutboxMessage]
    {
        let settledBefore = settled.all
        return try await read("outbox") { db in
            try OutboxRow.messages("job_id = ?", [jobID.nameValue], limit: limit, except: settledBefore, in: db)
        }
    }

    /// What is owed by any job, oldest first: at most `limit`, and at most 10,000 messages.
    ///
    /// What is due later is owed at once too: it waits with the broker, not here.
    ///
    /// - Throws: ``JobStoreError``.
    public func owedMessages(limit: Int) async throws(JobStoreError) -> [OutboxMessage] {
        let settledBefore = settled.all
        return try await read("outbox") { db in
            try OutboxRow.messages("1", [], limit: limit, except: settledBefore, in: db)
        }
    }

    /// Takes note that the broker has confirmed these messages.
    ///
    /// They are deleted with the next transaction, or by `close`; a process that dies before that publishes them
    /// again, under the same ids.
    ///
    /// - Throws: ``JobStoreError``, only when so many are noted that a transaction of its own is due.
    public func settle(_ outboxIDs: [String]) async throws(JobStoreError) {
        let isDue = settled.add(outboxIDs)
        if isDue { try await writer.write("settle") { _ in } }
    }
}

extension JobStore {
    /// Deletes the rows of settled messages now, where no transaction has come along to do it: another process on this
    /// file must not take them for owed.
    ///
    /// - Throws: ``JobStoreError``.
    public func deleteSettled() async throws(JobStoreError) {
        while !settled.all.isEmpty { try await writer.write("settle") { _ in } }
    }
}

enum OutboxRow {
    private static let columns = "id, job_id, kind, routing_key, headers, body, message_id, queue, due_at"

    /// What meets `condition`, oldest first, without what is settled; bodies that come from records are filled in.
    static func messages(
        _ condition: String, _ arguments: [DatabaseValue], limit: Int, except settled: Set<ExactString> = [],
        in db: Database
    ) throws -> [OutboxMessage] {
        try page(condition, arguments, limit: limit, except: settled, in: db).map(\.message)
    }

    /// The same, each with its row's number.
    static func page(
        _ condition: String, _ arguments: [DatabaseValue], limit: Int, except settled: Set<ExactString>, in db: Database
    ) throws -> [(sequence: Int64, message: OutboxMessage)] {
        let count = min(max(limit, 0), 10_000)
        let sql = "SELECT \(columns), sequence FROM outbox WHERE \(condition) ORDER BY sequence"
        var messages: [(sequence: Int64, message: OutboxMessage)] = []
        guard count > 0 else { return messages }
        try db.eachRow(sql, arguments) { row in
            var columns = ColumnReader(row)
            let id = try columns.text()
            if settled.contains(ExactString(id)) { return true }
            var message = try message(id, from: &columns)
            if message.isBodyFromRecord { message.body = try request(of: message.messageID, in: db) }
            messages.append((row[9] as Int64, message))
            return messages.count < count
        }
        return messages
    }

    /// The request of a record as a message's body.
    ///
    /// A record is never pruned while a message about it is owed; were it gone all the same, the message would go out
    /// without a body and come back as a dead letter that names it, instead of holding up all others.
    private static func request(of jobID: String, in db: Database) throws -> [UInt8] {
        try db.firstRow("SELECT request FROM jobs WHERE id = ?", [jobID.nameValue]) { row in
            var columns = ColumnReader(row)
            return try columns.bytes()
        } ?? []
    }

    /// The message in a row whose next columns are those behind its id.
    private static func message(_ id: String, from columns: inout ColumnReader) throws -> OutboxMessage {
        let jobID = try columns.text()
        let kind = try columns.word(OutboxMessage.Kind.self)
        let routingKey = try columns.text()
        let headers = try columns.object()
        let body = try columns.bytes()
        let messageID = try columns.text()
        let queue = try columns.optionalText()
        return OutboxMessage(
            storedID: id, jobID: jobID, messageID: messageID, kind: kind, queue: queue, routingKey: routingKey,
            dueAt: columns.optionalTimestamp(), headers: headers, body: body)
    }

    /// Adds a message; one that is owed already is left as it is, because its id derives from its content's cause.
    static let insert = JobStatement(
        """
        INSERT INTO outbox (\(columns), process, recorded_at)
        VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ferry_process(),
            CAST((julianday('now') - 2440587.5) * 86400000 AS INTEGER) * 1000)
        ON CONFLICT DO NOTHING
        """)
    fileprivate static let delete = JobStatement("DELETE FROM outbox WHERE id = ?")

    static func values(of message: OutboxMessage) -> RowValues {
        var row = RowValues(columns: 9, bytes: 300 + message.body.count)
        row.add(name: message.id)
        row.add(name: message.jobID)
        row.add(text: message.kind.rawValue)
        row.add(name: message.routingKey)
        row.add(json: .object(message.headers))
        row.add(blob: message.body)
        row.add(name: message.messageID)
        row.add(name: message.queue)
        row.add(message.dueAt)
        return row
    }
}

extension OutboxMessage {
    /// The message with the body that is built from `job`'s request, when it is about that job.
    func filled(from job: SyncJob) -> OutboxMessage {
        guard isBodyFromRecord, messageID.hasSameBytes(as: job.id) else { return self }
        var message = self
        message.body = JSONValue.object(job.request.json).canonicalBytes
        return message
    }
}

extension WriteContext {
    /// Adds a message to what is owed.
    func owe(_ message: OutboxMessage) throws { try statements.run(OutboxRow.insert, OutboxRow.values(of: message)) }

    /// Deletes messages that the broker has confirmed.
    func deleteMessages(_ ids: [ExactString]) throws {
        for id in ids { try statements.run(OutboxRow.delete) { $0.add(name: id.text) } }
    }
}

/// The ids of messages that the broker has confirmed and whose rows are still there.
final class SettledMessages: Sendable {
    /// From here on a transaction is due for their sake.
    private static let maximumCount = 10_000
    /// The most rows that one transaction deletes beside its own work.
    private static let maximumDeletions = 1_000
    private let ids = Mutex<Set<ExactString>>([])

    /// All of them.
    var all: Set<ExactString> { ids.withLock { $0 } }

    /// Adds ids; answers whether so many are noted that a transaction is due.
    func add(_ added: [String]) -> Bool {
        ids.withLock { ids in
            for id in added { ids.insert(ExactString(id)) }
            return ids.count >= Self.maximumCount
        }
    }

    /// What the next transaction shall delete.
    func next() -> [ExactString] { ids.withLock { Array($0.prefix(Self.maximumDeletions)) } }

    /// Their rows are gone.
    func forget(_ deleted: [ExactString]) {
        guard !deleted.isEmpty else { return }
        ids.withLock { $0.subtract(deleted) }
    }
}
