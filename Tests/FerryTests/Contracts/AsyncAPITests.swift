// asyncapi.yaml against the topology: the exchanges by their names, the headers by theirs, every reference leading
// somewhere.

import Foundation
import SyncBroker
import SyncJobs
import Testing

@testable import Ferry

@Suite("The AsyncAPI file")
struct AsyncAPITests {
    private func document() throws -> ConfigNode {
        let document = YAMLDocument(
            try ContractFiles.bytes("asyncapi.yaml"), references: ReferenceExpansion(environment: [:], folder: "."))
        try #require(document.problems.isEmpty, "\(document.problems)")
        return document.root
    }

    @Test("It names the exchanges of the topology, as they are declared")
    func exchanges() throws {
        let topology = try Topology()
        let root = try document()
        #expect(root["asyncapi"]?.text == "3.0.0")
        for (channel, exchange) in [
            ("requests", topology.requests), ("changes", topology.changes), ("dead", topology.dead),
        ] {
            let binding = try #require(root["channels"]?[channel]?["bindings"]?["amqp"]?["exchange"])
            let declared = try #require(topology.exchanges.first { $0.name == exchange })
            #expect(binding["name"]?.text == exchange)
            #expect(binding["type"]?.text == declared.kind.rawValue)
            #expect(binding["durable"]?.scalar == true)
        }
        #expect(root["channels"]?.entries?.count == 3)
    }

    @Test("The routing keys it describes are those of the topology")
    func routingKeys() throws {
        let topology = try Topology()
        let requests = try #require(try document()["channels"]?["requests"])
        let word = try #require(requests["parameters"]?["route"]?["default"]?.text)
        let slug = try #require(requests["parameters"]?["slug"]?["examples"]?.elements?.first?.text)
        #expect("SAP Customer Sync".slug == slug)
        #expect(topology.requestRoutingKey(slug: slug) == "\(word).\(slug)")
        let events = try document()["channels"]?["changes"]?["parameters"]?["event"]?["enum"]?.elements
        #expect(events?.compactMap(\.text) == ChangeEvent.Kind.allCases.map(\.rawValue))
    }

    @Test("The headers of dead letters are those that Ferry sets")
    func headers() throws {
        let schema = try #require(try document()["components"]?["schemas"]?["deadLetterHeaders"])
        #expect(schema["properties"]?.entries?.map(\.key) == DeadLetter.Header.allCases.map(\.rawValue))
        let optional: Set<DeadLetter.Header> = [.job, .type]
        let required = DeadLetter.Header.allCases.filter { !optional.contains($0) }.map(\.rawValue)
        #expect(schema["required"]?.elements?.compactMap(\.text) == required)
        let producer = try document()["components"]?["schemas"]?["producerHeaders"]?["properties"]?.entries?.map(\.key)
        #expect(producer == [Delivery.Header.orderKey])
    }

    @Test("Every reference and every example leads somewhere")
    func references() throws {
        let root = try document()
        var count = 0
        func check(_ node: ConfigNode) throws {
            for entry in node.entries ?? [] {
                if entry.key == "$ref" || entry.key == "x-example" {
                    count += 1
                    let target = try #require(entry.value.text)
                    if target.hasPrefix("#/") {
                        let found = target.dropFirst(2).split(separator: "/").reduce(Optional(root)) { $0?[String($1)] }
                        #expect(found != nil, "\(target) at line \(entry.line)")
                    } else {
                        let path = "\(ContractFiles.folder)/\(target.replacing("./", with: ""))"
                        #expect(FileManager.default.fileExists(atPath: path), "\(target) at line \(entry.line)")
                    }
                }
                try check(entry.value)
            }
            for element in node.elements ?? [] { try check(element) }
        }
        try check(root)
        #expect(count >= 20)
    }

    @Test("The README names the exchanges and the files that are there")
    func readme() throws {
        let text = String(decoding: try ContractFiles.bytes("README.md"), as: UTF8.self)
        let topology = try Topology()
        for name in [topology.requests, topology.changes, topology.dead] { #expect(text.contains("`\(name)`")) }
        let listed = text.matches(of: /\| `([a-z.-]+(?:\.json|\.yaml))`/).map { String($0.1) }
        #expect(listed.count == 4)
        for file in listed { #expect(FileManager.default.fileExists(atPath: "\(ContractFiles.folder)/\(file)")) }
    }
}
