// How values become columns and back. GRDB hands text to SQLite as C strings, which end at the first NUL; so a name
// that holds one is stored as a BLOB of its bytes. The choice depends on the bytes alone, hence equal names stay
// equal.
internal import Foundation
internal import GRDB
internal import SyncJobs

extension String {
    /// A name from outside as a column value.
    var nameValue: DatabaseValue { utf8.contains(0) ? Data(utf8).databaseValue : databaseValue }
}

extension Optional where Wrapped == String {
    /// A name from outside, or NULL.
    var nameValue: DatabaseValue { self?.nameValue ?? .null }
}

extension Digest {
    /// The hash as a BLOB.
    var columnValue: DatabaseValue { Data(bytes).databaseValue }
}

extension Timestamp {
    /// The instant in microseconds.
    var columnValue: DatabaseValue { microseconds.databaseValue }

    /// The machine's time.
    static var now: Timestamp { Timestamp(microseconds: Int64(Date().timeIntervalSince1970 * 1_000_000)) }
}

extension JSONValue {
    /// Canonical text; control characters are escaped in it, so it never holds a NUL.
    var columnValue: DatabaseValue { canonicalText.databaseValue }
}

/// Reads the columns of one row in the order in which they were selected.
struct ColumnReader {
    private let row: StoredRow
    private var position: Int

    init(_ row: StoredRow, from position: Int = 0) {
        self.row = row
        self.position = position
    }

    private mutating func next() -> Int {
        defer { position += 1 }
        return position
    }

    /// An optional name or text.
    mutating func optionalText() throws -> String? { try row.text(next()) }

    /// A name or text.
    mutating func text() throws -> String {
        guard let text = try optionalText() else { throw unreadable("text") }
        return text
    }

    /// One of a closed set of words, or nothing.
    mutating func optionalWord<Word: RawRepresentable>(_ type: Word.Type) throws -> Word?
    where Word.RawValue == String {
        guard let text = try optionalText() else { return nil }
        guard let word = Word(rawValue: text) else { throw unreadable("\(type)") }
        return word
    }

    /// One of a closed set of words.
    mutating func word<Word: RawRepresentable>(_ type: Word.Type) throws -> Word where Word.RawValue == String {
        guard let word = try optionalWord(type) else { throw unreadable("\(type)") }
        return word
    }

    /// A whole number.
    mutating func int() throws -> Int {
        guard let value = optionalInt() else { throw unreadable("number") }
        return value
    }

    /// A whole number, or nothing.
    mutating func optionalInt() -> Int? { row[next()] }

    /// A truth value.
    mutating func bool() throws -> Bool { try int() != 0 }

    /// A truth value, or nothing.
    mutating func optionalBool() throws -> Bool? {
        let value: Int? = row[next()]
        return value.map { $0 != 0 }
    }

    /// An instant, or nothing.
    mutating func optionalTimestamp() -> Timestamp? {
        let value: Int64? = row[next()]
        return value.map { Timestamp(microseconds: $0) }
    }

    /// An instant.
    mutating func timestamp() throws -> Timestamp {
        guard let value = optionalTimestamp() else { throw unreadable("instant") }
        return value
    }

    /// Bytes; SQLite keeps none as NULL.
    mutating func bytes() throws -> [UInt8] { row.bytes(next()) }

    /// A hash, or nothing.
    mutating func optionalDigest() throws -> Digest? {
        let (isThere, digest) = row.withBytes(next()) { (!$0.isEmpty, Digest(bytes: $0)) }
        guard isThere else { return nil }
        guard let digest else { throw unreadable("hash") }
        return digest
    }

    /// A hash.
    mutating func digest() throws -> Digest {
        guard let digest = try optionalDigest() else { throw unreadable("hash") }
        return digest
    }

    /// JSON, or nothing.
    mutating func optionalJSON() throws -> JSONValue? {
        do {
            return try row.withBytes(next()) { bytes throws(JSONError) -> JSONValue? in
                // Not `nil`, which could be read as JSON's null.
                if bytes.isEmpty { return Optional.none }
                // What was taken in within the limits is read back whatever the limits are now.
                return try JSONParser.parse(bytes, maximumDepth: 10_000)
            }
        } catch { throw unreadable("JSON") }
    }

    /// How many bytes the next column has; it is read after this.
    var byteCount: Int { row.withBytes(position) { $0.count } }

    /// A JSON object, or nothing.
    mutating func optionalObject() throws -> JSONObject? {
        guard let json = try optionalJSON() else { return nil }
        guard let object = json.objectValue else { throw unreadable("JSON object") }
        return object
    }

    /// A JSON object.
    mutating func object() throws -> JSONObject {
        guard let object = try optionalObject() else { throw unreadable("JSON object") }
        return object
    }

    /// A document's version: its order, then its text.
    mutating func version() throws -> DocumentVersion? {
        let order = try optionalWord(VersionOrder.self)
        let text = try optionalText()
        guard let order, let text else { return nil }
        return DocumentVersion(order: order, text: text)
    }

    private func unreadable(_ kind: String) -> JobStoreError { .unreadable(kind, column: position) }
}

extension JobStoreError {
    /// A stored value that this version can't read.
    static func unreadable(_ kind: String, column: Int? = nil) -> JobStoreError {
        JobStoreError(
            .corrupt, operation: "read",
            message: "a stored value is no \(kind)" + (column.map { " (column \($0))" } ?? ""),
            remedy: "something else has written to the file; restore a backup, or correct the row")
    }
}
