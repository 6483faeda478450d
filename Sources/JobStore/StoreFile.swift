// The file under the store: made readable for its owner alone, and looked at before anything is written to it, so
// that a wrong path in the configuration never turns somebody else's database into a job store.
internal import Foundation
internal import GRDB

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
    static let busyTimeout: TimeInterval = 30

    let path: String

    /// Creates the file (mode 0600) when it is not there, and refuses what is no store of this version.
    func prepare(migrator: DatabaseMigrator) throws(JobStoreError) {
        try createIfMissing()
        do {
            // An empty file is a store to be; a locked, damaged or foreign one shows itself here.
            try inspect(migrator: migrator)
        } catch { throw JobStoreError(error, operation: "open") }
    }

    private func createIfMissing() throws(JobStoreError) {
        var isFolder: ObjCBool = false
        if FileManager.default.fileExists(atPath: path, isDirectory: &isFolder) {
            guard isFolder.boolValue else { return }
            throw JobStoreError(
                .cannotOpen, operation: "open", message: "\(path) is a folder",
                remedy: "give the path of a file in it")
        }
        let folder = URL(fileURLWithPath: path).deletingLastPathComponent().path
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

    private func inspect(migrator: DatabaseMigrator) throws {
        let attributes = try FileManager.default.attributesOfItem(atPath: path)
        guard let size = attributes[.size] as? NSNumber, size.intValue > 0 else { return }
        var configuration = Configuration()
        configuration.readonly = true
        configuration.busyMode = .timeout(Self.busyTimeout)
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
