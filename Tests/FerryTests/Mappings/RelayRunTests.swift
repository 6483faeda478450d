// A declarative relay from its source to its targets, in the engine: what comes, what goes, what stays.

import FerryTesting
import SyncJobs
import Testing

@testable import Ferry

@Suite("A bundle that relays its items")
struct RelayRunTests {
    private func world(_ more: String = "") throws -> DeclarativeWorld {
        try DeclarativeWorld(
            """
            types:
              Bundle Item Sync:
                source: erp.Bundle
                target: shop.Item
                insert_enabled: false
                triggers: [{document: erp.Bundle, events: [insert, update, delete, rename]}]
                when: not source.hidden
                relay: {each: source.items, key: row.id, removed: on_delete}
                match: {sku: row.item_code}
                fields:
                  is_component: {value: true}
                  bundle: job.source_document_name
                  quantity: {from: row.qty, as: decimal(3)}
                on_delete: {update: {is_component: {value: false}, bundle: {value: null}}}
            \(more)
            """)
    }

    private func bundle(_ codes: String...) -> JSONObject {
        let rows = codes.enumerated().map { position, code -> JSONValue in
            ["id": .int(position + 1), "item_code": .string(code), "qty": 2]
        }
        return ["items": .array(rows)]
    }

    private func putItems(_ world: DeclarativeWorld) async throws {
        for code in ["CUP", "LID", "POT"] { try await world.test.put("shop.Item", code, ["sku": .string(code)]) }
    }

    private func bundles(_ world: DeclarativeWorld) async throws -> [JSONValue?] {
        var bundles: [JSONValue?] = []
        for code in ["CUP", "LID", "POT"] { bundles.append(try await world.fields("shop.Item", code)?["bundle"]) }
        return bundles
    }

    @Test("reaches each item, and what is gone gets on_delete")
    func lifeOfABundle() async throws {
        let world = try world()
        try await putItems(world)
        try await world.test.put("erp.Bundle", "SET", bundle("CUP", "LID"))
        let job = try await world.settle("Bundle Item Sync", "SET")
        #expect(job.status == .relayed)
        #expect(try await bundles(world) == ["SET", "SET", nil])
        #expect(try await world.fields("shop.Item", "CUP")?["quantity"]?.canonicalText == "2.000")

        try await world.test.put("erp.Bundle", "SET", bundle("CUP"))
        let second = try await world.settle("Bundle Item Sync", "SET")
        let children = try await world.test.children(of: second)
        #expect(children.map(\.request.targetKey) == ["1", "2"])
        #expect(children.map(\.status) == [.skipped, .finished])
        #expect(try await bundles(world) == ["SET", .some(.null), nil], "null is what on_delete writes")
        #expect(try await world.fields("shop.Item", "LID")?["is_component"] == false)

        try await world.test.delete("erp.Bundle", "SET")
        let jobs = try await world.test.change(.delete, "erp.Bundle", "SET")
        try await world.test.settle()
        #expect(jobs.map(\.status) == [.relayed])
        #expect(try await world.fields("shop.Item", "CUP")?["is_component"] == false)
    }

    @Test("does not insert items that are not there, when inserts are disabled")
    func noInsert() async throws {
        let world = try world()
        try await world.test.put("erp.Bundle", "SET", bundle("CUP", "NEW"))
        try await putItems(world)
        let job = try await world.settle("Bundle Item Sync", "SET")
        let children = try await world.test.children(of: job)
        #expect(children.map(\.skipReason) == [nil, .insertDisabled])
        #expect(try await world.fields("shop.Item", "NEW") == nil)
    }

    @Test("says why there is no target")
    func noTarget() async throws {
        let world = try world()
        try await world.test.put("erp.Bundle", "SET", ["items": [], "hidden": true])
        #expect(try await world.settle("Bundle Item Sync", "SET").noTargetReason == .condition)
        try await world.test.put("erp.Bundle", "SET", ["items": []])
        #expect(try await world.settle("Bundle Item Sync", "SET").noTargetReason == .controller)
        try await world.test.delete("erp.Bundle", "SET")
        let deleted = try await world.settle("Bundle Item Sync", "SET") { $0.operation = .delete }
        #expect(deleted.noTargetReason == .alreadyGone)
    }

    @Test("duplicate row key: fails for good, and makes no child")
    func duplicateKey() async throws {
        let world = try world()
        try await putItems(world)
        try await world.test.put("erp.Bundle", "SET", ["items": [["id": 1], ["id": 1]]])
        let job = try await world.settle("Bundle Item Sync", "SET")
        #expect(job.status == .failed && job.error?.code == .duplicateRowKey && job.retryAfter == nil)
        #expect(try await world.test.children(of: job).isEmpty)
    }

    @Test("rename of a document: the targets of all its rows go on, of one row and of several", arguments: [1, 2])
    func rename(rows: Int) async throws {
        let world = try DeclarativeWorld(
            """
            types:
              Line Sync:
                source: erp.Order
                target: shop.Line
                triggers: [{document: erp.Order, events: [update, rename]}]
                relay: {each: source.lines, key: row.no, removed: on_delete}
                fields: {text: row.text, order: job.source_document_name, no: row.no}
                on_delete: delete
            """)
        let lines = (1...rows).map { position -> JSONValue in ["no": .int(position), "text": "first"] }
        try await world.test.put("erp.Order", "O-1", ["lines": .array(lines)])
        try await world.settle("Line Sync", "O-1")
        let names = try await world.test.systems["shop"]?.list(typeName: "Line", after: nil, limit: 10).compactMap(
            \.key)
        #expect(names?.count == rows)

        try await world.test.put("erp.Order", "O-2", ["lines": .array(lines)])
        try await world.test.delete("erp.Order", "O-1")
        let jobs = try await world.test.change(.rename, "erp.Order", "O-2") { $0.oldName = "O-1" }
        try await world.test.settle()
        #expect(jobs.count == 1 && jobs[0].status != .failed, "\(jobs.map { $0.error?.description ?? "" })")
        let after = try await world.test.systems["shop"]?.list(typeName: "Line", after: nil, limit: 10) ?? []
        #expect(after.compactMap(\.key) == names, "no second target")
        #expect(after.allSatisfy { $0["order"] == "O-2" })
    }
}
