// A topology with a random prefix on the tests' broker, and what its tests need to break it.

import AMQP
import Foundation
import SyncBroker

#if canImport(FoundationNetworking)
    import FoundationNetworking
#endif

struct TopologyUnderTest {
    struct Failure: Error, CustomStringConvertible { let description: String }

    let topology: Topology
    let configuration: AMQPConfiguration
    let check: TopologyCheck
    let management: Management
    let connection: AMQPConnection
    private let managementURL: String

    init() async throws {
        let broker = try await PrivateBroker.shared()
        let prefix = "t\(UInt32.random(in: .min ... .max))"
        topology = try Topology(prefix: prefix, queues: ["short", "default"])
        configuration = try AMQPConfiguration(urls: [broker.operatorURL], connectionName: "topology test \(prefix)")
        check = TopologyCheck(topology: topology, configuration: configuration, logger: quietLogger)
        managementURL = broker.managementURL
        management = try Management(url: managementURL)
        connection = try await AMQPConnection.open(configuration, logger: quietLogger)
    }

    /// Deletes everything; deleting what does not exist is no error to RabbitMQ.
    func remove() async throws {
        await connection.close()
        let last = try await AMQPConnection.open(configuration, logger: quietLogger)
        for queue in topology.queues { try await last.deleteQueue(queue.name) }
        for exchange in topology.exchanges { try await last.deleteExchange(exchange.name) }
        await last.close()
        _ = try await request("DELETE", "policies", body: nil)
    }

    func waitForMessages(_ count: Int, in queue: String) async throws {
        try await eventually("\(count) messages in \(queue)") {
            try await connection.declareQueue(queue, passive: true).messages == count
        }
    }

    func waitForConsumers(in queues: [String]) async throws {
        for queue in queues {
            try await eventually("a consumer of \(queue)") {
                try await connection.declareQueue(queue, passive: true).consumers > 0
            }
        }
    }

    /// Sets a policy that is called as the prefix.
    func putPolicy(pattern: String, definition: String) async throws {
        let pattern = pattern.replacing(".", with: "\\\\.")
        let status = try await request(
            "PUT", "policies",
            body: #"{"pattern": "\#(pattern)", "priority": 99, "apply-to": "queues", "definition": \#(definition)}"#)
        guard (200..<300).contains(status) else { throw Failure(description: "the policy was refused: \(status)") }
    }

    private func request(_ method: String, _ kind: String, body: String?) async throws -> Int {
        guard var parts = URLComponents(string: managementURL) else { throw Failure(description: "no management URL") }
        let login = Data("\(parts.user ?? ""):\(parts.password ?? "")".utf8).base64EncodedString()
        (parts.user, parts.password) = (nil, nil)
        parts.path = "/api/\(kind)/\(configuration.virtualHost)/\(topology.prefix)"
        guard let url = parts.url else { throw Failure(description: "no URL") }
        var request = URLRequest(url: url)
        request.httpMethod = method
        request.setValue("Basic \(login)", forHTTPHeaderField: "Authorization")
        request.setValue("application/json", forHTTPHeaderField: "Content-Type")
        request.httpBody = body.map { Data($0.utf8) }
        let answer = try await URLSession.shared.data(for: request)
        return (answer.1 as? HTTPURLResponse)?.statusCode ?? 0
    }
}
