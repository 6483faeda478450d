// The documents that live in the job store's own file. A write of a job travels with the job's commit and never passes
// through here; what does are reads, imports by hand, and the versions that a declared shape reads out of the fields.
public import JobStore
public import SyncJobs

/// Documents in the job store: the target write and the job's commit are one transaction.
public final class EmbeddedSystem: DocumentSystem {
    /// See ``DocumentSystem/name``.
    public let name: String
    /// Its writes travel with the job's commit.
    public let isEmbedded = true
    private let store: JobStore
    private let shapes: [ExactString: DocumentShape]

    /// Names the system; `shapes` are the declared document types, others may be stored all the same.
    public init(name: String, store: JobStore, shapes: [String: DocumentShape] = [:]) {
        self.name = name
        self.store = store
        self.shapes = Dictionary(
            shapes.map { (ExactString($0.key), $0.value) }, uniquingKeysWith: { first, _ in first })
    }

    /// The declared shape; one that declares nothing for any other type, since undeclared types are allowed here.
    public func shape(of typeName: String) -> DocumentShape? { shapes[ExactString(typeName)] ?? DocumentShape() }

    /// The document with the version that its fields carry by the declared shape; as it is without such a declaration.
    ///
    /// For documents that the job store handed out itself, in a job's preparation.
    ///
    /// - Throws: ``JobFailure`` (permanent, `invalid_version`).
    public func versioned(_ document: Document) throws(JobFailure) -> Document {
        guard let typeName = document.key?.type.name, let shape = shapes[ExactString(typeName)],
            let version = try shape.version(in: document.fields)
        else { return document }
        var versioned = document
        versioned.version = version
        return versioned
    }

    /// See ``DocumentSystem/load(_:)``; deleted documents come with their last image.
    public func load(_ keys: [DocumentKey]) async throws(JobFailure) -> [DocumentState] {
        let states: [DocumentState]
        do {
            states = try await store.loadDocuments(keys)
        } catch {
            throw failure(error)
        }
        var answers: [DocumentState] = []
        for state in states {
            switch state {
            case .present(let document): answers.append(.present(try versioned(document)))
            case .deleted(let document): answers.append(.deleted(try versioned(document)))
            case .absent: answers.append(.absent)
            }
        }
        return answers
    }

    /// See ``DocumentSystem/fingerprints(_:)``; the store keeps the hashes.
    public func fingerprints(_ keys: [DocumentKey]) async throws(JobFailure) -> [DocumentFingerprint] {
        do {
            return try await store.documentHashes(keys).map { $0.map { .present($0) } ?? .gone }
        } catch {
            throw failure(error)
        }
    }

    /// See ``DocumentSystem/find(_:)``; fields are equal when their JSON values are.
    public func find(_ queries: [DocumentQuery]) async throws(JobFailure) -> [[Document]] {
        let found: [[Document]]
        do {
            found = try await store.findDocuments(queries)
        } catch {
            throw failure(error)
        }
        var answers: [[Document]] = []
        for documents in found {
            let sorted = documents.sorted { ($0.key?.name ?? "").precedesByBytes($1.key?.name ?? "") }
            answers.append(try versioned(sorted))
        }
        return answers
    }

    /// See ``DocumentSystem/write(_:)``; for writes outside a job.
    public func write(_ writes: [DocumentWrite]) async throws(JobFailure) -> [WriteResult] {
        // A version that can't be read refuses its own write and no other.
        var results: [WriteResult?] = []
        var ready: [DocumentWrite] = []
        for write in writes {
            do {
                ready.append(try versioned(write))
                results.append(nil)
            } catch {
                results.append(.refused(error))
            }
        }
        var written: ArraySlice<WriteResult>
        do {
            written = try await store.writeDocuments(ready)[...]
        } catch {
            throw failure(error)
        }
        return results.map { $0 ?? written.popFirst() ?? .conflict("the store gave no answer") }
    }

    /// A write whose document carries the version that its fields will have; for writes that travel with a commit.
    ///
    /// - Throws: ``JobFailure`` (permanent, `invalid_version`).
    public func versioned(_ write: DocumentWrite) throws(JobFailure) -> DocumentWrite {
        guard let after = write.after, let shape = shapes[ExactString(write.type.name)], shape.version != nil else {
            return write
        }
        var fields = write.before?.fields ?? JSONObject()
        for member in after.fields { fields[member.key] = member.value }
        guard let version = try shape.version(in: fields) else { return write }
        var versioned = write
        versioned.after?.version = version
        return versioned
    }

    /// See ``DocumentSystem/list(typeName:after:limit:)``; at most 10,000 at a time.
    public func list(typeName: String, after name: String?, limit: Int) async throws(JobFailure) -> [Document] {
        let documents: [Document]
        do {
            documents = try await store.listDocuments(type: type(typeName), after: name, limit: limit)
        } catch {
            throw failure(error)
        }
        return try versioned(documents)
    }

    /// See ``DocumentSystem/count(typeName:)``.
    public func count(typeName: String) async throws(JobFailure) -> Int {
        do {
            return try await store.countDocuments(type: type(typeName))
        } catch {
            throw failure(error)
        }
    }

    /// Nothing is declared that could be missing.
    public func check() async throws(JobFailure) -> [SystemProblem] { [] }

    /// Any field may be there; what is matched by gets its index now, so that no job waits for it.
    public func check(
        typeName: String, fields: [String], matches: [[String]]
    ) async throws(JobFailure) -> [SystemProblem] {
        let matched = matches.flatMap { $0 }
        guard !matched.isEmpty else { return [] }
        do {
            try await store.ensureIndex(type: type(typeName), fields: matched)
            return []
        } catch  where error.code == .tooManyIndexes {
            return [
                SystemProblem(
                    documentType: type(typeName), message: error.message, remedy: error.remedy, isFatal: true)
            ]
        } catch {
            throw failure(error)
        }
    }

    /// See ``DocumentSystem/drafts(of:)``; without names, of all types that have documents.
    public func drafts(of names: [String]) async throws(JobFailure) -> [DocumentDraft] {
        let stored: [String]
        do {
            stored = try await store.documentTypes(ofSystem: name).map(\.name)
        } catch {
            throw failure(error)
        }
        let unknown = names.first { name in !stored.contains { $0.hasSameBytes(as: name) } }
        if let unknown {
            throw JobFailure(
                .invalidTarget, "the system \"\(name)\" has no document of the type \"\(unknown.prefix(80))\"",
                remedy: stored.isEmpty
                    ? "it has none at all; ferry documents import brings some" : .known(unknown, among: stored))
        }
        return try await SampledDraft.drafts(of: names.isEmpty ? stored : names, in: self)
    }

    private func type(_ typeName: String) -> DocumentType { DocumentType(system: name, name: typeName) }

    private func versioned(_ documents: [Document]) throws(JobFailure) -> [Document] {
        var answers: [Document] = []
        for document in documents { answers.append(try versioned(document)) }
        return answers
    }

    private func failure(_ error: JobStoreError) -> JobFailure {
        switch error.code {
        case .canceled: return JobFailure(CancellationError())
        case .invalidArgument, .tooManyIndexes, .constraint, .tooLarge:
            return JobFailure(
                .invalidTarget, "the system \"\(name)\": \(error.message)", remedy: error.remedy)
        default:
            return JobFailure(
                .systemUnavailable, "the system \"\(name)\" is not available: \(error.message)", remedy: error.remedy,
                disposition: .retryable(after: nil))
        }
    }
}
