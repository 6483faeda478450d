// What OrderLineSyncController does, on documents in memory: no broker, no waiting.

import FerryTesting
import Testing

@testable import NewControllers

@Suite struct OrderLineSyncControllerTests {
    private static let type = SyncJobType(
        name: "Order Line Sync", source: DocumentType(system: "erp", name: "Order"),
        target: DocumentType(system: "app", name: "OrderLine"), controller: OrderLineSyncController())

    private static let rows: JSONObject = ["items": [["id": 1, "name": "one"], ["id": 2, "name": "two"]]]

    @Test func eachRowGetsAChildAndATarget() async throws {
        let test = try SyncTest(types: [Self.type])
        try await test.put("erp.Order", "A-1", Self.rows)
        let relay = try await test.run("Order Line Sync", source: "A-1")
        #expect(relay.status == .relayed)
        try await test.settle()
        #expect(try await test.children(of: relay).map(\.status) == [.finished, .finished])
        #expect(try await test.difference("app.OrderLine", "A-1-1", ["code": "A-1-1", "label": "one"]) == .none)
        #expect(try await test.difference("app.OrderLine", "A-1-2", ["code": "A-1-2", "label": "two"]) == .none)
    }

    @Test func aSecondRelayChangesNothing() async throws {
        let test = try SyncTest(types: [Self.type])
        try await test.put("erp.Order", "A-1", Self.rows)
        try await test.run("Order Line Sync", source: "A-1")
        try await test.settle()
        let again = try await test.run("Order Line Sync", source: "A-1")
        try await test.settle()
        #expect(try await test.children(of: again).map(\.skipReason) == [.noChanges, .noChanges])
    }

    @Test func theTargetOfARowThatIsGoneIsDeleted() async throws {
        let test = try SyncTest(types: [Self.type])
        try await test.put("erp.Order", "A-1", Self.rows)
        try await test.run("Order Line Sync", source: "A-1")
        try await test.settle()
        try await test.put("erp.Order", "A-1", ["items": [["id": 1, "name": "one"]]])
        try await test.run("Order Line Sync", source: "A-1")
        try await test.settle()
        #expect(try await test.document("app.OrderLine", "A-1-1") != nil)
        #expect(try await test.document("app.OrderLine", "A-1-2") == nil)
    }

    @Test func aSourceWithoutRowsHasNoTarget() async throws {
        let test = try SyncTest(types: [Self.type])
        try await test.put("erp.Order", "A-1", ["items": []])
        #expect(try await test.run("Order Line Sync", source: "A-1").status == .noTarget)
    }

    @Test func aRowWithoutAnIDFailsForGood() async throws {
        let test = try SyncTest(types: [Self.type])
        try await test.put("erp.Order", "A-1", ["items": [["name": "nameless"]]])
        #expect(try await test.run("Order Line Sync", source: "A-1").error?.code == .missingRowKey)
    }
}
