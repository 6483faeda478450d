// What a configuration comes to: defaults, every key, paths, the file itself.

import DocumentSystems
import Foundation
import SyncJobs
import Testing

@testable import Ferry

@Suite("A configuration")
struct ConfigurationValueTests {
    @Test("An empty file means all defaults")
    func defaults() throws {
        let read = try ConfigurationFixture.read("# nothing\n")
        #expect(read.broker == BrokerSettings())
        #expect(read.broker.urls == ["amqp://guest:guest@127.0.0.1:5672"])
        #expect(read.broker.heartbeat == .seconds(20))
        #expect(read.broker.consumerTimeout == .seconds(1800))
        #expect(read.store.path == "ferry.sqlite")
        #expect(read.queues == ["short", "default", "long"])
        #expect(read.limits.maximumMessage.bytes == 1_048_576)
        #expect(read.limits.maximumDocument.bytes == 8_388_608)
        #expect(read.limits.maximumDepth == 100)
        #expect(read.worker == WorkerSettings())
        #expect(read.retention == RetentionSettings())
        #expect(read.worker.keepsDeadLetters && read.deadLetters.maximumReplays == 10)
        #expect(read.retention.good == .seconds(30 * 86_400) && read.retention.failed == .seconds(90 * 86_400))
        #expect(read.systems.isEmpty && read.documents.isEmpty && read.types.all.isEmpty)
        #expect(try read.broker.connection(named: "test").virtualHost == "/")
    }

    @Test("Sections without settings are as if left out")
    func emptySections() throws {
        let read = try ConfigurationFixture.read(
            "broker:\nstore:\nqueues:\nlimits:\nworker:\nretention:\nsystems:\ndocuments:\ntypes:\n")
        #expect(read.broker == BrokerSettings())
        #expect(read.queues.count == 3)
    }

    @Test("Every key is read")
    func everyKey() throws {
        let read = try ConfigurationFixture.read(
            """
            broker:
              urls: ["amqps://u:${PASSWORD}@a/ferry", "amqps://u:${PASSWORD}@b/ferry"]
              prefix: demo
              tls: {ca_file: tls/ca.pem, certificate_file: /etc/c.pem, key_file: k.pem}
              heartbeat: 30s
              management_url: https://u:p@host:15671
              consumer_timeout: 12h
            store: {path: data/jobs.sqlite}
            queues: [nightly]
            limits: {max_message: 64KiB, max_document: 2MiB, max_depth: 50}
            worker: {concurrency: 4, prefetch: 8, grace: 1m30s}
            retention: {good: 7d, failed: 0s, ids: 14d}
            dead_letters: {max_replays: 3}
            systems: {erp: {kind: sqlite, path: erp.sqlite}, own: {kind: embedded}}
            """, environment: ["PASSWORD": "p"], file: "/etc/ferry/ferry.yaml")
        let connection = try read.broker.connection(named: "test")
        #expect(connection.endpoints.map(\.description) == ["a:5671", "b:5671"])
        #expect(connection.heartbeat == .seconds(30))
        #expect(connection.tls?.caFile == "/etc/ferry/tls/ca.pem")
        #expect(connection.tls?.certificateFile == "/etc/c.pem")
        #expect(read.broker.prefix == "demo")
        #expect(read.broker.managementURL == "https://u:p@host:15671")
        #expect(read.broker.consumerTimeout == .seconds(43_200))
        #expect(read.store.path == "/etc/ferry/data/jobs.sqlite")
        #expect(read.queues == ["short", "default", "long", "nightly"])
        #expect(read.limits.maximumMessage == .kibibytes(64))
        #expect(read.limits.maximumDocument == .mebibytes(2))
        #expect(read.limits.maximumDepth == 50)
        #expect(read.worker.concurrency == 4)
        #expect(read.worker.prefetch == 8)
        #expect(read.worker.grace == .seconds(90))
        #expect(read.retention.good == .seconds(7 * 86_400))
        #expect(read.retention.failed == .zero)
        #expect(read.deadLetters.maximumReplays == 3)
        #expect(read.retention.ids == .seconds(14 * 86_400))
        #expect(read.system("erp")?.kind == .sqlite(path: "/etc/ferry/erp.sqlite"))
        #expect(read.system("own")?.kind == .embedded)
        #expect(read.system("shop") == nil)
    }

    static let worked = """
        systems:
          erp:  {kind: sqlite, path: "${ERP_DB}"}
          shop: {kind: embedded}
        documents:
          erp.Customer:
            table: customers
            name: code
            version: {field: modified, order: timestamp}
            fields: {credit_limit: decimal(2), disabled: bool, tax_id: {type: text, sensitive: true}}
            tables: {addresses: {table: customer_addresses, parent: customer_code, row_key: id}}
          shop.Account:
            name: account_no
            tables: {addresses: {row_key: erp_row}}
        types:
          SAP Customer Sync:
            source: erp.Customer
            target: shop.Account
            queue: short
            triggers:
              - {document: erp.Customer, events: [insert, update, delete]}
              - {document: erp.Contact, events: [update], source_name: document.customer}
            when: not source.disabled or context.force_update
            fields:
              label: source.customer_name
              country: {from: source.country, map: {DE: Germany, NO: Norway}, otherwise: keep}
            tables:
              addresses: {from: source.addresses, row_key: {erp_row: row.id}, fields: {street: row.line1}}
            on_delete: {update: {status: {value: Closed}}}
          By Hand: {source: shop.Account, controller: idle, timeout: 10m}
        """

    private func worked() throws -> FerryConfiguration {
        try ConfigurationFixture.read(
            Self.worked, environment: ["ERP_DB": "/srv/erp.sqlite"], controllers: ["idle": IdleController()])
    }

    @Test("Documents and types are read with what declares them")
    func types() throws {
        let read = try worked()
        let customer = try #require(read.document(DocumentType(system: "erp", name: "Customer")))
        #expect(customer.table?.table == "customers")
        #expect(customer.table?.childTables["addresses"]?.parentColumn == "customer_code")
        #expect(customer.shape.sensitiveFields == ["tax_id"])
        #expect(read.document(DocumentType(system: "shop", name: "Account"))?.table == nil)
        let type = try #require(read.types["sap_customer_sync"])
        #expect(type.triggers.count == 2)
        #expect(type.controller is MappingController)
        #expect(read.types["By Hand"]?.controller is IdleController)
    }

    @Test("A password shows in no description, mirror or dump")
    func secrets() throws {
        let read = try ConfigurationFixture.read(
            "broker: {url: 'amqp://worker:p@ss-w0rd@host/ferry', management_url: "
                + "'http://op:p@ss-w0rd@127.0.0.1:15672'}")
        var dumped = ""
        dump(read.broker, to: &dumped)
        for text in ["\(read.broker)", String(reflecting: read.broker), dumped, "\(read)"] {
            #expect(!text.contains("ss-w0rd"))
        }
        #expect(
            "\(read.broker)" == "amqp://worker:***@host/ferry, prefix ferry, management "
                + "http://op:***@127.0.0.1:15672")
        #expect(BrokerSettings.masked("nonsense with a password") == "***")
        #expect(BrokerSettings.masked("amqp://host/ferry") == "amqp://host/ferry")
    }

    @Test("A queue's prefetch keeps the last delivery below the broker's consumer_timeout")
    func prefetch() throws {
        let text = """
            broker: {consumer_timeout: 30m}
            worker: {concurrency: 10, prefetch: 100}
            systems: {a: {kind: embedded}, b: {kind: sqlite, path: b.sqlite}}
            documents: {b.C: {table: c, name: x}}
            types:
              Quick: {source: a.B, target: b.C, queue: short, timeout: 10s, fields: {x: source.x}}
              Slow: {source: a.B, target: b.C, queue: default, timeout: 5m, fields: {x: source.x}}
              Slower: {source: a.B, target: b.C, queue: default, timeout: 20m, fields: {x: source.x}}
            """
        let read = try ConfigurationFixture.read(text)
        #expect(read.prefetch(ofQueue: "short") == 100)
        #expect(read.prefetch(ofQueue: "default") == 10)
        #expect(read.prefetch(ofQueue: "long") == 10)
        let patient = try ConfigurationFixture.read(text.replacing("30m", with: "2h"))
        // (50 ÷ 10 + 1) × 20 min are 2 h, which is not below it.
        #expect(patient.prefetch(ofQueue: "default") == 40)
    }

    @Test("Types whose jobs wait for nothing but the store don't narrow their queue")
    func prefetchOfStoreOnlyTypes() throws {
        func prefetch(target: String, _ more: String = "") throws -> Int {
            let text = """
                worker: {concurrency: 10, prefetch: 100}
                systems: {a: {kind: embedded}, b: {kind: sqlite, path: b.sqlite}}
                documents: {b.C: {table: c, name: x}}
                types:
                  Wide: {source: a.B, target: a.C, timeout: 20m, fields: {x: source.x}}
                  Other: {source: a.B, target: \(target), timeout: 5m, fields: {x: source.x}\(more)}
                """
            return try ConfigurationFixture.read(text).prefetch(ofQueue: "default")
        }
        #expect(try prefetch(target: "a.D") == 100)
        #expect(try prefetch(target: "b.C") == 40)
        #expect(try prefetch(target: "a.D", ", on_failure: block") == 40)
    }

    @Test("The flag goes before the environment, and that before the working folder")
    func location() {
        let environment = ["FERRY_CONFIG": "/etc/ferry.yaml"]
        #expect(ConfigurationLocation.find(flag: "x.yaml", environment: environment) == "x.yaml")
        #expect(ConfigurationLocation.find(flag: nil, environment: environment) == "/etc/ferry.yaml")
        #expect(ConfigurationLocation.find(flag: "", environment: ["FERRY_CONFIG": ""]) == "ferry.yaml")
    }

    @Test("A file is loaded, and relative paths begin at its folder")
    func load() throws {
        try ConfigurationFixture.withFolder { folder in
            let path = "\(folder)/ferry.yaml"
            try Data(ConfigurationLocation.example.utf8).write(to: URL(fileURLWithPath: path))
            let read = try FerryConfiguration.load(path: path, environment: ["FERRY_BROKER_URL": "amqp://u:p@host"])
            #expect(read.store.path == "\(folder)/ferry.sqlite")
            #expect(read.types.all.map(\.slug) == ["customer_sync"])
        }
    }

    @Test("A file that cannot be read is told with what to do")
    func unreadable() throws {
        try ConfigurationFixture.withFolder { folder in
            func error(_ path: String) -> ConfigurationError? {
                do {
                    _ = try FerryConfiguration.load(path: path, environment: [:])
                    return nil
                } catch { return error }
            }
            let missing = try #require(error("\(folder)/none.yaml"))
            #expect(missing.code == .notFound)
            #expect(
                missing.description == """
                    \(folder)/none.yaml: there is no such file; name it with --config or FERRY_CONFIG, or create it; \
                    this is enough to begin with:

                    \(ConfigurationLocation.example)

                    """)
            let isFolder = try #require(error(folder))
            #expect(
                isFolder.description
                    == "\(folder): the file cannot be read: it is a folder; make it readable for the user "
                    + "that Ferry runs as")
            #expect(isFolder.code == .notReadable)
            try Data(repeating: 0x20, count: (1 << 20) + 1).write(to: URL(fileURLWithPath: "\(folder)/large.yaml"))
            #expect(error("\(folder)/large.yaml")?.code == .tooLarge)
        }
    }

    @Test(
        "Sizes carry their unit",
        arguments: [("512B", 512), ("64KiB", 65_536), ("1MiB", 1_048_576), ("2GiB", 2_147_483_648), ("0B", 0)]
            as [(String, Int)])
    func sizes(text: String, bytes: Int) {
        #expect(ByteSize(text: text)?.bytes == bytes)
        #expect(ByteSize(text: text).map(\.description) == text)
    }

    @Test(
        "A size without a unit, or with one that two people read differently, is none",
        arguments: ["1", "", "1MB", "1K", "1kib", "KiB", "-1KiB", "1.5MiB", "1 MiB", "9999999999999B", "٣KiB"])
    func noSizes(text: String) { #expect(ByteSize(text: text) == nil) }
}
