// From what a file's schema says to drafts of document types: which column is the name, which tables are child tables of
// which, and what tells their rows apart. Pure: facts in, drafts out.
// Invariant: a child table has one parent, which is no child table itself; Ferry's documents have one level of them.
internal import SyncJobs

/// Drafts the document types of a file.
struct TableDrafting {
    /// That the rows of a table belong to documents of another.
    private struct Link {
        let parent: String
        /// The column that holds the parent's name.
        let column: String
        /// How much speaks for it.
        let weight: Int
    }

    let system: String
    let tables: [TableFacts]
    private let links: [String: Link]

    init(system: String, tables: [TableFacts]) {
        self.system = system
        self.tables = tables
        let candidates = Dictionary(
            tables.compactMap { table in Self.link(of: table, among: tables).map { (table.name, $0) } },
            uniquingKeysWith: { first, _ in first })
        links = candidates.filter { Self.depth(of: $0.key, in: candidates) % 2 == 1 }
    }

    /// The drafts of the tables of these names, or without names of all that are no child tables.
    func drafts(of names: [String]) -> [DocumentDraft] {
        let chosen = tables.filter { table in
            names.isEmpty ? links[table.name] == nil : names.contains { $0.hasSameBytes(as: table.name) }
        }
        var typeNames: Set<String> = []
        return chosen.map { table in
            let short = TableName.documentType(table.name)
            let name = typeNames.contains(short) ? table.name : short
            typeNames.insert(name)
            return draft(of: table, as: name)
        }
    }

    private func draft(of table: TableFacts, as typeName: String) -> DocumentDraft {
        var draft = DocumentDraft(type: DocumentType(system: system, name: typeName))
        draft.table = table.name
        draft.count = min(table.rowCount, TableFacts.maximumCount)
        draft.isCountCut = table.rowCount > TableFacts.maximumCount
        if table.kind != .table { draft.notes.append("a \(table.kind == .view ? "view" : "virtual table")") }
        guard table.obstacle == nil else {
            draft.obstacle = "it can't be read: \(table.obstacle ?? "")"
            return draft
        }
        draft.fields = table.columns.map(field)
        draft.version = FieldGuess.version(
            among: table.columns.map { column in
                let kind = FieldGuess.kind(ofColumnType: column.declaredType)
                return (column.name, column.values, kind ?? (column.affinity == .integer ? .integer : nil))
            })
        draft.children = children(of: table)
        let name = Self.nameColumn(of: table)
        draft.nameField = name.column
        draft.obstacle = name.obstacle
        draft.notes += name.notes + references(of: table)
        return draft
    }

    private func field(_ column: TableFacts.Column) -> DocumentDraft.Field {
        var field = DocumentDraft.Field(name: column.name, columnType: column.declaredType, values: column.values)
        if column.binaryValues > 0 || column.declaredType.uppercased().contains("BLOB") {
            field.note = "binary: a document with binary data is refused; leave the column out by a view"
        }
        return field
    }

    /// What other tables it refers to, where that makes it no child table.
    private func references(of table: TableFacts) -> [String] {
        let isChild = links[table.name]
        return table.references.compactMap { reference in
            let columns = reference.columns.map(\.from).joined(separator: ", ")
            if let isChild, reference.table.lowercased() == isChild.parent.lowercased() {
                return "its rows belong to \(isChild.parent) by \(columns); drafted there as a child table"
            }
            return "\(columns) refers to \(reference.table)"
        }
    }

    // MARK: - The name

    /// The column that names the documents of a table.
    static func nameColumn(of table: TableFacts) -> (column: String?, obstacle: String?, notes: [String]) {
        let key = table.primaryKey
        let unique = table.uniqueKeys.filter { $0.count == 1 }.compactMap { table.column($0[0]) }
            .filter { $0.isRequired && canName($0) }
        if key.count == 1 {
            guard canName(key[0]) else {
                return (nil, "\(key[0].name) is \(key[0].declaredType); a name is text or a whole number", [])
            }
            let others = unique.filter { $0.name != key[0].name }.map(\.name).joined(separator: ", ")
            return (key[0].name, nil, others.isEmpty ? [] : ["unique too, and perhaps the better name: \(others)"])
        }
        let what =
            key.isEmpty ? "no primary key" : "a primary key of several columns (\(key.map(\.name).list))"
        if let column = unique.first { return (column.name, nil, ["\(what); \(column.name) is unique"]) }
        return (nil, "\(what): name a column that is unique, or make a view that has one", [])
    }

    private static func canName(_ column: TableFacts.Column) -> Bool {
        column.affinity != .real && column.binaryValues == 0 && !column.declaredType.uppercased().contains("BLOB")
    }

    // MARK: - Child tables

    /// How many steps a table is below one that belongs to no other, or below a ring of tables that belong to each other.
    ///
    /// Child tables have one level: what is below a child table is a document of its own again.
    private static func depth(of table: String, in links: [String: Link]) -> Int {
        var chain = [table]
        while let parent = links[chain[chain.count - 1]]?.parent {
            if let step = chain.firstIndex(of: parent) { return step }
            chain.append(parent)
        }
        return chain.count - 1
    }

    /// The table that the rows of `table` belong to: it refers to the name of its documents, and either is named after
    /// it or goes with it when it is deleted.
    private static func link(of table: TableFacts, among tables: [TableFacts]) -> Link? {
        let all = table.references.compactMap { reference -> Link? in
            guard reference.columns.count == 1, let from = table.column(reference.columns[0].from),
                let parent = tables.first(where: { $0.name.lowercased() == reference.table.lowercased() }),
                parent.name != table.name, let name = nameColumn(of: parent).column
            else { return nil }
            let to = reference.columns[0].to ?? parent.primaryKey.first?.name
            guard to?.lowercased() == name.lowercased() else { return nil }
            let weight =
                (TableName.field(ofChild: table.name, of: parent.name) != nil ? 2 : 0) + (reference.cascades ? 1 : 0)
            return weight > 0 ? Link(parent: parent.name, column: from.name, weight: weight) : nil
        }
        // Of equal ones the first: max(by:) would answer the last.
        return all.first { link in all.allSatisfy { $0.weight <= link.weight } }
    }

    private func children(of parent: TableFacts) -> [DocumentDraft.Child] {
        var taken = Set(parent.columns.map { $0.name.lowercased() })
        return tables.compactMap { table -> DocumentDraft.Child? in
            guard let link = links[table.name], link.parent == parent.name else { return nil }
            let short = TableName.field(ofChild: table.name, of: parent.name) ?? table.name
            guard let name = [short, table.name].first(where: { !taken.contains($0.lowercased()) }) else { return nil }
            taken.insert(name.lowercased())
            var child = DocumentDraft.Child(field: name)
            child.table = table.name
            child.parentColumn = link.column
            (child.rowKey, child.likelyRowKey) = Self.rowKey(of: table, parentColumn: link.column)
            child.fields = table.columns.filter { $0.name != link.column }.map(field)
            if table.hasRowIDKey, child.rowKey == table.primaryKey.first?.name {
                child.notes.append(
                    "SQLite gives \(child.rowKey ?? ""): for a target, name the column that holds the source's row")
            }
            return child
        }
    }

    /// What tells the rows of one parent apart: for certain, or by its name.
    static func rowKey(of table: TableFacts, parentColumn: String) -> (certain: String?, likely: String?) {
        let keys = [table.primaryKey.map(\.name)] + table.uniqueKeys
        // The shortest key: what is unique by itself is unique within a parent too.
        for count in 1...2 {
            for key in keys where key.count == count {
                let rest = key.filter { $0.lowercased() != parentColumn.lowercased() }
                if rest.count == 1 { return (rest[0], nil) }
            }
        }
        return (nil, FieldGuess.rowKey(among: table.columns.map(\.name).filter { $0 != parentColumn }))
    }
}

/// What names of tables say.
enum TableName {
    /// `customers` is the document type `Customer`, `sales_orders` is `SalesOrder`, `tabSales Order` is `Sales Order`.
    static func documentType(_ table: String) -> String {
        if table.hasPrefix("tab"), table.dropFirst(3).first?.isUppercase == true { return String(table.dropFirst(3)) }
        let words = table.split { !($0.isLetter || $0.isNumber) }.map(String.init)
        guard let last = words.last else { return table }
        return (words.dropLast() + [singular(last)]).map { $0.prefix(1).uppercased() + $0.dropFirst() }.joined()
    }

    /// `customer_addresses` holds the `addresses` of `customers`; nil when the name does not begin with the parent's.
    static func field(ofChild child: String, of parent: String) -> String? {
        let words = FieldGuess.words(of: child)
        let parentWords = FieldGuess.words(of: parent)
        guard let last = parentWords.last else { return nil }
        for prefix in [parentWords, parentWords.dropLast() + [singular(last)]] where words.count > prefix.count {
            if words.starts(with: prefix) { return words.dropFirst(prefix.count).joined(separator: "_") }
        }
        return nil
    }

    /// `customers` is `customer`, `addresses` is `address`, `companies` is `company`; other words stay as they are.
    static func singular(_ word: String) -> String {
        let lower = word.lowercased()
        if lower.hasSuffix("ies"), lower.count > 4 { return String(word.dropLast(3)) + "y" }
        if ["sses", "shes", "ches", "xes", "zes"].contains(where: lower.hasSuffix) { return String(word.dropLast(2)) }
        if ["ss", "us", "is"].contains(where: lower.hasSuffix) || lower.count < 3 { return word }
        return lower.hasSuffix("s") ? String(word.dropLast()) : word
    }
}

extension [String] {
    fileprivate var list: String { joined(separator: ", ") }
}
