// The file under the store: made readable for its owner alone, and looked at before anything is written to it, so
// that a wrong path in the configuration never turns somebody else's database into a job store.
internal import Foundation
internal import GRDB
internal import Logging

#if canImport(Glibc)
    internal import Glibc
#elseif canImport(Musl)
    internal import Musl
#else
    internal import Darwin
#endif

/// A store's file, before it is opened for good.
struct StoreFile {
    /// SQLite's `application_id` of a Ferry store: "FRRY".
    static let applicationID = 0x4652_5259

    let path: String
    var limits = StoreLimits()

    /// Creates the file (mode 0600) when it is not there, and refuses what is no store of this version.
    func prepare(migrator: DatabaseMigrator, logger: Logger) throws(JobStoreError) {
        try requireFileSystem(StoreFileSystem.ofFolder(folder), logger: logger)
        try createIfMissing()
        try requireWritable()
        do {
            // An empty file is a store to be; a locked, damaged or foreign one shows itself here.
            try inspect(migrator: migrator, logger: logger)
        } catch {
            let failure = JobStoreError(error, operation: "open")
            guard failure.code == .corrupt else { throw failure }
            throw JobStoreError(
                .corrupt, operation: "open", message: "\(path) is damaged: \(failure.message)",
                remedy: "stop every process on the file, then restore a backup; if it is a copy, it was made while the "
                    + "store was in use or without its \(WriteAheadLog.suffix) file (ferry store backup makes whole ones)",
                cause: error)
        }
    }

    /// The folder that the file is in.
    private var folder: String { URL(fileURLWithPath: path).deletingLastPathComponent().path }

    /// Refuses a file system of another machine, and warns of one that may be.
    func requireFileSystem(_ kind: StoreFileSystem, logger: Logger) throws(JobStoreError) {
        let remedy = "put the store on a disk of this machine; several hosts have a store each"
        switch kind {
        case .local: return
        case .network(let name):
            throw JobStoreError(
                .networkFileSystem, operation: "open",
                message:
                    "\(path) lies on a file system of another machine (\(name)), where SQLite's log and locks fail",
                remedy: remedy)
        case .unknown(let name):
            logger.warning(
                "The store lies on a file system whose locks may not hold",
                metadata: ["path": "\(path)", "file_system": "\(name)", "remedy": "\(remedy)"])
        }
    }

    /// Refuses a file or folder that can't be written: SQLite would say so in the middle of the first commit.
    private func requireWritable() throws(JobStoreError) {
        for (place, what) in [(path, path), (folder, "the folder \(folder), where SQLite keeps the log,")]
        where access(place, W_OK) != 0 {
            let reason = String(cString: strerror(errno))
            throw JobStoreError(
                .readOnly, operation: "open", message: "\(what) can't be written: \(reason)",
                remedy: "make the file and its folder writable for this user, or correct the store's path")
        }
    }

    private func createIfMissing() throws(JobStoreError) {
        var isFolder: ObjCBool = false
        if FileManager.default.fileExists(atPath: path, isDirectory: &isFolder) {
            guard isFolder.boolValue else { return }
            throw JobStoreError(
                .cannotOpen, operation: "open", message: "\(path) is a folder",
                remedy: "give the path of a file in it")
        }
        guard FileManager.default.fileExists(atPath: folder, isDirectory: &isFolder), isFolder.boolValue else {
            throw JobStoreError(
                .cannotOpen, operation: "open", message: "the folder \(folder) does not exist",
                remedy: "create it, or correct the store's path")
        }
        let descriptor = open(path, O_CREAT | O_EXCL | O_RDWR | O_CLOEXEC, 0o600)
        if descriptor >= 0 {
            close(descriptor)
        } else if errno != EEXIST {
            let reason = String(cString: strerror(errno))
            throw JobStoreError(
                .cannotOpen, operation: "open", message: "\(path) can't be created: \(reason)",
                remedy: "make the folder writable for this user, or correct the store's path")
        }
    }

    private func inspect(migrator: DatabaseMigrator, logger: Logger) throws {
        let attributes = try FileManager.default.attributesOfItem(atPath: path)
        guard let size = attributes[.size] as? NSNumber, size.intValue > 0 else { return }
        var configuration = Configuration()
        configuration.readonly = true
        configuration.busyMode = limits.busyMode
        let database = try DatabaseQueue(path: path, configuration: configuration)
        defer { release(database) }
        try database.read { db in
            let foundID = try Int.fetchOne(db, sql: "PRAGMA application_id") ?? 0
            let foreignTables =
                try Int.fetchOne(
                    db,
                    sql: """
                        SELECT count(*) FROM sqlite_schema
                        WHERE type = 'table' AND substr(name, 1, 5) <> 'grdb_' AND substr(name, 1, 7) <> 'sqlite_'
                        """) ?? 0
            if foundID == Self.applicationID {
                try Self.refuseNewer(db, path: path, migrator: migrator)
            } else if foundID != 0 || foreignTables > 0 {
                throw JobStoreError(
                    .notAStore, operation: "open", message: "\(path) is a database of another application",
                    remedy: "give the path of a Ferry store, or of a file that does not exist yet")
            } else if WriteAheadLog.bytes(at: path + WriteAheadLog.suffix) == 0 {
                logger.warning(
                    "The store's file held no tables and becomes a new store",
                    metadata: [
                        "path": "\(path)",
                        "remedy":
                            "if it is a copy of a store, its \(WriteAheadLog.suffix) file was left behind: stop, copy both",
                    ])
            }
        }
    }

    /// Refuses a file that carries migrations this version does not know.
    static func refuseNewer(_ db: Database, path: String, migrator: DatabaseMigrator) throws {
        guard try migrator.hasBeenSuperseded(db) else { return }
        throw JobStoreError(
            .storeTooNew, operation: "open", message: "\(path) was written by a newer version of Ferry",
            remedy: "run that version, or restore the backup from before the update")
    }

    private func release(_ database: DatabaseQueue) {
        do {
            try database.close()
        } catch {
            // A connection that only looked has nothing to lose; SQLite closes it when it is released.
        }
    }
}

extension StoreLimits {
    /// How GRDB waits for another process's lock.
    var busyMode: Database.BusyMode { .timeout(TimeInterval(busyTimeout.milliseconds) / 1_000) }
}
