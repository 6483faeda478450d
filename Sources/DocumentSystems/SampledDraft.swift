// Drafts by looking at documents, for systems without a schema. Pure but for the reading of documents.
public import SyncJobs

extension DocumentSystem {
    /// Looks at up to 200 documents of each type that is named.
    ///
    /// - Throws: ``JobFailure`` as ``list(typeName:after:limit:)``.
    public func drafts(of names: [String]) async throws(JobFailure) -> [DocumentDraft] {
        try await SampledDraft.drafts(of: names, in: self)
    }
}

/// Drafts a document type by some of its documents.
enum SampledDraft {
    private static let maximumDocuments = 200

    /// The drafts of these types, each with how many documents there are.
    static func drafts(
        of names: [String], in system: some DocumentSystem
    ) async throws(JobFailure) -> [DocumentDraft] {
        var drafts: [DocumentDraft] = []
        for name in names {
            let documents = try await system.list(typeName: name, after: nil, limit: maximumDocuments)
            var draft = draft(DocumentType(system: system.name, name: name), documents)
            draft.count = try await system.count(typeName: name)
            drafts.append(draft)
        }
        return drafts
    }

    /// The draft of a type with these documents.
    static func draft(_ type: DocumentType, _ documents: [Document]) -> DocumentDraft {
        var draft = DocumentDraft(type: type)
        guard !documents.isEmpty else {
            draft.notes.append("no documents to look at")
            return draft
        }
        let objects = documents.map(\.fields)
        let values = samples(objects)
        draft.nameField = nameField(of: documents)
        for (field, sample) in values {
            if let child = child(field, in: objects) {
                draft.children.append(child)
            } else {
                draft.fields.append(DocumentDraft.Field(name: field, values: sample))
            }
        }
        draft.version = FieldGuess.version(among: values.map { ($0.name, $0.values, nil) })
        return draft
    }

    private static func samples(_ objects: [JSONObject]) -> [(name: String, values: FieldSample)] {
        var samples: [ExactString: FieldSample] = [:]
        for object in objects {
            for member in object { samples[ExactString(member.key), default: FieldSample()].add(member.value) }
        }
        return samples.sorted { $0.key < $1.key }.map { ($0.key.text, $0.value) }
    }

    /// The field that equals the name in every document; of several, the one that is called like a name.
    private static func nameField(of documents: [Document]) -> String? {
        let names = documents.first?.fields.keys.filter { field in
            documents.allSatisfy { document in
                guard let name = document.key?.name else { return false }
                return document.fields[field]?.nameText?.hasSameBytes(as: name) ?? false
            }
        }
        guard let names else { return nil }
        return FieldGuess.rowKey(among: names) ?? names.first
    }

    /// A field whose values are lists of objects, with what tells the objects of each list apart.
    private static func child(_ field: String, in objects: [JSONObject]) -> DocumentDraft.Child? {
        let values = objects.compactMap { $0[field] }.filter { !$0.isNull }
        let lists = values.compactMap { value in value.arrayValue?.compactMap(\.objectValue) }
        let rows = lists.flatMap { $0 }
        guard !rows.isEmpty, zip(values, lists).allSatisfy({ $0.arrayValue?.count == $1.count }),
            lists.count == values.count
        else { return nil }
        var child = DocumentDraft.Child(field: field)
        child.fields = samples(rows).map { DocumentDraft.Field(name: $0.name, values: $0.values) }
        let keys = child.fields.map(\.name).filter { key in lists.allSatisfy { hasDistinctKeys($0, key) } }
        let likely = FieldGuess.rowKey(among: keys)
        // A single row is told apart by anything: only rows side by side prove a key.
        if lists.contains(where: { $0.count > 1 }) {
            child.rowKey = likely ?? keys.first
        } else {
            child.likelyRowKey = likely
        }
        return child
    }

    private static func hasDistinctKeys(_ rows: [JSONObject], _ key: String) -> Bool {
        let values = rows.compactMap { $0[key]?.nameText.map { ExactString($0) } }
        return values.count == rows.count && Set(values).count == rows.count
    }
}

extension String {
    /// A remedy for a name that is not there: the near one, else those there are.
    static func known(_ name: String, among names: [String]) -> String {
        if let near = name.nearest(among: names) { return "did you mean \(near)?" }
        return names.isEmpty
            ? "there are none"
            : "there are: " + names.prefix(30).joined(separator: ", ") + (names.count > 30 ? " …" : "")
    }
}
