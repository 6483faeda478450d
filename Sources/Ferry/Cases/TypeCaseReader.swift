// From a file of cases to cases. Everything that is wrong is told at once, with its line; a case that has a problem is not
// run, and neither are the others: a suite that is half read says nothing.

internal import SyncJobs

/// Reads the cases of one file.
struct TypeCaseReader {
    let file: String
    let configuration: FerryConfiguration
    /// What is wrong so far.
    var problems: [ConfigProblem] = []

    /// The cases of a file's text.
    static func read(
        _ text: [UInt8], file: String, configuration: FerryConfiguration, environment: [String: String]
    ) -> (cases: [TypeCase], problems: [ConfigProblem]) {
        let references = ReferenceExpansion(environment: environment, folder: FilePath.folder(of: file))
        let document = YAMLDocument(text, references: references)
        var reader = TypeCaseReader(file: file, configuration: configuration)
        let cases = document.problems.isEmpty ? reader.cases(document.root) : []
        return (cases, (document.problems + reader.problems).map(document.references.masking))
    }

    private mutating func cases(_ root: ConfigNode) -> [TypeCase] {
        guard let elements = root.elements else {
            let isEmpty = root.entries?.isEmpty == true
            refuse(
                root, isEmpty ? "there are no cases in it" : "it is no list of cases",
                remedy: "begin each case with a dash: - name: …")
            return []
        }
        let cases = elements.compactMap { readCase($0) }
        for (position, one) in cases.enumerated()
        where cases[..<position].contains(where: { $0.name.hasSameBytes(as: one.name) }) {
            problems.append(
                ConfigProblem(
                    line: one.line, place: "", message: "two cases are called \"\(one.name.prefix(80))\"",
                    remedy: "give each a name of its own"))
        }
        return cases
    }

    private mutating func readCase(_ node: ConfigNode) -> TypeCase? {
        let before = problems.count
        guard hasKnownKeys(node, TypeCaseKey.self, "a case") else { return nil }
        func value(_ key: TypeCaseKey) -> ConfigNode? { node[key.rawValue] }
        let name = requiredText(.name, of: node)
        guard let typeName = requiredText(.type, of: node), let type = type(typeName, at: value(.type) ?? node) else {
            return nil
        }
        let source = value(.source).flatMap { fields($0, "source") }
        let sourceName =
            value(.sourceDocumentName).flatMap { documentName($0) }
            ?? source.map { self.name(of: $0, type: type.source) }
        let request = request(
            value(.request), type: type, sourceName: sourceName, case: node, isGood: problems.count == before)
        var placed: [TypeCase.Placed] = value(.documents).map { documents($0) } ?? []
        let isDeleted = value(.sourceDeleted).map { truth($0) } ?? false
        if let source, let sourceName {
            placed.append(
                .init(key: DocumentKey(type: type.source, name: sourceName), fields: source, isDeleted: isDeleted))
        }
        var bound = value(.bindings).map { bindings($0) } ?? []
        let target = value(.target).flatMap { fields($0, "target") }
        let targetName = targetName(node, target: target, type: type)
        if let target, let targetType = targetType(of: type, node) {
            placed.append(
                .init(key: DocumentKey(type: targetType, name: targetName), fields: target, isTarget: true))
        }
        bound += binding(
            value(.binding), hasTarget: target != nil, targetName: targetName, request: request, type: type)
        let expected = expectation(value(.expect), case: node)
        guard problems.count == before, let name, var request else { return nil }
        // Where the source system forgets what it had, the last image travels with the request, as with a delete event.
        if isDeleted { request.document = request.document ?? source }
        return TypeCase(
            name: name, file: file, line: node.line, type: type, request: request, documents: placed, bindings: bound,
            expected: expected)
    }

    // MARK: documents

    private func name(of fields: JSONObject, type: DocumentType) -> String {
        configuration.document(type)?.shape.nameField.flatMap { fields[$0]?.nameText } ?? "1"
    }

    private mutating func targetName(_ node: ConfigNode, target: JSONObject?, type: SyncJobType) -> String {
        if let said = node[TypeCaseKey.targetDocumentName.rawValue].flatMap({ documentName($0) }) { return said }
        guard let target, let targetType = type.target else { return "1" }
        return name(of: target, type: targetType)
    }

    /// The type's target; a problem where there is none for a target document.
    private mutating func targetType(of type: SyncJobType, _ node: ConfigNode) -> DocumentType? {
        if let target = type.target { return target }
        refuse(
            node[TypeCaseKey.target.rawValue] ?? node, "the type \(type.name) names no target",
            remedy: "write the document below documents: with its system and type")
        return nil
    }

    private mutating func documents(_ node: ConfigNode) -> [TypeCase.Placed] {
        var placed: [TypeCase.Placed] = []
        for entry in entries(node, "documents") {
            guard let type = DocumentType(entry.key), configuration.system(type.system) != nil else {
                refuse(
                    entry.value, "\"\(entry.key.prefix(80))\" is no document type of a configured system",
                    remedy: Suggestion.remedy(
                        for: entry.key, among: configuration.documents.map(\.type.description)))
                continue
            }
            for document in entries(entry.value, "documents of a type by their names") {
                guard let fields = fields(document.value, "a document") else { continue }
                placed.append(.init(key: DocumentKey(type: type, name: document.key), fields: fields))
            }
        }
        return placed
    }

    // MARK: bindings

    private mutating func bindings(_ node: ConfigNode) -> [TypeCase.Bound] {
        var bound: [TypeCase.Bound] = []
        for entry in entries(node, "bindings") {
            guard let type = type(entry.key, at: entry.value) else { continue }
            for binding in entries(entry.value, "target names by source names") {
                guard let target = documentName(binding.value) else { continue }
                bound.append(.init(typeSlug: type.slug, source: binding.key, target: target))
            }
        }
        return bound
    }

    /// A target that is given is bound to the source, unless `binding` says otherwise.
    private mutating func binding(
        _ node: ConfigNode?, hasTarget: Bool, targetName: String, request: SyncRequest?, type: SyncJobType
    ) -> [TypeCase.Bound] {
        let said = node.flatMap { $0.scalar?.isNull == true ? nil : $0 }
        guard said?.scalar?.boolValue != false, said != nil || hasTarget else { return [] }
        guard let source = request?.sourceDocumentName else { return [] }
        var bound = TypeCase.Bound(
            typeSlug: type.slug, source: source, target: targetName, key: request?.targetKey ?? "")
        guard let said, said.scalar?.boolValue != true else { return [bound] }
        if said.entries == nil {
            guard let target = documentName(said) else { return [] }
            bound.target = target
            return [bound]
        }
        guard hasKnownKeys(said, TypeCaseBindingKey.self, "a binding") else { return [] }
        func value(_ key: TypeCaseBindingKey) -> ConfigNode? { said[key.rawValue] }
        if let target = value(.target).flatMap({ documentName($0) }) { bound.target = target }
        if let key = value(.key).flatMap({ documentName($0) }) { bound.key = key }
        bound.isDeleted = value(.deleted).map { truth($0) } ?? false
        if let node = value(.sourceVersion), let text = documentName(node) {
            do {
                bound.version = try configuration.document(type.source)?.shape.version(reading: text)
            } catch { refuse(node, error.message, remedy: error.remedy) }
        }
        return [bound]
    }

    // MARK: request

    private mutating func request(
        _ node: ConfigNode?, type: SyncJobType, sourceName: String?, case whole: ConfigNode, isGood: Bool
    ) -> SyncRequest? {
        var object = JSONObject()
        for entry in node.map({ entries($0, "request") }) ?? [] { object[entry.key] = entry.value.json }
        if object["id"] == nil { object["id"] = "case" }
        object["sync_job_type"] = .string(type.slug)
        if let sourceName { object["source_document_name"] = .string(sourceName) }
        // What a bypass controller writes is not in our hands, and a test touches no real system.
        if case .bypass = type.controller.way { object["dry_run"] = true }
        do {
            return try SyncRequest(decoding: JSONValue.object(object).canonicalBytes, messageID: nil)
        } catch {
            // A request that names nothing, where what names it has a problem already, goes without saying.
            if error.code != .missingField || isGood { refuse(node ?? whole, error.message, remedy: error.remedy) }
            return nil
        }
    }
}
