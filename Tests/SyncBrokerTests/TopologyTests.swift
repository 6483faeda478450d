// The topology's names, arguments and ways, followed through a small model of the broker's routing.

import AMQP
import SyncBroker
import Testing

@Suite struct TopologyTests {
    let topology: Topology
    let broker: TopicBroker

    init() throws {
        topology = try Topology()
        broker = TopicBroker(topology: topology)
    }

    @Test(arguments: [
        ("a.b", "a.b", true), ("a.*", "a.b", true), ("a.*", "a", false), ("a.#", "a", true), ("a.#", "a.b.c", true),
        ("#.b", "b", true), ("#.b", "a.a.b", true), ("#.b", "b.a", false), ("#", "", true), ("*.#", "", false),
        ("*.1.#", "0.1", true), ("*.1.#", "1.0.1", false),
    ])
    func `the matcher of these tests knows topic patterns`(pattern: String, key: String, expected: Bool) {
        #expect(TopicBroker.matches(pattern, key) == expected)
    }

    @Test func `a request goes to its queue alone, and one with only a type to the default queue`() {
        for queue in ["short", "default", "long"] {
            let key = topology.requestRoutingKey(queue: queue, slug: "sap_customer_sync")
            #expect(broker.queues(exchange: topology.requests, key: key) == ["ferry.\(queue)"])
        }
        #expect(broker.queues(exchange: topology.requests, key: "short") == ["ferry.short"])
        let key = topology.requestRoutingKey(slug: "long")
        #expect(key == "type.long")
        #expect(broker.queues(exchange: topology.requests, key: key) == ["ferry.default"])
    }

    @Test(arguments: ["nowhere.slug", "", "Short.slug", "short-x.slug"])
    func `a request for a queue that does not exist goes to the dead letters`(key: String) {
        #expect(broker.queues(exchange: topology.requests, key: key) == ["ferry.dead"])
    }

    @Test func `every change event goes to the changes queue and every dead letter to the dead queue`() {
        for key in ["Customer.insert", "", "a.b.c.d"] {
            #expect(broker.queues(exchange: topology.changes, key: key) == ["ferry.changes"])
            #expect(broker.queues(exchange: topology.dead, key: key) == ["ferry.dead"])
        }
    }

    @Test(arguments: [1, 2, 3, 5, 10, 300, 3_600, 86_400, 1_000_000, 1_048_575])
    func `a delayed message comes to its queue after exactly its delay`(seconds: Int) throws {
        for queue in ["short", "default", "long"] {
            let address = topology.delayAddress(seconds: seconds, queue: queue)
            let rest = try #require(broker.rest(exchange: address.exchange, key: address.routingKey))
            #expect(rest.queue == "ferry.\(queue)")
            #expect(rest.milliseconds == Int64(seconds) * 1_000)
            #expect(address.seconds == seconds)
        }
    }

    @Test func `a delayed message may enter the ladder at the top as well`() throws {
        let key = topology.delayRoutingKey(seconds: 5, destination: "short")
        #expect(key == "0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.1.0.1.short")
        let rest = try #require(broker.rest(exchange: topology.delay(19), key: key))
        #expect(rest.milliseconds == 5_000)
    }

    @Test func `delays outside the ladder are bounded`() {
        #expect(topology.delayAddress(seconds: 0, queue: "short").seconds == 1)
        #expect(topology.delayAddress(seconds: -7, queue: "short").exchange == "ferry.delay.00")
        let longest = topology.delayAddress(seconds: .max, queue: "short")
        #expect(longest.seconds == 1_048_575)
        #expect(longest.exchange == "ferry.delay.19")
    }

    @Test func `a delayed message for a queue that is gone ends in the dead letters and jams no level`() throws {
        let address = topology.delayAddress(seconds: 6, queue: "gone")
        #expect(try #require(broker.rest(exchange: address.exchange, key: address.routingKey)).queue == "ferry.dead")
    }

    @Test func `queues called 0 and 1 are not mistaken for bits of a delay`() throws {
        let odd = try Topology(prefix: "x", queues: ["default", "0", "1"])
        for queue in ["0", "1"] {
            for seconds in [1, 2, 3, 12] {
                let address = odd.delayAddress(seconds: seconds, queue: queue)
                let rest = try #require(
                    TopicBroker(topology: odd).rest(exchange: address.exchange, key: address.routingKey))
                #expect(rest.queue == "x.\(queue)")
                #expect(rest.milliseconds == Int64(seconds) * 1_000)
            }
        }
    }

    @Test func `every binding joins what the topology declares, and no name is given twice`() throws {
        let exchanges = Set(topology.exchanges.map(\.name))
        let queues = Set(topology.queues.map(\.name))
        #expect(exchanges.count == topology.exchanges.count && exchanges.count == 26)
        #expect(queues.count == topology.queues.count && queues.count == 25)
        #expect(Set(topology.bindings).count == topology.bindings.count)
        for binding in topology.bindings {
            #expect(exchanges.contains(binding.source))
            #expect((binding.destinationKind == .queue ? queues : exchanges).contains(binding.destination))
        }
        for queue in topology.queues {
            guard case .string(let next)? = queue.arguments["x-dead-letter-exchange"] else { continue }
            #expect(exchanges.contains(next))
        }
    }

    @Test func `work queues and changes keep what cannot be handled, and the dead queue drops nothing`() throws {
        for name in ["ferry.short", "ferry.default", "ferry.long", "ferry.changes"] {
            let queue = try #require(topology.queues.first { $0.name == name })
            #expect(
                queue.arguments == [
                    "x-queue-type": .string("quorum"), "x-delivery-limit": .int(50),
                    "x-dead-letter-exchange": .string("ferry.dead"),
                    "x-dead-letter-strategy": .string("at-least-once"), "x-overflow": .string("reject-publish"),
                ])
        }
        let dead = try #require(topology.queues.first { $0.name == "ferry.dead" })
        #expect(dead.arguments["x-delivery-limit"] == .int(2_147_483_647))
        #expect(dead.arguments["x-dead-letter-exchange"] == nil)
        for name in ["ferry.requests", "ferry.changes", "ferry.resume"] {
            let exchange = try #require(topology.exchanges.first { $0.name == name })
            #expect(exchange.arguments == ["alternate-exchange": .string("ferry.dead")])
        }
    }

    @Test(arguments: ["", "a b", "é", "amq.ferry", "a/b", String(repeating: "x", count: 61)])
    func `a prefix that names cannot carry is refused`(prefix: String) {
        let error = #expect(throws: TopologyError.self) { try Topology(prefix: prefix) }
        #expect(error?.code == .invalidPrefix)
    }

    @Test(arguments: [
        ["default", "a.b"], ["default", ""], ["default", "Short"], ["default", "dead"], ["default", "type"], ["short"],
        ["default", "short", "short"], [], ["default", "delay"], ["default", "ü"],
    ])
    func `queues that cannot be told apart or addressed are refused`(queues: [String]) {
        let error = #expect(throws: TopologyError.self) { try Topology(queues: queues) }
        #expect(error?.code == .invalidQueue)
    }
}

@Suite struct RoutingKeyTests {
    @Test func `a document type is one word of a change's key`() throws {
        let topology = try Topology()
        #expect(topology.changeRoutingKey(documentType: "Customer", event: "insert") == "Customer.insert")
        #expect(topology.changeRoutingKey(documentType: "a.b c", event: "update") == "a%2Eb%20c.update")
        #expect(topology.changeRoutingKey(documentType: "#", event: "delete") == "%23.delete")
    }

    @Test func `types that differ in bytes differ in their keys`() throws {
        let topology = try Topology()
        let composed = topology.changeRoutingKey(documentType: "\u{e9}", event: "insert")
        let decomposed = topology.changeRoutingKey(documentType: "e\u{301}", event: "insert")
        #expect(composed == "%C3%A9.insert")
        #expect(decomposed == "e%CC%81.insert")
    }

    @Test(arguments: [199, 200, 201, 255, 10_000])
    func `a key stays within 255 bytes whatever the type's length`(length: Int) throws {
        let topology = try Topology()
        let plain = String(repeating: "x", count: length)
        let key = topology.changeRoutingKey(documentType: plain, event: "insert")
        #expect(key.utf8.count <= 255)
        #expect((key == "\(plain).insert") == (length <= 200))
        #expect(key != topology.changeRoutingKey(documentType: plain + "y", event: "insert"))
        for shift in 0..<3 {
            let odd = String(repeating: "x", count: shift) + String(repeating: "ü", count: length)
            let word = topology.changeRoutingKey(documentType: odd, event: String(repeating: "é", count: length))
            #expect(word.utf8.count <= 255)
            #expect(word.split(separator: ".").count == 2)
            let escapes = word.split(separator: "%").dropFirst().map { $0.prefix(2) }
            #expect(escapes.allSatisfy { $0.count == 2 && $0.allSatisfy(\.isHexDigit) })
        }
    }
}
