// The door to SQLite's own interface, for the statements that every job runs, on the store and on SQLite files elsewhere: to make
// a row or a list of arguments out of GRDB's types costs more than such a statement itself. Connections, transactions, preparing
// and keeping statements, and errors are GRDB's. Text is bound and read by its bytes, so that it may hold a NUL.
// Invariant: a pointer lives no longer than the call that got it, and a statement is reset when its call returns, however it does.
internal import Foundation
package import GRDB
internal import GRDBSQLite

extension Database {
    /// Runs a cached statement to its end.
    package func run(_ sql: String, _ arguments: [DatabaseValue]) throws {
        try cachedStatement(sql: sql).eachRow(arguments) { _ in true }
    }

    /// Reads the first row that a cached statement answers.
    ///
    /// The row is valid inside `read` only: it is SQLite's own.
    package func firstRow<Value>(
        _ sql: String, _ arguments: [DatabaseValue], _ read: (StoredRow) throws -> Value
    ) throws -> Value? {
        var value: Value?
        try eachRow(sql, arguments) { row in
            value = try read(row)
            return false
        }
        return value
    }

    /// Reads every row that a cached statement answers.
    func allRows<Value>(
        _ sql: String, _ arguments: [DatabaseValue], _ read: (StoredRow) throws -> Value
    ) throws -> [Value] {
        var values: [Value] = []
        try eachRow(sql, arguments) { row in
            values.append(try read(row))
            return true
        }
        return values
    }

    /// Reads the rows that a statement answers, as long as `read` wants more.
    ///
    /// - Parameter isKept: whether the statement is kept for the next time; not for one that is made for one question.
    package func eachRow(
        _ sql: String, _ arguments: [DatabaseValue], isKept: Bool = true, _ read: (StoredRow) throws -> Bool
    ) throws {
        let statement = try isKept ? cachedStatement(sql: sql) : makeStatement(sql: sql)
        try statement.eachRow(arguments, read)
    }
}

/// The row that a statement stands at; valid where it is handed out.
package struct StoredRow {
    /// How a value is stored.
    package enum Storage: Sendable {
        case null
        case integer(Int64)
        case real(Double)
        case text
        case blob
    }

    fileprivate let statement: OpaquePointer

    /// How a value is stored, and numbers themselves.
    package func storage(_ column: Int) -> Storage {
        switch sqlite3_column_type(statement, CInt(column)) {
        case SQLITE_INTEGER: .integer(self[column])
        case SQLITE_FLOAT: .real(sqlite3_column_double(statement, CInt(column)))
        case SQLITE_TEXT: .text
        case SQLITE_BLOB: .blob
        default: .null
        }
    }

    /// The bytes of a text or BLOB, in the file's encoding.
    package func byteCount(_ column: Int) -> Int {
        // Asked for first, so that SQLite counts what is stored and not what it would convert it to.
        _ = sqlite3_column_blob(statement, CInt(column))
        return Int(sqlite3_column_bytes(statement, CInt(column)))
    }

    /// Text as it is stored; nil when its bytes are no UTF-8.
    package func validText(_ column: Int) -> String? {
        withBytes(column) { bytes in
            do { return String(copying: try UTF8Span(validating: bytes)) } catch { return nil }
        }
    }

    /// A whole number; 0 for NULL.
    package subscript(column: Int) -> Int64 { sqlite3_column_int64(statement, CInt(column)) }
    /// A whole number, or NULL.
    subscript(column: Int) -> Int64? { isNull(column) ? nil : self[column] as Int64 }
    /// A whole number; 0 for NULL.
    subscript(column: Int) -> Int { Int(self[column] as Int64) }
    /// A whole number, or NULL.
    subscript(column: Int) -> Int? { (self[column] as Int64?).map { Int($0) } }

    /// The value as it is stored, to be used as an argument.
    subscript(column: Int) -> DatabaseValue {
        switch sqlite3_column_type(statement, CInt(column)) {
        case SQLITE_INTEGER: (self[column] as Int64).databaseValue
        case SQLITE_FLOAT: sqlite3_column_double(statement, CInt(column)).databaseValue
        case SQLITE_TEXT: withText(column) { String(decoding: $0, as: UTF8.self) }.databaseValue
        case SQLITE_BLOB: Data(bytes(column)).databaseValue
        default: .null
        }
    }

    func isNull(_ column: Int) -> Bool { sqlite3_column_type(statement, CInt(column)) == SQLITE_NULL }

    /// Text as SQLite has it, or the text that a BLOB's bytes are; nil for NULL.
    ///
    /// - Throws: ``JobStoreError`` (`corrupt`) for anything else.
    func text(_ column: Int) throws -> String? {
        switch sqlite3_column_type(statement, CInt(column)) {
        case SQLITE_NULL: return nil
        case SQLITE_TEXT: return withText(column) { String(decoding: $0, as: UTF8.self) }
        case SQLITE_BLOB:
            guard let text = String(validating: bytes(column), as: UTF8.self) else {
                throw JobStoreError.unreadable("text", column: column)
            }
            return text
        default: throw JobStoreError.unreadable("text", column: column)
        }
    }

    /// The bytes of a BLOB or of a text; none for NULL.
    package func bytes(_ column: Int) -> [UInt8] {
        guard let start = sqlite3_column_blob(statement, CInt(column)) else { return [] }
        return [UInt8](UnsafeRawBufferPointer(start: start, count: Int(sqlite3_column_bytes(statement, CInt(column)))))
    }

    /// The bytes of a BLOB or of a text where SQLite has them; none for NULL.
    func withBytes<Value, Failure: Error>(
        _ column: Int, _ read: (Span<UInt8>) throws(Failure) -> Value
    ) throws(Failure) -> Value {
        let start = sqlite3_column_blob(statement, CInt(column))?.assumingMemoryBound(to: UInt8.self)
        let count = start == nil ? 0 : Int(sqlite3_column_bytes(statement, CInt(column)))
        return try read(UnsafeBufferPointer(start: start, count: count).span)
    }

    private func withText<Value>(_ column: Int, _ read: (UnsafeBufferPointer<UInt8>) -> Value) -> Value {
        let start = sqlite3_column_text(statement, CInt(column))
        return read(UnsafeBufferPointer(start: start, count: Int(sqlite3_column_bytes(statement, CInt(column)))))
    }
}

extension Statement {
    /// SQLite makes a copy of what is bound.
    private static let copies = unsafeBitCast(-1, to: sqlite3_destructor_type.self)
    /// What is bound stays where it is for as long as it is bound.
    private static let stays: sqlite3_destructor_type? = nil

    /// Steps through the rows, as long as `read` wants more.
    func eachRow(_ arguments: [DatabaseValue], _ read: (StoredRow) throws -> Bool) throws {
        try checkCount(arguments.count)
        defer { letGo() }
        for (position, argument) in arguments.enumerated() { try check(bind(argument, at: CInt(position + 1))) }
        try step(read)
    }

    /// The same with the first values of a row, all of them where no count is given, and a number behind them.
    ///
    /// They are bound where they are: the statement lets go of them before this returns.
    func eachRow(
        _ row: RowValues, first count: Int? = nil, then number: Int64?, _ read: (StoredRow) throws -> Bool
    ) throws {
        let count = count ?? row.values.count
        try checkCount(number == nil ? count : count + 1)
        try row.bytes.withUnsafeBytes { bytes in
            defer { letGo() }
            for position in 0..<count { try check(bind(row.values[position], of: bytes, at: CInt(position + 1))) }
            if let number { try check(sqlite3_bind_int64(sqliteStatement, CInt(count + 1), number)) }
            try step(read)
        }
    }

    /// How many rows the connection's last statement has changed.
    var changes: Int { Int(sqlite3_changes64(sqlite3_db_handle(sqliteStatement))) }

    private func checkCount(_ count: Int) throws {
        guard Int(sqlite3_bind_parameter_count(sqliteStatement)) == count else {
            throw DatabaseError(
                resultCode: .SQLITE_RANGE, message: "\(count) arguments are not what it takes", sql: sql)
        }
    }

    private func letGo() {
        sqlite3_reset(sqliteStatement)
        sqlite3_clear_bindings(sqliteStatement)
    }

    private func step(_ read: (StoredRow) throws -> Bool) throws {
        while true {
            let code = sqlite3_step(sqliteStatement)
            if code == SQLITE_DONE { return }
            guard code == SQLITE_ROW else { return try check(code) }
            if try !read(StoredRow(statement: sqliteStatement)) { return }
        }
    }

    private func bind(_ argument: DatabaseValue, at position: CInt) -> CInt {
        switch argument.storage {
        case .null: return sqlite3_bind_null(sqliteStatement, position)
        case .int64(let number): return sqlite3_bind_int64(sqliteStatement, position, number)
        case .double(let number): return sqlite3_bind_double(sqliteStatement, position, number)
        case .string(var text):
            return text.withUTF8 { bytes in
                // Where there is no text there is no pointer, which would be NULL.
                guard let start = bytes.baseAddress else {
                    return sqlite3_bind_text(sqliteStatement, position, "", 0, Self.copies)
                }
                return start.withMemoryRebound(to: CChar.self, capacity: bytes.count) {
                    sqlite3_bind_text(sqliteStatement, position, $0, CInt(bytes.count), Self.copies)
                }
            }
        case .blob(let data):
            return data.withUnsafeBytes { bytes in
                guard let start = bytes.baseAddress else { return sqlite3_bind_zeroblob(sqliteStatement, position, 0) }
                return sqlite3_bind_blob(sqliteStatement, position, start, CInt(bytes.count), Self.copies)
            }
        }
    }

    private func bind(_ value: RowValues.Value, of bytes: UnsafeRawBufferPointer, at position: CInt) -> CInt {
        switch value {
        case .null: return sqlite3_bind_null(sqliteStatement, position)
        case .number(let number): return sqlite3_bind_int64(sqliteStatement, position, number)
        case .text(let range):
            // Where there is no text there may be no pointer, which would be NULL.
            guard !range.isEmpty, let start = bytes.baseAddress else {
                return sqlite3_bind_text(sqliteStatement, position, "", 0, Self.copies)
            }
            let text = (start + range.lowerBound).assumingMemoryBound(to: CChar.self)
            return sqlite3_bind_text(sqliteStatement, position, text, CInt(range.count), Self.stays)
        case .blob(let range):
            guard !range.isEmpty, let start = bytes.baseAddress else {
                return sqlite3_bind_zeroblob(sqliteStatement, position, 0)
            }
            return sqlite3_bind_blob(
                sqliteStatement, position, start + range.lowerBound, CInt(range.count), Self.stays)
        }
    }

    private func check(_ code: CInt) throws {
        guard code != SQLITE_OK else { return }
        let message = sqlite3_errmsg(sqlite3_db_handle(sqliteStatement)).map { String(cString: $0) }
        throw DatabaseError(resultCode: ResultCode(rawValue: code), message: message, sql: sql)
    }
}
