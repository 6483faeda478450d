// A whole copy of the store while processes write to it: as of one moment, checked before it has its name. Invariant: at
// the path there is either what was there before or the whole copy; what was begun and not ended is removed.
internal import Foundation
internal import GRDB
internal import Synchronization

#if canImport(Glibc)
    internal import Glibc
#elseif canImport(Musl)
    internal import Musl
#else
    internal import Darwin
#endif

extension JobStore {
    /// How far a backup has come.
    public struct BackupProgress: Sendable, Hashable {
        /// The bytes that are copied.
        public var copiedBytes: Int
        /// The bytes there are to copy.
        public var totalBytes: Int
        /// Whether all is copied and the copy is being checked.
        public var isChecking: Bool
    }

    /// Copies the store into a file at `path` (mode 0600), complete as of one moment, and checks the copy.
    ///
    /// Writers go on meanwhile; the write-ahead log can't be begun anew before it is through. The copy is one file, without
    /// a log beside it. Cancelling the task ends it and leaves nothing behind.
    ///
    /// - Parameters:
    ///   - replacing: whether a file at `path` is replaced, once the copy is whole.
    ///   - progress: called about every 4 MB, on any thread.
    /// - Returns: the size of the copy in bytes.
    /// - Throws: ``JobStoreError``: `invalid_argument` when there is a file already or the path is the store's own,
    ///   `cannot_open`, `disk_full`, `corrupt`, `canceled`.
    @discardableResult
    public func backup(
        to path: String, replacing: Bool = false, progress: @escaping @Sendable (BackupProgress) -> Void = { _ in }
    ) async throws(JobStoreError) -> Int {
        if writer.isClosed { throw .closed("backup") }
        let copy = StoreCopy(path: path, isReplacing: replacing)
        try copy.requireFree(besides: pool.path)
        let isCanceled = Atomic(false)
        let result = await withTaskCancellationHandler {
            await withCheckedContinuation { (answer: CheckedContinuation<Result<Int, JobStoreError>, Never>) in
                // Seconds of reading and writing: on a thread of its own, not on one of those that all tasks share.
                Thread.detachNewThread { [pool] in
                    answer.resume(
                        returning: copy.make(from: pool) { state in
                            if isCanceled.load(ordering: .relaxed) { throw CancellationError() }
                            progress(state)
                        })
                }
            }
        } onCancel: {
            isCanceled.store(true, ordering: .relaxed)
        }
        return try result.get()
    }
}

/// A copy on its way to its place.
private struct StoreCopy: Sendable {
    let path: String
    let isReplacing: Bool
    /// In the same folder, so that renaming is one step.
    private let draft: String

    init(path: String, isReplacing: Bool) {
        self.path = path
        self.isReplacing = isReplacing
        draft = "\(path).\(UUID().uuidString.prefix(8)).part"
    }

    private static let pagesPerStep: Int32 = 1_000

    /// Refuses what must not be overwritten.
    func requireFree(besides store: String) throws(JobStoreError) {
        func refuse(_ message: String, _ remedy: String) -> JobStoreError {
            JobStoreError(.invalidArgument, operation: "backup", message: message, remedy: remedy)
        }
        func real(_ path: String) -> String { URL(fileURLWithPath: path).resolvingSymlinksInPath().path }
        guard real(path) != real(store) else { throw refuse("\(path) is the store itself", "give another path") }
        var isFolder: ObjCBool = false
        if FileManager.default.fileExists(atPath: path, isDirectory: &isFolder) {
            if isFolder.boolValue { throw refuse("\(path) is a folder", "give the path of a file in it") }
            guard isReplacing else { throw refuse("\(path) exists already", "give another path, or --force") }
        }
        for suffix in [WriteAheadLog.suffix, "-journal"] where FileManager.default.fileExists(atPath: path + suffix) {
            throw refuse(
                "there is a log of another database at \(path + suffix), which would be taken for the copy's",
                "give another path, or end what uses it")
        }
    }

    /// Makes the copy, and removes what there is of it when that fails.
    func make(
        from pool: DatabasePool, progress: @escaping (JobStore.BackupProgress) throws -> Void
    ) -> Result<Int, JobStoreError> {
        do {
            try create()
            do {
                try fill(from: pool, progress: progress)
                let size = WriteAheadLog.bytes(at: draft)
                try putInPlace()
                return .success(size)
            } catch {
                for suffix in ["", "-journal", WriteAheadLog.suffix, "-shm"] { unlink(draft + suffix) }
                throw error
            }
        } catch { return .failure(JobStoreError(error, operation: "backup")) }
    }

    private func create() throws {
        let descriptor = open(draft, O_CREAT | O_EXCL | O_RDWR | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { throw failure("\(draft) can't be created") }
        close(descriptor)
    }

    private func fill(
        from pool: DatabasePool, progress: @escaping (JobStore.BackupProgress) throws -> Void
    ) throws {
        let pageBytes = try pool.read { db in try Int.fetchOne(db, sql: "PRAGMA page_size") ?? 4096 }
        let database = try DatabaseQueue(path: draft)
        var state = JobStore.BackupProgress(copiedBytes: 0, totalBytes: 0, isChecking: false)
        try pool.backup(to: database, pagesPerStep: Self.pagesPerStep) { step in
            state.copiedBytes = step.completedPageCount * pageBytes
            state.totalBytes = step.totalPageCount * pageBytes
            try progress(state)
        }
        state.isChecking = true
        try progress(state)
        let findings = try database.writeWithoutTransaction { db in
            // The copy says of itself that it has a log; as it is made it has none.
            try db.execute(sql: "PRAGMA journal_mode = DELETE")
            return try String.fetchAll(db, sql: "PRAGMA quick_check(1)")
        }
        try database.close()
        try progress(state)
        if let finding = findings.first, finding != "ok" {
            throw JobStoreError(
                .corrupt, operation: "backup", message: "the copy is damaged: \(finding)",
                remedy: "ferry store check tells whether the store is; else look at the disk of the copy")
        }
    }

    /// Gives the copy its name; on the disk before that has answered.
    private func putInPlace() throws {
        // Where it must not be replaced a link, which is refused when there is a file by now.
        if isReplacing {
            guard rename(draft, path) == 0 else { throw failure("\(path) can't be written") }
        } else {
            guard link(draft, path) == 0 else { throw failure("\(path) can't be written") }
            unlink(draft)
        }
        let folder = open(URL(fileURLWithPath: path).deletingLastPathComponent().path, O_RDONLY | O_CLOEXEC)
        guard folder >= 0 else { return }
        fsync(folder)
        close(folder)
    }

    private func failure(_ message: String) -> JobStoreError {
        let reason = String(cString: strerror(errno))
        return JobStoreError(
            .cannotOpen, operation: "backup", message: "\(message): \(reason)",
            remedy: "check the path, its folder's permissions and the space on its disk")
    }
}
