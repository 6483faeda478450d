// What may die: a run between write and commit, a worker, the broker. Nothing is lost, nothing is done twice.
import AMQP
import JobStore
import ServiceLifecycle
import SyncBroker
import SyncEngine
import SyncJobs
import Testing

@testable import Ferry

@Suite struct NothingLostTests {
    private static let gate = """
          Gate Sync:
            source: erp.Customer
            target: app.Account
            controller: gate
        """

    private func names(_ count: Int) -> [String] { (0..<count).map { "C-\($0)" } }

    @Test func aWorkerThatIsStoppedGracefullyFinishesWhatRunsAndLeavesTheRestToTheBroker() async throws {
        let gate = GateController()
        try await EngineWorld.with(types: Self.gate, controllers: ["gate": gate]) { world in
            let names = names(20)
            try await world.putCustomers(names.map { ($0, ["customer_name": .string($0)]) })
            try await world.request("Gate Sync", names: names)
            let worker = try world.makeWorker { $0.concurrency = 4 }
            let group = ServiceGroup(
                configuration: ServiceGroupConfiguration(
                    services: [ServiceGroupConfiguration.ServiceConfiguration(service: worker)], logger: world.logger))
            async let running: Void = group.run()
            try await eventually("four jobs run") { gate.entered == 4 }
            await group.triggerGracefulShutdown()
            gate.open()
            try await running
            let finished = try await world.store.jobs(JobFilter()).count
            #expect(finished >= 4, "what ran was finished")
            #expect(finished < 20, "the stop came before the rest")
            let statistics = try await world.work()
            #expect(statistics.ended == 20 - finished)
            #expect(statistics.redelivered > 0)
            for name in names { #expect(try await world.account(name)?["label"] == .string(name)) }
        }
    }

    @Test func aRunThatDiedBetweenItsWriteAndItsCommitIsFinishedWithItsOwnDiff() async throws {
        try await EngineWorld.with { world in
            try await world.putCustomers([("C-1", ["customer_name": "Ada"])])
            let type = DocumentType(system: "shop", name: "Account")
            let after: JSONObject = ["erp_code": "C-1", "label": "Ada", "is_open": true]
            let diff = Diff(
                changed: [
                    Diff.FieldChange(field: "erp_code", old: .null, new: "C-1"),
                    Diff.FieldChange(field: "is_open", old: .null, new: true),
                    Diff.FieldChange(field: "label", old: .null, new: "Ada"),
                ])
            let write = DocumentWrite(
                type: type, before: nil, after: Document(key: nil, fields: after), fallbackName: "C-1", diff: diff,
                idempotencyKey: Digest(ofParts: ["test"]))
            // What the dead run left behind: its intent, and its write.
            try await world.store.recordIntent(
                WriteIntent(jobID: "job-0", turn: 0, runID: "dead", write: write, recordedAt: Composition.now()))
            guard case .written = try await world.systems.write(write) else { Issue.record("not written"); return }
            try await world.request("Shop Sync", names: ["C-1"])
            try await world.work()
            let job = try await world.job("job-0")
            #expect(job.status == .finished, "not Skipped (no_changes): this job made the change")
            #expect(job.operation == .insert)
            #expect(job.diff == diff)
            #expect(try await world.shop("SELECT count(*) FROM accounts") == "1\n")
        }
    }

    @Test func aTargetThatChangesUnderARunIsReadAgainAndNotOverwritten() async throws {
        let meddler = HookController(onUpdate: { target, job in
            // Somebody else writes the same document once, between our read and our commit.
            guard job.job.id == "second", target["touched"] == nil else { return }
            let key = DocumentKey(type: DocumentType(system: "app", name: "Account"), name: "C-1")
            guard let current = try await job.lookups.load(key).document else { return }
            var changed = current
            changed.fields["touched"] = "by somebody else"
            let store = await Meddling.shared.store
            _ = try await store?.putDocuments([(key, changed.fields, nil)])
        })
        let types = """
              Meddled Sync:
                source: erp.Customer
                target: app.Account
                controller: meddler
            """
        try await EngineWorld.with(types: types, controllers: ["meddler": meddler]) { world in
            await Meddling.shared.use(world.store)
            try await world.putCustomers([("C-1", ["customer_name": "Ada"])])
            try await world.request("Meddled Sync", names: ["C-1"], ids: { _ in "first" })
            try await world.work()
            try await world.putCustomers([("C-1", ["customer_name": "Bob"])])
            try await world.request("Meddled Sync", names: ["C-1"], ids: { _ in "second" })
            try await world.work()
            let account = try #require(try await world.account("C-1"))
            #expect(account["label"] == "Bob")
            #expect(account["touched"] == "by somebody else", "the other's write is not lost")
            #expect(try await world.job("second").diff?.changed.map(\.field) == ["label"])
        }
    }

    @Test func aHookThatThrowsAfterTheCommitIsNotedAndNothingRunsAgain() async throws {
        let controller = HookController(onFinished: { _ in throw JobFailure.retryable("the mail server is down") })
        let types = """
              Hooked Sync:
                source: erp.Customer
                target: app.Account
                controller: hooked
            """
        try await EngineWorld.with(types: types, controllers: ["hooked": controller]) { world in
            try await world.putCustomers([("C-1", ["customer_name": "Ada"])])
            try await world.request("Hooked Sync", names: ["C-1"])
            try await world.work()
            let job = try await world.job("job-0")
            #expect(job.status == .finished)
            #expect(job.attempts.count == 1)
            #expect(job.notes.contains { $0.contains("the mail server is down") })
        }
    }

    @Test func twoWorkersOnOneStoreShareTheWork() async throws {
        try await EngineWorld.with { world in
            let names = names(600)
            try await world.putCustomers(names.map { ($0, ["customer_name": .string($0)]) })
            try await world.request("Customer Sync", names: names)
            let other = try world.composition.openStore()
            let systems = try world.composition.systems(store: other)
            var settings = Worker.Settings(queues: ["default"])
            settings.stopsWhenEmpty = true
            settings.takesChanges = false
            settings.prefetch = 50
            let second = Worker(
                settings: settings, types: world.composition.configuration.types, systems: systems, store: other,
                broker: try world.composition.broker("second"), topology: world.composition.topology, node: "second",
                logger: world.logger, now: { Composition.now() })
            async let running: Void = second.run()
            let first = try await world.work { $0.prefetch = 50 }
            try await running
            let sum = first.ended + (await second.statistics).ended
            #expect(sum == 600)
            for name in names { #expect(try await world.account(name) != nil) }
            try other.close()
        }
    }

    @Test func aQueueThatIsDeletedUnderTheWorkerIsTakenUpAgain() async throws {
        try await EngineWorld.with { world in
            try await world.putCustomers([("C-1", ["customer_name": "Ada"])])
            try await world.whileWorking { worker in
                try await eventually("connected") { await worker.statistics.isConnected }
                let broker = try world.composition.broker("test")
                let connection = try await AMQPConnection.open(broker, logger: world.logger)
                try await connection.deleteQueue(world.composition.topology.workQueue("default"))
                await connection.close()
                // RabbitMQ 3.10 says nothing when a queue is made anew in the same moment; see broker/README.md.
                try await eventually("the worker is told") { await worker.statistics.lostSubscriptions == 1 }
                let check = TopologyCheck(
                    topology: world.composition.topology, configuration: broker, logger: world.logger)
                #expect(try await check.apply().isEmpty)
                try await world.request("Customer Sync", names: ["C-1"])
                try await eventually("the job is done") { try await world.store.job(id: "job-0") != nil }
            }
        }
    }

    @Test func theBrokerIsKilledAndStartedInMidRunAndNothingIsLost() async throws {
        let broker = try await PrivateBroker.own()
        try await EngineWorld.with(broker: broker) { world in
            let names = names(3_000)
            try await world.putCustomers(names.map { ($0, ["customer_name": .string($0)]) })
            try await world.request("Customer Sync", names: names)
            try await world.whileWorking({
                $0.concurrency = 8; $0.prefetch = 20
            }) { worker in
                try await eventually("work has begun") { await worker.statistics.ended > 100 }
                try await broker.stop(kill: true)
                try await eventually("the worker notices") { await !worker.statistics.isConnected }
                try await broker.start()
                try await eventually("all jobs are done", within: .seconds(120)) {
                    await worker.statistics.ended == 3_000
                }
            }
            for name in names { #expect(try await world.account(name)?["label"] == .string(name)) }
            #expect(try await world.work().ended == 0, "the queue is empty")
        }
        try await broker.remove()
    }
}

/// How a controller in a test reaches the world's store.
actor Meddling {
    static let shared = Meddling()
    private(set) var store: JobStore?
    func use(_ store: JobStore) { self.store = store }
}
