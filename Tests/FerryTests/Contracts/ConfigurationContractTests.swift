// ferry.schema.json against the reader of ferry.yaml: the same keys everywhere, and what one takes the other takes.

import DocumentSystems
import SyncJobs
import Testing

@testable import Ferry

@Suite("The configuration's schema")
struct ConfigurationContractTests {
    private func expectKeys(_ keys: [String], at path: String...) throws {
        var schema = JSONValue.object(try ContractFiles.schema("ferry.schema.json").root)
        for name in path { schema = try #require(schema.objectValue?[name], "\(path) ends at \(name)") }
        #expect(Set(try #require(schema.objectValue).keys) == Set(keys), "\(path)")
    }

    private func names<Key: ConfigurationKey>(_ keys: Key.Type) -> [String] { keys.allCases.map(\.rawValue) }

    @Test("It has the keys of the sections that the reader takes, and no others")
    func sections() throws {
        try expectKeys(names(SectionKey.self), at: "properties")
        try expectKeys(names(BrokerKey.self), at: "properties", "broker", "properties")
        try expectKeys(names(TLSKey.self), at: "properties", "broker", "properties", "tls", "properties")
        try expectKeys(names(StoreKey.self), at: "properties", "store", "properties")
        try expectKeys(names(LimitKey.self), at: "properties", "limits", "properties")
        try expectKeys(names(WorkerKey.self), at: "properties", "worker", "properties")
        try expectKeys(names(RetentionKey.self), at: "properties", "retention", "properties")
        try expectKeys(names(DeadLetterKey.self), at: "properties", "dead_letters", "properties")
        try expectKeys(names(SystemKey.self), at: "$defs", "system", "properties")
        try expectKeys(names(CircuitKey.self), at: "$defs", "system", "properties", "circuit", "properties")
    }

    @Test("It has the keys of document types that the readers take, and no others")
    func documents() throws {
        try expectKeys(
            Array(Set(DocumentShape.keys + SQLiteTable.knownKeys)), at: "$defs", "document", "properties")
        try expectKeys(
            Array(Set(DocumentShape.tableKeys + SQLiteTable.knownChildKeys)), at: "$defs", "documentTable", "properties"
        )
        try expectKeys(
            DocumentShape.versionKeys, at: "$defs", "document", "properties", "version", "properties")
    }

    @Test("It has the keys of types that the reader takes, and no others")
    func types() throws {
        try expectKeys(SyncJobTypeDefinition.keys, at: "$defs", "type", "properties")
        try expectKeys(SyncJobTypeDefinition.triggerKeys, at: "$defs", "trigger", "properties")
        try expectKeys(SyncJobTypeDefinition.scheduleKeys, at: "$defs", "schedule", "properties")
        try expectKeys(SyncJobTypeDefinition.tableKeys, at: "$defs", "tableRule", "properties")
        try expectKeys(SyncJobTypeDefinition.relayKeys, at: "$defs", "relay", "properties")
        let rule = try ContractFiles.schema("ferry.schema.json").root["$defs"]?.objectValue?["rule"]?.objectValue
        let map = rule?["anyOf"]?.arrayValue?.last?.objectValue?["properties"]?.objectValue
        #expect(Set(map?.keys ?? []) == Set(SyncJobTypeDefinition.ruleKeys))
        let field = try ContractFiles.schema("ferry.schema.json").root["$defs"]?.objectValue?["field"]?.objectValue
        let declared = field?["anyOf"]?.arrayValue?.last?.objectValue?["properties"]?.objectValue
        #expect(Set(declared?.keys ?? []) == Set(DocumentShape.fieldKeys))
    }

    /// A type whose schedule `nightly` says this.
    private static func scheduled(_ text: String, name: String = "nightly") -> String {
        "systems: {a: {kind: embedded}}\ntypes: {A: {source: a.B, target: a.C, fields: {x: context.y}, "
            + "schedules: {\(name): \(text)}}}"
    }

    /// A document type whose version says this.
    private static func versioned(_ text: String) -> String {
        "systems: {a: {kind: embedded}}\ndocuments: {a.B: {version: \(text)}}"
    }

    static let schedules: [(text: String, isGood: Bool)] = [
        (
            scheduled(
                "{cron: 0 2 * * MON-FRI, zone: Europe/Berlin, context: {full: true}, overlap: allow, missed: skip}"),
            true
        ),
        (scheduled("{cron: '@hourly', source_name: CUST-1}"), true), (scheduled("{cron: '*/5 * * * *'}"), true),
        (scheduled("{}"), false), (scheduled("0 2 * * *"), false), (scheduled("{cron: 5}"), false),
        (scheduled("{cron: 0 2 * *}"), false), (scheduled("{cron: 0 0 2 * * *}"), false),
        (scheduled("{cron: '@reboot'}"), false), (scheduled("{cron: '@daily x'}"), false),
        (scheduled("{cron: '@daily', zone: '+01:00'}"), false), (scheduled("{cron: '@daily', zone: 1}"), false),
        (scheduled("{cron: '@daily', context: full}"), false), (scheduled("{cron: '@daily', overlap: no}"), false),
        (scheduled("{cron: '@daily', missed: all}"), false), (scheduled("{cron: '@daily', at: 5}"), false),
        (scheduled("{cron: '@daily'}", name: "'every night'"), false),
        (versioned("{field: m, order: timestamp, zone: America/Argentina/Buenos_Aires}"), true),
        (versioned("{field: m, order: timestamp, zone: ''}"), false),
        (versioned("{field: m, order: timestamp, zone: 'GMT 5'}"), false),
    ]

    static let texts: [(text: String, isGood: Bool)] = [
        ("", true), ("broker:\n", true), (ConfigurationLocation.example, true), (ConfigurationValueTests.worked, true),
        ("broker: {url: 'amqp://u:p@h', heartbeat: 30s, prefix: x, consumer_timeout: 2h}", true),
        ("broker: {url: 'amqps://u:p@h', tls: {ca_file: a, certificate_file: b, key_file: c}}", true),
        ("worker: {concurrency: '${N}', grace: '${G}'}", true), ("limits: {max_message: 64KiB, max_depth: 50}", true),
        ("queues: [nightly]", true), ("systems: {a: {kind: sqlite, path: x}, b: {kind: embedded}}", true),
        ("worker: {max_parked: 500}", true), ("worker: {max_parked: 0}", false),
        (
            "systems: {a: {kind: sqlite, path: x, circuit: {failures: 3, ratio: 0.25, window: 30s, probe_every: 5s}}}",
            true
        ),
        ("systems: {a: {kind: sqlite, path: x, circuit: {ratio: 2}}}", false),
        ("systems: {a: {kind: sqlite, path: x, circuit: {failures: 0}}}", false),
        ("systems: {a: {kind: sqlite, path: x, circuit: {every: 5s}}}", false),
        ("systems: {a: {kind: embedded, circuit: {failures: 3}}}", false),
        ("retention: {good: 7d, failed: 180d, ids: 14d}", true), ("retention: {good: 30}", false),
        ("retention: {bad: 7d}", false), ("stor: {}", false), ("broker: {uri: x}", false),
        ("broker: {urls: []}", false),
        (
            "worker: {grace: "
                + "30}", false
        ),
        ("worker: {concurrency: 0}", false), ("worker: {concurrency: '7'}", false),
        (
            "limits: {max_message: "
                + "1MB}", false
        ),
        ("queues: [A.b]", false), ("queues: [a, a]", false), ("systems: {a: {kind: sqlite}}", false),
        ("systems: {a: {kind: embedded, path: x}}", false), ("systems: {a: {path: x}}", false),
        ("systems: {a.b: {kind: embedded}}", false), ("documents: {C: {name: n}}", false),
        ("broker: {url: 'amqps://u:p@h', tls: {certificate_file: b}}", false), ("types: {A: {fields: {}}}", false),
        ("systems: {a: {kind: embedded}}\ntypes: {A: {source: a.B, target: a.C, fields: {x: Germany}}}", false),
        (
            "systems: {a: {kind: embedded}}\ntypes: {A: {source: a.B, target: a.C, fields: {x: {from: "
                + "source.y, value: 1}}}}", false
        ),
        (
            "systems: {a: {kind: embedded}}\ntypes: {A: {source: a.B, target: a.C, timeout: 30, fields: {x: "
                + "source.y}}}", false
        ),
        (
            "systems: {a: {kind: embedded}}\ntypes: {A: {source: a.B, target: a.C, on_delete: drop, fields: "
                + "{x: source.y}}}", false
        ),
        (
            "systems: {a: {kind: embedded}}\ntypes: {A: {source: a.B, target: a.C, fields: {x: {from: "
                + "source.y, as: trimm}}}}", false
        ),
    ]

    /// Types of one embedded system, each from `a.B` to `a.C`, with this beside.
    private static func types(_ entries: String...) -> String {
        let lines = entries.enumerated().map { "  T\($0): {source: a.B, target: a.C, \($1)}" }
        return "systems: {a: {kind: embedded}}\ntypes:\n" + lines.joined(separator: "\n")
    }

    static let mappings: [(text: String, isGood: Bool)] = [
        (types("fields: {x: {lookup: T0, key: source.y}}"), true),
        (types("fields: {x: {lookup: t1, key: source.y, missing: null, as: integer, default: 0}}", "fields: {}"), true),
        (types("fields: {x: {lookup: T0, key: source.y, missing: later}}"), false),
        (types("fields: {x: {lookup: T0}}"), false), (types("fields: {x: {from: source.y, key: source.z}}"), false),
        (types("fields: {x: {lookup: T0, key: source.y, value: 1}}"), false),
        (types("fields: {x: row.y}, on_delete: delete, relay: {each: source.items, key: row.id}"), true),
        (types("fields: {x: row.y}, relay: {each: source.items, key: row.id, when: row.a, removed: keep}"), true),
        (types("fields: {x: row.y}, relay: {each: source.items, key: row.id, removed: on_delete}"), false),
        (types("fields: {x: row.y}, relay: {each: source.items, key: row.id}"), false),
        (types("fields: {}, on_delete: keep, relay: {each: source.items}"), false),
        (types("fields: {}, on_delete: keep, relay: {each: source.items, key: row.id, removed: delete}"), false),
        (types("fields: {}, write_back: {y: job.target_document_name, z: {value: 1, only: empty}}"), true),
        (types("fields: {}, write_back: {y: Germany}"), false),
        (types("fields: {}, order_by: context.region, on_failure: block, coalesce: true, on_gone: insert"), true),
        (types("fields: {}, on_failure: wait"), false), (types("fields: {}, coalesce: 1"), false),
        (types("fields: {}, on_gone: recreate"), false),
        (types("fields: {}, triggers: [{document: a.B, events: [update, rename]}]"), true),
        (
            types("fields: {}, triggers: [{document: a.B, events: update, context: {x: document.y, z: {value: 1}}}]"),
            true
        ),
        (types("fields: {}, triggers: [{document: a.B, events: update, context: {x: North}}]"), false),
    ]

    @Test("Schema and reader take and refuse the same texts", arguments: texts + schedules + mappings)
    func agree(text: String, isGood: Bool) throws {
        let environment = ["N": "4", "G": "5s", "ERP_DB": "erp.sqlite", "FERRY_BROKER_URL": "amqp://u:p@h"]
        var said = ""
        do {
            _ = try ConfigurationFixture.read(text, environment: environment, controllers: ["idle": IdleController()])
        } catch { said = error.description }
        #expect(said.isEmpty == isGood, "\(said)")
        // An editor sees the references and not what they stand for.
        let shown = try ConfigurationFixture.tree(text.replacing("${", with: "$${"))
        let errors = try ContractFiles.schema("ferry.schema.json").errors(in: text.isEmpty ? .null : shown.json)
        #expect(errors.isEmpty == isGood, "\(errors)")
    }
}
