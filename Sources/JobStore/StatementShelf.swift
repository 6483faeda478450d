// The statements of one transaction at hand: those that every job runs are run some hundred times in it.
internal import GRDB
internal import SyncJobs
internal import Synchronization

/// A statement that jobs run again and again.
final class JobStatement: Sendable {
    private static let count = Atomic(0)

    let sql: String
    /// Its place on every shelf.
    let place: Int

    init(_ sql: String) {
        self.sql = sql
        place = Self.count.add(1, ordering: .relaxed).oldValue
    }
}

/// The statements of one transaction, each looked up by its text once: to hash the text takes as long as to run it.
final class StatementShelf {
    private let db: Database
    private var kept: [Statement?] = []
    /// Room for the arguments of a read, used again and again.
    private var room = RowValues(columns: 8, bytes: 300)
    private var types = MetDocumentTypes()

    init(_ db: Database) { self.db = db }

    /// Runs a statement to its end; answers how many rows it has changed.
    ///
    /// - Parameters:
    ///   - row: its first arguments.
    ///   - count: how many of the row's values they are; nil for all.
    ///   - number: the argument behind them, if there is one.
    @discardableResult
    func run(
        _ statement: JobStatement, _ row: RowValues, first count: Int? = nil, _ number: Int64? = nil
    ) throws -> Int {
        let statement = try found(statement)
        try statement.eachRow(row, first: count, then: number) { _ in true }
        return statement.changes
    }

    /// The same, with arguments that `fill` puts together.
    func run(_ statement: JobStatement, arguments fill: (inout RowValues) -> Void) throws {
        try eachRow(statement, arguments: fill) { _ in true }
    }

    /// Reads the first row that a statement answers; the row is valid inside `read` only.
    ///
    /// The arguments are as in `run`.
    func firstRow<Value>(
        _ statement: JobStatement, _ row: RowValues, first count: Int? = nil, _ number: Int64? = nil,
        read: (StoredRow) throws -> Value
    ) throws -> Value? {
        var value: Value?
        try found(statement).eachRow(row, first: count, then: number) { row in
            value = try read(row)
            return false
        }
        return value
    }

    /// The same, with arguments that `fill` puts together.
    func firstRow<Value>(
        _ statement: JobStatement, _ number: Int64? = nil, arguments fill: (inout RowValues) -> Void,
        read: (StoredRow) throws -> Value
    ) throws -> Value? {
        var value: Value?
        try eachRow(statement, then: number, arguments: fill) { row in
            value = try read(row)
            return false
        }
        return value
    }

    /// Reads the rows that a statement answers, as long as `read` wants more; the arguments are what `fill` puts together, and
    /// `number` behind them.
    func eachRow(
        _ statement: JobStatement, then number: Int64? = nil, arguments fill: (inout RowValues) -> Void,
        read: (StoredRow) throws -> Bool
    ) throws {
        var row = RowValues()
        swap(&row, &room)
        defer { swap(&row, &room) }
        row.removeAll()
        fill(&row)
        try found(statement).eachRow(row, then: number, read)
    }

    /// The number of a document type, looked up once in a transaction that reads; nil where no document has it.
    func typeID(of type: DocumentType, among known: DocumentTypeIDs) throws -> Int64? {
        try types.id(of: type) { try known.idForReading(of: type, in: db) }
    }

    private func found(_ statement: JobStatement) throws -> Statement {
        let place = statement.place
        if place < kept.count, let known = kept[place] { return known }
        let found = try db.cachedStatement(sql: statement.sql)
        while kept.count <= place { kept.append(nil) }
        kept[place] = found
        return found
    }
}
