// SQLite's errors in our words. A file that can't be used now is retryable; what a row or a statement breaks is
// permanent. SQLite's messages name tables, columns and constraints, never values, with one exception that is handled
// here: triggers.
internal import GRDB
internal import SyncJobs

extension DatabaseError {
    /// Whether the file as a whole can't be used at this time, so that nothing can be said about a single document.
    var isUnavailability: Bool {
        switch resultCode {
        case .SQLITE_ERROR, .SQLITE_CONSTRAINT, .SQLITE_MISMATCH, .SQLITE_TOOBIG, .SQLITE_RANGE, .SQLITE_AUTH,
            .SQLITE_ABORT, .SQLITE_SCHEMA:
            false
        default: true
        }
    }

    /// What to do when the file can't be used.
    var remedy: String {
        switch resultCode {
        case .SQLITE_BUSY, .SQLITE_LOCKED: "find the program that holds the file locked; it is tried again"
        case .SQLITE_READONLY, .SQLITE_PERM:
            "let the worker's user write the file and its folder (SQLite puts its journal beside it)"
        case .SQLITE_CANTOPEN: "check the path, and that the worker's user may read the file and write its folder"
        case .SQLITE_FULL: "make room on the disk; it is tried again"
        case .SQLITE_NOTADB: "the path must name a SQLite database; check it, and that the file is not encrypted"
        case .SQLITE_CORRUPT:
            "stop the programs that use the file, and restore it from a backup or with sqlite3 .recover"
        default: "look at the disk and the file with sqlite3; it is tried again"
        }
    }
}

extension JobFailure {
    /// The file can't be used at this time.
    static func unavailable(_ system: String, path: String, _ what: String, remedy: String) -> JobFailure {
        JobFailure(
            .systemUnavailable, "the system \"\(system)\" is not available: \(what) (\(path))", remedy: remedy,
            disposition: .retryable(after: nil))
    }

    /// A statement that the file's tables refuse.
    static func refused(_ subject: String, _ error: DatabaseError) -> JobFailure {
        JobFailure(
            .invalidTarget, "\(subject): SQLite refuses the statement: \(error.message ?? "no reason given")",
            remedy: "compare the tables and columns in the configuration with those of the file")
    }
}

/// Why a savepoint is rolled back without being an error of SQLite.
struct WriteStop: Error {
    let result: WriteResult

    static func conflict(_ reason: String) -> WriteStop { WriteStop(result: .conflict(reason)) }
    static func refused(_ failure: JobFailure) -> WriteStop { WriteStop(result: .refused(failure)) }
}

/// What a constraint of the file makes of a write.
enum ConstraintVerdict {
    /// The result for one write; nil when the error is not about that write.
    static func result(of error: DatabaseError, subject: String, in db: Database) throws -> WriteResult? {
        guard !error.isUnavailability else { return nil }
        let reason = error.message ?? "no reason given"
        switch error.extendedResultCode {
        case .SQLITE_CONSTRAINT_UNIQUE, .SQLITE_CONSTRAINT_PRIMARYKEY, .SQLITE_CONSTRAINT_ROWID:
            return .conflict("\(subject): \(reason)")
        case .SQLITE_CONSTRAINT_TRIGGER:
            return .refused(violation(subject, try triggerReason(error, in: db), "satisfy the table's trigger"))
        case .SQLITE_CONSTRAINT_NOTNULL:
            return .refused(violation(subject, reason, "give the column a value in the mapping, or a default"))
        case .SQLITE_CONSTRAINT_FOREIGNKEY:
            return .refused(violation(subject, reason, "sync the document that it refers to first"))
        case .SQLITE_CONSTRAINT_DATATYPE, .SQLITE_MISMATCH:
            return .refused(violation(subject, reason, "convert the value to the column's type in the mapping"))
        case let code where code.primaryResultCode == .SQLITE_CONSTRAINT:
            return .refused(violation(subject, reason, "correct the value in the mapping or in the source"))
        default: return .refused(.refused(subject, error))
        }
    }

    static func violation(_ subject: String, _ reason: String, _ remedy: String) -> JobFailure {
        JobFailure(.constraintViolated, "\(subject): \(reason)", remedy: remedy)
    }

    /// The trigger's message if it stands in the schema; one that is computed may hold values and is left out.
    private static func triggerReason(_ error: DatabaseError, in db: Database) throws -> String {
        let sql = "SELECT EXISTS (SELECT 1 FROM sqlite_master WHERE type = 'trigger' AND instr(sql, ?))"
        guard let message = error.message, !message.isEmpty,
            try Bool.fetchOne(db, sql: sql, arguments: [message.replacing("'", with: "''")]) == true
        else { return "a trigger of the file refuses it" }
        return "a trigger of the file refuses it: \(message)"
    }
}
