// Somebody's existing SQLite file as a document system: a table or a JSON column a document type. It has no
// tombstones of its own: a row that is gone is absent, and the request's last image stands for a deleted source.
public import Logging
public import SyncJobs
internal import GRDB
internal import JobStore

/// Documents in a SQLite file that belongs to somebody else.
///
/// The file is never created and its journal mode stays as it is. Foreign keys are enforced on our connection, and
/// commits are durable (`synchronous = FULL`).
public final class SQLiteFileSystem: DocumentSystem {
    /// See ``DocumentSystem/name``.
    public let name: String
    /// Its writes are transactions of its own.
    public let isEmbedded = false
    private let file: SQLiteFile
    private let tables: [ExactString: SQLiteTable]
    private let maximumDocumentBytes: Int
    private let logger: Logger

    /// The largest document unless told otherwise: 8 MiB.
    public static let defaultMaximumDocumentBytes = 8 << 20

    /// Names a file and the layouts of its document types.
    ///
    /// The file is opened when it is first used.
    ///
    /// - Parameters:
    ///   - maximumDocumentBytes: What a document's names and values may amount to; above it is `document_too_large`.
    ///   - busyTimeout: How long another program's lock is waited for.
    ///   - mayBeMissing: Whether the file need not be there yet: then only the calls throw that need it.
    /// - Throws: ``JobFailure`` (`system_unavailable`) when there is no file at `path`.
    public init(
        name: String, path: String, tables: [String: SQLiteTable],
        maximumDocumentBytes: Int = SQLiteFileSystem.defaultMaximumDocumentBytes, busyTimeout: Duration = .seconds(30),
        mayBeMissing: Bool = false, logger: Logger
    ) throws(JobFailure) {
        self.name = name
        self.tables = Dictionary(
            tables.map { (ExactString($0.key), $0.value) }, uniquingKeysWith: { first, _ in first })
        self.maximumDocumentBytes = maximumDocumentBytes
        self.logger = logger
        file = try SQLiteFile(system: name, path: path, busyTimeout: busyTimeout, mayBeMissing: mayBeMissing)
    }

    /// Closes the file; the next call opens it again.
    ///
    /// - Throws: ``JobFailure`` (`system_unavailable`) when SQLite can't finish.
    public func close() throws(JobFailure) { try file.close() }

    /// See ``DocumentSystem/shape(of:)``.
    public func shape(of typeName: String) -> DocumentShape? { tables[ExactString(typeName)]?.shape }

    /// See ``DocumentSystem/load(_:)``.
    public func load(_ keys: [DocumentKey]) async throws(JobFailure) -> [DocumentState] {
        try await file.read { db, connection in
            var readings: [ExactString: DocumentReading] = [:]
            return try keys.map { key in
                let reading = try self.reading(key.type.name, db, connection, &readings)
                return try reading.document(named: key.name).map { .present($0.document) } ?? .absent
            }
        }
    }

    /// See ``DocumentSystem/find(_:)``.
    public func find(_ queries: [DocumentQuery]) async throws(JobFailure) -> [[Document]] {
        try await file.read { db, connection in
            var readings: [ExactString: DocumentReading] = [:]
            return try queries.map { query in
                let reading = try self.reading(query.type.name, db, connection, &readings)
                return try DocumentFinding(reading: reading).documents(query)
            }
        }
    }

    /// See ``DocumentSystem/list(typeName:after:limit:)``; at most 10,000 at a time.
    public func list(typeName: String, after name: String?, limit: Int) async throws(JobFailure) -> [Document] {
        try await file.read { db, connection in
            try self.reading(typeName, db, connection).documents(after: name, limit: min(max(0, limit), 10_000))
        }
    }

    /// See ``DocumentSystem/count(typeName:)``.
    public func count(typeName: String) async throws(JobFailure) -> Int {
        try await file.read { db, connection in try self.reading(typeName, db, connection).count() }
    }

    /// See ``DocumentSystem/write(_:)``.
    public func write(_ writes: [DocumentWrite]) async throws(JobFailure) -> [WriteResult] {
        guard !writes.isEmpty else { return [] }
        return try await file.write { db, connection in
            if let results = try self.writeTogether(writes, db, connection) { return results }
            // One of them undid the whole transaction (a deferred reference, a trigger): alone, it hits only itself.
            self.logger.notice(
                "a write undid its transaction, writes are made one by one",
                metadata: ["system": "\(self.name)", "writes": "\(writes.count)"])
            return try writes.map { write in try self.writeAlone(write, db, connection) }
        }
    }

    /// See ``DocumentSystem/check()``.
    public func check() async throws(JobFailure) -> [SystemProblem] {
        try await file.read { db, connection in
            try self.tables.sorted { $0.key < $1.key }.flatMap { typeName, layout in
                try TableCheck(type: DocumentType(system: self.name, name: typeName.text), layout: layout, db: db)
                    .problems()
            }
        }
    }

    /// See ``DocumentSystem/check(typeName:fields:matches:)``.
    public func check(
        typeName: String, fields: [String], matches: [[String]]
    ) async throws(JobFailure) -> [SystemProblem] {
        try await file.read { db, connection in
            let type = DocumentType(system: self.name, name: typeName)
            let reading: DocumentReading
            do {
                reading = try self.reading(typeName, db, connection)
            } catch let failure as JobFailure {
                return [SystemProblem(type: type, failure)]
            }
            return try UseCheck(reading: reading).problems(fields: fields, matches: matches)
        }
    }

    /// See ``DocumentSystem/drafts(of:)``; without names, of all tables and views that are no child tables.
    public func drafts(of names: [String]) async throws(JobFailure) -> [DocumentDraft] {
        try await file.read { db, _ in
            let tables = try TableFacts.all(in: db, lookingAt: names)
            if let unknown = names.first(where: { name in !tables.contains { $0.name.hasSameBytes(as: name) } }) {
                throw JobFailure(
                    .invalidTarget, "the file has no table \"\(unknown.prefix(80))\"",
                    remedy: .known(unknown, among: tables.map(\.name)))
            }
            return TableDrafting(system: self.name, tables: tables).drafts(of: names)
        }
    }

    // MARK: - Transactions

    /// The results of writes in one transaction; nil when it was undone as a whole by one of them.
    ///
    /// Tried without savepoints: each costs two statements and a copy of the pages that are changed under it, and nearly always
    /// nothing is rolled back.
    private func writeTogether(
        _ writes: [DocumentWrite], _ db: Database, _ connection: SQLiteConnection
    ) throws -> [WriteResult]? {
        do {
            do {
                return try results(of: writes, inSavepoints: false, db, connection)
            } catch is NeedsSavepoints {
                return try results(of: writes, inSavepoints: true, db, connection)
            }
        } catch is TransactionUndone {
            return nil
        } catch let error as DatabaseError where error.resultCode == .SQLITE_CONSTRAINT {
            return nil
        }
    }

    private func writeAlone(
        _ write: DocumentWrite, _ db: Database, _ connection: SQLiteConnection
    ) throws -> WriteResult {
        do {
            return try results(of: [write], inSavepoints: true, db, connection)[0]
        } catch let undone as TransactionUndone {
            return try verdict(on: undone.cause, write, in: db)
        } catch let error as DatabaseError {
            return try verdict(on: error, write, in: db)
        }
    }

    private func results(
        of writes: [DocumentWrite], inSavepoints: Bool, _ db: Database, _ connection: SQLiteConnection
    ) throws -> [WriteResult] {
        var results: [WriteResult] = []
        results.reserveCapacity(writes.count)
        try db.inTransaction(.immediate) {
            var readings: [ExactString: DocumentReading] = [:]
            for write in writes {
                results.append(try result(of: write, inSavepoint: inSavepoints, db, connection, &readings))
            }
            return .commit
        }
        return results
    }

    /// A write has failed after it had changed something: the transaction is to be begun again, with savepoints.
    private struct NeedsSavepoints: Error {}

    /// The file's own schema has rolled back more than the write's savepoint.
    private struct TransactionUndone: Error {
        let cause: DatabaseError
    }

    private func verdict(on error: DatabaseError, _ write: DocumentWrite, in db: Database) throws -> WriteResult {
        guard let verdict = try ConstraintVerdict.result(of: error, subject: "\(write.type)", in: db) else {
            throw error
        }
        return verdict
    }

    private func result(
        of write: DocumentWrite, inSavepoint: Bool, _ db: Database, _ connection: SQLiteConnection,
        _ readings: inout [ExactString: DocumentReading]
    ) throws -> WriteResult {
        let changes = db.totalChangesCount
        do {
            let reading = try reading(write.type.name, db, connection, &readings)
            let writing = DocumentWriting(reading: reading, statements: connection.statements)
            guard inSavepoint else { return .written(try writing.receipt(for: write)) }
            return .written(try db.inWriteSavepoint { try writing.receipt(for: write) })
        } catch  where !inSavepoint && db.isInsideTransaction && db.totalChangesCount != changes {
            throw NeedsSavepoints()
        } catch let stop as WriteStop {
            return stop.result
        } catch let failure as JobFailure {
            return .refused(failure)
        } catch let error as DatabaseError {
            guard db.isInsideTransaction else { throw TransactionUndone(cause: error) }
            return try verdict(on: error, write, in: db)
        }
    }

    // MARK: - Plans

    private func reading(
        _ typeName: String, _ db: Database, _ connection: SQLiteConnection,
        _ readings: inout [ExactString: DocumentReading]
    ) throws -> DocumentReading {
        let key = ExactString(typeName)
        if let known = readings[key] { return known }
        let reading = try reading(typeName, db, connection)
        readings[key] = reading
        return reading
    }

    private func reading(
        _ typeName: String, _ db: Database, _ connection: SQLiteConnection
    ) throws -> DocumentReading {
        let type = DocumentType(system: name, name: typeName)
        guard let layout = tables[ExactString(typeName)] else {
            throw JobFailure(
                .invalidTarget, "the document type \"\(type)\" is not declared",
                remedy: "declare it under documents: with its table and name, or correct its name")
        }
        let plan = try connection.plans.plan(for: type, layout: layout, in: db)
        return DocumentReading(db: db, plan: plan, encoding: connection.encoding, limit: maximumDocumentBytes)
    }
}

extension Database {
    /// Runs `body` in a savepoint of the open transaction, by statements that stay prepared.
    fileprivate func inWriteSavepoint<Value>(_ body: () throws -> Value) throws -> Value {
        try run("SAVEPOINT ferry_write", [])
        do {
            let value = try body()
            try run("RELEASE SAVEPOINT ferry_write", [])
            return value
        } catch {
            // A trigger may have rolled the whole transaction back, and the savepoint with it.
            if isInsideTransaction {
                try run("ROLLBACK TRANSACTION TO SAVEPOINT ferry_write", [])
                try run("RELEASE SAVEPOINT ferry_write", [])
            }
            throw error
        }
    }
}
