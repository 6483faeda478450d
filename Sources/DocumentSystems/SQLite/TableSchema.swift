// What a file's table really is: its columns, their affinities, whether SQLite gives the names. Read from the file
// inside the transaction that uses it, so that an ALTER TABLE by the file's owner is seen at once.
internal import GRDB
internal import SyncJobs

/// The affinity of a column, which decides what becomes of a stored value (https://sqlite.org/datatype3.html, section
/// 3.1).
enum Affinity: Sendable, Hashable {
    case integer, real, numeric, text, none

    init(declaredType: String, isStrict: Bool) {
        let type = declaredType.uppercased()
        if isStrict && type == "ANY" || type.isEmpty {
            self = .none
        } else if type.contains("INT") {
            self = .integer
        } else if type.contains("CHAR") || type.contains("CLOB") || type.contains("TEXT") {
            self = .text
        } else if type.contains("BLOB") {
            self = .none
        } else if type.contains("REAL") || type.contains("FLOA") || type.contains("DOUB") {
            self = .real
        } else {
            self = .numeric
        }
    }

    /// Whether text that looks like a number is stored as one.
    var readsNumbers: Bool { self == .integer || self == .real || self == .numeric }
}

/// A column of a table.
struct ColumnSchema: Sendable, Hashable {
    let name: String
    let affinity: Affinity
    let isGenerated: Bool
}

/// A table or view of a file.
struct TableSchema: Sendable {
    let name: String
    let columns: [ColumnSchema]
    /// The column that is another name of the rowid, so that SQLite gives its value on insert.
    let rowIDColumn: String?

    /// Reads a table's schema; nil when there is no such table.
    init?(_ name: String, in db: Database) throws {
        let kind = try Row.fetchOne(
            db, sql: "SELECT type, wr, strict FROM pragma_table_list(?) WHERE schema = 'main'", arguments: [name])
        guard let kind else { return nil }
        let isStrict: Bool = kind[2]
        let rows = try Row.fetchAll(
            db, sql: "SELECT name, type, pk, hidden FROM pragma_table_xinfo(?) WHERE hidden <> 1", arguments: [name])
        columns = rows.map { row in
            let hidden: Int = row[3]
            return ColumnSchema(
                name: row[0], affinity: Affinity(declaredType: row[1], isStrict: isStrict), isGenerated: hidden != 0)
        }
        let keys = rows.filter { row in
            let position: Int = row[2]
            return position > 0
        }
        let withoutRowID: Bool = kind[1]
        let kindName: String = kind[0]
        let keyType: String = keys.first?[1] ?? ""
        let isAlias = keys.count == 1 && keyType.uppercased() == "INTEGER" && !withoutRowID && kindName == "table"
        rowIDColumn = isAlias ? keys.first?[0] : nil
        self.name = name
    }

    /// The column of exactly this name.
    func column(_ name: String) -> ColumnSchema? { columns.first { $0.name.hasSameBytes(as: name) } }

    /// A column that SQLite would take for `name`, its names being without case: a remedy for a misspelling.
    func columnIgnoringCase(_ name: String) -> ColumnSchema? {
        columns.first { $0.name.lowercased() == name.lowercased() }
    }
}

/// A name as SQL identifier: always quoted, so that any name is one.
func quoted(_ identifier: String) -> String { "\"" + identifier.replacing("\"", with: "\"\"") + "\"" }
