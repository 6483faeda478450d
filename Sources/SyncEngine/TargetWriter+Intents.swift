// What a run finds of the write that an earlier run of the same job meant to make: done, or not done, and under which name.

internal import DocumentSystems
internal import JobStore
internal import SyncJobs

extension TargetWriter {
    /// The document that an earlier run of this job inserted and then could not bind, under a name that only the target
    /// knows; nil when none is found for certain.
    func inserted(by intent: WriteIntent?, type: DocumentType) async throws -> Document? {
        guard let write = intent?.write, write.operation == .insert, write.type == type else { return nil }
        var fields = JSONObject()
        for field in write.diff.changed where field.new.isScalar { fields[field.field] = field.new }
        guard !fields.isEmpty else { return nil }
        let found = try await systems.find(DocumentQuery(type: type, fields: fields, limit: 2))
        guard found.count == 1, let current = found.first, let key = current.key,
            write.isDone(in: current, shape: systems.shape(of: type))
        else { return nil }
        // One that looks the same and belongs to a source already is not what this job made.
        let bindings = try await patience.attempt { () async throws(JobStoreError) in
            try await store.bindings(target: key)
        }
        return bindings.contains { !$0.isDeleted } ? nil : current
    }

    /// The binding that an earlier run's insert would have had, had its source not gone before the commit; nil where there
    /// was none.
    ///
    /// So the end of the source reaches a target that no binding knows.
    func unboundInsert(of job: QueuedJob, intent: WriteIntent?) async throws -> Binding? {
        guard let intent, let key = BindingKey(job.request, type: job.type),
            let made = try await inserted(by: intent, type: intent.write.type)?.key
        else { return nil }
        return Binding(key: key, target: made)
    }

    /// What fences a late run where there was nothing to delete: a binding of no target that knows the delete's version.
    func tombstone(_ handle: JobHandle) -> Binding? {
        guard handle.isSourceDeleted, handle.binding == nil, let version = handle.source?.version,
            let key = BindingKey(handle), let type = handle.type.target
        else { return nil }
        return Binding(
            key: key, target: DocumentKey(type: type, name: ""), isDeleted: true, sourceVersion: version)
    }
}

extension DocumentWrite {
    /// The name that an insert into the embedded system will have.
    var insertedName: String? { after?.key?.name ?? fallbackName }

    /// Whether `current` shows this write done: every changed field and row has its intended value.
    func isDone(in current: Document, shape: DocumentShape) -> Bool {
        guard let after else { return false }
        var wanted = current
        for change in diff.changed { wanted.fields[change.field] = change.new }
        for table in Set(diff.added.map(\.table) + diff.removed.map(\.table) + diff.rowChanged.map(\.table)) {
            wanted.fields[table] = after.fields[table]
        }
        do { return try Diff(from: current, to: wanted, shape: shape).isEmpty } catch { return false }
    }
}

extension JSONValue {
    fileprivate var isScalar: Bool {
        switch self {
        case .null, .array, .object: false
        case .bool, .number, .string: true
        }
    }
}
