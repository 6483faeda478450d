// Documents in a test: put there as their owner would, looked at, and compared with what was expected.

internal import JobStore
public import SyncJobs

extension SyncTest {
    /// Puts a document of `type` (`erp.Customer`) there, as its owner would.
    ///
    /// In a memory system whatever was there is replaced; elsewhere fields that are not named are left as they are.
    ///
    /// - Throws: ``JobFailure`` when there is no such system, or it refuses the document.
    public func put(_ type: String, _ name: String, _ fields: JSONObject) async throws {
        let key = DocumentKey(type: try DocumentType(testName: type), name: name)
        if let memory = systems[key.type.system] as? MemorySystem {
            memory.put(key.type.name, name, fields)
            return
        }
        let before = try await current(key)
        let after = Document(key: key, fields: fields)
        try await write(key, from: before, to: after)
    }

    /// Removes a document, as its owner would; nothing happens when it is not there.
    ///
    /// - Throws: ``JobFailure`` as ``put(_:_:_:)``.
    public func delete(_ type: String, _ name: String) async throws {
        let key = DocumentKey(type: try DocumentType(testName: type), name: name)
        guard let before = try await current(key) else { return }
        try await write(key, from: before, to: nil)
    }

    /// A document as its system has it now; nil when it is not there.
    ///
    /// - Throws: ``JobFailure`` when there is no such system, or it can't answer.
    public func document(_ type: String, _ name: String) async throws -> Document? {
        try await current(DocumentKey(type: try DocumentType(testName: type), name: name))
    }

    /// What is not as expected of a document; only the fields that `expected` names count, unless `exactly`.
    ///
    /// ```swift
    /// #expect(try await test.difference("app.Account", "7", ["label": "Acme"]) == .none)
    /// ```
    ///
    /// - Throws: ``JobFailure`` as ``document(_:_:)``.
    public func difference(
        _ type: String, _ name: String, _ expected: JSONObject, exactly: Bool = false
    ) async throws -> Difference {
        let actual = try await document(type, name)
        let shape = systems.shape(of: try DocumentType(testName: type))
        return Difference(expected: expected, actual: actual?.fields, shape: shape, exactly: exactly)
    }

    /// What is not as expected of the fields that a job has changed: all of them, and no others.
    ///
    /// ```swift
    /// #expect(test.difference(job, ["label": ("Acme", "Acme Ltd")]) == .none)
    /// ```
    public func difference(_ job: SyncJob, _ changed: [String: (old: JSONValue, new: JSONValue)]) -> Difference {
        let changes = changed.map { Diff.FieldChange(field: $0.key, old: $0.value.old, new: $0.value.new) }
        var expected = job.diff ?? Diff()
        expected.changed = changes.sorted { $0.field.precedesByBytes($1.field) }
        return Difference(expected: expected, actual: job.diff)
    }

    /// Binds a source document to a target document, as an earlier job would have.
    ///
    /// - Parameters:
    ///   - typeName: the sync job type, by name or slug.
    ///   - key: tells the targets of one source apart.
    ///   - version: the source's version that was applied last.
    ///   - isDeleted: whether the target was deleted since: the tombstone that fences late updates.
    /// - Throws: ``JobFailure`` when there is no such type, or it names no target; ``JobStoreError``.
    public func bind(
        _ typeName: String, source: String, to target: String, key: String = "", version: DocumentVersion? = nil,
        isDeleted: Bool = false
    ) async throws {
        guard let type = types[typeName], let targetType = type.target else {
            throw JobFailure(
                .unknownType, "there is no sync job type \"\(typeName)\" with a target",
                remedy: "the test has \(types.all.map(\.slug).joined(separator: ", "))")
        }
        let binding = Binding(
            key: BindingKey(typeSlug: type.slug, source: DocumentKey(type: type.source, name: source), key: key),
            target: DocumentKey(type: targetType, name: target), isDeleted: isDeleted, sourceVersion: version)
        // Bindings change in jobs' commits alone, so a job that never ran brings it.
        let request = SyncRequest(id: "bound-by-\(nextID())", type: type.name, sourceName: source)
        let job = SyncJob(request: request, type: type, queue: type.queue, createdAt: clock.now)
        let run = JobRun(job: job, turn: 0, runID: job.id, node: "test", startedAt: clock.now, body: [])
        var outcome = Outcome(.finished)
        outcome.targetType = targetType
        outcome.targetName = target
        outcome.binding = binding
        let transition = JobTransition.next(run, outcome: outcome, type: type, chance: 0, now: clock.now)
        guard case .committed = try await store.commit(transition) else {
            throw JobFailure.permanent(
                "the binding of \"\(source)\" was not stored", remedy: "bind each source document once")
        }
    }

    private func current(_ key: DocumentKey) async throws -> Document? {
        guard case .present(let document) = try await systems.load(key) else { return nil }
        return document
    }

    private func write(_ key: DocumentKey, from before: Document?, to after: Document?) async throws {
        let write = DocumentWrite(
            type: key.type, before: before, after: after, fallbackName: key.name,
            diff: try Diff(from: before, to: after, shape: systems.shape(of: key.type)),
            idempotencyKey: Digest(ofParts: ["test", key.description]))
        switch try await systems.write(write) {
        case .written: return
        case .refused(let failure): throw failure
        case .conflict(let reason):
            throw JobFailure(.writeConflict, reason, remedy: "let the test write it while nobody else does")
        }
    }
}
