// What dies, disappears or stops under a worker: a message that kills it, a queue made anew in the same moment, an exchange
// that is gone, a store that takes no more, a stop in the middle of a long job.
import AMQP
import ServiceLifecycle
import SyncBroker
import SyncEngine
import SyncJobs
import Synchronization
import Testing

@testable import Ferry
@testable import JobStore

@Suite struct RecoveryTests {
    private func put(_ names: [String], in world: EngineWorld) async throws {
        try await world.putCustomers(names.map { ($0, ["customer_name": .string($0)]) })
    }

    @Test func poisonEndsInTheDeadLettersByTheDeliveryLimitAndItsMatesFinish() async throws {
        let crashes = Log<String>()
        let script = SingleScript(onUpdate: { _, job in
            guard job.job.request.sourceDocumentName == "poison" else { return }
            crashes.add(job.job.id)
            // The worker is ended by whoever counts these; a process that dies here ends no sooner.
            while true { try await Task.sleep(for: .milliseconds(10)) }
        })
        let limit = 6
        try await EngineWorld.with(
            types: EngineWorld.type("Poison Sync", controller: "script"), controllers: ["script": script]
        ) { world in
            let queue = world.composition.topology.workQueue("default")
            try await world.broker.control(
                "set_policy", "-p", "ferry", "--apply-to", "queues", world.composition.topology.prefix, "^\(queue)$",
                #"{"delivery-limit": \#(limit)}"#)
            let mates = (0..<10).map { "mate-\($0)" }
            let names = Array(mates[..<5]) + ["poison"] + Array(mates[5...])
            try await put(names, in: world)
            try await world.request("Poison Sync", names: names)
            for round in 1...limit + 1 {
                try await world.whileWorking({ $0.keepsDeadLetters = false }) { _ in
                    try await eventually("it dies, or all is done") {
                        if crashes.count >= round { return true }
                        let letters = try await world.ready(in: world.composition.topology.dead)
                        let ended = try await world.endedJobs()
                        return letters == 1 && ended == mates.count
                    }
                }
            }
            try await world.whileWorking({ $0.keepsDeadLetters = false }) { _ in
                for name in mates {
                    try await eventually("\(name) is done") { try await world.account(name)?["label"] == .string(name) }
                }
            }
            try await eventually("the broker gives it up") {
                try await world.ready(in: world.composition.topology.dead) == 1
            }
            let letters = try await world.takeDeadLetters()
            #expect(letters.map(\.messageID) == ["job-5"], "only the poison")
            #expect(crashes.count == limit + 1)
            #expect(try await world.endedJobs() == mates.count)
            try await world.broker.control("clear_policy", "-p", "ferry", world.composition.topology.prefix)
        }
    }

    @Test func aLongJobAtTheStartHoldsUpNeitherItsOwnQueueNorAnother() async throws {
        let gate = GateController()
        try await EngineWorld.with(
            types: EngineWorld.type("Gate Sync", controller: "gate"), controllers: ["gate": gate]
        ) { world in
            let names = (0..<12).map { "C-\($0)" }
            try await put(names, in: world)
            try await world.whileWorking { _ in
                try await world.send("Gate Sync", id: "long", source: "C-0")
                try await eventually("it runs") { gate.entered == 1 }
                try await world.publish(
                    names.dropFirst(6).map { name in
                        let request: JSONValue = [
                            "sync_job_type": "customer_sync", "source_document_name": .string(name), "queue": "short",
                        ]
                        return (id: name, body: request.canonicalBytes)
                    }, routingKey: "short.customer_sync")
                try await world.request("Customer Sync", names: Array(names[1..<6]))
                try await eventually("the others are done") { try await world.endedJobs() == 11 }
                gate.open()
                try await world.job("long", ended: .finished)
            }
        }
    }

    @Test func whatHasNotBegunAndWasDeliveredOftenIsHandedBackByAStop() async throws {
        let gate = GateController()
        try await EngineWorld.with(
            types: EngineWorld.type("Gate Sync", controller: "gate"), controllers: ["gate": gate]
        ) { world in
            try await put(["first", "worn"], in: world)
            try await world.request("Gate Sync", names: ["first", "worn"]) { ["first", "worn"][$0] }
            let queue = world.composition.topology.workQueue("default")
            let connection = try await AMQPConnection.open(try world.composition.broker("test"), logger: world.logger)
            let first = try #require(try await connection.get(queue))
            for count in 1...10 {
                let worn = try #require(try await connection.get(queue))
                #expect(worn.properties.messageID == "worn")
                // What goes back first comes back first.
                if count == 10 { await connection.reject(first.tag, requeue: true) }
                await connection.reject(worn.tag, requeue: true)
            }
            let worker = try world.makeWorker()
            let group = ServiceGroup(
                configuration: ServiceGroupConfiguration(
                    services: [ServiceGroupConfiguration.ServiceConfiguration(service: worker)], logger: world.logger))
            async let running: Void = group.run()
            try await eventually("the first runs, the other waits to run alone") {
                let statistics = await worker.statistics
                return gate.entered == 1 && statistics.waiting == 1
            }
            await group.triggerGracefulShutdown()
            try await eventually("it is handed back") { await worker.statistics.handedBack == 1 }
            gate.open()
            try await running
            #expect(try await world.job("first").status == .finished)
            let message = try #require(try await connection.get(queue))
            #expect(message.properties.messageID == "worn" && !message.redelivered, "the broker counts from zero")
            #expect(try await connection.get(queue) == nil, "there is one of it")
            await connection.close()
            try await world.work()
            #expect(try await world.job("worn").status == .finished)
        }
    }

    @Test func aQueueThatIsDeletedAndMadeAnewInTheSameMomentIsConsumedAgain() async throws {
        try await EngineWorld.with { world in
            let names = (0..<8).map { "C-\($0)" }
            try await put(names, in: world)
            try await world.whileWorking({ $0.queueWatchInterval = .milliseconds(300) }) { worker in
                try await world.request("Customer Sync", names: Array(names[..<4]))
                try await eventually("work has begun") { await worker.statistics.ended == 4 }
                let topology = world.composition.topology
                let connection = try await AMQPConnection.open(
                    try world.composition.broker("test"), logger: world.logger)
                let queue = try #require(topology.queues.first { $0.name == topology.workQueue("default") })
                try await connection.deleteQueue(queue.name)
                try await connection.declareQueue(queue.name, arguments: queue.arguments)
                for binding in topology.bindings where binding.destination == queue.name {
                    try await connection.bindQueue(
                        queue.name, exchange: binding.source, routingKey: binding.routingKey)
                }
                await connection.close()
                try await world.request("Customer Sync", names: Array(names[4...])) { "later-\($0)" }
                try await eventually("the rest is done") { try await world.endedJobs() == 8 }
            }
            try await world.expectQueueEmpty()
        }
    }

    @Test func whatIsOwedToAnExchangeThatIsGoneStaysOwedAndGoesOutWhenItIsBack() async throws {
        let script = SingleScript(onUpdate: { _, _ in throw JobFailure.permanent("never") })
        try await EngineWorld.with(
            types: EngineWorld.type("Doomed Sync", controller: "script"), controllers: ["script": script]
        ) { world in
            try await put(["C-1"], in: world)
            let dead = world.composition.topology.dead
            let connection = try await AMQPConnection.open(try world.composition.broker("test"), logger: world.logger)
            try await connection.deleteExchange(dead)
            await connection.close()
            try await world.whileWorking({ $0.keepsDeadLetters = false }) { worker in
                try await world.request("Doomed Sync", names: ["C-1"])
                // This one can't become a job: nothing but its delivery stands for it, which stays unanswered meanwhile.
                try await world.publish([(id: "broken", body: Array("{".utf8))])
                try await world.job("job-0", ended: .failed)
                #expect(try await world.store.owedMessages(limit: 10).map(\.kind) == [.deadLetter])
                try await eventually("it was refused") { await worker.statistics.refused == 1 }
                let check = TopologyCheck(
                    topology: world.composition.topology, configuration: try world.composition.broker("test"),
                    logger: world.logger)
                _ = try await check.apply()
                try await eventually("both letters are there") { try await world.ready(in: dead) >= 2 }
                try await eventually("nothing is owed") {
                    try await world.store.owedMessages(limit: 10).isEmpty
                }
            }
            #expect(Set(try await world.takeDeadLetters().map(\.messageID)) == ["job-0", "broken"])
        }
    }

    @Test func aStoreThatTakesNoMoreGivesTheMessagesBackUntilItDoes() async throws {
        try await EngineWorld.with { world in
            // More than the pages hold that the store has free within itself.
            let names = (0..<200).map { "C-\($0)" }
            try await put(names, in: world)
            let pages = try await world.store.pool.write { db -> Int in
                let count = try Int.fetchOne(db, sql: "PRAGMA page_count") ?? 0
                try db.execute(sql: "PRAGMA max_page_count = \(count)")
                return count
            }
            #expect(pages > 0)
            try await world.request("Customer Sync", names: names)
            try await world.whileWorking({ $0.storePatience = .milliseconds(200) }) { worker in
                try await eventually("it stands by") { await !worker.statistics.standBy.isEmpty }
                let queue = world.composition.topology.workQueue("default")
                try await eventually("the broker has all messages again that are not done") {
                    let (ready, ended) = (try await world.ready(in: queue), try await world.endedJobs())
                    return ready > 0 && ready >= 200 - ended
                }
                #expect(await !worker.statistics.isConnected)
                try await world.store.pool.write { try $0.execute(sql: "PRAGMA max_page_count = 1073741823") }
                try await eventually("all is done") { try await world.endedJobs() == 200 }
                try await eventually("it works again") { await worker.statistics.standBy.isEmpty }
            }
            #expect(try await world.store.countJobs() == [.finished: 200])
            try await world.expectQueueEmpty()
        }
    }

    @Test func aLongJobThatAStopCutsOffComesAgainWithWhatItSavedAndCountsFromZero() async throws {
        let runs = Log<JSONValue?>()
        let script = SingleScript(onUpdate: { _, job in
            runs.add(job.checkpoint)
            guard runs.count < 3 else { return }
            try await job.save(checkpoint: ["done": .int(runs.count)])
            while true {
                try job.checkCancellation()
                try await Task.sleep(for: .milliseconds(10))
            }
        })
        try await EngineWorld.with(
            types: EngineWorld.type("Long Sync", controller: "script"), controllers: ["script": script]
        ) { world in
            try await put(["C-1"], in: world)
            try await world.request("Long Sync", names: ["C-1"])
            for round in 1...2 {
                let worker = try world.makeWorker { $0.grace = .milliseconds(50) }
                let group = ServiceGroup(
                    configuration: ServiceGroupConfiguration(
                        services: [ServiceGroupConfiguration.ServiceConfiguration(service: worker)],
                        logger: world.logger))
                async let running: Void = group.run()
                try await eventually("it runs") { runs.count == round }
                try await eventually("it has saved") {
                    try await world.store.prepare([.init(jobID: "job-0")])[0].checkpoint == ["done": .int(round)]
                }
                await group.triggerGracefulShutdown()
                try await running
                #expect(await worker.statistics.handedBack == 1)
                let job = try await world.job("job-0")
                #expect(job.status == .queued && job.attemptCount == 0 && job.retryCount == 0)
                #expect(job.nextTurn == round)
            }
            let connection = try await AMQPConnection.open(try world.composition.broker("test"), logger: world.logger)
            let queue = world.composition.topology.workQueue("default")
            let message = try #require(try await connection.get(queue))
            #expect(!message.redelivered, "the broker counts from zero")
            #expect(try await connection.get(queue) == nil, "there is one of it")
            await connection.close()
            try await world.work()
            #expect(runs.all == [nil, ["done": 1], ["done": 2]])
            let job = try await world.job("job-0")
            #expect(job.status == .finished && job.attempts.count == 1)
        }
    }
}
