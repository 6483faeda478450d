// `expect:` of a case, and reading its parts by key and kind.

internal import SyncJobs

extension TypeCaseReader {
    mutating func expectation(_ node: ConfigNode?, case whole: ConfigNode) -> TypeCase.Expectation {
        var expected = TypeCase.Expectation()
        guard let node else {
            refuse(whole, "the case expects nothing", remedy: "write expect: {status: Finished}, or more than that")
            return expected
        }
        guard hasKnownKeys(node, TypeCaseExpectKey.self, "what is expected") else { return expected }
        func value(_ key: TypeCaseExpectKey) -> ConfigNode? { node[key.rawValue] }
        expected.status = value(.status).flatMap { node in
            word(node, JobStatus.allCases.map(\.rawValue)) { JobStatus(anyCase: $0) }
        }
        expected.skipReason = value(.skipReason).flatMap { word($0, SkipReason.self) }
        expected.noTargetReason = value(.noTargetReason).flatMap { word($0, NoTargetReason.self) }
        expected.operation = value(.operation).flatMap { word($0, DocumentOperation.self) }
        expected.error = value(.error).flatMap { word($0, JobFailure.Code.self) }
        expected.diff = diff(node)
        if let target = value(.target) {
            expected.target = target.scalar?.isNull == true ? .absent : fields(target, "target").map { .fields($0) }
        }
        expected.targetName = value(.targetDocumentName).flatMap { documentName($0) }
        if let children = value(.children) {
            guard let elements = children.elements else {
                refuse(children, "it is no list", remedy: "write the keys of the children: [a, b]")
                return expected
            }
            expected.children = elements.compactMap { documentName($0) }
        }
        if expected.isEmpty {
            refuse(node, "the case expects nothing", remedy: "write expect: {status: Finished}, or more than that")
        }
        return expected
    }

    private mutating func diff(_ node: ConfigNode) -> Diff? {
        let keys: [TypeCaseExpectKey] = [.diff, .added, .removed, .rowChanged]
        guard keys.contains(where: { node[$0.rawValue] != nil }) else { return nil }
        func value(_ key: TypeCaseExpectKey) -> ConfigNode? { node[key.rawValue] }
        var diff = Diff()
        diff.changed = value(.diff).map { changes($0) } ?? []
        diff.added = value(.added).map { rows($0) } ?? []
        diff.removed = value(.removed).map { rows($0) } ?? []
        for table in value(.rowChanged).map({ entries($0, "changed rows by their tables") }) ?? [] {
            for row in entries(table.value, "changed rows by their keys") {
                diff.rowChanged.append(
                    .init(table: table.key, rowKey: .string(row.key), changes: changes(row.value)))
            }
        }
        return diff
    }

    /// `{field: [old, new]}`.
    private mutating func changes(_ node: ConfigNode) -> [Diff.FieldChange] {
        entries(node, "changes").compactMap { entry in
            guard let pair = entry.value.elements, pair.count == 2 else {
                refuse(entry.value, "it is no pair of values", remedy: "write [old, new], with null for none")
                return nil
            }
            return Diff.FieldChange(field: entry.key, old: pair[0].json, new: pair[1].json)
        }.sorted { $0.field.precedesByBytes($1.field) }
    }

    /// `{table: [row, …]}`.
    private mutating func rows(_ node: ConfigNode) -> [Diff.Row] {
        var rows: [Diff.Row] = []
        for table in entries(node, "rows by their tables") {
            guard let elements = table.value.elements else {
                refuse(table.value, "it is no list of rows", remedy: "write [{field: value}]")
                continue
            }
            rows += elements.compactMap { element in
                fields(element, "a row").map { Diff.Row(table: table.key, row: $0) }
            }
        }
        return rows
    }

    // MARK: by kind

    mutating func refuse(_ node: ConfigNode, _ message: String, remedy: String) {
        problems.append(ConfigProblem(node, message, remedy: remedy))
    }

    /// Whether `node` is a map; keys that are not among `keys` are problems.
    mutating func hasKnownKeys<Key: RawRepresentable<String> & CaseIterable>(
        _ node: ConfigNode, _ keys: Key.Type, _ what: String
    ) -> Bool {
        let known = Key.allCases.map(\.rawValue)
        guard let entries = node.entries else {
            refuse(node, "\(what) has to be a map", remedy: "its keys are \(known.joined(separator: ", "))")
            return false
        }
        for entry in entries where !known.contains(where: { $0.hasSameBytes(as: entry.key) }) {
            problems.append(
                ConfigProblem(
                    line: entry.line, place: entry.value.place,
                    message: "\(what) has no key \"\(entry.key.prefix(80))\"",
                    remedy: Suggestion.remedy(for: entry.key, among: known)))
        }
        return true
    }

    /// The entries of a map; null has none.
    mutating func entries(_ node: ConfigNode, _ what: String) -> [ConfigNode.Entry] {
        if node.scalar?.isNull == true { return [] }
        if let entries = node.entries { return entries }
        refuse(node, "\(what) have to be a map", remedy: "write key: value lines below it")
        return []
    }

    /// The fields of a document; nil for null, and with a problem for anything but a map.
    mutating func fields(_ node: ConfigNode, _ what: String) -> JSONObject? {
        if node.scalar?.isNull == true { return nil }
        if let object = node.json.objectValue { return object }
        refuse(node, "\(what) has to be a map of fields", remedy: "write field: value lines below it")
        return nil
    }

    mutating func requiredText(_ key: TypeCaseKey, of node: ConfigNode) -> String? {
        guard let value = node[key.rawValue] else {
            refuse(node, "the case has no \(key.rawValue)", remedy: "write \(key.rawValue): …")
            return nil
        }
        guard let text = value.text, !text.isEmpty else {
            refuse(value, "it is no text", remedy: "write a text; quotes make one")
            return nil
        }
        return text
    }

    /// A name or key: text, or a number as it is written.
    mutating func documentName(_ node: ConfigNode) -> String? {
        if let name = node.scalar?.nameText { return name }
        refuse(node, "it is no name", remedy: "write a text or a number")
        return nil
    }

    mutating func truth(_ node: ConfigNode) -> Bool {
        if let truth = node.scalar?.boolValue { return truth }
        refuse(node, "it is neither true nor false", remedy: "write true or false")
        return false
    }

    mutating func type(_ nameOrSlug: String, at node: ConfigNode) -> SyncJobType? {
        if let type = configuration.types[nameOrSlug] { return type }
        refuse(
            node, "there is no sync job type \"\(nameOrSlug.prefix(140))\"",
            remedy: Suggestion.remedy(for: nameOrSlug.slug, among: configuration.types.all.map(\.slug)))
        return nil
    }

    private mutating func word<Word: RawRepresentable<String> & CaseIterable>(
        _ node: ConfigNode, _ words: Word.Type
    ) -> Word? {
        word(node, Word.allCases.map(\.rawValue)) { Word(rawValue: $0.lowercased()) }
    }

    private mutating func word<Word>(
        _ node: ConfigNode, _ known: [String], _ read: (String) -> Word?
    ) -> Word? {
        let text = node.scalar?.nameText ?? ""
        if let word = read(text) { return word }
        refuse(
            node, "\"\(text.prefix(80))\" is not known here", remedy: Suggestion.remedy(for: text, among: known))
        return nil
    }
}
