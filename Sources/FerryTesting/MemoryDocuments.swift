// What a memory system holds, as a value: documents by type and name, their last images once they are gone, and the rules
// under which a write is made. Names are compared by bytes; a write is made whole or not at all.

internal import SyncJobs

/// The documents of a memory system.
struct MemoryDocuments: Sendable {
    /// What is known of one name.
    private struct Entry: Sendable {
        var fields: JSONObject
        var isDeleted: Bool
    }

    let system: String
    let shapes: [ExactString: DocumentShape]
    let naming: [ExactString: MemorySystem.Naming]
    let unique: [ExactString: [[String]]]
    let keepsDeleted: Bool
    /// What a type's target makes of the fields it stores.
    var normalisations: [ExactString: @Sendable (inout JSONObject) -> Void] = [:]
    private var entries: [ExactString: [ExactString: Entry]] = [:]

    init(
        system: String, shapes: [String: DocumentShape], naming: [String: MemorySystem.Naming],
        unique: [String: [[String]]], keepsDeleted: Bool
    ) {
        func byBytes<Value>(_ values: [String: Value]) -> [ExactString: Value] {
            Dictionary(values.map { (ExactString($0.key), $0.value) }) { first, _ in first }
        }
        self.system = system
        self.shapes = byBytes(shapes)
        self.naming = byBytes(naming)
        self.unique = byBytes(unique)
        self.keepsDeleted = keepsDeleted
    }

    func shape(of typeName: String) -> DocumentShape { shapes[ExactString(typeName)] ?? DocumentShape() }

    // MARK: reading

    func state(of key: DocumentKey) throws(JobFailure) -> DocumentState {
        guard let entry = entries[ExactString(key.type.name)]?[ExactString(key.name)] else { return .absent }
        let document = Document(
            key: key, fields: entry.fields, version: try shape(of: key.type.name).version(in: entry.fields))
        guard entry.isDeleted else { return .present(document) }
        return keepsDeleted ? .deleted(document) : .absent
    }

    /// What is stored of a live document, whether or not its version can be read.
    func fields(typeName: String, name: String) -> JSONObject? {
        guard let entry = entries[ExactString(typeName)]?[ExactString(name)], !entry.isDeleted else { return nil }
        return entry.fields
    }

    /// The live documents of a type in byte order of their names.
    func documents(typeName: String) throws(JobFailure) -> [Document] {
        let type = DocumentType(system: system, name: typeName)
        var documents: [Document] = []
        for name in (entries[ExactString(typeName)] ?? [:]).keys.sorted() {
            guard case .present(let document) = try state(of: DocumentKey(type: type, name: name.text)) else {
                continue
            }
            documents.append(document)
        }
        return documents
    }

    /// The live documents whose fields equal those of the query, by what their fields are declared to hold.
    func documents(_ query: DocumentQuery) throws(JobFailure) -> [Document] {
        guard !query.fields.isEmpty else {
            throw JobFailure(
                .invalidTarget, "a search of \(query.type) names no field", remedy: "name at least one field")
        }
        let shape = shape(of: query.type.name)
        let found = try documents(typeName: query.type.name).filter { document in
            query.fields.allSatisfy { field in
                guard let value = document.fields[field.key] else { return false }
                return FieldComparison.areEqual(value, field.value, kind: shape.fields[field.key]?.kind)
            }
        }
        return Array(found.prefix(max(0, query.limit)))
    }

    // MARK: writing

    /// Puts a document there as its owner would, whatever was there before.
    mutating func put(typeName: String, name: String, fields: JSONObject) {
        store(named(fields, name, typeName: typeName), typeName: typeName, name: name)
    }

    /// Removes a document as its owner would; whether it was there.
    mutating func delete(typeName: String, name: String) -> Bool {
        guard entries[ExactString(typeName)]?[ExactString(name)]?.isDeleted == false else { return false }
        entries[ExactString(typeName)]?[ExactString(name)]?.isDeleted = true
        return true
    }

    /// Makes a conditional write.
    mutating func write(_ write: DocumentWrite) -> WriteResult {
        do throws(JobFailure) {
            switch (write.before, write.after) {
            case (nil, let after?): return try insert(after, write)
            case (let before?, let after): return try change(before, to: after, write)
            case (nil, nil): return .conflict("a write without a document before and after does nothing")
            }
        } catch { return .refused(error) }
    }

    private mutating func insert(_ after: Document, _ write: DocumentWrite) throws(JobFailure) -> WriteResult {
        let typeName = write.type.name
        let name = try insertedName(of: after, fallback: write.fallbackName, typeName: typeName)
        guard !name.isEmpty, name.utf8.count <= DocumentKey.maximumNameBytes else {
            throw JobFailure(
                .invalidTarget, "a document's name has \(name.utf8.count) bytes",
                remedy: "use 1 to \(DocumentKey.maximumNameBytes) bytes")
        }
        let key = DocumentKey(type: write.type, name: name)
        if case .present = try state(of: key) { return .conflict("a document of this name exists already") }
        return try finish(key, fields: named(after.fields, name, typeName: typeName))
    }

    private mutating func change(
        _ before: Document, to after: Document?, _ write: DocumentWrite
    ) throws(JobFailure) -> WriteResult {
        guard let name = before.key?.name else {
            throw JobFailure(
                .invalidTarget, "the write names no document",
                remedy: "report it: an engine must name what it changes")
        }
        let key = DocumentKey(type: write.type, name: name)
        guard case .present(let current) = try state(of: key) else {
            return .conflict("the document is not there any more")
        }
        guard current.fieldsHash == before.fieldsHash else {
            return .conflict("the document has changed since it was read")
        }
        guard let after else {
            _ = delete(typeName: write.type.name, name: name)
            return .written(WriteReceipt(name: name, stored: nil))
        }
        // Fields that the write does not name are left as they are.
        var fields = current.fields
        for member in after.fields { fields[member.key] = member.value }
        try checkName(name, in: fields, typeName: write.type.name)
        return try finish(key, fields: fields)
    }

    /// Stores what the system makes of `fields`, unless that breaks a unique key.
    private mutating func finish(_ key: DocumentKey, fields: JSONObject) throws(JobFailure) -> WriteResult {
        var stored = fields
        normalisations[ExactString(key.type.name)]?(&stored)
        for field in unique[ExactString(key.type.name)] ?? [] where try isTaken(field, by: stored, except: key) {
            return .conflict("another document has the same \(field.joined(separator: ", ")), which is unique")
        }
        store(stored, typeName: key.type.name, name: key.name)
        return .written(WriteReceipt(name: key.name, stored: try state(of: key).document))
    }

    private func isTaken(_ names: [String], by fields: JSONObject, except key: DocumentKey) throws(JobFailure) -> Bool {
        var query = DocumentQuery(type: key.type, fields: JSONObject(), limit: 2)
        for name in names {
            // As in SQL, null equals nothing.
            guard let value = fields[name], !value.isNull else { return false }
            query.fields[name] = value
        }
        return try documents(query).contains { $0.key != key }
    }

    private mutating func store(_ fields: JSONObject, typeName: String, name: String) {
        entries[ExactString(typeName), default: [:]][ExactString(name)] = Entry(fields: fields, isDeleted: false)
    }

    // MARK: names

    private func insertedName(
        of document: Document, fallback: String, typeName: String
    ) throws(JobFailure) -> String {
        if let name = document.key?.name {
            try checkName(name, in: document.fields, typeName: typeName)
            return name
        }
        let field = shape(of: typeName).nameField
        if let name = field.flatMap({ document.fields[$0]?.nameText }) { return name }
        guard naming[ExactString(typeName)] == .numbered else { return fallback }
        let taken = (entries[ExactString(typeName)] ?? [:]).keys.compactMap { Int64($0.text) }
        return String((taken.max() ?? 0) + 1)
    }

    private func checkName(_ name: String, in fields: JSONObject, typeName: String) throws(JobFailure) {
        guard let field = shape(of: typeName).nameField, let said = fields[field], !said.isNull else { return }
        guard said.nameText?.hasSameBytes(as: name) == true else {
            throw JobFailure(
                .invalidTarget, "\(system).\(typeName): the document's name and its field \"\(field)\" differ",
                remedy: "name the document in one place, or equally in both")
        }
    }

    /// The fields with the name among them, where the shape declares a field for it.
    private func named(_ fields: JSONObject, _ name: String, typeName: String) -> JSONObject {
        guard let field = shape(of: typeName).nameField, (fields[field] ?? .null).isNull else { return fields }
        var named = fields
        let isNumber = naming[ExactString(typeName)] == .numbered
        named[field] = isNumber ? JSONNumber(name).map { .number($0) } ?? .string(name) : .string(name)
        return named
    }
}
