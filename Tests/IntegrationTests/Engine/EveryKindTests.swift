// Every kind of type at once, on both kinds of systems, with failures and with workers that die at random: at the end each
// target is exactly what its source says, and each job has one end.
import JobStore
import SyncEngine
import SyncJobs
import Testing

@testable import Ferry

@Suite struct EveryKindTests {
    private static let types = [
        EngineWorld.type("Single Sync", controller: "single", target: "app.Single", "retry_delay: 1s"),
        EngineWorld.type("File Sync", controller: "file", target: "shop.Account", "retry_delay: 1s"),
        EngineWorld.type("Many Sync", controller: "many", target: "app.Many", "retry_delay: 1s"),
        EngineWorld.type("Bypass Sync", controller: "bypass", target: "app.Bypass", "retry_delay: 1s"),
    ]

    /// The first attempt of some jobs fails, of the same ones in each run.
    private static func stumble(_ job: JobHandle) throws {
        guard job.job.retryCount == 0, Digest(ofParts: [job.job.id]).hex.hasPrefix("0") else { return }
        throw JobFailure.retryable("a stumble")
    }

    private static let controllers: [String: any SyncController] = [
        "single": SingleScript(onUpdate: { _, job in try stumble(job) }),
        "file": SingleScript(onUpdate: { target, job in
            target["erp_code"] = .string("file of \(job.job.request.sourceDocumentName ?? "")")
            try stumble(job)
        }),
        "many": RelayScript(
            onTargets: { job in
                try stumble(job)
                return ["x", "y"].map { RelayTarget(operation: .insert, key: $0) }
            },
            onUpdate: { target, job in
                // An undeclared type has no name field: the document is named after source and key.
                target["key"] = .string(job.targetKey)
                try stumble(job)
            }, onRelayFinished: { _, job in try stumble(job) }),
        "bypass": BypassScript { job in
            try stumble(job)
            let name = job.job.request.sourceDocumentName ?? ""
            let key = DocumentKey(type: DocumentType(system: "app", name: "Bypass"), name: name)
            let store = await Meddling.shared.store
            _ = try await store?.putDocuments([(key, ["label": job.source?["customer_name"] ?? .null], nil)])
        },
    ]

    @Test func aThousandRequestsOfEveryKindEndExactlyThoughWorkersDie() async throws {
        var random = SeededGenerator(seed: 271)
        try await EngineWorld.with(types: Self.types.joined(), controllers: Self.controllers) { world in
            await Meddling.shared.use(world.store)
            let names = (0..<167).map { "C-\($0)" }
            try await world.putCustomers(names.map { ($0, ["customer_name": .string("name of \($0)")]) })
            var requests: [(id: String, source: String?, more: JSONObject)] = []
            for type in ["Customer Sync", "Shop Sync", "Single Sync", "File Sync", "Many Sync", "Bypass Sync"] {
                requests += names.map { ("\(type.slug)/\($0)", $0, ["sync_job_type": .string(type)]) }
            }
            try await world.send(mixed: requests.shuffled(using: &random))
            // One more for each child, and for each end of a relay.
            let total = requests.count + 3 * names.count
            var kills = 0
            while kills < 6 {
                let mark = try await world.endedJobs() + Int.random(in: 20...220, using: &random)
                try await world.whileWorking({
                    $0.concurrency = 16; $0.prefetch = 64
                }) { _ in
                    try await eventually("\(mark) jobs have ended") { try await world.endedJobs() >= mark }
                }
                kills += 1
            }
            #expect(try await world.endedJobs() < total, "all were killed in mid-run")
            try await world.whileWorking { _ in
                try await eventually("all have ended", within: .seconds(90)) {
                    var open = JobFilter()
                    open.isOpen = true
                    let isOver = try await world.store.jobs(open).isEmpty
                    return try await world.store.countJobs().values.reduce(0, +) == total && isOver
                }
            }
            try await world.expectQueueEmpty()
            try await expectRecords(in: world, names: names, total: total)
            try await expectTargets(in: world, names: names)
        }
    }

    private func expectRecords(in world: EngineWorld, names: [String], total: Int) async throws {
        let counts = try await world.store.countJobs()
        #expect(counts[.relayed] == names.count)
        #expect(counts.values.reduce(0, +) == total)
        let others = try await world.storeRows(
            """
            SELECT id, status, skip_reason FROM jobs
            WHERE status NOT IN ('Finished', 'Relayed') AND NOT (skip_reason IS 'no_changes' AND id LIKE '%file%')
            """)
        #expect(others == "")
        // A run whose worker died is no attempt: there are those that stumbled, and those that made it.
        let attempts = try await world.storeRows(
            "SELECT max(number), sum(outcome = 'Failed') = sum(number = 2) FROM attempts")
        #expect(attempts == "2|1\n")
        #expect(try await world.storeRows("SELECT count(*) FROM write_intents") == "0\n")
        #expect(try await world.takeDeadLetters().isEmpty)
        let ends = try await world.storeRows("SELECT count(*) FROM jobs WHERE id LIKE '%#relay_finished:1'")
        #expect(ends == "\(names.count)\n", "each relay has had one end")
    }

    private func expectTargets(in world: EngineWorld, names: [String]) async throws {
        for name in names {
            let label = JSONValue.string("name of \(name)")
            for (type, target) in [
                ("Account", name), ("Single", name), ("Bypass", name), ("Many", "\(name)/x"), ("Many", "\(name)/y"),
            ] {
                let key = DocumentKey(type: DocumentType(system: "app", name: type), name: target)
                #expect(try await world.systems.load(key).document?["label"] == label, "\(key)")
            }
        }
        let documents = try await world.storeRows(
            """
            SELECT count(*) FROM documents JOIN document_types ON document_types.id = type_id
            WHERE system = 'app' AND NOT is_deleted
            """)
        #expect(documents == "\(5 * names.count)\n", "no target more than once")
        let rows = try await world.shop("SELECT erp_code, label FROM accounts")
        let expected = names.flatMap { ["\($0)|name of \($0)", "file of \($0)|name of \($0)"] }
        #expect(rows.split(separator: "\n").map(String.init).sorted() == expected.sorted())
    }
}

extension EngineWorld {
    /// Publishes requests of several types, in the order given.
    fileprivate func send(mixed requests: [(id: String, source: String?, more: JSONObject)]) async throws {
        try await publish(
            requests.map { id, source, more in
                var request = more
                request["source_document_name"] = source.map { .string($0) }
                return (id: id, body: JSONValue.object(request).canonicalBytes)
            }, routingKey: "default.mixed")
    }
}
