// Types from a configuration's text, in the engine, with documents in memory: what a mapping does from request to record.

import FerryTesting
import SyncJobs
import Testing

@testable import Ferry

/// A harness whose types come from YAML.
struct DeclarativeWorld {
    let test: SyncTest

    /// The types and documents of `text`; the systems `erp` and `shop` are in memory.
    init(_ text: String) throws {
        let head = "systems: {erp: {kind: embedded}, shop: {kind: embedded}}\n"
        let configuration = try ConfigurationFixture.read(head + text)
        let shapes = configuration.documents.map { ($0.type.description, $0.shape) }
        test = try SyncTest(types: configuration.types.all, shapes: Dictionary(shapes) { first, _ in first })
    }

    /// The fields of a document; nil when it is not there.
    func fields(_ type: String, _ name: String) async throws -> JSONObject? {
        try await test.document(type, name)?.fields
    }

    /// Runs a job and everything that it makes.
    @discardableResult
    func settle(
        _ type: String, _ source: String, adjust: (inout SyncRequest) -> Void = { _ in }
    ) async throws -> SyncJob {
        let job = try await test.run(type, source: source, adjust: adjust)
        try await test.settle()
        return job
    }
}
