// The log that SQLite writes before the file: kept small although there are readers at any time, of this process and of
// others. Readers that follow one another without a gap would let it grow without end, as it can be begun anew only when
// none reads from it. Invariant: called on the writer's connection, between two transactions.
internal import Foundation
internal import GRDB
internal import Logging
internal import Synchronization

#if canImport(Glibc)
    internal import Glibc
#elseif canImport(Musl)
    internal import Musl
#else
    internal import Darwin
#endif

/// The write-ahead log of a store's file.
final class WriteAheadLog: Sendable {
    /// What is behind the store's path.
    static let suffix = "-wal"

    let gate: CheckpointGate
    private let path: String
    private let limits: StoreLimits
    private let logger: Logger
    /// The size from which on the next checkpoint is due.
    private let dueBytes: Mutex<Int>

    init(storePath: String, limits: StoreLimits, logger: Logger) throws(JobStoreError) {
        path = storePath + Self.suffix
        self.limits = limits
        self.logger = logger
        dueBytes = Mutex(limits.maximumLogBytes)
        gate = try CheckpointGate(storePath: storePath)
    }

    /// Its size; 0 when there is none.
    var bytes: Int { Self.bytes(at: path) }

    /// The size of the file at `path`; 0 when there is none.
    static func bytes(at path: String) -> Int {
        var facts = stat()
        return stat(path, &facts) == 0 ? Int(facts.st_size) : 0
    }

    /// Begins the log anew when it has grown large; looked at after each transaction, for the price of one system call.
    func keepSmall(_ db: Database) {
        let size = bytes
        guard size > dueBytes.withLock({ $0 }) else { return }
        // One is enough: with another process at it, the next transaction looks again.
        guard gate.shut() else { return }
        defer { gate.reopen() }
        do {
            try checkpoint(db, .restart, waiting: limits.checkpointWait * max(1, size / limits.maximumLogBytes))
            dueBytes.withLock { $0 = limits.maximumLogBytes }
        } catch {
            dueBytes.withLock { $0 = size + limits.logStepBytes }
            logger.warning(
                "the write-ahead log could not be begun anew; a reader is in the way",
                metadata: [
                    "log_bytes": "\(size)", "error": "\(JobStoreError(error, operation: "checkpoint"))",
                    "remedy": "end what reads the file for long: a backup, a check, an open sqlite3 shell",
                ])
        }
    }

    /// Writes the log back before the store is closed.
    ///
    /// - Throws: `DatabaseError` when other processes are in the way for a second.
    func writeBack(_ db: Database) throws { try checkpoint(db, .truncate, waiting: .seconds(1)) }

    /// A checkpoint that waits for readers no longer than that, because writers wait for it.
    ///
    /// In many short tries: SQLite waits for a reader's place to be free, and a reader of another program that comes back
    /// at once takes the same place; only a new try sees that it reads the end of the log by then, and is not in the way.
    private func checkpoint(_ db: Database, _ kind: Database.CheckpointMode, waiting: Duration) throws {
        let deadline = ContinuousClock.now + waiting
        try db.execute(sql: "PRAGMA busy_timeout = \(min(waiting, Self.tryTime).milliseconds)")
        defer {
            do {
                try db.execute(sql: "PRAGMA busy_timeout = \(limits.busyTimeout.milliseconds)")
            } catch {
                // Setting the timeout reads and writes nothing; it fails only on a connection that is closed anyway.
            }
        }
        while true {
            do {
                try db.checkpoint(kind)
                return
            } catch let error as DatabaseError where error.resultCode == .SQLITE_BUSY {
                guard ContinuousClock.now < deadline else { throw error }
            }
        }
    }

    private static let tryTime = Duration.milliseconds(30)
}
