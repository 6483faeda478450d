// A case as YAML that people go on with: plain words where they are safe, one field a line, rows of child tables side by side.
// Invariant: TypeCaseReader reads back what was written; who writes a file checks that (see CaseRecording).

internal import SyncJobs

/// Writes values and cases as YAML.
struct TypeCaseWriter {
    private(set) var text = ""

    /// An entry `key: value` of a list's first line or of a map, indented by `level` times two spaces.
    mutating func add(_ key: String, _ value: JSONValue, level: Int = 1, isFirst: Bool = false) {
        let indent = isFirst ? "- " : String(repeating: "  ", count: level)
        let name = Self.scalar(.string(key))
        switch value {
        case .object(let object) where !object.isEmpty:
            text += "\(indent)\(name):\n"
            for member in object { add(member.key, member.value, level: level + 1) }
        case .array(let elements) where elements.contains(where: { $0.objectValue != nil }):
            text += "\(indent)\(name):\n"
            for element in elements { text += "\(String(repeating: "  ", count: level + 1))- \(Self.flow(element))\n" }
        default: text += "\(indent)\(name): \(Self.flow(value))\n"
        }
    }

    /// A value on one line.
    static func flow(_ value: JSONValue) -> String {
        switch value {
        case .object(let object):
            "{" + object.map { "\(scalar(.string($0.key))): \(flow($0.value))" }.joined(separator: ", ") + "}"
        case .array(let elements): "[" + elements.map(flow).joined(separator: ", ") + "]"
        case .null, .bool, .number, .string: scalar(value)
        }
    }

    static func scalar(_ value: JSONValue) -> String {
        guard case .string(let text) = value else { return value.canonicalText }
        return isPlain(text) ? text : quoted(text)
    }

    /// Words that YAML of other programs takes for something else than text.
    private static let taken: Set<String> = ["true", "false", "null", "yes", "no", "on", "off", "y", "n"]

    private static func isPlain(_ text: String) -> Bool {
        guard let first = text.unicodeScalars.first, first.isASCII, first.properties.isAlphabetic, text.last != " ",
            !taken.contains(text.lowercased())
        else { return false }
        return text.unicodeScalars.allSatisfy { scalar in
            switch scalar {
            case "a"..."z", "A"..."Z", "0"..."9", " ", ".", "_", "-", "/", "@", "+", "(", ")": true
            default: false
            }
        }
    }

    private static func quoted(_ text: String) -> String {
        var result = "\""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\"", "\\": result += "\\\(scalar)"
            case "\n": result += "\\n"
            case "\r": result += "\\r"
            case "\t": result += "\\t"
            default:
                switch scalar.properties.generalCategory {
                case .control, .format, .lineSeparator, .paragraphSeparator, .surrogate, .privateUse, .unassigned:
                    result += escape(scalar)
                default: result.unicodeScalars.append(scalar)
                }
            }
        }
        // ${ begins a reference, in files of cases too.
        return result.replacing("${", with: "$${") + "\""
    }

    private static func escape(_ scalar: Unicode.Scalar) -> String {
        let digits = String(scalar.value, radix: 16, uppercase: true)
        let width = scalar.value > 0xFFFF ? 8 : 4
        return (width == 8 ? "\\U" : "\\u") + String(repeating: "0", count: width - digits.count) + digits
    }
}

extension TypeCaseWriter {
    /// The case as one entry of a list.
    static func text(of testCase: TypeCase, in configuration: FerryConfiguration) -> String {
        var writer = TypeCaseWriter()
        func key(_ key: TypeCaseKey) -> String { key.rawValue }
        let type = testCase.type
        writer.add(key(.name), .string(testCase.name), isFirst: true)
        writer.add(key(.type), .string(type.name))
        let sourceName = testCase.request.sourceDocumentName
        if let sourceName { writer.add(key(.sourceDocumentName), .string(sourceName)) }
        let source = sourceName.flatMap { name in
            testCase.documents.first { $0.key == DocumentKey(type: type.source, name: name) }
        }
        if let source { writer.add(key(.source), .object(source.fields)) }
        if source?.isDeleted == true { writer.add(key(.sourceDeleted), true) }
        let own = testCase.bindings.first
        let target = testCase.documents.first { document in
            document.key.type == type.target && document.key != source?.key && document.isTarget
        }
        if let target {
            writer.add(key(.targetDocumentName), .string(target.key.name))
            writer.add(key(.target), .object(target.fields))
        }
        if let binding = binding(own, target: target, key: testCase.request.targetKey ?? "") {
            writer.add(key(.binding), binding)
        }
        var others: JSONObject = [:]
        for document in testCase.documents where document.key != source?.key && document.key != target?.key {
            var ofType = others[document.key.type.description]?.objectValue ?? [:]
            ofType[document.key.name] = .object(document.fields)
            others[document.key.type.description] = .object(ofType)
        }
        if !others.isEmpty { writer.add(key(.documents), .object(others)) }
        let request = request(of: testCase)
        if !request.isEmpty { writer.add(key(.request), .object(request)) }
        writer.add(key(.expect), .object(testCase.expected.json))
        return writer.text
    }

    /// What `binding:` says; nil where it goes without saying.
    private static func binding(_ bound: TypeCase.Bound?, target: TypeCase.Placed?, key: String) -> JSONValue? {
        guard let bound else { return target == nil ? nil : false }
        var object: JSONObject = [:]
        if target?.key.name.hasSameBytes(as: bound.target) != true { object["target"] = .string(bound.target) }
        if !bound.key.hasSameBytes(as: key) { object["key"] = .string(bound.key) }
        object["source_version"] = bound.version.map { .string($0.text) }
        if bound.isDeleted { object["deleted"] = true }
        return object.isEmpty ? nil : .object(object)
    }

    /// The request without what the case says elsewhere.
    private static func request(of testCase: TypeCase) -> JSONObject {
        var object = testCase.request.json
        let elsewhere: [SyncRequestField] = [.id, .syncJobType, .sourceDocumentName, .dryRun, .document]
        for field in elsewhere { object[field.rawValue] = nil }
        return object
    }
}

extension TypeCase.Expectation {
    /// What `expect:` says.
    var json: JSONObject {
        var object: JSONObject = [:]
        func put(_ key: TypeCaseExpectKey, _ value: JSONValue?) { object[key.rawValue] = value }
        put(.status, status.map { .string($0.rawValue) })
        put(.skipReason, skipReason.map { .string($0.rawValue) })
        put(.noTargetReason, noTargetReason.map { .string($0.rawValue) })
        put(.operation, operation.map { .string($0.rawValue) })
        put(.error, error.map { .string($0.rawValue) })
        put(.targetDocumentName, targetName.map { .string($0) })
        put(.children, children.map { .array($0.map { .string($0) }) })
        switch target {
        case .absent: put(.target, .null)
        case .fields(let fields): put(.target, .object(fields))
        case nil: break
        }
        guard let diff else { return object }
        put(.diff, .object(Self.json(diff.changed)))
        put(.added, Self.json(diff.added))
        put(.removed, Self.json(diff.removed))
        guard !diff.rowChanged.isEmpty else { return object }
        var tables: JSONObject = [:]
        for row in diff.rowChanged {
            var rows = tables[row.table]?.objectValue ?? [:]
            rows[row.rowKey.nameText ?? row.rowKey.canonicalText] = .object(Self.json(row.changes))
            tables[row.table] = .object(rows)
        }
        put(.rowChanged, .object(tables))
        return object
    }

    private static func json(_ changes: [Diff.FieldChange]) -> JSONObject {
        changes.reduce(into: JSONObject()) { $0[$1.field] = [$1.old, $1.new] }
    }

    private static func json(_ rows: [Diff.Row]) -> JSONValue? {
        guard !rows.isEmpty else { return nil }
        var tables: JSONObject = [:]
        for row in rows {
            tables[row.table] = .array((tables[row.table]?.arrayValue ?? []) + [.object(row.row)])
        }
        return .object(tables)
    }
}
