// Lookups, what is written back, and targets that change what they store, in the engine with documents in memory.

import FerryTesting
import SyncJobs
import Testing

@testable import Ferry

@Suite("Declarative types among each other")
struct LookupRunTests {
    private func world(_ missingFirm: String, _ missingOwner: String) throws -> DeclarativeWorld {
        try DeclarativeWorld(
            """
            types:
              Person Sync:
                source: erp.Person
                target: shop.User
                retry_delay: 1m
                jitter: 0
                max_retries: 2
                fields: {name: source.name, firm: {lookup: Firm Sync, key: source.firm, missing: \(missingFirm)}}
              Firm Sync:
                source: erp.Firm
                target: shop.Company
                retry_delay: 1m
                jitter: 0
                max_retries: 2
                fields: {name: source.name, owner: {lookup: Person Sync, key: source.owner, missing: \(missingOwner)}}
            """)
    }

    private func putBoth(_ world: DeclarativeWorld) async throws {
        try await world.test.put("erp.Person", "P-1", ["name": "Ada", "firm": "F-1"])
        try await world.test.put("erp.Firm", "F-1", ["name": "Engines", "owner": "P-1"])
    }

    @Test("that wait for each other end in dead letters that name the cycle")
    func retryOnBoth() async throws {
        let world = try world("retry", "retry")
        try await putBoth(world)
        let person = try await world.settle("Person Sync", "P-1")
        let firm = try await world.settle("Firm Sync", "F-1")
        #expect(person.error?.code == .lookupMissing && person.retryAfter != nil)
        try await world.test.advance(by: .seconds(600))
        let letters = await world.test.deadLetters.map(\.reason.message)
        #expect(letters.count == 2)
        #expect(letters.contains { $0.contains("\"F-1\"") && $0.contains("Person Sync → Firm Sync → Person Sync") })
        #expect(letters.contains { $0.contains("\"P-1\"") && $0.contains("Firm Sync → Person Sync → Firm Sync") })
        for job in [person, firm] { #expect(try await world.test.job(job.id)?.attempts.count == 3) }
    }

    @Test("with null on one side converge by themselves")
    func converge() async throws {
        let world = try world("null", "retry")
        try await putBoth(world)
        let person = try await world.test.run("Person Sync", source: "P-1")
        #expect(person.status == .finished)
        #expect(try await world.fields("shop.User", "P-1") == ["name": "Ada", "firm": nil])
        try await world.settle("Firm Sync", "F-1")
        #expect(try await world.fields("shop.Company", "F-1") == ["name": "Engines", "owner": "P-1"])
        #expect(try await world.fields("shop.User", "P-1") == ["name": "Ada", "firm": "F-1"])
        #expect(await world.test.deadLetters.isEmpty)
        let again = try await world.settle("Firm Sync", "F-1")
        #expect(again.skipReason == .noChanges, "and then there is peace")
    }

    @Test("with null in a row are run again once each target is bound")
    func rows() async throws {
        let world = try DeclarativeWorld(
            """
            documents:
              shop.Order: {tables: {lines: {row_key: no}}}
            types:
              Order Sync:
                source: erp.Order
                target: shop.Order
                fields: {buyer: {lookup: Person Sync, key: source.buyer.code, missing: null}}
                tables:
                  lines:
                    from: source.lines
                    row_key: {no: row.no}
                    fields: {item: {lookup: Item Sync, key: row.sku, missing: null}}
              Item Sync: {source: erp.Item, target: shop.Item, fields: {name: source.name}}
              Person Sync: {source: erp.Person, target: shop.User, fields: {name: source.name}}
            """)
        for name in ["I-1", "I-2"] { try await world.test.put("erp.Item", name, ["name": .string(name)]) }
        try await world.test.put("erp.Person", "P-1", ["name": "Ada"])
        try await world.test.put(
            "erp.Order", "O-1",
            ["buyer": ["code": "P-1"], "lines": [["no": 1, "sku": "I-1"], ["no": 2, "sku": "I-2"], ["no": 3]]])
        func items() async throws -> [JSONValue?] {
            try await world.fields("shop.Order", "O-1")?["lines"]?.arrayValue?.map { $0.objectValue?["item"] } ?? []
        }
        try await world.settle("Order Sync", "O-1")
        #expect(try await items() == [.null, .null, .null])
        try await world.settle("Item Sync", "I-2")
        #expect(try await items() == [.null, "I-2", .null])
        try await world.settle("Item Sync", "I-1")
        #expect(try await items() == ["I-1", "I-2", .null])
        #expect(try await world.fields("shop.Order", "O-1")?["buyer"] == .null)
        try await world.settle("Person Sync", "P-1")
        #expect(try await world.fields("shop.Order", "O-1")?["buyer"] == "P-1")
        #expect(try await world.settle("Order Sync", "O-1").skipReason == .noChanges)
    }

    @Test("with null in a relay run the whole relay again, once for all its children")
    func relay() async throws {
        let world = try DeclarativeWorld(
            """
            types:
              Bundle Sync:
                source: erp.Bundle
                target: shop.Part
                relay: {each: source.items, key: row.no, removed: keep}
                fields: {owner: {lookup: Person Sync, key: source.owner, missing: null}, quantity: row.qty}
              Person Sync: {source: erp.Person, target: shop.User, fields: {name: source.name}}
            """)
        try await world.test.put("erp.Person", "P-1", ["name": "Ada"])
        try await world.test.put(
            "erp.Bundle", "B-1", ["owner": "P-1", "items": [["no": "a", "qty": 1], ["no": "b", "qty": 2]]])
        let first = try await world.settle("Bundle Sync", "B-1")
        let binding = try await world.test.run("Person Sync", source: "P-1")
        let again = try await world.test.settle().filter {
            $0.id.hasPrefix(binding.id + ">bound:") && $0.status == .relayed
        }
        #expect(again.map(\.request.triggeredByDocumentName) == ["P-1"])
        #expect(again.first?.request.parentSyncJob == nil)
        let children = try await world.test.children(of: first)
        #expect(children.count == 2)
        for child in children {
            #expect(try await world.fields("shop.Part", child.targetName ?? "")?["owner"] == "P-1")
        }
    }

    @Test("with null run again however many waited, and nothing more once they have what they waited for")
    func many() async throws {
        let world = try world("null", "retry")
        for number in 1...450 {
            try await world.test.put("erp.Person", "P-\(number)", ["name": "Ada", "firm": "F-1"])
            try await world.test.run("Person Sync", source: "P-\(number)")
        }
        try await world.test.put("erp.Firm", "F-1", ["name": "Engines", "owner": "P-1"])
        try await world.settle("Firm Sync", "F-1")
        for number in 1...450 { #expect(try await world.fields("shop.User", "P-\(number)")?["firm"] == "F-1") }
        try await world.test.run("Firm Sync", source: "F-1")
        #expect(try await world.test.settle().isEmpty)
    }

    @Test("with null and a document that came with the message are not run again: it may be old by then")
    func carriedDocument() async throws {
        let world = try world("null", "null")
        try await putBoth(world)
        try await world.settle("Person Sync", "P-1") { $0.document = ["name": "Ada", "firm": "F-1"] }
        try await world.test.run("Firm Sync", source: "F-1")
        #expect(try await world.test.settle().isEmpty)
    }

    @Test("that look themselves up find themselves in their second run")
    func itself() async throws {
        let world = try DeclarativeWorld(
            """
            types:
              Group Sync:
                source: erp.Group
                target: shop.Group
                fields: {name: source.name, root: {lookup: Group Sync, key: source.root, missing: null}}
            """)
        try await world.test.put("erp.Group", "G-1", ["name": "All", "root": "G-1"])
        try await world.settle("Group Sync", "G-1")
        #expect(try await world.fields("shop.Group", "G-1") == ["name": "All", "root": "G-1"])
    }

    @Test("wait for a target that comes later, and are retried into it")
    func retried() async throws {
        let world = try world("retry", "null")
        try await putBoth(world)
        try await world.test.run("Person Sync", source: "P-1")
        try await world.settle("Firm Sync", "F-1")
        try await world.test.advance(by: .seconds(120))
        #expect(try await world.fields("shop.User", "P-1")?["firm"] == "F-1")
        #expect(try await world.fields("shop.Company", "F-1")?["owner"] == "P-1", "bound at last, its owner follows")
    }

    @Test("write the target's name back, and the echo of it changes nothing")
    func writeBack() async throws {
        let world = try DeclarativeWorld(
            """
            types:
              Customer Sync:
                source: erp.Customer
                target: shop.Account
                triggers: [{document: erp.Customer, events: [insert, update]}]
                fields: {label: source.name}
                write_back: {account: job.target_document_name, first: {from: job.id, only: empty}}
            """)
        try await world.test.put("erp.Customer", "C-1", ["name": "Ada"])
        let job = try await world.settle("Customer Sync", "C-1")
        let after: JSONObject = ["name": "Ada", "account": "C-1", "first": .string(job.id)]
        #expect(try await world.fields("erp.Customer", "C-1") == after)
        let echo = try await world.test.change(.update, "erp.Customer", "C-1")
        #expect(echo.map(\.skipReason) == [.noChanges])
        #expect(try await world.fields("erp.Customer", "C-1") == after)
        try await world.test.put("erp.Customer", "C-2", ["name": "Eve"])
        try await world.settle("Customer Sync", "C-2") { $0.dryRun = true }
        #expect(try await world.fields("erp.Customer", "C-2") == ["name": "Eve"])
    }

    @Test("the target normalises what we wrote: the next run is no_changes, not an endless diff")
    func normalises() async throws {
        let world = try DeclarativeWorld(
            """
            documents:
              shop.Account: {tables: {lines: {row_key: no}}}
            types:
              Customer Sync:
                source: erp.Customer
                target: shop.Account
                fields: {label: source.name}
                tables:
                  lines: {from: source.lines, row_key: {no: row.no}, fields: {text: row.text}}
            """)
        try world.test.memory("shop").normalise("Account") { fields in
            fields["label"] = fields["label"]?.stringValue.map { .string($0.uppercased()) }
            let rows = fields["lines"]?.arrayValue ?? []
            fields["lines"] = .array(
                rows.enumerated().map { position, value in
                    var row = value.objectValue ?? [:]
                    // The target numbers its rows, cuts their texts, and keeps them in an order of its own.
                    row["id"] = row["id"] ?? .int(position + 100)
                    row["text"] = row["text"]?.stringValue.map { .string(String($0.prefix(3))) }
                    return .object(row)
                }.reversed())
        }
        let source: JSONObject = [
            "name": "Ada", "lines": [["no": 1, "text": "first line"], ["no": 2, "text": "second line"]],
        ]
        try await world.test.put("erp.Customer", "C-1", source)
        #expect(try await world.settle("Customer Sync", "C-1").status == .finished)
        for _ in 0..<3 {
            let again = try await world.settle("Customer Sync", "C-1")
            #expect(again.skipReason == .noChanges, "\(again.diff?.json.canonicalText ?? "")")
        }
        try await world.test.put("erp.Customer", "C-1", ["name": "Eve", "lines": source["lines"] ?? []])
        let changed = try await world.settle("Customer Sync", "C-1")
        #expect(changed.status == .finished)
        #expect(changed.diff?.changed.map(\.field) == ["label"])
        #expect(try await world.settle("Customer Sync", "C-1").skipReason == .noChanges)
    }

    @Test("trigger loop A → B → A: ends as a loop")
    func loop() async throws {
        let world = try DeclarativeWorld(
            """
            types:
              There: {source: erp.Customer, target: shop.Account, triggers: [{document: erp.Customer, events: update}], fields: {n: source.n}}
              Back: {source: shop.Account, target: erp.Customer, triggers: [{document: shop.Account, events: update}], fields: {n: source.n}}
            """)
        try await world.test.put("erp.Customer", "C-1", ["n": 1])
        try await world.test.put("shop.Account", "C-1", ["n": 0])
        var hops = 0
        var failure: JobFailure?
        for trip in 1...12 where failure == nil {
            let (system, type) = trip % 2 == 1 ? ("erp", "Customer") : ("shop", "Account")
            do {
                // Each job's write is published as a change by the system that took it, with the job's hops.
                let jobs = try await world.test.change(.update, "\(system).\(type)", "C-1") { $0.hops = hops }
                hops = try #require(jobs.first).request.hops
            } catch let error as JobFailure { failure = error }
        }
        #expect(failure?.code == .loop)
        #expect(hops == SyncRequest.maximumHops)
    }
}
