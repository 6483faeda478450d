// The configured systems by name, and single calls to them that are put together into batches at each system's door.
public import SyncJobs

/// The systems of a configuration.
///
/// ```swift
/// let systems = DocumentSystems([EmbeddedSystem(name: "app", store: store), shop])
/// let state = try await systems.load(DocumentKey(type: DocumentType(system: "shop", name: "Item"), name: "A-1"))
/// ```
public struct DocumentSystems: DocumentLookups, Sendable {
    /// One system and its doors.
    private final class Entry: Sendable {
        let system: any DocumentSystem
        let loads: CallGroup<DocumentKey, DocumentState>
        let finds: CallGroup<DocumentQuery, [Document]>
        let writes: CallGroup<DocumentWrite, WriteResult>

        init(_ system: any DocumentSystem, maximumBatch: Int) {
            self.system = system
            loads = CallGroup(maximumBatch: maximumBatch, cancellation: .leaves) {
                keys async throws(JobFailure) in try await Self.loadEachOnce(keys, of: system)
            }
            finds = CallGroup(maximumBatch: maximumBatch, cancellation: .leaves) {
                queries async throws(JobFailure) in try await system.find(queries)
            }
            writes = CallGroup(maximumBatch: maximumBatch, cancellation: .stays) {
                writes async throws(JobFailure) in try await system.write(writes)
            }
        }

        /// Loads a document that several ask for once, for all of them.
        static func loadEachOnce(
            _ keys: [DocumentKey], of system: any DocumentSystem
        ) async throws(JobFailure) -> [DocumentState] {
            var positions: [DocumentKey: Int] = [:]
            var single: [DocumentKey] = []
            for key in keys where positions[key] == nil {
                positions[key] = single.count
                single.append(key)
            }
            let states = try await system.load(single)
            guard single.count < keys.count, states.count == single.count else { return states }
            let shared = states.map { $0.mapDocument(\.shared) }
            return keys.compactMap { positions[$0].map { shared[$0] } }
        }
    }

    private let entries: [ExactString: Entry]

    /// Registers `systems` by their names (of two with one name the later counts); at most `maximumBatch` calls go
    /// together into one.
    public init(_ systems: [any DocumentSystem], maximumBatch: Int = 500) {
        var entries: [ExactString: Entry] = [:]
        for system in systems {
            entries[ExactString(system.name)] = Entry(system, maximumBatch: max(1, maximumBatch))
        }
        self.entries = entries
    }

    /// The system of this name; nil when there is none.
    public subscript(name: String) -> (any DocumentSystem)? { entries[ExactString(name)]?.system }

    /// All systems, in byte order of their names.
    public var all: [any DocumentSystem] { entries.sorted { $0.key < $1.key }.map(\.value.system) }

    /// Loads one document, together with whatever else waits to be loaded from its system.
    ///
    /// - Throws: ``JobFailure`` (`invalid_target`, `system_unavailable`, or one that says why the document can't be
    ///   carried exactly).
    public func load(_ key: DocumentKey) async throws(JobFailure) -> DocumentState {
        let entry = try entry(key.type)
        return try await naming(key.type.system) { () async throws(JobFailure) in
            // The store is at hand: to gather calls would cost more than the call.
            guard !entry.system.isEmbedded else { return try await entry.system.load([key])[0] }
            return try await entry.loads.call(key)
        }
    }

    /// Loads documents of one system in one call, which waits for nobody else's.
    ///
    /// - Throws: ``JobFailure`` as ``load(_:)``; that of one document fails the call.
    public func load(_ keys: [DocumentKey]) async throws(JobFailure) -> [DocumentState] {
        guard let type = keys.first?.type else { return [] }
        let entry = try entry(type)
        return try await naming(type.system) { () async throws(JobFailure) in
            try await Entry.loadEachOnce(keys, of: entry.system)
        }
    }

    /// What documents of one system are now, in one call.
    ///
    /// - Throws: ``JobFailure`` as ``load(_:)``.
    public func fingerprints(_ keys: [DocumentKey]) async throws(JobFailure) -> [DocumentFingerprint] {
        guard let type = keys.first?.type else { return [] }
        let entry = try entry(type)
        // A single one of a system elsewhere goes through its door, with what else waits there.
        if keys.count == 1, !entry.system.isEmbedded { return [DocumentFingerprint(try await load(keys[0]))] }
        return try await naming(type.system) { () async throws(JobFailure) in
            try await entry.system.fingerprints(keys)
        }
    }

    /// Finds documents, together with whatever else waits to be found in the system.
    ///
    /// - Throws: ``JobFailure`` as ``load(_:)``.
    public func find(_ query: DocumentQuery) async throws(JobFailure) -> [Document] {
        let entry = try entry(query.type)
        return try await naming(query.type.system) { () async throws(JobFailure) in
            guard !entry.system.isEmbedded else { return try await entry.system.find([query])[0] }
            return try await entry.finds.call(query)
        }
    }

    /// Finds documents of one system in one call, which waits for nobody else's.
    ///
    /// - Throws: ``JobFailure`` as ``load(_:)``; that of one query fails the call.
    public func find(_ queries: [DocumentQuery]) async throws(JobFailure) -> [[Document]] {
        guard let type = queries.first?.type else { return [] }
        let entry = try entry(type)
        return try await naming(type.system) { () async throws(JobFailure) in try await entry.system.find(queries) }
    }

    /// Makes one conditional write, together with whatever else waits to be written to its system.
    ///
    /// Cancelled while it waits it is not made; once it runs, its result is waited for.
    ///
    /// - Throws: ``JobFailure`` (`system_unavailable`, retryable: nothing was written).
    public func write(_ write: DocumentWrite) async throws(JobFailure) -> WriteResult {
        let entry = try entry(write.type)
        return try await naming(write.type.system) { () async throws(JobFailure) in try await entry.writes.call(write) }
    }

    /// Makes conditional writes to one system in one call; answers in the order of `writes`.
    ///
    /// For a caller that is not cancelled: a write that runs has an effect that can't be taken back.
    ///
    /// - Throws: ``JobFailure`` (`system_unavailable`, retryable: nothing was written).
    public func write(_ writes: [DocumentWrite]) async throws(JobFailure) -> [WriteResult] {
        guard let type = writes.first?.type else { return [] }
        guard writes.count > 1 else { return [try await write(writes[0])] }
        let entry = try entry(type)
        return try await naming(type.system) { () async throws(JobFailure) in try await entry.system.write(writes) }
    }

    /// Where documents of a type live, and how they are declared.
    ///
    /// For who keeps it: neither changes as long as the systems are there.
    public func place(of type: DocumentType) -> DocumentPlace { DocumentPlace(type: type, system: self[type.system]) }

    /// The declared shape of a document type; one that declares nothing when there is none.
    public func shape(of type: DocumentType) -> DocumentShape {
        entries[ExactString(type.system)]?.system.shape(of: type.name) ?? DocumentShape()
    }

    /// What is wrong in any of the systems; a system that can't be looked at throws.
    ///
    /// - Throws: ``JobFailure`` (`system_unavailable`).
    public func check() async throws(JobFailure) -> [SystemProblem] {
        var problems: [SystemProblem] = []
        for system in all { problems += try await system.check() }
        return problems
    }

    /// Names the system in a failure that says it is not available: its circuit counts by that.
    private func naming<Value: Sendable>(
        _ system: String, _ call: () async throws(JobFailure) -> Value
    ) async throws(JobFailure) -> Value {
        do throws(JobFailure) { return try await call() } catch {
            guard error.code == .systemUnavailable else { throw error }
            var failure = error
            failure.system = failure.system ?? system
            throw failure
        }
    }

    private func entry(_ type: DocumentType) throws(JobFailure) -> Entry {
        guard let entry = entries[ExactString(type.system)] else {
            throw JobFailure(
                .invalidTarget, "there is no system \"\(type.system)\"",
                remedy: "declare it under systems:, or correct the document type \"\(type)\"")
        }
        return entry
    }
}
