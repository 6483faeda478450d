// The main job: a request becomes a record with its diff and a written target, for both kinds of systems.
import AMQP
import JobStore
import SyncJobs
import Testing

@testable import Ferry

@Suite struct MainJobTests {
    @Test func aNewDocumentIsInsertedAndEveryFieldIsInTheDiff() async throws {
        try await EngineWorld.with { world in
            try await world.putCustomers([
                ("C-1", ["customer_name": "Ada", "credit_limit": .number(try #require(JSONNumber("0.10")))])
            ])
            try await world.request("Customer Sync", names: ["C-1"])
            let statistics = try await world.work()
            let job = try await world.job("job-0")
            #expect(job.status == .finished)
            #expect(job.operation == .insert)
            #expect(job.title == "Customer > Account: C-1")
            #expect(job.attempts.count == 1)
            #expect(
                job.diff
                    == Diff(changed: [
                        Diff.FieldChange(field: "code", old: .null, new: "C-1"),
                        Diff.FieldChange(field: "label", old: .null, new: "Ada"),
                        Diff.FieldChange(field: "limit", old: .null, new: .number(try #require(JSONNumber("0.1")))),
                    ]))
            #expect(
                try await world.account("C-1")?["limit"]?.numberValue?.text == "0.10", "digits are carried as written")
            #expect(statistics.ended == 1)
        }
    }

    @Test func theSecondSyncChangesOnlyWhatChangedAndTheThirdNothing() async throws {
        try await EngineWorld.with { world in
            try await world.putCustomers([("C-1", ["customer_name": "Ada", "credit_limit": 5])])
            try await world.request("Customer Sync", names: ["C-1"])
            try await world.work()
            try await world.putCustomers([("C-1", ["customer_name": "Ada L.", "credit_limit": 5])])
            try await world.request("Customer Sync", names: ["C-1", "C-1"], ids: { "again-\($0)" })
            try await world.work()
            let second = try await world.job("again-0")
            #expect(second.diff?.changed == [Diff.FieldChange(field: "label", old: "Ada", new: "Ada L.")])
            #expect(second.operation == .update)
            let third = try await world.job("again-1")
            #expect(third.status == .skipped)
            #expect(third.skipReason == .noChanges)
        }
    }

    @Test func aForeignFileIsWrittenWithItsChildTable() async throws {
        try await EngineWorld.with { world in
            let street: (Int64, String) -> JSONValue = { ["id": .number(JSONNumber($0)), "line1": .string($1)] }
            try await world.putCustomers([
                (
                    "C'1 \"quoted\"\n🦢",
                    ["customer_name": " Ada ", "addresses": [street(1, "Main St"), street(2, "Side St")]]
                )
            ])
            try await world.request("Shop Sync", names: ["C'1 \"quoted\"\n🦢"])
            try await world.work()
            #expect(try await world.job("job-0").status == .finished)
            #expect(try await world.shop("SELECT label, is_open FROM accounts") == "Ada|1\n")
            try await world.putCustomers([
                (
                    "C'1 \"quoted\"\n🦢",
                    ["customer_name": "Ada", "addresses": [street(2, "Low St"), street(3, "New St")]]
                )
            ])
            try await world.request("Shop Sync", names: ["C'1 \"quoted\"\n🦢"], ids: { "again-\($0)" })
            try await world.work()
            let diff = try #require(try await world.job("again-0").diff)
            #expect(diff.changed.isEmpty)
            #expect(diff.added.map { $0.row["street"] } == ["New St"])
            #expect(diff.removed.map { $0.row["street"] } == ["Main St"])
            #expect(
                diff.rowChanged.map(\.changes) == [[Diff.FieldChange(field: "street", old: "Side St", new: "Low St")]])
            #expect(
                try await world.shop("SELECT erp_row, street FROM account_addresses ORDER BY erp_row")
                    == "2|Low St\n3|New St\n")
            try await world.request("Shop Sync", names: ["C'1 \"quoted\"\n🦢"], ids: { "third-\($0)" })
            try await world.work()
            #expect(try await world.job("third-0").skipReason == .noChanges)
        }
    }

    @Test func aChangeEventBecomesAJobAndADeleteIsSynced() async throws {
        try await EngineWorld.with { world in
            try await world.putCustomers([("C-1", ["customer_name": "Ada"])])
            let event: (String) -> JSONValue = {
                ["system": "erp", "document_type": "Customer", "document_name": "C-1", "event": .string($0)]
            }
            try await world.publish(
                [(id: "c-1", body: event("insert").canonicalBytes)], exchange: world.composition.topology.changes,
                routingKey: "Customer.insert")
            let statistics = try await world.work()
            #expect(statistics.changes == 1)
            #expect(try await world.job("c-1:customer_sync").status == .finished)
            #expect(try await world.account("C-1")?["label"] == "Ada")
            let key = DocumentKey(type: DocumentType(system: "erp", name: "Customer"), name: "C-1")
            #expect(try await world.store.deleteDocument(key))
            try await world.publish(
                [(id: "c-2", body: event("delete").canonicalBytes)], exchange: world.composition.topology.changes,
                routingKey: "Customer.delete")
            try await world.work()
            let deleted = try await world.job("c-2:customer_sync")
            #expect(deleted.status == .finished)
            #expect(deleted.operation == .delete)
            #expect(deleted.diff?.changed.contains(Diff.FieldChange(field: "label", old: "Ada", new: .null)) == true)
            #expect(try await world.account("C-1") == nil)
        }
    }

    @Test func aDryRunShowsTheDiffAndWritesNothing() async throws {
        try await EngineWorld.with { world in
            try await world.putCustomers([("C-1", ["customer_name": "Ada"])])
            let request: JSONValue = ["sync_job_type": "customer_sync", "source_document_name": "C-1", "dry_run": true]
            try await world.publish([(id: "dry", body: request.canonicalBytes)])
            try await world.work()
            let job = try await world.job("dry")
            #expect(job.skipReason == .dryRun)
            #expect(job.diff?.changed.map(\.field) == ["code", "label"])
            #expect(try await world.account("C-1") == nil)
        }
    }

    @Test func aSensitiveValueIsSyncedAndShownNowhere() async throws {
        let types = """
              Secret Sync:
                source: app.Account
                target: erp.Customer
                match: {code: job.source_document_name}
                fields:
                  code: {from: job.source_document_name, only: insert}
                  tax_id: source.secret
            """
        try await EngineWorld.with(types: types) { world in
            let type = DocumentType(system: "app", name: "Account")
            _ = try await world.store.putDocuments([(DocumentKey(type: type, name: "A"), ["secret": "DE-4711"], nil)])
            let request: JSONValue = [
                "sync_job_type": "secret_sync", "source_document_name": "A", "verbose_logging": true,
            ]
            try await world.publish([(id: "s", body: request.canonicalBytes)])
            try await world.work()
            let job = try await world.job("s")
            #expect(job.status == .finished)
            #expect(!job.json.canonicalText.contains("4711"))
            #expect(job.diff?.changed.map(\.field) == ["code", "tax_id"])
            let key = DocumentKey(type: DocumentType(system: "erp", name: "Customer"), name: "A")
            #expect(try await world.systems.load(key).document?["tax_id"] == "DE-4711")
        }
    }

    @Test func anOldVersionIsSkippedAsStale() async throws {
        try await EngineWorld.with { world in
            try await world.putCustomers([("C-1", ["customer_name": "new", "revision": 10])])
            try await world.request("Customer Sync", names: ["C-1"])
            try await world.work()
            let late: JSONValue = [
                "sync_job_type": "customer_sync", "source_document_name": "C-1",
                "document": ["customer_name": "old", "revision": 9],
            ]
            try await world.publish([(id: "late", body: late.canonicalBytes)])
            try await world.work()
            #expect(try await world.job("late").skipReason == .stale)
            #expect(try await world.account("C-1")?["label"] == "new")
        }
    }

    @Test func jobsOfOneDocumentRunInTheOrderTheyArrived() async throws {
        try await EngineWorld.with { world in
            let edits = (1...60).map { number -> (id: String?, body: [UInt8]) in
                let request: JSONValue = [
                    "sync_job_type": "customer_sync", "source_document_name": .string("C-\(number % 3)"),
                    "document": ["customer_name": .string("edit \(number)")],
                ]
                return (id: "edit-\(number)", body: request.canonicalBytes)
            }
            try await world.publish(edits)
            try await world.work()
            for (name, last) in [("C-0", 60), ("C-1", 58), ("C-2", 59)] {
                #expect(try await world.account(name)?["label"] == .string("edit \(last)"))
            }
            var filter = JobFilter()
            filter.limit = 100
            let jobs = try await world.store.jobs(filter)
            #expect(jobs.count == 60)
            #expect(jobs.allSatisfy { $0.status == .finished }, "each edit was written: none overtook another")
        }
    }
}
