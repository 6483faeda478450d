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
