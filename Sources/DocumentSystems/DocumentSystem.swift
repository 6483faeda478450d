// Where documents live, as the engine sees it: loading, finding and conditional writing, all in batches and all in
// values. A system answers for each document by itself; it throws only when it can't answer at all.
public import SyncJobs

/// A system that holds documents.
public protocol DocumentSystem: Sendable {
    /// Its name in the configuration.
    var name: String { get }
    /// Whether its writes travel with the job's own commit instead of through ``write(_:)``.
    var isEmbedded: Bool { get }
    /// The declared shape of a document type; nil when the type is not declared and only declared ones exist here.
    ///
    /// It is the same as long as the system is there: who needs it often asks once.
    func shape(of typeName: String) -> DocumentShape?
    /// Loads documents in one read transaction and answers in the order of `keys`.
    ///
    /// - Throws: ``JobFailure``: `system_unavailable` (retryable), or a permanent one that names the document of the
    ///   batch that can't be carried exactly; ask for the others again without it (``DocumentSystems`` does).
    func load(_ keys: [DocumentKey]) async throws(JobFailure) -> [DocumentState]
    /// What documents are now, without their contents; answers in the order of `keys`.
    ///
    /// - Throws: ``JobFailure`` as ``load(_:)``.
    func fingerprints(_ keys: [DocumentKey]) async throws(JobFailure) -> [DocumentFingerprint]
    /// Finds live documents by equal fields, in one read transaction; answers in the order of `queries`, each sorted
    /// by name.
    ///
    /// - Throws: ``JobFailure`` as ``load(_:)``; `invalid_target` for an unknown field.
    func find(_ queries: [DocumentQuery]) async throws(JobFailure) -> [[Document]]
    /// Makes conditional writes in one transaction, each in a savepoint of its own: one that is refused or in conflict
    /// leaves the others unharmed.
    ///
    /// - Throws: ``JobFailure`` only when the system as a whole is unavailable; then nothing was written.
    func write(_ writes: [DocumentWrite]) async throws(JobFailure) -> [WriteResult]
    /// Live documents of a type in byte order of their names (integer names by number), from after `name` on.
    ///
    /// - Throws: ``JobFailure`` as ``load(_:)``.
    func list(typeName: String, after name: String?, limit: Int) async throws(JobFailure) -> [Document]
    /// How many live documents of a type there are.
    ///
    /// - Throws: ``JobFailure`` as ``load(_:)``.
    func count(typeName: String) async throws(JobFailure) -> Int
    /// Compares what is declared with what is there: what is wrong, empty when nothing is.
    ///
    /// - Throws: ``JobFailure`` (`system_unavailable`) when the system can't be looked at.
    func check() async throws(JobFailure) -> [SystemProblem]
    /// Checks how the types of jobs use a document type: whether `fields` exist, and whether looking documents up by
    /// each list of `matches` is quick.
    ///
    /// - Throws: ``JobFailure`` as ``check()``.
    func check(
        typeName: String, fields: [String], matches: [[String]]
    ) async throws(JobFailure) -> [SystemProblem]
    /// Drafts how document types could be declared: by their schema where there is one, else by looking at documents.
    ///
    /// `names` are tables where documents live in tables, else document types; empty for all that the system can name.
    ///
    /// - Throws: ``JobFailure``: `invalid_target` for a name that is not there; else as ``check()``.
    func drafts(of names: [String]) async throws(JobFailure) -> [DocumentDraft]
}

/// What tells whether a document is still as it was read.
public enum DocumentFingerprint: Sendable, Hashable {
    /// It is there, with this hash of its fields (``Document/fieldsHash``).
    case present(Digest)
    /// It was deleted, or the system knows nothing of it.
    case gone

    /// That of a document as it was loaded.
    init(_ state: DocumentState) {
        if case .present(let document) = state { self = .present(document.fieldsHash) } else { self = .gone }
    }
}

extension DocumentSystem {
    /// By loading them: for a system that keeps no hashes.
    public func fingerprints(_ keys: [DocumentKey]) async throws(JobFailure) -> [DocumentFingerprint] {
        try await load(keys).map(DocumentFingerprint.init)
    }
}

/// Something about a system that does not fit what is declared for it.
public struct SystemProblem: Sendable, Hashable, CustomStringConvertible {
    /// The system and document type.
    public var documentType: DocumentType
    /// What is wrong.
    public var message: String
    /// What to do.
    public var remedy: String
    /// Whether jobs of this type can't run; otherwise it is a warning.
    public var isFatal: Bool

    /// Makes a problem.
    public init(documentType: DocumentType, message: String, remedy: String, isFatal: Bool) {
        self.documentType = documentType
        self.message = message
        self.remedy = remedy
        self.isFatal = isFatal
    }

    /// `erp.Customer: message (remedy)`.
    public var description: String { "\(documentType): \(message) (\(remedy))" }
}
