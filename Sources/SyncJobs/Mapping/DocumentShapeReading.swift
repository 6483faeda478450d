// From one entry of `documents:` to the declared shape. The same entry also says where the documents are stored; those
// keys belong to the system and are only known here.

extension DocumentShape {
    /// The keys of a document type that make its shape.
    public static let keys = ["name", "version", "fields", "tables"]
    /// The keys of a child table that make its shape.
    public static let tableKeys = ["row_key", "fields"]
    /// The keys of a field that is declared by a map.
    public static let fieldKeys = ["type", "sensitive"]
    /// The keys of a version.
    public static let versionKeys = ["field", "order", "zone"]
    /// The kinds of a field.
    public static let fieldKinds = ["text", "integer", "decimal(2)", "bool", "timestamp", "date", "json"]

    /// Reads the shape from `node`.
    ///
    /// - Parameters:
    ///   - systemKeys: keys of the document type that its system reads.
    ///   - systemTableKeys: keys of a child table that its system reads.
    ///   - problems: gets everything that is wrong.
    public static func read(
        node: ConfigNode, systemKeys: [String] = ["table", "json"],
        systemTableKeys: [String] = ["table", "parent"], problems: inout [ConfigProblem]
    ) -> DocumentShape {
        var shape = DocumentShape()
        let known = keys + systemKeys
        guard let section = ConfigSection(node, what: "a document type", known: known, problems: &problems) else {
            return shape
        }
        shape.nameField = section.text("name", problems: &problems)
        if let version = section["version"] { shape.version = readVersion(version, problems: &problems) }
        if let fields = section["fields"] { shape.fields = readFields(fields, problems: &problems) }
        guard let tables = section["tables"] else { return shape }
        guard let entries = tables.entries else {
            problems.append(
                ConfigProblem(tables, "tables is \(tables.kind)", remedy: "write {child table: {row_key: field}}"))
            return shape
        }
        for entry in entries {
            shape.tables[entry.key] = readTable(entry.value, known: tableKeys + systemTableKeys, problems: &problems)
        }
        return shape
    }

    private static func readTable(
        _ node: ConfigNode, known: [String], problems: inout [ConfigProblem]
    ) -> TableShape? {
        guard let section = ConfigSection(node, what: "a child table", known: known, problems: &problems) else {
            return nil
        }
        let remedy = "write row_key: with the field that tells the rows of one parent apart"
        let rowKey = section.required("row_key", remedy: remedy, problems: &problems)
        let fields = section["fields"].map { readFields($0, problems: &problems) } ?? [:]
        return rowKey.map { TableShape(rowKey: $0, fields: fields) }
    }

    private static func readVersion(_ node: ConfigNode, problems: inout [ConfigProblem]) -> VersionShape? {
        guard let section = ConfigSection(node, what: "a version", known: versionKeys, problems: &problems) else {
            return nil
        }
        let field = section.required("field", remedy: "write field: with the field that holds it", problems: &problems)
        let order = section.choice("order", VersionOrder.self, problems: &problems) ?? .none
        let zone = section.zone("zone", problems: &problems)
        if let node = section["zone"], order != .timestamp {
            problems.append(
                ConfigProblem(node, "a zone has a meaning only with order: timestamp", remedy: "leave it out"))
        }
        return field.map { VersionShape(field: $0, order: order, zone: zone) }
    }

    private static func readFields(_ node: ConfigNode, problems: inout [ConfigProblem]) -> [String: FieldShape] {
        guard let entries = node.entries else {
            problems.append(ConfigProblem(node, "fields is \(node.kind)", remedy: "write {field: decimal(2)}"))
            return [:]
        }
        var fields: [String: FieldShape] = [:]
        for entry in entries {
            var field = FieldShape()
            if entry.value.entries != nil {
                guard
                    let section = ConfigSection(
                        entry.value, what: "a declared field", known: fieldKeys, problems: &problems)
                else { continue }
                field.kind = section["type"].flatMap { readKind($0, problems: &problems) }
                field.isSensitive = section.bool("sensitive", problems: &problems) ?? false
            } else {
                field.kind = readKind(entry.value, problems: &problems)
            }
            fields[entry.key] = field
        }
        return fields
    }

    private static func readKind(_ node: ConfigNode, problems: inout [ConfigProblem]) -> FieldKind? {
        switch node.text {
        case "text": return .text
        case "integer": return .integer
        case "bool": return .bool
        case "timestamp": return .timestamp
        case "date": return .date
        case "json": return .json
        case let text?:
            if let places = Conversion.places(inDecimal: text) { return .decimal(places: places) }
        case nil: break
        }
        let written = node.text.map { "\"\($0.prefix(80))\"" } ?? node.kind
        let nearest = node.text.flatMap { $0.nearest(among: fieldKinds) }
        let remedy =
            node.text?.hasPrefix("decimal") == true
            ? "write decimal(n) with n places, 0 to \(Conversion.maximumPlaces)"
            : nearest.map { "did you mean \($0)?" } ?? "known: " + fieldKinds.list
        problems.append(ConfigProblem(node, "\(written) is no kind of field", remedy: remedy))
        return nil
    }
}
