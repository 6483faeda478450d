// The topology on a real broker: applied, checked by name, through the management API and by canaries, and every way in
// which it can be wrong named as it has to be. Each test has a prefix of its own, so that they run side by side.

import AMQP
import SyncBroker
import Testing

@Suite struct TopologyBrokerTests {
    @Test func `what was applied passes every check, and applying it again changes nothing`() async throws {
        try await withTopology { test in
            #expect(try await test.check.apply() == [])
            let report = try await test.check.run(management: test.management)
            #expect(report.findings == [])
            #expect(report.steps == [.names, .management, .canaries])
            #expect(try await test.check.apply() == [])
            for queue in test.topology.queues {
                #expect(try await test.connection.declareQueue(queue.name, passive: true).messages == 0)
            }
        }
    }

    @Test func `what is missing is named, by name and through the management API`() async throws {
        try await withTopology { test in
            _ = try await test.check.apply()
            try await test.connection.deleteQueue(test.topology.workQueue("short"))
            try await test.connection.deleteExchange(test.topology.resume)
            let report = try await test.check.run(management: test.management)
            #expect(
                report.findings.filter { $0.kind != .missingBinding }.map(\.object) == [
                    "exchange \(test.topology.resume)", "queue \(test.topology.workQueue("short"))",
                ])
            // short: its requests and its resumed messages; resume: the same of default, and the lowest level's way out.
            #expect(report.findings.count { $0.kind == .missingBinding } == 4)
            #expect(report.steps == [.names, .management], "canaries are not sent into a broken topology")
            #expect(try await test.check.apply() == [])
            #expect(try await test.check.run(management: test.management).findings == [])
        }
    }

    @Test func `a classic queue where a quorum queue has to be is named by apply and by the management API`()
        async throws
    {
        try await withTopology { test in
            let name = test.topology.workQueue("short")
            try await test.connection.declareQueue(name, durable: true)
            let refused = try await test.check.apply()
            #expect(refused.map(\.object) == ["queue \(name)"])
            // The broker names the first argument that differs, which need not be the type.
            #expect(refused.allSatisfy { $0.kind == .wrongType || $0.kind == .differingArgument })
            #expect(try await test.check.missing() == [], "by name it is there")
            let findings = try await test.check.run(management: test.management, canaries: false).findings
            #expect(findings.filter { $0.object == "queue \(name)" }.contains { $0.kind == .wrongType })
            #expect(findings.allSatisfy { $0.object == "queue \(name)" })
        }
    }

    @Test func `an argument that differs is named`() async throws {
        try await withTopology { test in
            let name = test.topology.delay(3)
            var arguments = try #require(test.topology.queues.first { $0.name == name }).arguments
            arguments["x-message-ttl"] = .int(7_000)
            try await test.connection.declareQueue(name, durable: true, arguments: arguments)
            let refused = try await test.check.apply()
            #expect(refused.map(\.object) == ["queue \(name)"])
            #expect(refused.map(\.kind) == [.differingArgument])
            #expect(refused.first?.found.contains("x-message-ttl") == true)
            let findings = try await test.check.run(management: test.management, canaries: false).findings
            #expect(findings.map(\.found) == ["x-message-ttl 7000"])
        }
    }

    @Test func `a foreign policy of higher priority is named with what it overrides`() async throws {
        try await withTopology { test in
            _ = try await test.check.apply()
            let name = test.topology.workQueue("short")
            try await test.putPolicy(
                pattern: "^\(name)$", definition: #"{"dead-letter-routing-key": "lost", "message-ttl": 5}"#)
            // A policy takes effect on a queue a moment after it is set.
            let findings = try await eventually("two findings") { () async throws -> [TopologyFinding]? in
                let found = try await test.check.run(management: test.management, canaries: false).findings
                return found.count == 2 ? found : nil
            }
            #expect(findings.map(\.kind) == [.foreignPolicy, .foreignPolicy])
            #expect(findings.allSatisfy { $0.object == "queue \(name)" && $0.found.contains(test.topology.prefix) })
        }
    }

    @Test func `a canary that cannot arrive is lost, and names the queue`() async throws {
        try await withTopology { test in
            _ = try await test.check.apply()
            let name = test.topology.workQueue("short")
            try await test.connection.unbindQueue(name, exchange: test.topology.resume, routingKey: "#.short")
            let findings = try await test.check.canaries(timeout: .seconds(4))
            #expect(findings.map(\.kind) == [.canaryLost])
            #expect(findings.map(\.object) == ["queue \(name)"])
        }
    }

    @Test func `canaries leave waiting messages alone`() async throws {
        try await withTopology { test in
            _ = try await test.check.apply()
            let name = test.topology.workQueue("short")
            let key = test.topology.requestRoutingKey(queue: "short", slug: "x")
            for number in 0..<3 {
                try await test.connection.publish(
                    AMQPMessage(exchange: test.topology.requests, routingKey: key, body: [UInt8(number)]))
            }
            try await test.waitForMessages(3, in: name)
            #expect(try await test.check.canaries(timeout: .seconds(4)) == [])
            for number in 0..<3 {
                let delivery = try #require(try await test.connection.get(name))
                #expect(delivery.body == [UInt8(number)])
                #expect(!delivery.redelivered)
                // Not even one of the attempts that the delivery limit allows was used up.
                #expect([nil, .int(0)].contains(delivery.properties.headers["x-delivery-count"]))
            }
        }
    }

    @Test func `a worker's reports prove the way, and a consumer that reports nothing does not`() async throws {
        try await withTopology { test in
            _ = try await test.check.apply()
            let names = test.topology.queueNames.map { test.topology.workQueue($0) }
            let consumer = AMQPConsumer(
                configuration: test.configuration,
                subscriptions: names.map { AMQPSubscription(queue: $0, prefetch: 10) }, maximumBodyBytes: 1_000,
                logger: quietLogger)
            let running = Task { try await consumer.run() }
            let silent = test.topology.workQueue("short")
            let working = Task {
                for await case .deliveries(let deliveries) in consumer.events {
                    for delivery in deliveries {
                        if delivery.queue != silent,
                            let report = Canary.report(for: delivery, topology: test.topology)
                        {
                            try await test.connection.publish(report)
                        }
                    }
                    await consumer.acknowledge(
                        deliveries.map { AMQPAcknowledgement(epoch: $0.epoch, channel: $0.channel, tag: $0.tag) })
                }
            }
            try await test.waitForConsumers(in: names)
            let findings = try await test.check.canaries(timeout: .seconds(5))
            #expect(findings.map(\.kind) == [.canaryLost])
            #expect(findings.map(\.object) == ["queue \(silent)"])
            await consumer.close()
            try await running.value
            working.cancel()
            _ = try await working.value
        }
    }

    @Test func `a canary behind messages that a consumer holds up is unproven, which is a warning`() async throws {
        try await withTopology { test in
            _ = try await test.check.apply()
            let name = test.topology.workQueue("short")
            let key = test.topology.requestRoutingKey(queue: "short", slug: "x")
            for _ in 0..<3 {
                try await test.connection.publish(
                    AMQPMessage(exchange: test.topology.requests, routingKey: key, body: []))
            }
            let consumer = AMQPConsumer(
                configuration: test.configuration, subscriptions: [AMQPSubscription(queue: name, prefetch: 1)],
                maximumBodyBytes: 1_000, logger: quietLogger)
            let running = Task { try await consumer.run() }
            try await test.waitForMessages(2, in: name)
            let findings = try await test.check.canaries(timeout: .seconds(3))
            #expect(findings.map(\.kind) == [.canaryUnproven])
            #expect(TopologyReport(findings: findings).isGood)
            await consumer.close()
            try await running.value
        }
    }

    @Test func `a worker's user may ask by name, and is told who may send canaries and apply`() async throws {
        let broker = try await PrivateBroker.shared()
        let topology = try Topology()
        let check = TopologyCheck(
            topology: topology,
            configuration: try AMQPConfiguration(urls: [broker.workerURL], connectionName: "topology test"),
            logger: quietLogger)
        #expect(try await check.missing() == [])
        #expect(try await check.canaries().map(\.kind) == [.notPermitted])
        let refused = try await check.apply()
        #expect(refused.allSatisfy { $0.kind == .notPermitted && $0.remedy.contains("FERRY_OPERATOR_URL") })
        #expect(refused.count >= topology.exchanges.count + topology.queues.count)
    }

    @Test func `a management API that does not answer is a warning`() async throws {
        try await withTopology { test in
            _ = try await test.check.apply()
            let nobody = try Management(url: "http://a:b@127.0.0.1:1")
            let report = try await test.check.run(management: nobody, canaries: false)
            #expect(report.findings.map(\.kind) == [.managementUnreachable])
            #expect(report.isGood)
        }
    }

    /// Runs `body` with a topology under a random prefix and removes it afterwards.
    private func withTopology(_ body: (TopologyUnderTest) async throws -> Void) async throws {
        let test = try await TopologyUnderTest()
        do {
            try await body(test)
        } catch {
            try await test.remove()
            throw error
        }
        try await test.remove()
    }
}
