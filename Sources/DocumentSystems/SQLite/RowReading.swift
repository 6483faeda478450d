// From a row of a file to JSON: integers exactly, reals by their shortest text, text by its bytes; what JSON can't
// carry is refused by table and column name. Every row counts against the document's size before it is copied.
internal import JobStore
internal import SyncJobs

/// Reads the rows of one document.
struct RowReading {
    private let type: DocumentType
    private let name: SQLiteValue?
    private let encoding: TextEncoding
    private(set) var remaining: Int
    private let limit: Int

    /// Reads at most `limit` bytes for a document, whose name is nil where it is not known yet.
    init(type: DocumentType, name: SQLiteValue?, encoding: TextEncoding, limit: Int) {
        self.type = type
        self.name = name
        self.encoding = encoding
        self.limit = limit
        remaining = limit
    }

    /// The type and the name, for messages.
    var subject: String { name.map { "\(type)/\($0.nameText.prefix(80))" } ?? type.description }

    /// The row's fields.
    mutating func object(_ row: StoredRow, _ list: ColumnList) throws -> JSONObject {
        var object = JSONObject()
        object.reserve(list.columns.count)
        for (position, column) in list.columns.enumerated() {
            object[column.name] = try value(row, position, column: column)
        }
        return object
    }

    mutating func value(_ row: StoredRow, _ position: Int, column: ColumnPlan) throws -> JSONValue {
        switch row.storage(position) {
        case .null:
            try spend(column.name.utf8.count + 4)
            return .null
        case .integer(let integer):
            try spend(column.name.utf8.count + 8)
            return Self.integer(integer, kind: column.kind)
        case .real(let real):
            try spend(column.name.utf8.count + 8)
            return try self.real(real, column: column)
        case .text: return try text(try string(row, position, column: column.name), column: column)
        case .blob:
            throw refusal(
                column.name, "holds binary data (BLOB)", "leave the column out by a view, or store text in it")
        }
    }

    /// A text column's bytes as they are.
    mutating func string(_ row: StoredRow, _ position: Int, column: String) throws -> String {
        try spend(row.byteCount(position) + column.utf8.count)
        guard let text = encoding.text(of: row, position) else {
            throw refusal(column, "holds text that is not \(encoding.name)", "correct the row in the file")
        }
        return text
    }

    private static func integer(_ value: Int64, kind: FieldKind?) -> JSONValue {
        switch kind {
        case .bool where value == 0 || value == 1: .bool(value == 1)
        case .text: .string(String(value))
        default: .number(JSONNumber(value))
        }
    }

    private func real(_ value: Double, column: ColumnPlan) throws -> JSONValue {
        guard value.isFinite, let number = JSONNumber(value.description) else {
            throw JobFailure(
                .numberNotExact, "\(subject): the column \"\(column.name)\" holds an infinite number",
                remedy: "correct the row in the file")
        }
        if column.kind == .bool, value == 0 || value == 1 { return .bool(value == 1) }
        return .number(number)
    }

    private func text(_ text: String, column: ColumnPlan) throws -> JSONValue {
        switch column.kind {
        case .decimal, .integer: return JSONNumber(text).map { .number($0) } ?? .string(text)
        case .bool where text == "0" || text == "1": return .bool(text == "1")
        case .json: return try json(text, column: column.name)
        default: return .string(text)
        }
    }

    /// JSON text in a column.
    func json(_ text: String, column: String) throws(JobFailure) -> JSONValue {
        do {
            return try JSONParser.parse(text)
        } catch {
            throw refusal(
                column, "holds no JSON that can be carried: \(error.code.rawValue) at byte \(error.offset)",
                "correct the row in the file, or don't declare the column as json")
        }
    }

    private func refusal(_ column: String, _ what: String, _ remedy: String) -> JobFailure {
        JobFailure(.invalidTarget, "\(subject): the column \"\(column)\" \(what)", remedy: remedy)
    }

    private mutating func spend(_ bytes: Int) throws {
        guard bytes <= remaining else { throw tooLarge }
        remaining -= bytes
    }

    private var tooLarge: JobFailure {
        JobFailure(
            .documentTooLarge, "\(subject) has over \(limit) bytes",
            remedy: "raise limits.max_document, or leave large columns out by a view")
    }
}

extension TextEncoding {
    /// The encoding's name for messages.
    var name: String { self == .utf8 ? "UTF-8" : "UTF-16" }
}
