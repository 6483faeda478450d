// Reading the SQLite keys of one entry of `documents:`. The shape's keys in the same entry are read elsewhere.
public import SyncJobs

extension SQLiteTable {
    /// The keys of a `documents:` entry that are read here.
    public static let knownKeys = ["table", "name", "json", "tables"]
    /// The keys of an entry of `tables:` that are read here.
    public static let knownChildKeys = ["table", "parent", "row_key"]

    /// Reads `table`, `name`, `json` and `tables` from an entry of `documents:`; nil when something that is needed is
    /// missing or wrong, which is then among `problems`.
    public static func read(
        node: ConfigNode, shape: DocumentShape, problems: inout [ConfigProblem]
    ) -> SQLiteTable? {
        let before = problems.count
        guard node.entries != nil else {
            problems.append(
                ConfigProblem(
                    node, "a document type of a SQLite file is described by a map",
                    remedy: "write table: and name: under it"))
            return nil
        }
        let table = required("table", of: node, as: "the table that holds the documents", &problems)
        let name = required("name", of: node, as: "the column that holds the document's name", &problems)
        let json = optional("json", of: node, &problems)
        var childTables: [String: SQLiteChildTable] = [:]
        if let tables = node["tables"] {
            if tables.entries == nil {
                problems.append(
                    ConfigProblem(
                        tables, "child tables are described by a map",
                        remedy: "write items: {table: …, parent: …, row_key: …} under it"))
            }
            for entry in tables.entries ?? [] {
                // Rows that live inside the JSON text need no table of their own.
                if json != nil, entry.value["table"] == nil, entry.value["parent"] == nil { continue }
                if let child = SQLiteChildTable.read(node: entry.value, problems: &problems) {
                    childTables[entry.key] = child
                }
            }
        }
        guard problems.count == before, let table, let name else { return nil }
        return SQLiteTable(
            table: table, nameColumn: name, jsonColumn: json, shape: shape, childTables: childTables)
    }

    static func required(
        _ key: String, of node: ConfigNode, as meaning: String, _ problems: inout [ConfigProblem]
    ) -> String? {
        guard node[key] != nil else {
            problems.append(
                ConfigProblem(node, "\"\(key)\" is missing: \(meaning)", remedy: "add \(key): and its name in the file")
            )
            return nil
        }
        return optional(key, of: node, &problems)
    }

    static func optional(_ key: String, of node: ConfigNode, _ problems: inout [ConfigProblem]) -> String? {
        guard let value = node[key] else { return nil }
        guard let text = value.text, !text.isEmpty, !text.utf8.contains(0) else {
            problems.append(
                ConfigProblem(
                    value, "\"\(key)\" is not the name of a table or column",
                    remedy: "write a text; put it in quotes when it looks like a number or true, false, null"))
            return nil
        }
        return text
    }
}

extension SQLiteChildTable {
    static func read(node: ConfigNode, problems: inout [ConfigProblem]) -> SQLiteChildTable? {
        let table = SQLiteTable.required("table", of: node, as: "the table that holds the rows", &problems)
        let parent = SQLiteTable.required(
            "parent", of: node, as: "the column that holds the name of the row's document", &problems)
        let rowKey = SQLiteTable.required(
            "row_key", of: node, as: "the column that tells the rows of a document apart", &problems)
        guard let table, let parent, let rowKey else { return nil }
        return SQLiteChildTable(table: table, parentColumn: parent, rowKey: rowKey)
    }
}
