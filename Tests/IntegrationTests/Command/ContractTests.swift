// The message contract from the other side: a producer that knows only contracts/ publishes with the producer's rights,
// a worker with the worker's rights takes it, and the document arrives. The tests share the prefix `ferry`, which is the
// one that those rights are for, so they run one after the other.
import AMQP
import Foundation
import JobStore
import SyncJobs
import Testing

@testable import Ferry

@Suite(.serialized) struct ContractTests {
    /// The type of the contract's examples.
    private static let type = """
          SAP Customer Sync:
            source: erp.Customer
            target: app.Account
            triggers:
              - {document: erp.Customer, events: [insert, update, delete]}
            match: {code: job.source_document_name}
            fields:
              code: {from: job.source_document_name, only: insert}
              label: source.customer_name
            on_delete: delete
        """

    /// A world as the examples see it; `body` gets the producer's and the worker's address.
    private func withContract(_ body: (EngineWorld, _ producer: String, _ worker: String) async throws -> Void)
        async throws
    {
        try await EngineWorld.with(
            prefix: "ferry", customerVersion: "{field: modified, order: timestamp}", types: Self.type
        ) { world in
            _ = try await world.takeDeadLetters()
            let modified: JSONValue = "2026-11-21T09:30:00.123Z"
            try await world.putCustomers([
                ("CUST-00001", ["customer_name": "Müller & Søn", "modified": modified]),
                ("CUST-00002", ["customer_name": "Closed Ltd", "modified": modified]),
            ])
            try await body(world, world.broker.producerURL, world.broker.workerURL)
            #expect(try await world.takeDeadLetters().map { $0.header(.message) } == [])
        }
    }

    /// A change event makes a job of Customer Sync too; whichever comes second finds the account as it shall be.
    private func hasArrived(_ job: SyncJob) -> Bool { job.status == .finished || job.skipReason == .noChanges }

    @Test func theReadmesExampleInPythonArrives() async throws {
        try await withContract { world, producer, worker in
            try await ForeignProducer.pika(ForeignProducer.example(in: "python"), url: producer).run()
            try await world.expect(from: world.ferry("work", "--until-empty", "--quiet", url: worker))
            let job = try await world.job("erp-2026-11-21-000470")
            #expect(job.status == .finished)
            #expect(job.typeSlug == "sap_customer_sync")
            #expect(try await world.account("CUST-00001")?["label"] == "Müller & Søn")
        }
    }

    @Test func theReadmesExampleInShellArrives() async throws {
        try await withContract { world, producer, worker in
            try await ForeignProducer.shell(ForeignProducer.example(in: "sh"), url: producer).run()
            try await world.expect(from: world.ferry("work", "--until-empty", "--quiet", url: worker))
            #expect(hasArrived(try await world.job("erp-change-88213:sap_customer_sync")))
            #expect(try await world.account("CUST-00001")?["label"] == "Müller & Søn")
        }
    }

    @Test func everyExampleFileFromPikaArrives() async throws {
        try await withContract { world, producer, worker in
            let gone = DocumentKey(type: DocumentType(system: "erp", name: "Customer"), name: "CUST-00002")
            #expect(try await world.store.deleteDocument(gone), "as the second change event says")
            let examples = [
                ["ferry.requests", "type.sap_customer_sync", "examples/sync-request.json"],
                ["ferry.requests", "type.sap_customer_sync", "examples/sync-request.cloudevent.json"],
                // The message_id goes before the id in the body.
                ["ferry.requests", "type.sap_customer_sync", "examples/sync-request.json", "other-id"],
                ["ferry.changes", "Customer.update", "examples/change-event.json"],
                ["ferry.changes", "Customer.delete", "examples/change-event.cloudevent.json"],
            ]
            for example in examples {
                try await ForeignProducer.pika(ForeignProducer.publishFile, example, url: producer).run()
            }
            let report = try await world.expect(
                from: world.ferry("work", "--until-empty", "--quiet", "--json", url: worker)
            ).json
            #expect(report.objectValue?["changes"] == 2)
            let request = try await world.job("erp-2026-11-21-000471")
            #expect(request.skipReason == .dryRun, "as the example asks for")
            #expect(request.request.context?["credit_limit"] == 9_007_199_254_740_993)
            #expect(try await world.job("other-id").skipReason == .dryRun)
            #expect(hasArrived(try await world.job("https://erp.example.com/customers/000471")))
            #expect(hasArrived(try await world.job("erp-change-88213:sap_customer_sync")))
            #expect(try await world.account("CUST-00001")?["label"] == "Müller & Søn")
            let deleted = try await world.job("https://erp.example.com/changes/88214:sap_customer_sync")
            #expect(deleted.noTargetReason == .alreadyGone, "there was no account yet: \(deleted.json.canonicalText)")
        }
    }

    @Test func plainBodiesAndCloudEventsFromAmqpPublishArrive() async throws {
        try await withContract { world, producer, worker in
            let publish = "amqp-publish --url=\"$FERRY_PRODUCER_URL\" --persistent --content-type=application/json"
            let plain = #"{"id": "amqp-1", "sync_job_type": "SAP Customer Sync", "source_document_name": "CUST-00001"}"#
            let event =
                #"{"specversion": "1.0", "id": "7", "source": "urn:erp:", "type": "t", "data": "#
                + #"{"sync_job_type": "sap_customer_sync", "source_document_name": "CUST-00002"}}"#
            for body in [plain, event] {
                let line = "printf '%s' '\(body)' | \(publish) -e ferry.requests -r type.sap_customer_sync"
                try await ForeignProducer.shell(line, url: producer).run()
            }
            try await world.expect(from: world.ferry("work", "--until-empty", "--quiet", url: worker))
            #expect(try await world.job("amqp-1").status == .finished)
            #expect(try await world.job("urn:erp:7").status == .finished)
            #expect(try await world.account("CUST-00001")?["label"] == "Müller & Søn")
            #expect(try await world.account("CUST-00002")?["label"] == "Closed Ltd")
        }
    }

    @Test func aProducerMayPublishToTheTwoExchangesAndNothingElse() async throws {
        try await withContract { world, producer, _ in
            for exchange in ["", "ferry.dead", "ferry.events", "ferry.control", "ferry.delay.00"] {
                let result = try await ForeignProducer.pika(
                    ForeignProducer.publishFile, [exchange, "ferry.default", "examples/sync-request.json"],
                    url: producer
                ).result()
                #expect(result.status != 0, "\(exchange)")
                #expect(result.errors.contains("ACCESS_REFUSED"), "\(exchange): \(result.errors)")
            }
            let declare = """
                import os, pika
                connection = pika.BlockingConnection(pika.URLParameters(os.environ["FERRY_PRODUCER_URL"]))
                connection.channel().queue_declare("mine")
                """
            let result = try await ForeignProducer.pika(declare, url: producer).result()
            #expect(result.errors.contains("ACCESS_REFUSED"))
        }
    }

    @Test func theWorkersRightsAreEnoughForTheEverydayCommands() async throws {
        try await withContract { world, _, worker in
            try await world.expect(
                from: world.ferry(
                    "enqueue", "sap_customer_sync", "--source", "CUST-00001", "--id", "by-hand", url: worker))
            try await world.expect(
                from: world.ferry(
                    "change", "erp.Customer", "CUST-00002", "--event", "update", "--id", "changed", url: worker))
            try await world.publish([(id: "bad", body: Array("{".utf8))], routingKey: "default.sap_customer_sync")
            let work = world.ferry("work", "--until-empty", "--quiet", "--json", url: worker)
            #expect(try await world.expect(from: work).json.objectValue?["refused"] == 1)
            #expect(try await world.job("by-hand").status == .finished)
            #expect(hasArrived(try await world.job("changed:sap_customer_sync")))
            let letters = try await world.expect(from: world.ferry("dead", "list", "--json", url: worker)).json
            #expect(letters.arrayValue?.map { $0.objectValue?["reason"] } == ["invalid_json"])
            let again = try await world.expect(from: world.ferry("dead", "list", url: worker))
            #expect(again.output.contains("invalid_json"), "a look takes nothing away")
            #expect(try await world.takeDeadLetters().count == 1)
            try await world.expect(from: world.ferry("topology", "check", "--no-canaries", url: worker))
        }
    }
}
