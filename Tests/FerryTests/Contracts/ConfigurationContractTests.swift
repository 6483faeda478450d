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
        try expectKeys(names(SystemKey.self), at: "$defs", "system", "properties")
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
        try expectKeys(SyncJobTypeDefinition.tableKeys, at: "$defs", "tableRule", "properties")
        let rule = try ContractFiles.schema("ferry.schema.json").root["$defs"]?.objectValue?["rule"]?.objectValue
        let map = rule?["anyOf"]?.arrayValue?.last?.objectValue?["properties"]?.objectValue
        #expect(Set(map?.keys ?? []) == Set(SyncJobTypeDefinition.ruleKeys))
        let field = try ContractFiles.schema("ferry.schema.json").root["$defs"]?.objectValue?["field"]?.objectValue
        let declared = field?["anyOf"]?.arrayValue?.last?.objectValue?["properties"]?.objectValue
        #expect(Set(declared?.keys ?? []) == Set(DocumentShape.fieldKeys))
    }

    static let texts: [(text: String, isGood: Bool)] = [
        ("", true), ("broker:\n", true), (ConfigurationLocation.example, true), (ConfigurationValueTests.worked, true),
        ("broker: {url: 'amqp://u:p@h', heartbeat: 30s, prefix: x, consumer_timeout: 2h}", true),
        ("broker: {url: 'amqps://u:p@h', tls: {ca_file: a, certificate_file: b, key_file: c}}", true),
        ("worker: {concurrency: '${N}', grace: '${G}'}", true), ("limits: {max_message: 64KiB, max_depth: 50}", true),
        ("queues: [nightly]", true), ("systems: {a: {kind: sqlite, path: x}, b: {kind: embedded}}", true),
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

    @Test("Schema and reader take and refuse the same texts", arguments: texts)
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
