// What goes into a column: a JSON value becomes what SQLite stores so that reading gives the same value again, or it is
// refused by name. Rounding never happens here, and none is left to SQLite.
internal import Foundation
internal import GRDB
internal import JobStore
internal import SyncJobs

/// A value as SQLite stores it.
///
/// There are no binary values: documents are JSON.
enum SQLiteValue: Sendable, Hashable {
    case null
    case integer(Int64)
    case real(Double)
    case text(ExactString)

    /// The number of a text in SQLite's grammar, which takes white space around it, a plus sign and leading zeros.
    static func number(in text: String) -> ExactDecimal? {
        let bytes = Array(text.utf8)
        let isSpace: (UInt8) -> Bool = { $0 == 0x20 || (0x09...0x0D).contains($0) }
        var rest = bytes.drop(while: isSpace)
        while let last = rest.last, isSpace(last) { rest.removeLast() }
        var sign = ""
        if let first = rest.first, first == UInt8(ascii: "+") || first == UInt8(ascii: "-") {
            sign = first == UInt8(ascii: "-") ? "-" : ""
            rest.removeFirst()
        }
        let whole = rest.prefix { (0x30...0x39).contains($0) }
        var tail = rest.dropFirst(whole.count)
        var fraction: ArraySlice<UInt8> = []
        if tail.first == UInt8(ascii: ".") {
            tail.removeFirst()
            fraction = tail.prefix { (0x30...0x39).contains($0) }
            tail = tail.dropFirst(fraction.count)
        }
        guard !whole.isEmpty || !fraction.isEmpty else { return nil }
        let digits = whole.drop { $0 == 0x30 }
        let integer = digits.isEmpty ? "0" : String(decoding: digits, as: UTF8.self)
        let decimals = fraction.isEmpty ? "" : "." + String(decoding: fraction, as: UTF8.self)
        return ExactDecimal(sign + integer + decimals + String(decoding: tail, as: UTF8.self))
    }

    /// A number in a column of this affinity; nil when it would be rounded.
    init?(_ number: JSONNumber, affinity: Affinity) {
        if affinity == .text {
            self = .text(ExactString(number.text))
        } else if affinity != .real, let integer = number.int64 {
            self = .integer(integer)
        } else if let real = Self.exactDouble(number.decimal, text: number.text) {
            self = .real(real)
        } else {
            return nil
        }
    }

    private static func exactDouble(_ value: ExactDecimal, text: String) -> Double? {
        guard let real = Double(text), real.isFinite, ExactDecimal(real.description) == value else { return nil }
        return real
    }

    /// Whether text in a column of this affinity would lose digits because SQLite makes a number of it.
    static func isRounded(_ text: String, by affinity: Affinity) -> Bool {
        guard affinity.readsNumbers, let value = number(in: text) else { return false }
        if affinity != .real, value.int64 != nil { return false }
        let plain = text.trimmingCharacters(in: .whitespacesAndNewlines)
        return exactDouble(value, text: plain.hasPrefix("+") ? String(plain.dropFirst()) : plain) == nil
    }

    /// What `json` becomes in `column`.
    ///
    /// - Throws: ``JobFailure`` (`number_not_exact`, `invalid_target`) naming the column, never the value.
    init(_ json: JSONValue, column: ColumnPlan) throws(JobFailure) {
        if column.kind == .json, !json.isNull {
            self = .text(ExactString(json.canonicalText))
            return
        }
        switch json {
        case .null: self = .null
        case .bool(let value): self = .integer(value ? 1 : 0)
        case .number(let number):
            guard let value = SQLiteValue(number, affinity: column.affinity) else { throw Self.inexact(column) }
            self = value
        case .string(let text):
            guard !Self.isRounded(text, by: column.affinity) else { throw Self.inexact(column) }
            self = .text(ExactString(text))
        case .array, .object:
            throw JobFailure(
                .invalidTarget, "the column \"\(column.name)\" can't hold \(json.kind)",
                remedy: "declare the field as json, or as a child table with a table of its own")
        }
    }

    private static func inexact(_ column: ColumnPlan) -> JobFailure {
        JobFailure(
            .numberNotExact, "the column \"\(column.name)\" would round the number",
            remedy: "give the column the type TEXT, or round the value in the mapping (as: decimal(n))")
    }

    /// The value as an argument.
    var argument: DatabaseValue {
        switch self {
        case .null: .null
        case .integer(let value): value.databaseValue
        case .real(let value): value.databaseValue
        case .text(let text): text.text.databaseValue
        }
    }
}

/// How a file stores text (`PRAGMA encoding`).
enum TextEncoding: Sendable, Hashable {
    case utf8, utf16LittleEndian, utf16BigEndian

    init(pragma: String) {
        switch pragma.uppercased() {
        case "UTF-16LE": self = .utf16LittleEndian
        case "UTF-16BE": self = .utf16BigEndian
        default: self = .utf8
        }
    }

    /// The text of a column as it is stored; nil when its bytes are none.
    func text(of row: StoredRow, _ column: Int) -> String? {
        switch self {
        case .utf8: return row.validText(column)
        case .utf16LittleEndian, .utf16BigEndian:
            let bytes = row.bytes(column)
            guard bytes.count % 2 == 0 else { return nil }
            let high = self == .utf16BigEndian ? 0 : 1
            let units = stride(from: 0, to: bytes.count, by: 2).map { start in
                UInt16(bytes[start + high]) << 8 | UInt16(bytes[start + 1 - high])
            }
            return String(validating: units, as: UTF16.self)
        }
    }
}
