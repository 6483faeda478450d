// Events that come late, come back, or come in shapes nobody wanted; and a store that gives up. Each of these was once
// wrong, or nearly.
import AMQP
import JobStore
import SyncJobs
import Testing

@testable import Ferry

@Suite struct LateAndLostTests {
    private let customer = DocumentType(system: "erp", name: "Customer")

    private func event(_ kind: String, version: Int? = nil) -> JSONValue {
        var object: JSONObject = [
            "system": "erp", "document_type": "Customer", "document_name": "C-1", "event": .string(kind),
        ]
        object["version"] = version.map { .int($0) }
        return .object(object)
    }

    private func send(_ event: JSONValue, id: String, in world: EngineWorld) async throws {
        try await world.publish(
            [(id: id, body: event.canonicalBytes)], exchange: world.composition.topology.changes,
            routingKey: "Customer.any")
        try await world.work()
    }

    @Test func aDeleteEventThatComesLateDoesNotDeleteTheTargetOfALiveSource() async throws {
        try await EngineWorld.with { world in
            try await world.putCustomers([("C-1", ["customer_name": "Ada", "revision": 6])])
            try await send(event("insert", version: 6), id: "new", in: world)
            try await send(event("delete", version: 5), id: "late", in: world)
            #expect(try await world.account("C-1")?["label"] == "Ada")
            #expect(try await world.job("late:customer_sync").operation != .delete)
        }
    }

    @Test func aDeleteNewerThanTheLastImageIsSyncedAndARecreatedDocumentMayCountFromOne() async throws {
        try await EngineWorld.with { world in
            try await world.putCustomers([("C-1", ["customer_name": "Ada", "revision": 5])])
            try await send(event("insert", version: 5), id: "a", in: world)
            #expect(try await world.store.deleteDocument(DocumentKey(type: customer, name: "C-1")))
            try await send(event("delete", version: 6), id: "b", in: world)
            #expect(try await world.job("b:customer_sync").status == .finished)
            #expect(try await world.account("C-1") == nil)
            // What travels with a late message is older than the delete.
            let late: JSONValue = [
                "sync_job_type": "customer_sync", "source_document_name": "C-1",
                "document": ["customer_name": "ghost", "revision": 5],
            ]
            try await world.publish([(id: "late", body: late.canonicalBytes)])
            try await world.work()
            #expect(try await world.job("late").skipReason == .stale)
            try await world.putCustomers([("C-1", ["customer_name": "Eve", "revision": 1])])
            try await send(event("insert", version: 1), id: "c", in: world)
            #expect(try await world.job("c:customer_sync").status == .finished)
            #expect(try await world.account("C-1")?["label"] == "Eve")
        }
    }

    @Test func aNamedTargetIsDeletedAlsoWhenItsSourceIsGone() async throws {
        try await EngineWorld.with { world in
            let key = DocumentKey(type: DocumentType(system: "app", name: "Account"), name: "A-9")
            _ = try await world.store.putDocuments([(key, ["code": "A-9"], nil)])
            let request: JSONValue = [
                "sync_job_type": "customer_sync", "source_document_name": "gone", "operation": "Delete",
                "target_document_name": "A-9",
            ]
            try await world.publish([(id: "d", body: request.canonicalBytes)])
            try await world.work()
            #expect(try await world.job("d").status == .finished)
            #expect(try await world.account("A-9") == nil)
        }
    }

    @Test func aChangeEventOverTheLimitIsMovedWholeByTheBroker() async throws {
        try await EngineWorld.with { world in
            let large = [UInt8](repeating: UInt8(ascii: "x"), count: 1_048_577)
            try await world.publish(
                [(id: "large", body: large)], exchange: world.composition.topology.changes,
                routingKey: "Customer.update")
            try await world.work()
            #expect(try await world.takeDeadLetters().map(\.body) == [large])
        }
    }

    @Test func aReasonThatWouldNotFitIntoAHeaderIsCut() async throws {
        try await EngineWorld.with { world in
            // One character of 400 kB: a count of characters bounds nothing.
            let key = "a" + String(repeating: "\u{301}", count: 200_000)
            let body = #"{"sync_job_type": "customer_sync", "source_document_name": "C", "\#(key)": 1}"#
            try await world.publish([(id: "wide", body: Array(body.utf8))])
            try await world.work()
            let letter = try #require(try await world.takeDeadLetters().first)
            #expect(letter.header(.reason) == "unknown_field")
            #expect(letter.header(.message).utf8.count <= JobFailure.maximumTextBytes)
            #expect(letter.body == Array(body.utf8))
        }
    }

    @Test func aStoreThatGivesUpEndsTheWorkerWithItsErrorAndNothingIsLost() async throws {
        try await EngineWorld.with { world in
            try await world.putCustomers([("C-1", ["customer_name": "Ada"])])
            try await world.request("Customer Sync", names: ["C-1"])
            let broken = try world.composition.openStore()
            let systems = try world.composition.systems(store: broken)
            try broken.close()
            let worker = try world.makeWorker(store: broken, systems: systems) { $0.stopsWhenEmpty = true }
            await #expect(throws: JobStoreError.self) { try await worker.run() }
            #expect(try await world.work().ended == 1)
        }
    }

    @Test func aHookThatFailsAfterAnOutsideWriteLeavesABindingAndNoDuplicate() async throws {
        let controller = HookController(
            onUpdate: { target, job in target["erp_code"] = job.source?["erp_code"] },
            onAfterSync: { job in
                guard job.job.id == "first" else { return }
                throw JobFailure.permanent("the hook failed")
            })
        let types = """
              Hooked Sync:
                source: erp.Customer
                target: shop.Account
                controller: hooked
            """
        try await EngineWorld.with(types: types, controllers: ["hooked": controller]) { world in
            for id in ["first", "second"] {
                try await world.putCustomers([("C-1", ["customer_name": .string(id), "erp_code": "C-1"])])
                try await world.request("Hooked Sync", names: ["C-1"], ids: { _ in id })
                try await world.work()
            }
            #expect(try await world.job("first").status == .failed)
            let second = try await world.job("second")
            #expect(second.status == .finished)
            #expect(second.operation == .update)
            #expect(try await world.shop("SELECT label FROM accounts") == "second\n")
        }
    }
}
