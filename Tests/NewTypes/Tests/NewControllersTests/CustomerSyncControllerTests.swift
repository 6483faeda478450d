// What CustomerSyncController does, on documents in memory: no broker, no waiting.

import FerryTesting
import Testing

@testable import NewControllers

@Suite struct CustomerSyncControllerTests {
    private static let type = SyncJobType(
        name: "Customer Sync", source: DocumentType(system: "erp", name: "Customer"),
        target: DocumentType(system: "app", name: "Account"), controller: CustomerSyncController())

    @Test func aNewSourceBecomesATarget() async throws {
        let test = try SyncTest(types: [Self.type])
        try await test.put("erp.Customer", "A-1", ["name": "Acme"])
        let job = try await test.run("Customer Sync", source: "A-1")
        #expect(job.status == .finished)
        #expect(try await test.difference("app.Account", "A-1", ["code": "A-1", "label": "Acme"]) == .none)
    }

    @Test func aSecondRunChangesNothing() async throws {
        let test = try SyncTest(types: [Self.type])
        try await test.put("erp.Customer", "A-1", ["name": "Acme"])
        try await test.run("Customer Sync", source: "A-1")
        let again = try await test.run("Customer Sync", source: "A-1")
        #expect(again.skipReason == .noChanges)
    }

    @Test func onlyWhatChangedIsWritten() async throws {
        let test = try SyncTest(types: [Self.type])
        try await test.put("erp.Customer", "A-1", ["name": "Acme"])
        try await test.run("Customer Sync", source: "A-1")
        try await test.put("erp.Customer", "A-1", ["name": "Acme Ltd"])
        let job = try await test.run("Customer Sync", source: "A-1")
        #expect(test.difference(job, ["label": (old: "Acme", new: "Acme Ltd")]) == .none)
    }

    @Test func aTargetThatIsThereAlreadyIsFound() async throws {
        let test = try SyncTest(types: [Self.type])
        try await test.put("erp.Customer", "A-1", ["name": "Acme"])
        try await test.put("app.Account", "by hand", ["code": "A-1", "label": "?"])
        let job = try await test.run("Customer Sync", source: "A-1")
        #expect(job.targetName == "by hand")
        #expect(job.operation == .update)
    }

    @Test func theTargetGoesWithItsSource() async throws {
        let test = try SyncTest(types: [Self.type])
        try await test.put("erp.Customer", "A-1", ["name": "Acme"])
        try await test.run("Customer Sync", source: "A-1")
        try await test.delete("erp.Customer", "A-1")
        let job = try await test.run("Customer Sync", source: "A-1") { $0.operation = .delete }
        #expect(job.operation == .delete)
        #expect(try await test.document("app.Account", "A-1") == nil)
    }

    @Test func aSourceWithoutANameFailsForGood() async throws {
        let test = try SyncTest(types: [Self.type])
        try await test.put("erp.Customer", "A-1", ["name": ""])
        let job = try await test.run("Customer Sync", source: "A-1")
        #expect(job.error?.code == .requiredFieldMissing)
        #expect(await test.deadLetters.count == 1)
    }
}
