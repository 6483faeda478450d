// Declares the topology, and asks the broker for it: over AMQP by name, through the management API in full, and by
// canaries (TopologyProof.swift).
// Invariant: a refusal ends the connection it happened on and nothing else; the rest is still looked at.

public import AMQP
public import Logging

/// Verifies a broker, or makes it what it has to be.
public struct TopologyCheck: Sendable {
    let topology: Topology
    let configuration: AMQPConfiguration
    let logger: Logger

    /// Prepares to check `topology` on the broker of `configuration`; connections are opened as they are needed.
    public init(topology: Topology, configuration: AMQPConfiguration, logger: Logger) {
        self.topology = topology
        self.configuration = configuration
        self.logger = logger
    }

    /// Checks by name, then in full where there is a management API, then by canaries if asked.
    ///
    /// Canaries are only sent when nothing else is wrong: their absence would say less.
    /// - Throws: ``AMQPError`` when the broker cannot be reached or used.
    public func run(management: Management? = nil, canaries: Bool = true) async throws(AMQPError) -> TopologyReport {
        var report = TopologyReport(steps: [.names], findings: try await missing())
        if let management {
            do throws(TopologyError) {
                let snapshot = try await management.snapshot(virtualHost: configuration.virtualHost)
                // What is missing is known already, by name.
                let known = Set(report.findings.map(\.object))
                report.findings += topology.compare(snapshot).filter { !known.contains($0.object) }
                report.steps.append(.management)
            } catch {
                report.findings.append(
                    TopologyFinding(
                        .managementUnreachable, object: "management API", expected: "an answer",
                        found: error.message + (error.cause.map { " (\($0))" } ?? ""), remedy: error.remedy))
            }
        }
        if canaries, report.isGood {
            report.findings += try await self.canaries()
            report.steps.append(.canaries)
        }
        return report
    }

    /// Asks for every exchange and queue by name; the broker compares neither types nor arguments.
    ///
    /// - Throws: ``AMQPError`` when the broker cannot be reached or used.
    public func missing() async throws(AMQPError) -> [TopologyFinding] {
        let exchanges = try await each(topology.exchanges) { connection, exchange throws(AMQPError) in
            try await connection.declareExchange(exchange.name, kind: exchange.kind.rawValue, passive: true)
        } finding: { exchange, error in
            finding(error, of: "exchange \(exchange.name)", missing: .missingExchange)
        }
        let queues = try await each(topology.queues) { connection, queue throws(AMQPError) in
            try await connection.declareQueue(queue.name, passive: true)
        } finding: { queue, error in
            finding(error, of: "queue \(queue.name)", missing: .missingQueue)
        }
        return exchanges + queues
    }

    /// Declares everything; what is there already and equal stays as it is.
    ///
    /// - Throws: ``AMQPError`` when the broker cannot be reached or used; what it refuses is a finding.
    public func apply() async throws(AMQPError) -> [TopologyFinding] {
        let exchanges = try await each(topology.exchanges) { connection, exchange throws(AMQPError) in
            try await connection.declareExchange(
                exchange.name, kind: exchange.kind.rawValue, durable: true, arguments: exchange.arguments)
        } finding: { exchange, error in
            finding(error, of: "exchange \(exchange.name)", missing: .missingExchange)
        }
        let queues = try await each(topology.queues) { connection, queue throws(AMQPError) in
            try await connection.declareQueue(queue.name, durable: true, arguments: queue.arguments)
        } finding: { queue, error in
            finding(error, of: "queue \(queue.name)", missing: .missingQueue)
        }
        let bindings = try await each(topology.bindings) { connection, binding throws(AMQPError) in
            switch binding.destinationKind {
            case .queue:
                try await connection.bindQueue(
                    binding.destination, exchange: binding.source, routingKey: binding.routingKey)
            case .exchange:
                try await connection.bindExchange(
                    binding.destination, source: binding.source, routingKey: binding.routingKey)
            }
        } finding: { binding, error in
            finding(error, of: binding.label, missing: .missingBinding)
        }
        return exchanges + queues + bindings
    }

    /// Runs `body` for each item; an error that `finding` makes a finding of does not end the round.
    private func each<Item>(
        _ items: [Item], _ body: (AMQPConnection, Item) async throws(AMQPError) -> Void,
        finding: (Item, AMQPError) -> TopologyFinding?
    ) async throws(AMQPError) -> [TopologyFinding] {
        var findings: [TopologyFinding] = []
        var connection = try await AMQPConnection.open(configuration, logger: logger)
        for item in items {
            do throws(AMQPError) {
                try await body(connection, item)
            } catch {
                await connection.close()
                guard let found = finding(item, error) else { throw error }
                findings.append(found)
                connection = try await AMQPConnection.open(configuration, logger: logger)
            }
        }
        await connection.close()
        return findings
    }

    /// What a refusal of the broker says about an object; nil for what is no refusal.
    private func finding(
        _ error: AMQPError, of object: String, missing: TopologyFinding.Kind
    ) -> TopologyFinding? {
        switch error.code {
        case .resourceMissing:
            TopologyFinding(missing, object: object, expected: "it exists", found: "nothing", remedy: Self.applyRemedy)
        case .preconditionFailed:
            Inequivalence(error.message).finding(object: object)
        case .accessRefused:
            TopologyFinding(
                .notPermitted, object: object, expected: "access for user \(configuration.username)", found: "refused",
                remedy: "Use the operator's address (FERRY_OPERATOR_URL), or grant the permissions of broker/README.md."
            )
        case .resourceLocked:
            TopologyFinding(
                .wrongType, object: object, expected: "a shared queue", found: "one that another connection owns",
                remedy: "Close that connection, then run: ferry topology apply")
        default: nil
        }
    }

    static let applyRemedy = "Run: ferry topology apply (or import broker/definitions.json)."
    static let recreateRemedy =
        "It cannot be changed in place: empty and delete it, then run: ferry topology apply"
}

extension Topology.Binding {
    /// The binding in words, for findings.
    var label: String {
        "binding \(source) -> \(destinationKind.rawValue) \(destination) (\"\(routingKey)\")"
    }
}

/// The broker's words for "it exists, but otherwise", taken apart.
///
/// They are `inequivalent arg 'A' for queue 'Q' in vhost 'V': received R but current is C`; what cannot be read in them
/// is shown as it is.
struct Inequivalence {
    let argument: String?
    let received: String?
    let current: String?
    let text: String

    init(_ text: String) {
        self.text = text
        guard let match = text.firstMatch(of: /inequivalent arg '([^']*)'.*?: received (.*?) but current is (.*)/)
        else {
            (argument, received, current) = (nil, nil, nil)
            return
        }
        argument = String(match.1)
        received = String(match.2)
        current = String(match.3)
    }

    func finding(object: String) -> TopologyFinding {
        let isType = argument == Topology.queueType || argument == "type"
        let name = argument.map { "\($0) " } ?? ""
        return TopologyFinding(
            isType ? .wrongType : .differingArgument, object: object,
            expected: received.map { name + $0 } ?? "what Ferry declares", found: current.map { name + $0 } ?? text,
            remedy: TopologyCheck.recreateRemedy)
    }
}
