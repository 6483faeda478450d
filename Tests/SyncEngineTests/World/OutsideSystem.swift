// A document system outside the store, in memory, which fails when a test tells it to. Like a real one it names its own
// documents, refuses a write over a document that has changed, and may be down, or answer nothing although it wrote.
import DocumentSystems
import Synchronization
import SyncJobs

final class OutsideSystem: DocumentSystem {
    /// What goes wrong with the next write.
    enum Fault: Sendable {
        /// Somebody else's change came first.
        case conflict
        /// It is down: nothing is written.
        case unavailable
        /// It is down before it can answer: the write is made.
        case lost
        /// The write is made, and what answers it is this failure.
        case answer(JobFailure)
        /// The write is refused for good.
        case refused(JobFailure)
    }

    struct State: Sendable {
        /// Documents by type and name.
        var documents: [String: [String: JSONObject]] = [:]
        var nextNumber = 1
        var faults: [Fault] = []
        /// Whether it is down: neither reads nor writes are answered.
        var isDown = false
        var writes: [DocumentWrite] = []
        /// How often it was called, for whatever number of documents.
        var loadCalls = 0
        var writeCalls = 0
        /// No two documents of a type have the same value of it.
        var uniqueField: String?
        /// What the system makes of the fields that it is sent.
        var normalise: (@Sendable (JSONObject) -> JSONObject)?
        /// Runs right before a write is decided.
        var willWrite: (@Sendable (DocumentWrite) async -> Void)?
    }

    let name: String
    let isEmbedded = false
    let log: WordLog
    private let shapes: [String: DocumentShape]
    private let state = Mutex(State())

    init(name: String, shapes: [String: DocumentShape] = [:], log: WordLog) {
        self.name = name
        self.shapes = shapes
        self.log = log
    }

    // MARK: for tests

    /// Reads or changes what it holds and how it behaves.
    func with<Value: Sendable>(_ body: (inout State) -> Value) -> Value { state.withLock { body(&$0) } }

    func fail(_ faults: Fault...) { with { $0.faults += faults } }

    /// All documents of a type by name.
    func all(_ typeName: String = "Account") -> [String: JSONObject] { with { $0.documents[typeName] ?? [:] } }

    var writes: [DocumentWrite] { with { $0.writes } }

    /// Somebody else writes a document; nil removes it.
    func put(_ name: String, _ fields: JSONObject?, type: String = "Account") {
        with { $0.documents[type, default: [:]][name] = fields }
    }

    // MARK: DocumentSystem

    func shape(of typeName: String) -> DocumentShape? { shapes[typeName] ?? DocumentShape() }

    func load(_ keys: [DocumentKey]) async throws(JobFailure) -> [DocumentState] {
        var answers: [DocumentState] = []
        with { $0.loadCalls += 1 }
        if with({ $0.isDown }) { throw Self.down }
        for key in keys { answers.append(try document(key).map { .present($0) } ?? .absent) }
        return answers
    }

    func find(_ queries: [DocumentQuery]) async throws(JobFailure) -> [[Document]] {
        var answers: [[Document]] = []
        if with({ $0.isDown }) { throw Self.down }
        for query in queries {
            let names = all(query.type.name).filter { found in
                query.fields.allSatisfy { found.value[$0.key] == $0.value }
            }.keys.sorted()
            var found: [Document] = []
            for name in names.prefix(query.limit) {
                if let document = try document(DocumentKey(type: query.type, name: name)) { found.append(document) }
            }
            answers.append(found)
        }
        return answers
    }

    func write(_ writes: [DocumentWrite]) async throws(JobFailure) -> [WriteResult] {
        var results: [WriteResult] = []
        with { $0.writeCalls += 1 }
        if with({ $0.isDown }) { throw Self.down }
        for write in writes {
            log.add("save")
            if let willWrite = with({ $0.willWrite }) { await willWrite(write) }
            let fault = with { $0.faults.isEmpty ? nil : $0.faults.removeFirst() }
            switch fault {
            case nil: results.append(try make(write))
            case .conflict: results.append(.conflict("somebody else wrote it"))
            case .refused(let failure): results.append(.refused(failure))
            case .unavailable: throw Self.down
            case .lost:
                _ = try make(write)
                throw Self.down
            case .answer(let failure):
                _ = try make(write)
                throw failure
            }
        }
        return results
    }

    func list(typeName: String, after name: String?, limit: Int) async throws(JobFailure) -> [Document] { [] }
    func count(typeName: String) async throws(JobFailure) -> Int { all(typeName).count }
    func check() async throws(JobFailure) -> [SystemProblem] { [] }
    func check(
        typeName: String, fields: [String], matches: [[String]]
    ) async throws(JobFailure) -> [SystemProblem] { [] }

    static let down = JobFailure(
        .systemUnavailable, "the system \"shop\" is down", remedy: "it is tried again",
        disposition: .retryable(after: nil))

    private func document(_ key: DocumentKey) throws(JobFailure) -> Document? {
        guard let fields = with({ $0.documents[key.type.name]?[key.name] }) else { return nil }
        return Document(key: key, fields: fields, version: try shapes[key.type.name]?.version(in: fields))
    }

    private func make(_ write: DocumentWrite) throws(JobFailure) -> WriteResult {
        let decided = with { state in Self.decide(write, in: &state) }
        guard case .written(let receipt) = decided, receipt.stored != nil else { return decided }
        let stored = try document(DocumentKey(type: write.type, name: receipt.name))
        return .written(WriteReceipt(name: receipt.name, stored: stored))
    }

    private static func decide(_ write: DocumentWrite, in state: inout State) -> WriteResult {
        var documents = state.documents[write.type.name] ?? [:]
        let name: String
        var stored: JSONObject?
        if let before = write.before {
            name = before.key?.name ?? ""
            guard let current = documents[name], Digest(of: .object(current)) == before.fieldsHash else {
                return .conflict("\(name) has changed")
            }
            stored = write.after.map { after in
                var fields = current
                for member in before.fields where after.fields[member.key] == nil { fields[member.key] = nil }
                for member in after.fields { fields[member.key] = member.value }
                return fields
            }
        } else {
            name = write.after?.key?.name ?? "S-\(state.nextNumber)"
            let fields = write.after?.fields ?? [:]
            let isTaken = state.uniqueField.map { field in documents.values.contains { $0[field] == fields[field] } }
            guard documents[name] == nil, isTaken != true else { return .conflict("\(name) is there already") }
            if write.after?.key == nil { state.nextNumber += 1 }
            stored = fields
        }
        if let normalise = state.normalise { stored = stored.map(normalise) }
        documents[name] = stored
        state.documents[write.type.name] = documents
        state.writes.append(write)
        return .written(WriteReceipt(name: name, stored: stored.map { Document(key: nil, fields: $0) }))
    }
}
