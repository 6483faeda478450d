// Three thousand requests about five hundred documents, and what must hold once all of them have ended, whatever died
// meanwhile. Every document is asked for six times, in three ways: with the document in the message (two old revisions),
// by a change event, and into a foreign SQLite file, a third of that through another queue.
import AMQP
import JobStore
import SyncJobs
import Testing

@testable import Ferry

/// Requests, in a seeded order, and the outcome that is expected of them.
struct Workload {
    private static let lastRevision = 3
    private let names: [String]
    private let messages: [Message]

    private struct Message {
        let jobID: String
        let messageID: String
        let isChange: Bool
        let routingKey: String
        let body: JSONObject
    }

    init(documents: Int = 500, seed: UInt64) {
        var random = SeededGenerator(seed: seed)
        names = (0..<documents).map { $0 % 7 == 0 ? "O'Hara \($0) é" : "C-\($0)" }
        messages = names.flatMap { Self.messages(about: $0) }.shuffled(using: &random)
    }

    /// How many jobs it makes.
    var count: Int { messages.count }

    private static func messages(about name: String) -> [Message] {
        func request(_ id: String, _ type: String, _ more: JSONObject = [:]) -> Message {
            var body: JSONObject = ["sync_job_type": .string(type), "source_document_name": .string(name)]
            for member in more { body[member.key] = member.value }
            return Message(
                jobID: id, messageID: id, isChange: false, routingKey: "type.\(type.slug)", body: body)
        }
        let old = (1..<lastRevision).map { revision in
            request(
                "\(name):\(revision)", "Customer Sync",
                ["document": .object(customer(name, revision: revision)), "source_version": .int(revision)])
        }
        let change = Message(
            jobID: "\(name):change:customer_sync", messageID: "\(name):change", isChange: true,
            routingKey: "Customer.update",
            body: [
                "system": "erp", "document_type": "Customer", "document_name": .string(name), "event": "update",
                "version": .int(lastRevision),
            ])
        let shop = (0..<3).map { request("\(name):shop:\($0)", "shop_sync", $0 == 1 ? ["queue": "short"] : [:]) }
        return old + [change] + shop
    }

    /// A customer's fields; up to three addresses.
    private static func customer(_ name: String, revision: Int) -> JSONObject {
        let addresses = (0..<name.utf8.count % 4).map { row -> JSONValue in
            ["id": .int(row), "line1": .string("\(row) Main St")]
        }
        return [
            "customer_name": .string("  \(name) in revision \(revision)"), "revision": .int(revision),
            "addresses": .array(addresses),
        ]
    }

    // MARK: publishing

    /// Puts the source documents into the store, and publishes the messages `range` of the whole (all by default).
    func publish(to world: EngineWorld, _ range: Range<Int>? = nil) async throws {
        try await world.putCustomers(names.map { ($0, Self.customer($0, revision: Self.lastRevision)) })
        let topology = world.composition.topology
        let publisher = AMQPPublisher(configuration: try world.composition.broker("producer"), logger: world.logger)
        let outgoing = messages[range ?? 0..<count].map { message in
            AMQPMessage(
                exchange: message.isChange ? topology.changes : topology.requests, routingKey: message.routingKey,
                properties: AMQPProperties(messageID: message.messageID),
                body: JSONValue.object(message.body).canonicalBytes)
        }
        let results = try await withPublisher(publisher) { await $0.publish(outgoing) }
        #expect(results.allSatisfy { $0 == .confirmed })
    }

    // MARK: what must hold at the end

    /// Each request has one record with an end status, the targets are what the sources say, nothing is left over.
    ///
    /// - Parameter kills: how many workers were killed, or stopped without a grace. A run that dies between its intent
    ///   and its write cannot tell afterwards that an equal request made the very write it meant, and says `Finished`
    ///   too.
    func expectDone(in world: EngineWorld, kills: Int = 0) async throws {
        try await expectRecords(in: world, kills: kills)
        try await expectTargets(in: world)
        #expect(try await world.takeDeadLetters().map { $0.header(.message) } == [])
        let connection = try await AMQPConnection.open(try world.composition.broker("test"), logger: world.logger)
        for queue in world.composition.topology.queues {
            #expect(try await connection.declareQueue(queue.name, passive: true).messages == 0, "\(queue.name)")
        }
        await connection.close()
    }

    private func expectRecords(in world: EngineWorld, kills: Int) async throws {
        let ids = try await world.storeRows("SELECT id FROM jobs")
        #expect(ids.split(separator: "\n").map(String.init).sorted() == messages.map(\.jobID).sorted())
        let kinds = try await world.storeRows(
            "SELECT DISTINCT type_slug, status, ifnull(skip_reason, '-') FROM jobs ORDER BY 1, 2, 3")
        let allowed = [
            "customer_sync|Finished|-", "customer_sync|Skipped|stale", "shop_sync|Finished|-",
            "shop_sync|Skipped|no_changes",
        ]
        #expect(Set(kinds.split(separator: "\n").map(String.init)).isSubset(of: allowed), "\(kinds)")
        #expect(
            try await world.storeRows(
                """
                SELECT count(*), count(DISTINCT job), min(number), max(number), sum(outcome <> status), min(next_turn)
                FROM attempts JOIN jobs ON sequence = job
                """) == "\(count)|\(count)|1|1|0|1\n", "each job was run to its end once")
        let finished = try await world.storeRows(
            """
            SELECT sum(status = 'Finished') FROM jobs WHERE type_slug = 'shop_sync' GROUP BY source_name
            """
        ).split(separator: "\n").compactMap { Int($0) }
        #expect(finished.count == names.count)
        #expect(finished.allSatisfy { $0 >= 1 }, "one of three equal requests made the account")
        #expect(finished.reduce(0, +) <= names.count + kills * 32, "the others changed nothing")
        #expect(
            try await world.storeRows("SELECT count(*) FROM jobs WHERE id LIKE '%:change:%' AND status <> 'Finished'")
                == "0\n", "the newest revision was written")
        #expect(
            try await world.storeRows(
                "SELECT (SELECT count(*) FROM outbox), (SELECT count(*) FROM write_intents)") == "0|0\n",
            "nothing is owed")
        #expect(try await world.storeRows("PRAGMA quick_check") == "ok\n")
    }

    private func expectTargets(in world: EngineWorld) async throws {
        let rows = try await world.shop(
            """
            SELECT erp_code || '|' || label || '|' || is_open || '|' || ifnull((
                SELECT group_concat(erp_row || ' ' || street) FROM (
                    SELECT * FROM account_addresses WHERE account_id = accounts.id ORDER BY erp_row)), '')
            FROM accounts
            """)
        let expected = names.map { name in
            let addresses = (0..<name.utf8.count % 4).map { "\($0) \($0) Main St" }.joined(separator: ",")
            return "\(name)|\(name) in revision \(Self.lastRevision)|1|\(addresses)"
        }
        #expect(rows.split(separator: "\n").map(String.init).sorted() == expected.sorted())
        for name in names {
            let account = try await world.account(name)
            #expect(account?["label"] == .string("  \(name) in revision \(Self.lastRevision)"))
        }
        #expect(
            try await world.storeRows(
                """
                SELECT count(*) FROM documents JOIN document_types ON document_types.id = type_id
                WHERE system = 'app' AND NOT is_deleted
                """) == "\(names.count)\n", "no account more than once")
    }
}
