// What there is in a store's file, for people who look after it: versions, sizes, rows, and what is owed to the broker.
// Invariant: each table is counted in a read of its own, so that no snapshot is held for long.
internal import GRDB
public import SyncJobs

extension JobStore {
    /// What a store's file holds.
    public struct Info: Sendable, Hashable {
        /// The file's path.
        public var path: String
        /// Random, given to the file when it was made; a copy has that of its original.
        public var storeID: String
        /// The migrations that the file has been through, oldest first.
        public var migrations: [String]
        /// The size of the file in bytes.
        public var fileBytes: Int
        /// Bytes of the file that hold nothing and are used again.
        public var freeBytes: Int
        /// The size of the write-ahead log beside it in bytes.
        public var logBytes: Int
        /// How many rows each table holds, by name.
        public var rows: [Table]
        /// The message that is owed to the broker for the longest time; nil when none is.
        public var oldestOwed: Owed?
    }

    /// A table with its rows.
    public struct Table: Sendable, Hashable {
        /// Its name.
        public var name: String
        /// How many rows it has.
        public var count: Int
    }

    /// A message that is owed to the broker.
    public struct Owed: Sendable, Hashable {
        /// The job that owes it.
        public var jobID: String
        /// What it is for.
        public var kind: OutboxMessage.Kind
        /// Since when, as far as the job's record tells; nil when it has none.
        public var since: Timestamp?
    }

    /// Looks at the file.
    ///
    /// - Throws: ``JobStoreError``.
    public func info() async throws(JobStoreError) -> Info {
        let settledBefore = settled.all
        var info = try await longRead("info") { [path = pool.path, storeID] db in
            let names = try String.fetchAll(
                db,
                sql: """
                    SELECT name FROM sqlite_schema WHERE type = 'table' AND substr(name, 1, 7) <> 'sqlite_'
                        AND substr(name, 1, 5) <> 'grdb_' ORDER BY name
                    """)
            let pageBytes = try Int.fetchOne(db, sql: "PRAGMA page_size") ?? 0
            return Info(
                path: path, storeID: storeID,
                migrations: try String.fetchAll(db, sql: "SELECT identifier FROM grdb_migrations ORDER BY rowid"),
                fileBytes: 0, freeBytes: pageBytes * (try Int.fetchOne(db, sql: "PRAGMA freelist_count") ?? 0),
                logBytes: 0, rows: names.map { Table(name: $0, count: 0) },
                oldestOwed: try Self.oldestOwed(except: settledBefore, in: db))
        }
        for index in info.rows.indices {
            let name = info.rows[index].name
            info.rows[index].count = try await longRead("info") { db in
                // The names are those of the schema.
                try Int.fetchOne(db, sql: "SELECT count(*) FROM \(name.quotedDatabaseIdentifier)") ?? 0
            }
        }
        info.fileBytes = WriteAheadLog.bytes(at: pool.path)
        info.logBytes = log.bytes
        return info
    }

    private static func oldestOwed(except settled: Set<ExactString>, in db: Database) throws -> Owed? {
        let oldest = try OutboxRow.messages("1", [], limit: 1, except: settled, in: db).first
        return try oldest.map { message in
            let sql = "SELECT coalesce(ended_at, started_at, created_at) FROM jobs WHERE id = ?"
            let since = try db.firstRow(sql, [message.jobID.nameValue]) { row in
                var columns = ColumnReader(row)
                return columns.optionalTimestamp()
            }
            return Owed(jobID: message.jobID, kind: message.kind, since: since ?? nil)
        }
    }
}
