// What is owed to the broker: written by a job's commit, published after it, deleted once confirmed. Deletion is
// lazy, in a transaction that happens anyway; until then a settled message is known here and not answered as owed.
internal import Foundation
internal import GRDB
public import SyncJobs
internal import Synchronization

extension JobStore {
    /// What a job owes, oldest first.
    ///
    /// - Throws: ``JobStoreError``.
    public func owedMessages(jobID: String) async throws(JobStoreError) -> [OutboxMessage] {
        let settledBefore = settled.all
        let messages = try await read("outbox") { db in try OutboxRow.messages(ofJob: jobID, in: db) }
        return messages.filter { !settledBefore.contains(ExactString($0.id)) }
    }

    /// What is owed by any job, oldest first: at most `limit`, and at most 10,000 messages.
    ///
    /// - Throws: ``JobStoreError``.
    public func owedMessages(limit: Int) async throws(JobStoreError) -> [OutboxMessage] {
        let settledBefore = settled.all
        let count = min(max(limit, 0), 10_000)
        return try await read("outbox") { db in
            let sql = "SELECT \(OutboxRow.columns) FROM outbox ORDER BY sequence"
            let rows = try Row.fetchCursor(db.cachedStatement(sql: sql))
            var messages: [OutboxMessage] = []
            while messages.count < count, let row = try rows.next() {
                let message = try OutboxRow.message(from: row)
                if !settledBefore.contains(ExactString(message.id)) { messages.append(message) }
            }
            return messages
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
    static let columns = "id, job_id, kind, routing_key, headers, body"

    static func messages(ofJob jobID: String, in db: Database) throws -> [OutboxMessage] {
        try db.allRows(
            "SELECT \(columns) FROM outbox WHERE job_id = ? ORDER BY sequence", [jobID.nameValue], message(from:))
    }

    static func message(from row: Row) throws -> OutboxMessage {
        var columns = ColumnReader(row)
        let id = try columns.text()
        let jobID = try columns.text()
        return OutboxMessage(
            storedID: id, jobID: jobID, messageID: jobID, kind: try columns.word(OutboxMessage.Kind.self), queue: nil,
            routingKey: try columns.text(), dueAt: nil, headers: try columns.object(), body: try columns.bytes())
    }

    /// Adds a message; one that is owed already is left as it is, because its id derives from its content's cause.
    static let insert = """
        INSERT INTO outbox (id, job_id, kind, routing_key, headers, body) VALUES (?, ?, ?, ?, ?, ?)
        ON CONFLICT DO NOTHING
        """

    static func values(of message: OutboxMessage) -> [DatabaseValue] {
        [
            message.id.nameValue, message.jobID.nameValue, message.kind.rawValue.databaseValue,
            message.routingKey.nameValue, JSONValue.object(message.headers).columnValue,
            Data(message.body).databaseValue,
        ]
    }
}

extension WriteContext {
    /// Deletes messages that the broker has confirmed.
    func deleteMessages(_ ids: [ExactString]) throws {
        for id in ids { try execute("DELETE FROM outbox WHERE id = ?", [id.text.nameValue]) }
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
