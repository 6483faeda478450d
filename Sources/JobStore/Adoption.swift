// What dead processes left behind on this file: messages that they owed, keys that they held, records that say they run.
// Invariant: what a living process is about to publish is left to it, unless it has not done so for minutes; that a process
// is gone is told by its lock alone, never by a clock.
internal import GRDB
public import SyncJobs

extension JobStore {
    /// For how long what a living process owes is left to it.
    ///
    /// It may be stopped, or unable to reach the broker.
    public static let adoptionPatience = Duration.seconds(300)

    /// Messages that are owed and that nobody else is about to publish.
    public struct LeftMessages: Sendable, Hashable {
        /// The messages, oldest first.
        public var messages: [OutboxMessage]
        /// From where the next page begins; nil when this was the last.
        public var next: Int64?
    }

    /// A page of what is owed by dead processes, by this one for longer than `ownAge`, or by living ones for minutes.
    ///
    /// - Parameter position: 0, or where the page before has ended.
    /// - Throws: ``JobStoreError``.
    public func leftMessages(
        from position: Int64 = 0, ownAge: Duration, limit: Int = JobStore.owedPage
    ) async throws(JobStoreError) -> LeftMessages {
        let settledBefore = settled.all
        let now = Timestamp.now
        return try await read("outbox") { [processes] db in
            guard let first = try db.firstRow("SELECT min(sequence) FROM outbox", [], { $0[0] as Int64? }) ?? nil
            else { return LeftMessages(messages: [], next: nil) }
            let writers = try db.allRows("SELECT DISTINCT process FROM outbox WHERE process IS NOT NULL", []) { row in
                row[0] as Int64
            }
            let others = writers.filter { $0 != processes.own && processes.isAlive($0) }
            let arguments = [
                max(position, first).databaseValue, processes.own.databaseValue,
                now.advanced(by: .zero - ownAge).columnValue,
                "[\(others.map(String.init).joined(separator: ","))]".databaseValue,
                now.advanced(by: .zero - Self.adoptionPatience).columnValue,
            ]
            let page = try OutboxRow.page(Self.isLeft, arguments, limit: limit, except: settledBefore, in: db)
            let next = page.count < min(limit, 10_000) ? nil : page.last.map { $0.sequence + 1 }
            return LeftMessages(messages: page.map(\.message), next: next)
        }
    }

    private static let isLeft = """
        sequence >= ?1 AND CASE
            WHEN process IS NULL THEN 1
            WHEN process = ?2 THEN recorded_at < ?3
            WHEN process IN (SELECT value FROM json_each(?4)) THEN recorded_at < ?5
            ELSE 1
        END
        """

    /// Frees what dead processes hold: the keys of their runs, and records that still say `Started`, which are `Queued`
    /// again, as their messages are the broker's.
    ///
    /// - Returns: how many records there were.
    /// - Throws: ``JobStoreError``.
    @discardableResult
    public func releaseDead() async throws(JobStoreError) -> Int {
        let dead = try await read("processes") { [processes] db in
            try DeadHoldings.holders(in: db).filter { !processes.isAlive($0) }
        }
        guard !dead.isEmpty else { return 0 }
        return try await writer.write("release", count: dead.count) { context in
            try dead.reduce(0) { try $0 + DeadHoldings.release($1, in: context) }
        }
    }
}

private enum DeadHoldings {
    /// The processes that hold a lease or run a job.
    static func holders(in db: Database) throws -> Set<Int64> {
        let sql = """
            SELECT run_process FROM jobs WHERE status = 'Started' AND run_process IS NOT NULL
            UNION SELECT process FROM leases WHERE process IS NOT NULL
            """
        return Set(try db.allRows(sql, []) { $0[0] as Int64 })
    }

    static func release(_ process: Int64, in context: WriteContext) throws -> Int {
        try context.execute("DELETE FROM leases WHERE process = ?", [process.databaseValue])
        try context.execute(
            """
            UPDATE jobs SET status = 'Queued', run_process = NULL, run_id = NULL, run_node = NULL, heartbeat_at = NULL,
                cancel_asked = NULL, progress = NULL
            WHERE status = 'Started' AND run_process = ?
            """, [process.databaseValue])
        return context.db.changesCount
    }
}
