// Why the store could not do something: one struct for every cause, with a closed code that programs read. SQLite's
// own words are passed on only where they name tables and files; bound values never are.
internal import GRDB

/// An error of the job store.
public struct JobStoreError: Error, Sendable, CustomStringConvertible {
    /// The closed set of reasons.
    public enum Code: String, Sendable, Hashable, CaseIterable {
        /// The file can't be opened or created.
        case cannotOpen = "cannot_open"
        /// The file was written by a newer version of Ferry.
        case storeTooNew = "store_too_new"
        /// The file is no SQLite database, or somebody else's.
        case notAStore = "not_a_store"
        /// Another process held the file's lock for longer than the busy timeout (30 s).
        case busy
        /// The disk is full.
        case diskFull = "disk_full"
        /// The operating system could not read or write the file.
        case io
        /// The file is damaged, or a record in it can't be read.
        case corrupt
        /// The file or its folder is not writable.
        case readOnly = "read_only"
        /// The file lies on a file system of another machine.
        case networkFileSystem = "network_file_system"
        /// A rule of the schema was broken; only the one write is affected.
        case constraint
        /// A value is too large for SQLite; only the one write is affected.
        case tooLarge = "too_large"
        /// The store was closed.
        case closed
        /// Too many writes are waiting.
        case overloaded
        /// The calling task was cancelled.
        case canceled
        /// There is no job of this id.
        case unknownJob = "unknown_job"
        /// The job has been committed without the run that asks.
        case fenced
        /// What was asked makes no sense.
        case invalidArgument = "invalid_argument"
        /// A document type has as many indexes as it may have.
        case tooManyIndexes = "too_many_indexes"
        /// SQLite refused a statement for a reason of its own: a mistake in Ferry.
        case unexpected
    }

    /// The reason.
    public let code: Code
    /// What was being done: "open", "commit" and so on.
    public let operation: String
    /// What happened, in one sentence.
    public let message: String
    /// What to do about it.
    public let remedy: String
    /// What lies under it.
    public let cause: (any Error)?

    /// Makes an error.
    public init(_ code: Code, operation: String, message: String, remedy: String, cause: (any Error)? = nil) {
        self.code = code
        self.operation = operation
        self.message = message
        self.remedy = remedy
        self.cause = cause
    }

    /// Whether the same call may succeed later without anybody changing anything but the machine's state.
    public var isTransient: Bool {
        switch code {
        case .busy, .diskFull, .io, .overloaded, .canceled: true
        default: false
        }
    }

    /// `operation: code: message (remedy)`.
    public var description: String { "\(operation): \(code.rawValue): \(message) (\(remedy))" }
}

extension JobStoreError {
    /// Any error that came up during `operation`; an error of the store stays what it is.
    init(_ error: any Error, operation: String) {
        switch error {
        case let error as JobStoreError: self = error
        case let error as DatabaseError: self.init(sqlite: error, operation: operation)
        case is CancellationError:
            self.init(
                .canceled, operation: operation, message: "the calling task was cancelled",
                remedy: "nothing is wrong; ask again", cause: error)
        default:
            self.init(
                .unexpected, operation: operation, message: "\(type(of: error))",
                remedy: "report it with the operation's name", cause: error)
        }
    }

    private init(sqlite error: DatabaseError, operation: String) {
        let (code, remedy) = Self.meaning(of: error.extendedResultCode)
        let text = error.message.map { "SQLite says: \($0)" } ?? "SQLite says no more"
        self.init(
            code, operation: operation, message: "\(text) (\(error.extendedResultCode.rawValue))", remedy: remedy,
            cause: error)
    }

    /// What a code of SQLite means for a store, and what to do about it; the first that fits counts.
    private static func meaning(of extended: ResultCode) -> (Code, String) {
        let restore = "stop every process on the file, then restore a backup"
        return switch extended {
        // The disk gives back what was not written to it: no waiting mends that.
        case .SQLITE_IOERR_CORRUPTFS, .SQLITE_IOERR_DATA: (.corrupt, "look at the disk; " + restore)
        case .SQLITE_IOERR_NOMEM: (.io, "the machine is out of memory")
        case .SQLITE_READONLY_DBMOVED:
            (.readOnly, "the file was moved or replaced while it was open: start the process again")
        default:
            switch extended.primaryResultCode {
            case .SQLITE_BUSY, .SQLITE_LOCKED, .SQLITE_PROTOCOL:
                (.busy, "find the process that keeps the file locked (a backup, an open sqlite3 shell)")
            case .SQLITE_FULL: (.diskFull, "free space on the disk of the store's file")
            case .SQLITE_NOMEM: (.io, "the machine is out of memory")
            case .SQLITE_IOERR: (.io, "look at the disk and the system's log")
            case .SQLITE_CANTOPEN: (.cannotOpen, "check the path, its folder's permissions and the limit of open files")
            case .SQLITE_CORRUPT: (.corrupt, restore)
            case .SQLITE_NOTADB: (.notAStore, "give the path of a Ferry store, or of a file that does not exist yet")
            case .SQLITE_READONLY, .SQLITE_PERM, .SQLITE_AUTH:
                (.readOnly, "make the file and its folder writable for this user")
            case .SQLITE_CONSTRAINT, .SQLITE_MISMATCH: (.constraint, "report it with the message")
            case .SQLITE_TOOBIG: (.tooLarge, "make the document or the message smaller")
            case .SQLITE_INTERRUPT, .SQLITE_ABORT: (.canceled, "nothing is wrong; ask again")
            case .SQLITE_MISUSE: (.closed, "open the store again")
            default: (.unexpected, "report it with the message")
            }
        }
    }
}

extension DatabaseError {
    /// Whether the error is of one row's content: then a savepoint is rolled back and the transaction goes on.
    ///
    /// Anything else fails the whole transaction.
    var isOfOneRow: Bool {
        switch resultCode.primaryResultCode {
        case .SQLITE_CONSTRAINT, .SQLITE_TOOBIG, .SQLITE_MISMATCH: true
        default: false
        }
    }
}
