// A configuration, its store and its systems, open for one or more looks at what a request would do. Nothing is stored and
// nothing is written unless `apply` is called.

internal import DocumentSystems
internal import Foundation
internal import JobStore
internal import SyncEngine
internal import SyncJobs

/// Tries requests against the configured systems.
struct TrialSession: Sendable {
    let composition: Composition
    let store: JobStore
    let systems: DocumentSystems
    /// The documents that were read.
    let log = DocumentLog()
    private let engine: LocalEngine

    /// Opens what the configuration names; the store is made when it is not there, for bindings and embedded documents.
    init(_ composition: Composition) throws {
        self.composition = composition
        let store = try composition.openStore()
        self.store = store
        let log = log
        let opened: DocumentSystems
        do { opened = try composition.systems(store: store) } catch {
            try store.close()
            throw error
        }
        systems = DocumentSystems(opened.all.map { LoggedSystem(system: $0, log: log) })
        var settings = LocalEngine.Settings()
        settings.maximumDocumentBytes = composition.configuration.limits.maximumDocument.bytes
        settings.node = Composition.node
        // What an applied job owes is a worker's to publish: this process may end before it is due.
        settings.leavesOwed = true
        engine = LocalEngine(
            types: composition.configuration.types, systems: systems, store: store, settings: settings,
            logger: composition.logger, now: { Composition.now() })
    }

    /// What the request would do.
    func report(_ request: SyncRequest) async throws -> TrialReport {
        let type = try composition.configuration.types.type(for: request)
        return await TrialReport(try await engine.trial(request), of: request, type: type)
    }

    /// Runs the request for real, in this process; the record after that.
    func apply(_ request: SyncRequest) async throws -> SyncJob { try await engine.deliver(request) }

    /// Tells one state of the source from another; nil where it can't be read.
    func sourceMark(_ request: SyncRequest) async -> Digest? {
        guard let name = request.sourceDocumentName, let type = composition.configuration.types[request.syncJobType]
        else {
            return nil
        }
        // A system that does not answer now is asked again; the trial itself says what is wrong with it.
        let state = try? await systems.load(DocumentKey(type: type.source, name: name))
        guard let state else { return nil }
        return Digest(ofParts: [state.document?.fieldsHash.hex ?? "", state.isDeleted ? "deleted" : ""])
    }

    func close() throws { try store.close() }
}
