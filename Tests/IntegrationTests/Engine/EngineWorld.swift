// A whole Ferry under test: a store and a foreign SQLite file in a folder of its own, a topology of its own on a real
// broker, and a configuration as a user would write it.
import AMQP
import DocumentSystems
import Foundation
import JobStore
import Logging
import SyncBroker
import SyncEngine
import Synchronization
import SyncJobs
import Testing

@testable import Ferry

/// One Ferry with everything it needs; nothing of it is shared with other tests but the broker's node.
struct EngineWorld: Sendable {
    let folder: URL
    let broker: PrivateBroker
    let composition: Composition
    let store: JobStore
    let systems: DocumentSystems
    /// The configuration's types, as the test has adjusted them.
    let types: SyncJobTypes
    let logger: Logger
    private let taken = TakenLetters()

    /// The configuration of every test; types that a test needs beyond it stand in `types`.
    static func configuration(prefix: String, customerVersion: String, types: String) -> String {
        """
        broker: {url: "${FERRY_BROKER_URL}", prefix: \(prefix)}
        store: {path: ferry.sqlite}
        systems:
          erp: {kind: embedded}
          app: {kind: embedded}
          shop: {kind: sqlite, path: shop.sqlite}
        documents:
          erp.Customer:
            name: code
            version: \(customerVersion)
            fields: {tax_id: {type: text, sensitive: true}}
            tables: {addresses: {row_key: id}}
          app.Account: {name: code}
          shop.Account:
            table: accounts
            name: id
            fields: {is_open: bool}
            tables: {addresses: {table: account_addresses, parent: account_id, row_key: erp_row}}
        types:
          Customer Sync:
            source: erp.Customer
            target: app.Account
            triggers:
              - {document: erp.Customer, events: [insert, update, delete]}
            match: {code: job.source_document_name}
            fields:
              code: {from: job.source_document_name, only: insert}
              label: source.customer_name
              limit: source.credit_limit
              secret: source.tax_id
            on_delete: delete
          Shop Sync:
            source: erp.Customer
            target: shop.Account
            match: {erp_code: job.source_document_name}
            fields:
              erp_code: {from: job.source_document_name, only: insert}
              label: {from: source.customer_name, as: trim}
              is_open: {value: true}
            tables:
              addresses:
                from: source.addresses
                row_key: {erp_row: row.id}
                removed: delete
                fields: {street: row.line1}
            on_delete: delete
          Retired Sync:
            source: erp.Customer
            target: app.Account
            disabled: true
            match: {code: job.source_document_name}
            fields: {label: source.customer_name}
        \(types)
        """
    }

    /// A type with a controller, for `types`; `lines` are what else it says.
    static func type(
        _ name: String, controller: String, target: String = "app.Account", _ lines: String...
    ) -> String {
        let all = ["source: erp.Customer", "target: \(target)", "controller: \(controller)"] + lines
        return "  \(name):\n" + all.map { "    \($0)\n" }.joined()
    }

    static let shopSchema = """
        PRAGMA journal_mode = WAL;
        CREATE TABLE accounts (id INTEGER PRIMARY KEY, erp_code TEXT NOT NULL UNIQUE, label TEXT NOT NULL,
            is_open INTEGER NOT NULL DEFAULT 0) STRICT;
        CREATE TABLE account_addresses (account_id INTEGER NOT NULL REFERENCES accounts (id), erp_row INTEGER NOT NULL,
            street TEXT, PRIMARY KEY (account_id, erp_row)) STRICT;
        """

    /// Builds a world on `broker` (the shared node unless a test needs to stop its own), runs `body`, and removes it.
    ///
    /// A test that names a `prefix` shares that topology with others, and it stays. `adjust` sees each type before it is
    /// used.
    static func with<Result>(
        broker own: PrivateBroker? = nil, prefix shared: String? = nil,
        customerVersion: String = "{field: revision, order: number}", types: String = "",
        controllers: [String: any SyncController] = [:], adjust: (inout SyncJobType) -> Void = { _ in },
        _ body: (EngineWorld) async throws -> Result
    ) async throws -> Result {
        let broker = if let own { own } else { try await PrivateBroker.shared() }
        let folder = FileManager.default.temporaryDirectory.appending(
            path: "ferry-world-\(UUID().uuidString.prefix(8))")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        let prefix = shared ?? "t\(UInt32.random(in: .min ... .max))"
        let file = folder.appending(path: "ferry.yaml")
        try configuration(prefix: prefix, customerVersion: customerVersion, types: types)
            .write(to: file, atomically: true, encoding: .utf8)
        try await Program("sqlite3", [folder.appending(path: "shop.sqlite").path, shopSchema]).run()
        var logger = Logger(label: "world")
        logger.logLevel = .critical
        let composition = try Composition(
            FerryConfiguration.load(
                path: file.path, environment: ["FERRY_BROKER_URL": broker.operatorURL], controllers: controllers),
            logger: logger)
        let check = TopologyCheck(
            topology: composition.topology, configuration: try composition.broker("test"), logger: logger)
        let findings = try await check.apply()
        guard findings.isEmpty else { throw NeverHappened(description: "the topology was not applied: \(findings)") }
        let store = try composition.openStore()
        let world = EngineWorld(
            folder: folder, broker: broker, composition: composition, store: store,
            systems: try composition.systems(store: store),
            types: try SyncJobTypes(
                composition.configuration.types.all.map { type in
                    var adjusted = type
                    adjust(&adjusted)
                    return adjusted
                }), logger: logger)
        do {
            let result = try await body(world)
            try await world.remove(withTopology: shared == nil)
            return result
        } catch {
            try await world.remove(withTopology: shared == nil)
            throw error
        }
    }

    private func remove(withTopology: Bool) async throws {
        try store.close()
        try FileManager.default.removeItem(at: folder)
        guard withTopology else { return }
        let connection = try await AMQPConnection.open(try composition.broker("cleaner"), logger: logger)
        for queue in composition.topology.queues { try await connection.deleteQueue(queue.name) }
        for exchange in composition.topology.exchanges { try await connection.deleteExchange(exchange.name) }
        await connection.close()
    }

    // MARK: workers

    /// A worker of this world.
    func makeWorker(
        store: JobStore? = nil, systems: DocumentSystems? = nil, node: String = "test",
        _ adjust: (inout Worker.Settings) -> Void = { _ in },
        now: @escaping @Sendable () -> Timestamp = { Composition.now() }
    ) throws -> Worker {
        var settings = Worker.Settings(queues: composition.configuration.queues)
        settings.grace = .seconds(10)
        adjust(&settings)
        return Worker(
            settings: settings, types: types, systems: systems ?? self.systems,
            store: store ?? self.store, broker: try composition.broker("worker"), topology: composition.topology,
            node: node, logger: logger, now: now)
    }

    /// Runs a worker until every queue is empty; answers what it did.
    @discardableResult
    func work(_ adjust: (inout Worker.Settings) -> Void = { _ in }) async throws -> WorkerStatistics {
        let worker = try makeWorker {
            $0.stopsWhenEmpty = true
            adjust(&$0)
        }
        try await worker.run()
        return await worker.statistics
    }

    /// Runs a worker while `body` runs, then ends it as a crash of its task would: nothing is waited for.
    @discardableResult
    func whileWorking<Result: Sendable>(
        _ adjust: (inout Worker.Settings) -> Void = { _ in },
        _ body: @Sendable @escaping (Worker) async throws -> Result
    ) async throws -> Result {
        try await Self.whileRunning(try makeWorker(adjust), body)
    }

    /// Runs a worker of a process's own, as it were (its store is opened beside this one), while `body` runs; then ends it
    /// as a crash of its task would.
    @discardableResult
    func whileOtherWorks<Result: Sendable>(
        node: String, _ adjust: (inout Worker.Settings) -> Void = { _ in },
        _ body: @Sendable @escaping (Worker) async throws -> Result
    ) async throws -> Result {
        let store = try composition.openStore()
        let worker = try makeWorker(
            store: store, systems: try composition.systems(store: store), node: node, adjust)
        do {
            let result = try await Self.whileRunning(worker, body)
            try store.close()
            return result
        } catch {
            try store.close()
            throw error
        }
    }

    /// Runs a worker while `body` runs, then ends it as a crash of its task would.
    static func whileRunning<Result: Sendable>(
        _ worker: Worker, _ body: @Sendable @escaping (Worker) async throws -> Result
    ) async throws -> Result {
        try await withThrowingTaskGroup(of: Result?.self) { group in
            group.addTask {
                try await worker.run()
                return nil
            }
            group.addTask { try await body(worker) }
            while let result = try await group.next() {
                guard let result else { continue }
                group.cancelAll()
                return result
            }
            throw NeverHappened(description: "the worker ended before the test")
        }
    }

    // MARK: producers

    /// Publishes messages as a foreign producer would: body, id, exchange and key.
    func publish(
        _ messages: [(id: String?, body: [UInt8])], exchange: String? = nil,
        routingKey: String = "default.customer_sync"
    ) async throws {
        let publisher = AMQPPublisher(configuration: try composition.broker("producer"), logger: logger)
        let requests = composition.topology.requests
        let results = try await withPublisher(publisher) { publisher in
            await publisher.publish(
                messages.map { message in
                    AMQPMessage(
                        exchange: exchange ?? requests, routingKey: routingKey,
                        properties: AMQPProperties(messageID: message.id), body: message.body)
                })
        }
        for result in results where result != .confirmed {
            throw NeverHappened(description: "not confirmed: \(result)")
        }
    }

    /// Publishes requests, `type` for each of the names.
    func request(_ type: String, names: [String], ids: (Int) -> String = { "job-\($0)" }) async throws {
        try await publish(
            names.enumerated().map { position, name in
                let request: JSONValue = ["sync_job_type": .string(type), "source_document_name": .string(name)]
                return (id: ids(position), body: request.canonicalBytes)
            }, routingKey: "default.\(type.slug)")
    }

    /// Publishes requests of `type` as they are written here, with what else each says.
    func send(_ type: String, _ requests: [(id: String, source: String?, more: JSONObject)]) async throws {
        try await publish(
            requests.map { id, source, more in
                var request = more
                request["sync_job_type"] = .string(type)
                request["source_document_name"] = source.map { .string($0) }
                return (id: id, body: JSONValue.object(request).canonicalBytes)
            }, routingKey: "default.\(type.slug)")
    }

    /// Publishes one request.
    func send(_ type: String, id: String, source: String?, _ more: JSONObject = [:]) async throws {
        try await send(type, [(id, source, more)])
    }

    /// Does to one job what an operator would.
    func perform(_ action: JobStore.OperatorAction, _ id: String) async throws -> JobStore.ActionResult {
        let results = try await store.perform(
            action, ids: [id], actor: "test", reason: "nobody wants it", at: Composition.now())
        return try #require(results.first)
    }

    /// Puts customers into the source system.
    func putCustomers(_ documents: [(name: String, fields: JSONObject)]) async throws {
        let type = DocumentType(system: "erp", name: "Customer")
        let shape = systems.shape(of: type)
        _ = try await store.putDocuments(
            documents.map { (DocumentKey(type: type, name: $0.name), $0.fields, try shape.version(in: $0.fields)) })
    }

    // MARK: results

    /// The job of this id; fails when there is none.
    func job(_ id: String) async throws -> SyncJob {
        guard let job = try await store.job(id: id) else { throw NeverHappened(description: "no job \(id)") }
        return job
    }

    /// Waits until the job of this id is as `condition` says; answers it.
    @discardableResult
    func job(
        _ id: String, _ what: String, within limit: Duration = .seconds(30), _ condition: (SyncJob) -> Bool
    ) async throws -> SyncJob {
        try await eventually("\(id) \(what)", within: limit) {
            guard let job = try await store.job(id: id) else { return nil }
            return condition(job) ? job : nil
        }
    }

    /// Waits until the job of this id has this status, and nothing more is to come.
    @discardableResult
    func job(_ id: String, ended status: JobStatus, within limit: Duration = .seconds(30)) async throws -> SyncJob {
        try await job(id, "ends \(status.rawValue)", within: limit) { $0.status == status && !$0.isOpen }
    }

    /// An embedded account's fields; nil when it is not there.
    func account(_ name: String) async throws -> JSONObject? {
        let key = DocumentKey(type: DocumentType(system: "app", name: "Account"), name: name)
        guard case .present(let document) = try await systems.load(key) else { return nil }
        return document.fields
    }

    /// What came to the dead letters since the last call: what a keeper has moved into the store, each message that it
    /// counted, and what still lies in the queue.
    func takeDeadLetters() async throws -> [FoundLetter] {
        var found: [FoundLetter] = []
        var filter = DeadLetterFilter()
        filter.limit = 10_000
        let kept = try await store.deadLetters(filter)
        for letter in kept {
            let body = try await store.revisions(ofLetter: letter).first?.body ?? []
            let one = FoundLetter(headers: letter.headers, messageID: letter.jobID, body: body)
            found += Array(repeating: one, count: taken.new(letter))
        }
        let reading = DeadLetterReading(topology: composition.topology, maximumMessageBytes: 1 << 20)
        for delivery in try await takeQueuedLetters() {
            let arrival = reading.read(delivery).reading(types: types, maximumDepth: 100).arrival
            // One that was kept and not answered is still the same message.
            if kept.contains(where: { $0.id == arrival.letterID }) { continue }
            found.append(
                FoundLetter(headers: arrival.headers, messageID: delivery.properties.messageID, body: delivery.body))
        }
        return found
    }

    /// What lies in the dead-letter queue, taken out.
    func takeQueuedLetters() async throws -> [AMQPDelivery] {
        let connection = try await AMQPConnection.open(try composition.broker("test"), logger: logger)
        var letters: [AMQPDelivery] = []
        while let letter = try await connection.get(composition.topology.dead) {
            await connection.acknowledge(letter.tag, multiple: false)
            letters.append(letter)
        }
        await connection.close()
        return letters
    }

    /// How many messages are ready in a queue, by its full name.
    func ready(in queue: String) async throws -> Int {
        let connection = try await AMQPConnection.open(try composition.broker("test"), logger: logger)
        let messages = try await connection.declareQueue(queue, passive: true).messages
        await connection.close()
        return messages
    }

    /// How many consumers a queue has, by its full name.
    func consumers(of queue: String) async throws -> Int {
        let connection = try await AMQPConnection.open(try composition.broker("test"), logger: logger)
        let consumers = try await connection.declareQueue(queue, passive: true).consumers
        await connection.close()
        return consumers
    }

    /// Nothing is left in the work queue but what a worker that is gone had done and not answered.
    func expectQueueEmpty(_ queue: String = "default") async throws {
        let rest = try await work()
        #expect(rest.ended == 0 && rest.deferred == 0 && rest.refused == 0, "nothing runs again")
        #expect(try await ready(in: composition.topology.workQueue(queue)) == 0)
    }

    /// Rows of the shop's file, read past Ferry.
    func shop(_ sql: String) async throws -> String {
        try await Program("sqlite3", [folder.appending(path: "shop.sqlite").path, sql]).run()
    }
}

/// A dead letter as a test finds it, in the store or in the queue.
struct FoundLetter: Sendable {
    let headers: JSONObject
    let messageID: String?
    let body: [UInt8]

    /// The text of a header; empty when it is missing or none.
    func header(_ name: DeadLetter.Header) -> String { headers[name.rawValue]?.stringValue ?? "" }
}

/// Which kept letters a test has seen, and how often each had come then.
private final class TakenLetters: Sendable {
    private let arrivals = Mutex<[String: Int]>([:])

    /// How often a letter has come since it was seen last.
    func new(_ letter: DeadLetterRecord) -> Int {
        arrivals.withLock { arrivals in
            defer { arrivals[letter.id] = letter.arrivals }
            return letter.arrivals - (arrivals[letter.id] ?? 0)
        }
    }
}
