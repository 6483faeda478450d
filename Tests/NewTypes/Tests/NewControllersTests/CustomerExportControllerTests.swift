// What CustomerExportController does, on documents in memory and files in a folder of its own: no broker, no waiting.

import FerryTesting
import Foundation
import Testing

@testable import NewControllers

@Suite final class CustomerExportControllerTests {
    private let folder = NSTemporaryDirectory() + "customer_export-" + UUID().uuidString
    private let test: SyncTest

    init() throws {
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        let type = SyncJobType(
            name: "Customer Export", source: DocumentType(system: "erp", name: "Customer"), target: nil,
            controller: CustomerExportController(folder: folder))
        test = try SyncTest(types: [type])
    }

    deinit {
        do { try FileManager.default.removeItem(atPath: folder) } catch { Issue.record(error) }
    }

    private func written(_ name: String) throws -> JSONValue {
        try JSONParser.parse(Array(Data(contentsOf: URL(filePath: folder).appending(path: name))))
    }

    @Test func aDocumentBecomesAFile() async throws {
        try await test.put("erp.Customer", "A-1", ["name": "Acme"])
        let job = try await test.run("Customer Export", source: "A-1")
        #expect(job.status == .finished)
        #expect(test.difference(job, ["name": (old: nil, new: "Acme")]) == .none)
        #expect(try written("A-1.json") == ["name": "Acme"])
    }

    @Test func aSecondRunChangesNothing() async throws {
        try await test.put("erp.Customer", "A-1", ["name": "Acme"])
        try await test.run("Customer Export", source: "A-1")
        #expect(try await test.run("Customer Export", source: "A-1").skipReason == .noChanges)
    }

    @Test func aDryRunWritesNothing() async throws {
        try await test.put("erp.Customer", "A-1", ["name": "Acme"])
        let job = try await test.run("Customer Export", source: "A-1") { $0.dryRun = true }
        #expect(job.skipReason == .dryRun)
        #expect(try FileManager.default.contentsOfDirectory(atPath: folder).isEmpty)
    }

    @Test func theFileGoesWithItsDocument() async throws {
        try await test.put("erp.Customer", "A-1", ["name": "Acme"])
        try await test.run("Customer Export", source: "A-1")
        try await test.delete("erp.Customer", "A-1")
        let job = try await test.run("Customer Export", source: "A-1") { $0.operation = .delete }
        #expect(job.operation == .delete)
        #expect(try FileManager.default.contentsOfDirectory(atPath: folder).isEmpty)
    }
}
