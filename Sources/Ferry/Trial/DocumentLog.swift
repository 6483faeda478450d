// Which documents a trial has read, so that a case that is recorded of it has all that the controller saw.

internal import DocumentSystems
internal import SyncJobs
internal import Synchronization

/// The documents that were read.
final class DocumentLog: Sendable {
    private let documents = Mutex<[DocumentKey: Document]>([:])

    /// Those that were there, in byte order of their names.
    var all: [Document] {
        documents.withLock { documents in
            documents.sorted { $0.key.description.precedesByBytes($1.key.description) }.map(\.value)
        }
    }

    fileprivate func note(_ document: Document) {
        guard let key = document.key else { return }
        documents.withLock { $0[key] = document }
    }
}

/// A system whose answers are noted.
struct LoggedSystem: DocumentSystem {
    let system: any DocumentSystem
    let log: DocumentLog

    var name: String { system.name }
    var isEmbedded: Bool { system.isEmbedded }
    func shape(of typeName: String) -> DocumentShape? { system.shape(of: typeName) }

    func load(_ keys: [DocumentKey]) async throws(JobFailure) -> [DocumentState] {
        let states = try await system.load(keys)
        for case .present(let document) in states { log.note(document) }
        return states
    }

    func find(_ queries: [DocumentQuery]) async throws(JobFailure) -> [[Document]] {
        let found = try await system.find(queries)
        for document in found.flatMap({ $0 }) { log.note(document) }
        return found
    }

    func write(_ writes: [DocumentWrite]) async throws(JobFailure) -> [WriteResult] { try await system.write(writes) }

    func list(typeName: String, after name: String?, limit: Int) async throws(JobFailure) -> [Document] {
        try await system.list(typeName: typeName, after: name, limit: limit)
    }

    func count(typeName: String) async throws(JobFailure) -> Int { try await system.count(typeName: typeName) }
    func check() async throws(JobFailure) -> [SystemProblem] { try await system.check() }

    func check(
        typeName: String, fields: [String], matches: [[String]]
    ) async throws(JobFailure) -> [SystemProblem] {
        try await system.check(typeName: typeName, fields: fields, matches: matches)
    }

    func drafts(of names: [String]) async throws(JobFailure) -> [DocumentDraft] { try await system.drafts(of: names) }
}
