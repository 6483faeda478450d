// What the writes of one transaction share: the connection, and what was looked up once for all of them. Lives as
// long as the transaction, on the writer's thread.
internal import GRDB
internal import SyncJobs

/// Tables that are mostly empty, and that a plain job has nothing to do with.
struct RareRows: OptionSet {
    let rawValue: Int

    static let intents = RareRows(rawValue: 1)
    static let leases = RareRows(rawValue: 2)
    static let checkpoints = RareRows(rawValue: 4)
    static let cancellations = RareRows(rawValue: 8)
    static let seen = RareRows(rawValue: 16)
    static let awaited = RareRows(rawValue: 32)
    static let parked = RareRows(rawValue: 64)
    static let standstill = RareRows(rawValue: 128)

    /// Those that hold a row: one statement for the whole transaction.
    static func present(in db: Database) throws -> RareRows {
        let sql = """
            SELECT EXISTS (SELECT 1 FROM write_intents) + 2 * EXISTS (SELECT 1 FROM leases)
                + 4 * EXISTS (SELECT 1 FROM checkpoints) + 8 * EXISTS (SELECT 1 FROM cancellations)
                + 16 * EXISTS (SELECT 1 FROM seen) + 32 * EXISTS (SELECT 1 FROM awaited_bindings)
                + 64 * EXISTS (SELECT 1 FROM parked)
                + 128 * (EXISTS (SELECT 1 FROM pauses) OR EXISTS (SELECT 1 FROM circuits))
            """
        return RareRows(rawValue: try db.firstRow(sql, []) { $0[0] } ?? 0)
    }
}

/// One transaction of the group writer.
final class WriteContext {
    let db: Database
    let statements: StatementShelf
    let processes: StoreProcesses
    private let types: DocumentTypeIDs
    private var newTypes: [TypeName: Int64] = [:]
    private var metTypes = MetDocumentTypes()
    private var indexes: [Int64: [FieldIndex]] = [:]
    private var rareRows: RareRows?

    /// Whether savepoints are real.
    ///
    /// They cost a copy of each page that is changed under them, and nearly always nothing is rolled back: so a transaction
    /// is tried without them first.
    let isGuarded: Bool

    init(db: Database, types: DocumentTypeIDs, processes: StoreProcesses, isGuarded: Bool = true) {
        self.processes = processes
        self.db = db
        statements = StatementShelf(db)
        self.types = types
        self.isGuarded = isGuarded
    }

    /// A write has failed that would have to be rolled back alone: the transaction is to be begun again, guarded.
    struct NeedsGuard: Error {}

    /// Runs `body` in a savepoint that is rolled back when it throws.
    ///
    /// - Throws: what `body` throws; ``NeedsGuard`` for it where the transaction is not guarded.
    func inSavepoint<Value>(_ body: () throws -> Value) throws -> Value {
        guard isGuarded else {
            do { return try body() } catch { throw failsTransaction(error) ? error : NeedsGuard() }
        }
        try execute("SAVEPOINT write", [])
        do {
            let value = try body()
            try execute("RELEASE write", [])
            return value
        } catch {
            if failsTransaction(error) { throw error }
            try execute("ROLLBACK TO write", [])
            try execute("RELEASE write", [])
            // What was looked up may have been undone with it.
            newTypes = [:]
            metTypes.removeAll()
            indexes = [:]
            throw error
        }
    }

    /// Whether the whole transaction is lost with `error`: the disk, a lock or the file is at fault, not one row.
    func failsTransaction(_ error: any Error) -> Bool {
        if error is NeedsGuard || !db.isInsideTransaction { return true }
        return (error as? DatabaseError).map { !$0.isOfOneRow } ?? false
    }

    /// Runs a cached statement.
    func execute(_ sql: String, _ arguments: [DatabaseValue]) throws { try db.run(sql, arguments) }

    /// Whether a cached statement answers a row.
    func exists(_ sql: String, _ arguments: [DatabaseValue]) throws -> Bool {
        try db.firstRow(sql, arguments) { _ in true } ?? false
    }

    /// The number of a document type, which is given one when it has none.
    func typeID(_ type: DocumentType) throws -> Int64 {
        if let id = try metTypes.id(of: type, orElse: { try types.id(of: TypeName(type), in: db) }) { return id }
        try execute(
            "INSERT INTO document_types (system, name) VALUES (?, ?)", [type.system.nameValue, type.name.nameValue])
        newTypes[TypeName(type)] = db.lastInsertedRowID
        return db.lastInsertedRowID
    }

    /// Makes the types that got their number in this transaction known, now that it is on the disk.
    func publishTypes() { types.add(newTypes) }

    /// The indexes of a document type, looked up once a transaction: another process may have made one.
    func indexes(ofType typeID: Int64) throws -> [FieldIndex] {
        if let known = indexes[typeID] { return known }
        let found = try FieldIndex.all(ofType: typeID, in: db)
        indexes[typeID] = found
        return found
    }

    /// An index was made in this transaction.
    func forgetIndexes() { indexes = [:] }

    /// Whether any of these tables holds a row; mostly none does, and then no job looks for its own.
    func mayHave(_ rows: RareRows) throws -> Bool {
        if let rareRows { return !rareRows.isDisjoint(with: rows) }
        let found = try RareRows.present(in: db)
        rareRows = found
        return !found.isDisjoint(with: rows)
    }

    /// Such a row was written in this transaction.
    func note(_ rows: RareRows) { rareRows?.formUnion(rows) }
}
