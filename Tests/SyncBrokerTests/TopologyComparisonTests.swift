// What the management API tells, compared with the topology: a faithful broker gives no finding, every deviation one.

import AMQP
import SyncJobs
import Testing

@testable import SyncBroker

@Suite struct TopologyComparisonTests {
    let topology: Topology
    var snapshot: ManagementSnapshot

    init() throws {
        topology = try Topology()
        let topology = self.topology
        snapshot = ManagementSnapshot(
            exchanges: topology.exchanges.map { exchange in
                [
                    "name": .string(exchange.name), "type": .string(exchange.kind.rawValue), "durable": true,
                    "auto_delete": false, "internal": false, "arguments": Topology.json(exchange.arguments),
                ]
            },
            queues: topology.queues.map { queue in
                [
                    "name": .string(queue.name), "type": "quorum", "durable": true, "auto_delete": false,
                    "arguments": Topology.json(queue.arguments), "effective_policy_definition": [:],
                ]
            },
            bindings: topology.bindings.map { binding in
                [
                    "source": .string(binding.source), "destination": .string(binding.destination),
                    "destination_type": .string(binding.destinationKind.rawValue),
                    "routing_key": .string(binding.routingKey),
                ]
            }, policies: [])
    }

    private func queue(_ name: String, _ change: (inout JSONObject) -> Void) throws -> [TopologyFinding] {
        var changed = snapshot
        let position = try #require(changed.queues.firstIndex { $0["name"] == .string(name) })
        change(&changed.queues[position])
        return topology.compare(changed)
    }

    @Test func `a broker that is as it has to be gives no finding`() {
        #expect(topology.compare(snapshot) == [])
    }

    @Test func `what belongs to others is no finding`() {
        var others = snapshot
        others.exchanges.append(["name": "amq.topic", "type": "topic", "durable": true])
        others.queues.append(["name": "theirs", "type": "classic", "durable": false])
        others.bindings.append([
            "source": "", "destination": "ferry.short", "destination_type": "queue", "routing_key": "ferry.short",
        ])
        others.bindings.append([
            "source": "ferry.events", "destination": "theirs", "destination_type": "queue", "routing_key": "#",
        ])
        #expect(topology.compare(others) == [])
    }

    @Test func `what is missing is named with its remedy`() {
        var poorer = snapshot
        poorer.exchanges.removeAll { $0["name"] == "ferry.resume" }
        poorer.queues.removeAll { $0["name"] == "ferry.long" }
        poorer.bindings.removeAll { $0["routing_key"] == "#.short" }
        let findings = topology.compare(poorer)
        #expect(findings.map(\.kind) == [.missingExchange, .missingQueue, .missingBinding])
        #expect(findings.map(\.object).prefix(2) == ["exchange ferry.resume", "queue ferry.long"])
        #expect(findings.allSatisfy { $0.remedy.contains("ferry topology apply") })
    }

    @Test func `a classic queue is a wrong type`() throws {
        let findings = try queue("ferry.short") { $0["type"] = "classic" }
        #expect(findings.map(\.kind) == [.wrongType])
        #expect(findings.first?.found == "type classic")
    }

    @Test(arguments: [
        ("x-delivery-limit", JSONValue.int(3)), ("x-dead-letter-strategy", "at-most-once"), ("x-overflow", "drop-head"),
        ("x-max-length", 10),
    ])
    func `a differing or superfluous argument is named`(name: String, value: JSONValue) throws {
        let findings = try queue("ferry.short") { queue in
            var arguments = queue["arguments"]?.objectValue ?? [:]
            arguments[name] = value
            queue["arguments"] = .object(arguments)
        }
        #expect(findings.map(\.kind) == [.differingArgument])
        #expect(findings.first?.object == "queue ferry.short")
        #expect(findings.first?.found == "\(name) \(value.canonicalText)")
    }

    @Test func `a policy that sets what must not be set is named, others are not`() throws {
        let findings = try queue("ferry.delay.03") { queue in
            queue["policy"] = "theirs"
            queue["effective_policy_definition"] = ["dead-letter-routing-key": "x", "queue-leader-locator": "balanced"]
        }
        #expect(findings.map(\.kind) == [.foreignPolicy])
        #expect(findings.first?.found == "policy theirs sets dead-letter-routing-key to \"x\"")
    }

    @Test func `a policy with an alternate exchange on an exchange of ours is named`() throws {
        var changed = snapshot
        let position = try #require(changed.exchanges.firstIndex { $0["name"] == "ferry.delay.00" })
        changed.exchanges[position]["policy"] = "theirs"
        changed.policies = [["name": "theirs", "definition": ["alternate-exchange": "x"]]]
        #expect(topology.compare(changed).map(\.kind) == [.foreignPolicy])
    }

    @Test func `a binding too many between our own objects is named`() {
        var changed = snapshot
        changed.bindings.append([
            "source": "ferry.requests", "destination": "ferry.short", "destination_type": "queue", "routing_key": "#",
        ])
        #expect(topology.compare(changed).map(\.kind) == [.unexpectedBinding])
    }

    @Test func `the broker's words for another type and another argument are understood`() {
        let type = Inequivalence(
            "PRECONDITION_FAILED - inequivalent arg 'x-queue-type' for queue 'ferry.short' in vhost 'ferry': received "
                + "the value 'quorum' of type 'longstr' but current is none"
        ).finding(object: "queue ferry.short")
        #expect(type.kind == .wrongType)
        #expect(type.found == "x-queue-type none")
        let argument = Inequivalence(
            "inequivalent arg 'x-message-ttl' for queue 'a' in vhost '/': received the value '1000' of type 'long' but "
                + "current is the value '7' of type 'long'"
        ).finding(object: "queue a")
        #expect(argument.kind == .differingArgument)
        #expect(argument.found == "x-message-ttl the value '7' of type 'long'")
        #expect(Inequivalence("something else").finding(object: "queue a").found == "something else")
    }

    @Test func `a report is JSON for machines and lines for people`() throws {
        let warning = TopologyFinding(.canaryUnproven, object: "queue a", expected: "b", found: "c", remedy: "D.")
        #expect(TopologyReport(steps: [.names], findings: [warning]).isGood)
        let report = TopologyReport(
            steps: [.names, .canaries],
            findings: [
                warning, TopologyFinding(.missingQueue, object: "queue x", expected: "y", found: "z", remedy: "R."),
            ])
        #expect(!report.isGood)
        #expect(report.description.hasSuffix("topology checked (names, canaries): 1 errors, 1 warnings"))
    }
}

@Suite struct ManagementURLTests {
    @Test(arguments: [
        "http://user:secret@127.0.0.1:15672", "http://user:secret@localhost:15672/", "http://user:secret@[::1]:15672",
        "https://user:secret@broker.example.org:15671/rabbit/",
    ])
    func `an address of this machine and https are taken, and the password is not shown`(url: String) throws {
        let management = try Management(url: url)
        #expect(!"\(management)".contains("secret"))
        #expect(!"\(management)".hasSuffix("/"))
    }

    @Test(arguments: [
        "http://user:secret@broker.example.org:15672", "http://user:secret@127.0.0.1.example.org", "ftp://a", "", "x y",
        "http://user:secret@127.1", "https://a?b=c",
    ])
    func `other addresses are refused without showing the password`(url: String) {
        let error = #expect(throws: TopologyError.self) { try Management(url: url) }
        #expect(error?.code == .invalidManagementURL)
        #expect(error?.description.contains("secret") == false)
    }
}

@Suite struct CanaryTests {
    private func delivery(type: String?, header: AMQPValue?) -> AMQPDelivery {
        AMQPDelivery(
            epoch: 1, tag: 1, queue: "ferry.short", redelivered: false, exchange: "ferry.resume", routingKey: "short",
            properties: AMQPProperties(type: type, headers: header.map { [Canary.idHeader: $0] } ?? [:]), body: [])
    }

    @Test func `a canary is reported with its id and its queue on the control exchange`() throws {
        let topology = try Topology()
        let report = try #require(
            Canary.report(for: delivery(type: "ferry.canary", header: .string("id")), topology: topology))
        #expect(report.exchange == "ferry.control")
        #expect(report.properties.headers == ["ferry-canary": .string("id"), "ferry-queue": .string("ferry.short")])
        #expect(!report.mandatory)
    }

    @Test func `nothing else is taken for a canary`() throws {
        let topology = try Topology()
        for (type, header) in [
            (nil, AMQPValue.string("id")), ("other", .string("id")), ("ferry.canary", nil), ("ferry.canary", .int(1)),
            ("ferry.canary", .string("")), ("ferry.canary", .string(String(repeating: "x", count: 65))),
        ] as [(String?, AMQPValue?)] {
            #expect(Canary.report(for: delivery(type: type, header: header), topology: topology) == nil)
        }
    }
}
