// One SQLite file with everything that must commit together: jobs, attempts, bindings, what is owed to the broker,
// and the documents of the embedded system. Many readers on snapshots, one writer with group commit. Invariant: a
// call that has answered is on the disk (WAL, synchronous=FULL); each write call is one transaction.
internal import Foundation
internal import GRDB
public import Logging
internal import SyncJobs

/// The job store.
///
/// Several processes may have one file open at the same time.
public final class JobStore: Sendable {
    /// Random, given to the file when it was made.
    public let storeID: String
    /// The largest document of the embedded system, in bytes of canonical JSON.
    public let maximumDocumentBytes: Int

    let pool: DatabasePool
    let types = DocumentTypeIDs()
    let settled = SettledMessages()
    let large = LargeDocuments()
    let processes: StoreProcesses
    let writer: GroupWriter
    let log: WriteAheadLog
    let limits: StoreLimits
    private let logger: Logger

    /// Opens the store at `path`; the file is made (mode 0600) when it is not there, and brought to this version's
    /// schema.
    ///
    /// - Parameter maximumDocumentBytes: larger embedded documents are refused (`document_too_large`).
    /// - Throws: ``JobStoreError``: `cannot_open`, `not_a_store`, `store_too_new`, `corrupt`, `read_only`,
    ///   `network_file_system`, `busy`.
    public convenience init(
        path: String, maximumDocumentBytes: Int = 8 << 20, logger: Logger
    ) throws(JobStoreError) {
        try self.init(path: path, limits: StoreLimits(), maximumDocumentBytes: maximumDocumentBytes, logger: logger)
    }

    /// Opens the store with bounds of one's own.
    init(
        path: String, limits: StoreLimits, maximumDocumentBytes: Int = 8 << 20, logger: Logger
    ) throws(JobStoreError) {
        if !SQLiteMemory.isUncounted { logger.debug("SQLite was in use before the job store, and counts its memory") }
        let migrator = DatabaseMigrator.jobStore
        try StoreFile(path: path, limits: limits).prepare(migrator: migrator, logger: logger)
        let log = try WriteAheadLog(storePath: path, limits: limits, logger: logger)
        let processes = try StoreProcesses(storePath: path)
        do {
            let pool = try DatabasePool(path: path, configuration: Self.configuration(limits, for: processes))
            try pool.writeWithoutTransaction { db in
                // GRDB sets NORMAL, with which a power cut rolls a commit back that was acknowledged.
                try db.execute(sql: "PRAGMA synchronous = FULL")
                // 32 MiB: pages that change in every transaction are written back once for many of them.
                try db.execute(sql: "PRAGMA wal_autocheckpoint = 8000")
                // What a rollback needs, and what is sorted, is not worth a file.
                try db.execute(sql: "PRAGMA temp_store = MEMORY")
                // A transaction stays in memory until it commits.
                try db.execute(sql: "PRAGMA cache_size = -32768")
                try db.execute(sql: "PRAGMA journal_size_limit = \(limits.maximumLogBytes)")
            }
            try migrator.migrateTogether(pool, path: path)
            let storeID = try pool.read { db in
                try String.fetchOne(db, sql: "SELECT value FROM meta WHERE key = 'store_id'")
            }
            guard let storeID else { throw JobStoreError.unreadable("store id") }
            self.pool = pool
            self.storeID = storeID
        } catch { throw JobStoreError(error, operation: "open") }
        self.maximumDocumentBytes = maximumDocumentBytes
        self.limits = limits
        self.log = log
        self.logger = logger
        self.processes = processes
        writer = GroupWriter(
            pool: pool, types: types, settled: settled, log: log, processes: processes, logger: logger)
    }

    private static func configuration(_ limits: StoreLimits, for processes: StoreProcesses) -> Configuration {
        let own = processes.own
        var configuration = Configuration()
        configuration.label = "ferry.store"
        configuration.busyMode = limits.busyMode
        configuration.maximumReaderCount = 5
        configuration.prepareDatabase { db in
            // A reader forgets its pages as soon as somebody has written: more would only be held.
            try db.execute(sql: "PRAGMA cache_size = -4096")
            // Who writes a row: named in statements, so that no caller has to say it.
            db.add(function: DatabaseFunction("ferry_process", argumentCount: 0, pure: true) { _ in own })
        }
        return configuration
    }

    /// Makes the writes that wait, deletes what is settled, writes the log back into the file and closes it.
    ///
    /// Blocks the calling thread meanwhile. Later calls throw `closed`; a second `close` does nothing.
    ///
    /// - Throws: ``JobStoreError`` when settled messages can't be deleted (they are published again then) or a read is
    ///   still going on.
    public func close() throws(JobStoreError) {
        guard writer.refuseFurther() else { return }
        do {
            try pool.writeWithoutTransaction { db in
                let context = WriteContext(db: db, types: types, processes: processes)
                while true {
                    let deletions = settled.next()
                    if deletions.isEmpty { break }
                    try db.inTransaction(.immediate) {
                        try context.deleteMessages(deletions)
                        return .commit
                    }
                    settled.forget(deletions)
                }
                do {
                    try log.writeBack(db)
                } catch {
                    logger.info(
                        "the write-ahead log stays for the other processes on the file",
                        metadata: ["error": "\(JobStoreError(error, operation: "close"))"])
                }
            }
            try pool.close()
            processes.release()
        } catch { throw JobStoreError(error, operation: "close") }
    }

    /// How many transactions this store object has committed.
    public var transactionCount: Int { writer.transactionCount }
}
