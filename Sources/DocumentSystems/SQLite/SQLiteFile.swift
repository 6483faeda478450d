// The door to somebody's SQLite file: two connections, one that reads and one that writes, opened when first needed.
// The file is never created and its journal mode never touched; a file that was moved away or replaced is noticed
// before each batch, since a connection would go on writing into what is no longer there.
//
// `stat` is the one C call: Foundation's file attributes look up the owner's name on the way, in every batch.
internal import Foundation
internal import GRDB
internal import SyncJobs
internal import Synchronization

/// One connection to a file.
final class SQLiteConnection: Sendable {
    let queue: DatabaseQueue
    let identity: FileIdentity
    let encoding: TextEncoding
    let plans = PlanCache()
    let statements = StatementBudget()

    init(path: String, identity: FileIdentity, busyTimeout: Duration) throws {
        var configuration = Configuration()
        configuration.label = "ferry.sqlite"
        configuration.busyMode = .timeout(Double(busyTimeout.microseconds) / 1_000_000)
        // What the owner declared as a reference is meant as one, whatever SQLite's historical default is.
        configuration.foreignKeysEnabled = true
        configuration.prepareDatabase { db in
            try db.execute(sql: "PRAGMA synchronous = FULL")
        }
        queue = try DatabaseQueue(path: path, configuration: configuration)
        encoding = TextEncoding(
            pragma: try queue.inDatabase { db in try String.fetchOne(db, sql: "PRAGMA encoding") ?? "UTF-8" })
        self.identity = identity
    }
}

/// Which file a path names at this time.
struct FileIdentity: Sendable, Hashable {
    let device: UInt64
    let file: UInt64

    /// Nil when there is no file.
    init?(path: String) {
        var status = stat()
        guard stat(path, &status) == 0, status.st_mode & S_IFMT == S_IFREG else { return nil }
        device = UInt64(truncatingIfNeeded: status.st_dev)
        file = UInt64(status.st_ino)
    }
}

/// A SQLite file that belongs to somebody else.
final class SQLiteFile: Sendable {
    enum Role: Sendable, Hashable {
        case reading, writing
    }

    let system: String
    let path: String
    private let busyTimeout: Duration
    private let connections = Mutex<[Role: SQLiteConnection]>([:])
    // Opening may wait for a lock, which no thread of Swift's pool shall do.
    private let opening = DispatchQueue(label: "ferry.sqlite.open")

    /// - Parameter mayBeMissing: whether the file need not be there yet; its jobs wait for it then.
    init(system: String, path: String, busyTimeout: Duration, mayBeMissing: Bool = false) throws(JobFailure) {
        self.system = system
        self.path = path
        self.busyTimeout = busyTimeout
        if !mayBeMissing { _ = try identity() }
    }

    /// Runs `body` in one read transaction.
    func read<Value: Sendable>(
        _ body: @Sendable (Database, SQLiteConnection) throws -> Value
    ) async throws(JobFailure) -> Value {
        let connection = try await connection(.reading)
        do {
            return try await connection.queue.read { db in try body(db, connection) }
        } catch {
            throw failure(error)
        }
    }

    /// Runs `body` outside a transaction, on the connection that writes.
    func write<Value: Sendable>(
        _ body: @Sendable (Database, SQLiteConnection) throws -> Value
    ) async throws(JobFailure) -> Value {
        let connection = try await connection(.writing)
        do {
            return try await connection.queue.writeWithoutTransaction { db in try body(db, connection) }
        } catch {
            throw failure(error)
        }
    }

    /// Closes the connections; the next call opens them again.
    func close() throws(JobFailure) {
        let open = connections.withLock { connections in
            let all = Array(connections.values)
            connections = [:]
            return all
        }
        do {
            for connection in open { try connection.queue.close() }
        } catch {
            throw failure(error)
        }
    }

    private func identity() throws(JobFailure) -> FileIdentity {
        guard let identity = FileIdentity(path: path) else {
            throw JobFailure.unavailable(
                system, path: path, "there is no such file",
                remedy: "correct the path under systems:, or put the file there; it is never created")
        }
        return identity
    }

    private func connection(_ role: Role) async throws(JobFailure) -> SQLiteConnection {
        let identity = try identity()
        if let open = connections.withLock({ $0[role] }), open.identity == identity { return open }
        let result = await withCheckedContinuation { continuation in
            opening.async { continuation.resume(returning: self.open(role, identity)) }
        }
        return try result.get()
    }

    private func open(_ role: Role, _ identity: FileIdentity) -> Result<SQLiteConnection, JobFailure> {
        if let open = connections.withLock({ $0[role] }), open.identity == identity { return .success(open) }
        do {
            let connection = try SQLiteConnection(path: path, identity: identity, busyTimeout: busyTimeout)
            connections.withLock { $0[role] = connection }
            return .success(connection)
        } catch {
            return .failure(failure(error))
        }
    }

    private func failure(_ error: any Error) -> JobFailure {
        guard let error = error as? DatabaseError else { return JobFailure(error) }
        guard error.isUnavailability else { return .refused("the system \"\(system)\"", error) }
        let code = error.extendedResultCode.rawValue
        return .unavailable(
            system, path: path, "\(error.message ?? "no reason given") (SQLite code \(code))", remedy: error.remedy)
    }
}

/// The plans of a connection's document types, made anew whenever the file's schema has changed.
final class PlanCache: Sendable {
    private struct State {
        var schemaVersion = Int.min
        var plans: [ExactString: TablePlan] = [:]
    }

    private let state = Mutex(State())

    /// The plan of a document type, for the schema that the open transaction sees.
    func plan(for type: DocumentType, layout: SQLiteTable, in db: Database) throws -> TablePlan {
        let version = try Int.fetchOne(db.cachedStatement(sql: "PRAGMA schema_version")) ?? 0
        let key = ExactString(type.name)
        let known = state.withLock { state -> TablePlan? in
            if state.schemaVersion != version { state = State(schemaVersion: version) }
            return state.plans[key]
        }
        if let known { return known }
        let plan = try TablePlan(type: type, layout: layout) { table throws(JobFailure) in
            try Self.schema(table, in: db)
        }
        state.withLock { $0.plans[key] = plan }
        return plan
    }

    static func schema(_ table: String, in db: Database) throws(JobFailure) -> TableSchema {
        let schema: TableSchema?
        do {
            schema = try TableSchema(table, in: db)
        } catch let error as DatabaseError {
            throw JobFailure.refused("the table \"\(table)\"", error)
        } catch {
            throw JobFailure(error)
        }
        guard let schema else {
            throw JobFailure(
                .invalidTarget, "the file has no table \"\(table)\"",
                remedy: "correct the table's name in the configuration, or create the table")
        }
        return schema
    }
}
