// broker/definitions.json and broker/permissions.json are generated; these tests hold the files to the code.

import Foundation
import SyncBroker
import SyncJobs
import Testing

@Suite struct TopologyDefinitionsTests {
    static func file(_ name: String) throws -> String {
        // Resolved first: this folder may be reached through a link.
        let root = URL(filePath: #filePath).resolvingSymlinksInPath().deletingLastPathComponent()
            .deletingLastPathComponent().deletingLastPathComponent()
        let broker = root.appending(path: "broker")
        return try String(contentsOf: broker.appending(path: name), encoding: .utf8)
    }

    @Test func `broker definitions are what the code says, byte by byte`() throws {
        let expected = try Topology().definitions()
        #expect(
            Array(try Self.file("definitions.json").utf8) == Array(expected.utf8),
            "mend it with: ferry topology export --output broker/definitions.json")
    }

    @Test func `broker permissions are what the code says, byte by byte`() throws {
        let expected = try Topology().permissionDefinitions()
        #expect(
            Array(try Self.file("permissions.json").utf8) == Array(expected.utf8),
            "mend it with: ferry topology export --permissions --output broker/permissions.json")
    }

    @Test func `definitions are JSON with every object and the virtual host asked for`() throws {
        let topology = try Topology(prefix: "acme.sync", queues: ["default"])
        let object = try #require(try JSONParser.parse(topology.definitions(virtualHost: "else")).objectValue)
        #expect(object["queues"]?.arrayValue?.count == topology.queues.count)
        #expect(object["exchanges"]?.arrayValue?.count == topology.exchanges.count)
        #expect(object["bindings"]?.arrayValue?.count == topology.bindings.count)
        for queue in object["queues"]?.arrayValue ?? [] {
            #expect(queue.objectValue?["vhost"]?.stringValue == "else")
            #expect(queue.objectValue?["name"]?.stringValue?.hasPrefix("acme.sync.") == true)
        }
    }

    @Test func `each role may do what it needs and nothing else`() throws {
        let permissions = try Topology(prefix: "a.b").permissions()
        func may(_ user: String, _ pattern: KeyPath<Topology.Permission, String>, _ name: String) throws -> Bool {
            let permission = try #require(permissions.first { $0.user == user })
            return try Regex(permission[keyPath: pattern]).firstMatch(in: name) != nil
        }
        for name in ["a.b.requests", "a.b.changes", "a.b.dead", "a.b.events", "a.b.control", "a.b.delay.07"] {
            #expect(try may("ferry-worker", \.write, name))
        }
        for name in ["a.b.short", "a.b.default", "a.b.long", "a.b.changes", "a.b.dead"] {
            #expect(try may("ferry-worker", \.read, name))
            #expect(try !may("ferry-worker", \.configure, name))
        }
        for name in ["amq.default", "a.b.short", "axb.requests", "a.b.requests2", "a.b.resume"] {
            #expect(try !may("ferry-worker", \.write, name))
            #expect(try !may("ferry-producer", \.write, name))
        }
        #expect(try may("ferry-producer", \.write, "a.b.requests"))
        #expect(try may("ferry-producer", \.write, "a.b.changes"))
        for name in ["a.b.dead", "a.b.delay.00", "a.b.control"] {
            #expect(try !may("ferry-producer", \.write, name))
            #expect(try !may("ferry-producer", \.read, name))
        }
        #expect(try !may("ferry-producer", \.configure, "a.b.requests"))
    }
}
