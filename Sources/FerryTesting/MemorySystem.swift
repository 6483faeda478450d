// A system of documents in memory, for tests: as strict as the real ones (it passes their conformance suite), and it fails,
// is slow to agree, or changes what it stores when a test wants it to.

internal import Synchronization
public import DocumentSystems
public import SyncJobs

/// Documents in memory.
///
/// ```swift
/// let app = MemorySystem("app", shapes: ["Account": DocumentShape(nameField: "number")], naming: ["Account": .numbered])
/// app.put("Account", "7", ["label": "Acme"])
/// app.failNext(.systemUnavailable, of: .write)
/// ```
///
/// Document types that are not declared may be stored all the same.
public final class MemorySystem: DocumentSystem {
    /// Who names a document whose insert names none.
    public enum Naming: Sendable, Hashable {
        /// The insert's fallback: the source document's name.
        case given
        /// The system: 1, 2, 3 …
        case numbered
    }

    /// A kind of call, for failures that are meant for it alone.
    public enum Call: String, Sendable, Hashable, CaseIterable {
        /// Loading documents by name.
        case load
        /// Finding documents by fields.
        case find
        /// Writing documents.
        case write
    }

    private struct Injection: Sendable {
        var code: JobFailure.Code
        var remaining: Int
        var call: Call?

        /// Whether the system as a whole does not answer; otherwise one document is refused.
        var isOutage: Bool { code == .systemUnavailable || code == .timedOut }
    }

    private struct State: Sendable {
        var documents: MemoryDocuments
        var injections: [Injection] = []
        var writes: [DocumentWrite] = []
        var hook: (@Sendable (DocumentWrite) throws(JobFailure) -> Void)?

        /// The failure that the next call of this kind meets, if any; it is used up by that.
        mutating func next(_ call: Call, where isMeant: (Injection) -> Bool = { _ in true }) -> Injection? {
            let position = injections.firstIndex { ($0.call == nil || $0.call == call) && isMeant($0) }
            guard let position else { return nil }
            injections[position].remaining -= 1
            let injection = injections[position]
            if injection.remaining < 1 { injections.remove(at: position) }
            return injection
        }
    }

    /// See ``DocumentSystem/name``.
    public let name: String
    /// Its writes go through ``write(_:)``.
    public let isEmbedded = false
    private let state: Mutex<State>

    /// An empty system.
    ///
    /// - Parameters:
    ///   - shapes: the declared document types.
    ///   - naming: who names the documents of a type; ``Naming/given`` where nothing is said.
    ///   - unique: for each type the lists of fields that no two of its documents may share; null equals nothing.
    ///   - keepsDeleted: whether the last image of a deleted document can be loaded, as from the embedded system; a SQL
    ///     table forgets it.
    public init(
        _ name: String, shapes: [String: DocumentShape] = [:], naming: [String: Naming] = [:],
        unique: [String: [[String]]] = [:], keepsDeleted: Bool = true
    ) {
        self.name = name
        let documents = MemoryDocuments(
            system: name, shapes: shapes, naming: naming, unique: unique, keepsDeleted: keepsDeleted)
        state = Mutex(State(documents: documents))
    }

    // MARK: what a test does

    /// Puts a document there, as its owner would; whatever was there is replaced.
    public func put(_ typeName: String, _ name: String, _ fields: JSONObject) {
        state.withLock { $0.documents.put(typeName: typeName, name: name, fields: fields) }
    }

    /// Removes a document, as its owner would; whether it was there.
    @discardableResult
    public func delete(_ typeName: String, _ name: String) -> Bool {
        state.withLock { $0.documents.delete(typeName: typeName, name: name) }
    }

    /// The fields of a document; nil when it is not there.
    public func fields(_ typeName: String, _ name: String) -> JSONObject? {
        state.withLock { $0.documents.fields(typeName: typeName, name: name) }
    }

    /// The writes that jobs have asked for so far, those that failed among them.
    public var writes: [DocumentWrite] { state.withLock { $0.writes } }

    /// Lets the next calls fail.
    ///
    /// `systemUnavailable` and `timedOut` fail the call as a whole, and the job may try again; `writeConflict` is the
    /// conflict of one write; any other code refuses for good.
    ///
    /// - Parameters:
    ///   - times: how many calls (of writes: how many writes, unless the system as a whole fails).
    ///   - call: the kind of call; nil for whatever comes next.
    public func failNext(_ code: JobFailure.Code, times: Int = 1, of call: Call? = nil) {
        guard times > 0 else { return }
        state.withLock { $0.injections.append(Injection(code: code, remaining: times, call: call)) }
    }

    /// Changes what is stored of a type's documents: a target that trims, rounds or adds fields of its own.
    public func normalise(_ typeName: String, _ change: @escaping @Sendable (inout JSONObject) -> Void) {
        state.withLock { $0.documents.normalisations[ExactString(typeName)] = change }
    }

    /// Runs before each write is made: changes the document as somebody else would meanwhile, or throws to refuse it.
    public func onWrite(_ hook: @escaping @Sendable (DocumentWrite) throws(JobFailure) -> Void) {
        state.withLock { $0.hook = hook }
    }

    // MARK: DocumentSystem

    /// The declared shape; one that declares nothing for any other type.
    public func shape(of typeName: String) -> DocumentShape? {
        state.withLock { $0.documents.shape(of: typeName) }
    }

    /// See ``DocumentSystem/load(_:)``.
    public func load(_ keys: [DocumentKey]) async throws(JobFailure) -> [DocumentState] {
        try state.withLock { state throws(JobFailure) in
            if let injection = state.next(.load) { throw failure(injection) }
            var answers: [DocumentState] = []
            for key in keys { answers.append(try state.documents.state(of: key)) }
            return answers
        }
    }

    /// See ``DocumentSystem/find(_:)``; values are compared by what the field is declared to hold.
    public func find(_ queries: [DocumentQuery]) async throws(JobFailure) -> [[Document]] {
        try state.withLock { state throws(JobFailure) in
            if let injection = state.next(.find) { throw failure(injection) }
            var answers: [[Document]] = []
            for query in queries { answers.append(try state.documents.documents(query)) }
            return answers
        }
    }

    /// See ``DocumentSystem/write(_:)``; a unique key that is taken is a conflict.
    public func write(_ writes: [DocumentWrite]) async throws(JobFailure) -> [WriteResult] {
        let outage = state.withLock { state in
            state.writes += writes
            return state.next(.write) { $0.isOutage }
        }
        if let outage { throw failure(outage) }
        return writes.map { write in
            let injection = state.withLock { $0.next(.write) }
            if let injection, injection.code == .writeConflict { return .conflict("the test asked for a conflict") }
            if let injection { return .refused(failure(injection)) }
            do throws(JobFailure) {
                // Outside of the lock, so that the hook may use the system.
                try state.withLock({ $0.hook })?(write)
            } catch { return .refused(error) }
            return state.withLock { $0.documents.write(write) }
        }
    }

    /// See ``DocumentSystem/list(typeName:after:limit:)``.
    public func list(typeName: String, after name: String?, limit: Int) async throws(JobFailure) -> [Document] {
        let all = try state.withLock { state throws(JobFailure) in try state.documents.documents(typeName: typeName) }
        let rest = all.filter { document in name.map { $0.precedesByBytes(document.key?.name ?? "") } ?? true }
        return Array(rest.prefix(max(0, limit)))
    }

    /// See ``DocumentSystem/count(typeName:)``.
    public func count(typeName: String) async throws(JobFailure) -> Int {
        try state.withLock { state throws(JobFailure) in try state.documents.documents(typeName: typeName).count }
    }

    /// Nothing is declared that could be missing.
    public func check() async throws(JobFailure) -> [SystemProblem] { [] }

    /// Any field may be there, and every search is quick.
    public func check(
        typeName: String, fields: [String], matches: [[String]]
    ) async throws(JobFailure) -> [SystemProblem] { [] }

    private func failure(_ injection: Injection) -> JobFailure {
        JobFailure(
            injection.code, "the system \"\(name)\" fails because the test asked for it",
            remedy: "it is the test's doing",
            disposition: injection.isOutage ? .retryable(after: nil) : .permanent)
    }
}
