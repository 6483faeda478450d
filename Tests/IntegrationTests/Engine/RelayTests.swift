// One source with many targets, through the broker and over two workers: each child once, each end once, whoever dies.
import AMQP
import JobStore
import SyncBroker
import SyncEngine
import SyncJobs
import Testing

@testable import Ferry

@Suite struct RelayTests {
    private static func keys(_ count: Int) -> [RelayTarget] {
        (0..<count).map { RelayTarget(operation: .insert, key: "K-\($0)", context: ["key": .string("K-\($0)")]) }
    }

    @Test func twoHundredChildrenOverTwoWorkersOfWhichOneDiesEachEndOnce() async throws {
        let runs = Log<String>()
        let ends = Log<RelaySummary>()
        let script = RelayScript(
            onTargets: { _ in Self.keys(200) },
            onUpdate: { target, job in
                runs.add(job.targetKey)
                if job.targetKey == "K-7" { throw JobFailure.permanent("seven is not to be had") }
                for _ in 0..<2 { try await Task.sleep(for: .milliseconds(10)) }
            },
            onRelayFinished: { summary, job in
                ends.add(summary)
                try job.enqueue("Customer Sync", source: job.job.request.sourceDocumentName, key: "after")
            })
        try await EngineWorld.with(
            types: EngineWorld.type("Many Sync", controller: "many"), controllers: ["many": script]
        ) { world in
            let events = try await world.bindEvents("relay.#")
            try await world.putCustomers([("C-1", ["customer_name": "Ada"])])
            try await world.whileOtherWorks(
                node: "stays",
                {
                    $0.prefetch = 16; $0.concurrency = 4
                }
            ) { _ in
                try await world.whileWorking({
                    $0.prefetch = 16; $0.concurrency = 4
                }) { _ in
                    try await world.send("Many Sync", id: "parent", source: "C-1")
                    try await eventually("the children are under way") { runs.count > 40 }
                }
                try await eventually("the relay has ended", within: .seconds(60)) { ends.count > 0 }
                try await eventually("what its end enqueues is done, and its end is told") {
                    let heard = try await world.ready(in: events)
                    return try await world.job(of: "Customer Sync")?.status == .finished && heard > 0
                }
            }
            let parent = try await world.job("parent")
            #expect(parent.status == .relayed)
            #expect(parent.attempts.map(\.outcome) == [.relayed])
            #expect(try await world.store.children(counts: "parent") == [.finished: 199, .failed: 1])
            let ids = try await world.storeRows(
                "SELECT count(*), count(DISTINCT id), max(attempt_count) FROM jobs WHERE parent = 'parent'")
            #expect(ids == "200|200|1\n")
            let nodes = try await world.storeRows("SELECT count(DISTINCT node) FROM attempts")
            #expect(nodes == "2\n", "both have worked")
            #expect(ends.all.map(\.revision) == [1])
            #expect(ends.all.first?.counts == [.finished: 199, .failed: 1])
            #expect(ends.all.first?.failedChildren.map { $0.error?.message } == ["seven is not to be had"])
            #expect(try await world.countAccounts() == 200, "199 children's, and the one of the follow-up")
            #expect(try await world.takeDeadLetters().count == 1)
            #expect(try await world.take(from: events).map { $0["parent"] } == ["parent"], "told once")
            try await world.expectQueueEmpty()
        }
    }

    @Test func theEndOfARelayIsToldOnceWithItsTotals() async throws {
        let ends = Log<String>()
        let script = RelayScript(
            onTargets: { job in job.source?["customer_name"] == "nobody" ? [] : Self.keys(3) },
            onUpdate: { _, job in
                if job.targetKey == "K-2", job.job.retryCount == 0 { throw JobFailure.retryable("busy") }
            },
            onRelayFinished: { summary, _ in ends.add("\(summary.parentID): \(summary.total)") })
        try await EngineWorld.with(
            types: EngineWorld.type("Many Sync", controller: "many", "retry_delay: 1s", "max_retries: 1"),
            controllers: ["many": script]
        ) { world in
            let events = try await world.bindEvents("relay.#")
            try await world.putCustomers([("C-1", ["customer_name": "Ada"]), ("C-2", ["customer_name": "nobody"])])
            try await world.send("Many Sync", [("parent", "C-1", [:]), ("empty", "C-2", [:])])
            let told = try await world.whileWorking { worker in
                try await eventually("two jobs, three children, two ends") { await worker.statistics.ended == 7 }
                try await eventually("the end is told") { try await world.ready(in: events) > 0 }
                return try await world.take(from: events)
            }
            #expect(ends.all == ["empty: 0", "parent: 3"], "a retry of a child keeps its relay open")
            #expect(told.map { $0["parent"] } == ["parent"])
            let totals = try #require(told.last)
            for (field, count) in [("total", 3), ("succeeded", 3), ("failed", 0), ("canceled", 0), ("revision", 1)] {
                #expect(totals[field] == .int(count), "\(field)")
            }
            #expect(totals["errors"] == [])
            #expect(try await world.job("empty").status == .noTarget)
        }
    }

    @Test func childrenThatTheirParentsWorkerOwedArePublishedByTheOther() async throws {
        let ends = Log<RelaySummary>()
        let script = RelayScript(
            onTargets: { _ in Self.keys(50) }, onRelayFinished: { summary, _ in ends.add(summary) })
        try await EngineWorld.with(
            types: EngineWorld.type("Many Sync", controller: "many"), controllers: ["many": script]
        ) { world in
            try await world.putCustomers([("C-1", ["customer_name": "Ada"])])
            // As a worker leaves it that dies between its commit and its first message: the broker knows nothing of it.
            let engine = try world.makeParent("parent", type: "Many Sync", source: "C-1", children: Self.keys(50))
            let dead = try world.composition.openStore()
            guard case .committed = try await dead.commit(engine) else { Issue.record("refused"); return }
            try dead.close()
            #expect(try await world.ready(in: world.composition.topology.workQueue("default")) == 0)
            try await world.whileOtherWorks(node: "other") { worker in
                try await eventually("50 children and the end", within: .seconds(60)) {
                    await worker.statistics.ended == 51
                }
            }
            #expect(ends.count == 1)
            #expect(try await world.store.children(counts: "parent") == [.finished: 50])
            try await world.expectQueueEmpty()
        }
    }

    @Test func aRelayOfRelaysHasAnEndForEachOfThem() async throws {
        let ends = Log<String>()
        let script = RelayScript(
            onTargets: { job in
                guard job.job.request.parentSyncJob == nil else { return Self.keys(4) }
                return ["C-1", "C-2", "C-3"].map { RelayTarget(source: $0) }
            },
            onRelayFinished: { summary, _ in ends.add("\(summary.parentID): \(summary.total)") })
        try await EngineWorld.with(
            types: EngineWorld.type("Many Sync", controller: "many"), controllers: ["many": script]
        ) { world in
            try await world.putCustomers((0...3).map { ("C-\($0)", ["customer_name": "Ada"]) })
            try await world.send("Many Sync", id: "root", source: "C-0")
            try await world.whileWorking { worker in
                try await eventually("the root, 3 children, 12 grandchildren, 4 ends") {
                    await worker.statistics.ended == 20
                }
            }
            #expect(try await world.store.children(counts: "root") == [.relayed: 3])
            #expect(try await world.store.countJobs()[.finished] == 12 + 4, "12 grandchildren, 4 ends")
            #expect(Set(ends.all).count == 4)
            #expect(ends.all.contains("root: 3"))
            try await world.expectQueueEmpty()
        }
    }
}

extension EngineWorld {
    /// A queue of this test that takes the events of `pattern`.
    fileprivate func bindEvents(_ pattern: String) async throws -> String {
        let connection = try await AMQPConnection.open(try composition.broker("test"), logger: logger)
        let queue = "\(composition.topology.prefix).heard"
        try await connection.declareQueue(queue, arguments: ["x-queue-type": .string("quorum")])
        try await connection.bindQueue(queue, exchange: composition.topology.events, routingKey: pattern)
        await connection.close()
        return queue
    }

    /// What lies in a queue, taken out, oldest first.
    fileprivate func take(from queue: String) async throws -> [JSONObject] {
        let connection = try await AMQPConnection.open(try composition.broker("test"), logger: logger)
        var bodies: [JSONObject] = []
        while let delivery = try await connection.get(queue) {
            await connection.acknowledge(delivery.tag, multiple: false)
            bodies.append(try JSONParser.parse(delivery.body).objectValue ?? [:])
        }
        try await connection.deleteQueue(queue)
        await connection.close()
        return bodies
    }

    /// The newest job of a type; nil when there is none.
    fileprivate func job(of type: String) async throws -> SyncJob? {
        var filter = JobFilter()
        filter.typeSlug = type.slug
        return try await store.jobs(filter).first
    }

    fileprivate func countAccounts() async throws -> Int? {
        Int(
            try await storeRows(
                """
                SELECT count(*) FROM documents JOIN document_types ON document_types.id = type_id
                WHERE system = 'app' AND NOT is_deleted
                """
            ).dropLast())
    }

    /// The commit of a parent that relays to `children`.
    fileprivate func makeParent(
        _ id: String, type name: String, source: String, children: [RelayTarget]
    ) throws -> JobTransition {
        let type = try #require(types[name])
        let job = SyncJob(
            request: SyncRequest(id: id, type: name, sourceName: source), type: type, queue: "default",
            createdAt: Composition.now())
        let run = JobRun(job: job, turn: 0, runID: "dead", node: "dead", startedAt: Composition.now(), body: [])
        var outcome = Outcome(.relayed(try children.map { try $0.request(childOf: job, type: type) }))
        outcome.runsRelayFinished = true
        return .next(run, outcome: outcome, type: type, chance: 0, now: Composition.now())
    }
}
