// Proves by canaries that messages arrive: one through the lowest delay level into each work queue, one that nothing is
// bound for into the dead letters. A worker that receives one reports it; where nobody consumes, the check looks itself.
// Invariant: no real message is held up or lost. The check takes messages only out of a queue that was empty and had no
// consumer, and puts anything but a canary back at once.

public import AMQP
internal import Foundation

extension TopologyCheck {
    /// Sends the canaries and waits until each has been seen, `timeout` at most.
    ///
    /// - Throws: ``AMQPError`` when the broker cannot be reached or used.
    public func canaries(timeout: Duration = .seconds(10)) async throws(AMQPError) -> [TopologyFinding] {
        let connection = try await AMQPConnection.open(configuration, logger: logger)
        do throws(AMQPError) {
            var proof = TopologyProof(topology: topology, connection: connection)
            let findings = try await proof.run(timeout: timeout)
            await connection.close()
            return findings
        } catch {
            await connection.close()
            guard let found = refusal(error) else { throw error }
            return [found]
        }
    }

    private func refusal(_ error: AMQPError) -> TopologyFinding? {
        switch error.code {
        case .accessRefused:
            TopologyFinding(
                .notPermitted, object: "canaries",
                expected: "a user that may declare a queue and publish",
                found: "user \(configuration.username) may not",
                remedy: "Use the operator's address (FERRY_OPERATOR_URL).")
        case .resourceMissing:
            TopologyFinding(
                .canaryLost, object: "canaries", expected: "their exchanges and queues exist", found: error.message,
                remedy: Self.applyRemedy)
        default: nil
        }
    }
}

/// One round of canaries over one connection.
struct TopologyProof {
    /// How the arrival of one canary is observed.
    private struct Watch {
        let id: String
        let queue: String
        let before: AMQPQueueState
        /// Whether the queue was empty and nobody consumed it: then the check may take the canary out itself.
        var mayTake: Bool
        var hasArrived = false
    }

    private let topology: Topology
    private let connection: AMQPConnection
    private let round = UUID().uuidString.lowercased()
    private var watches: [Watch] = []

    init(topology: Topology, connection: AMQPConnection) {
        self.topology = topology
        self.connection = connection
    }

    mutating func run(timeout: Duration) async throws(AMQPError) -> [TopologyFinding] {
        let reports = topology.named("control.canary-\(round)")
        try await connection.declareQueue(reports, durable: false, exclusive: true, autoDelete: true)
        try await connection.bindQueue(reports, exchange: topology.control, routingKey: "")
        for (number, name) in topology.queueNames.enumerated() {
            let id = "\(round).\(number)"
            try await watch(id: id, queue: topology.workQueue(name))
            try await connection.publish(Canary.throughDelay(id: id, queue: name, topology: topology))
        }
        try await watch(id: "\(round).dead", queue: topology.dead)
        try await connection.publish(Canary.unroutable(id: "\(round).dead", topology: topology))

        let deadline = ContinuousClock.now + timeout
        while true {
            try await readReports(from: reports)
            for position in watches.indices where watches[position].mayTake && !watches[position].hasArrived {
                try await take(at: position)
            }
            if watches.allSatisfy(\.hasArrived) || ContinuousClock.now >= deadline { break }
            do { try await Task.sleep(for: .milliseconds(50)) } catch { break }
        }
        var findings: [TopologyFinding] = []
        for watch in watches where !watch.hasArrived {
            if let finding = try await judge(watch) { findings.append(finding) }
        }
        return findings
    }

    private mutating func watch(id: String, queue: String) async throws(AMQPError) {
        let state = try await connection.declareQueue(queue, passive: true)
        let mayTake = state.messages == 0 && state.consumers == 0
        watches.append(Watch(id: id, queue: queue, before: state, mayTake: mayTake))
    }

    private mutating func readReports(from queue: String) async throws(AMQPError) {
        // Bounded: what others say on the control exchange must not keep us here.
        for _ in 0..<1_000 {
            guard let delivery = try await connection.get(queue) else { return }
            await connection.acknowledge(delivery.tag)
            guard let id = Canary.id(of: delivery),
                case .string(let name)? = delivery.properties.headers[Canary.queueHeader]
            else { continue }
            for position in watches.indices where watches[position].id == id && watches[position].queue == name {
                watches[position].hasArrived = true
            }
        }
    }

    /// Looks into a queue that nobody consumes.
    private mutating func take(at position: Int) async throws(AMQPError) {
        for _ in 0..<100 {
            guard let delivery = try await connection.get(watches[position].queue) else { return }
            guard let id = Canary.id(of: delivery) else {
                // A real message has come in between: back with it, and hands off.
                await connection.reject(delivery.tag, requeue: true)
                watches[position].mayTake = false
                return
            }
            if id == watches[position].id {
                watches[position].hasArrived = true
            } else if let report = Canary.report(for: delivery, topology: topology) {
                // Another check's, or one that was left behind: do as a worker does.
                try await connection.publish(report)
            }
            await connection.acknowledge(delivery.tag)
            if watches[position].hasArrived { return }
        }
    }

    /// What the absence of a canary means; nil when the queue's length shows that it has arrived after all.
    private func judge(_ watch: Watch) async throws(AMQPError) -> TopologyFinding? {
        let now = try await connection.declareQueue(watch.queue, passive: true)
        if watch.before.consumers == 0 && now.consumers == 0 && now.messages > watch.before.messages { return nil }
        if now.consumers > 0 && now.messages > 0 || now.consumers != watch.before.consumers {
            return TopologyFinding(
                .canaryUnproven, object: "queue \(watch.queue)", expected: "a canary that its consumer reports",
                found: "\(now.messages) messages ahead of it, \(now.consumers) consumers",
                remedy: "Run the check again when the queue is short.")
        }
        let way =
            watch.queue == topology.dead
            ? "exchange \(topology.requests) -> alternate exchange \(topology.dead)"
            : "exchange \(topology.delay(0)) -> queue \(topology.delay(0)) -> exchange \(topology.resume)"
        let consumer = now.consumers > 0 ? ", and that its consumer is a worker of this version" : ""
        return TopologyFinding(
            .canaryLost, object: "queue \(watch.queue)", expected: "a canary by way of \(way)",
            found: "none within the time (\(now.messages) messages, \(now.consumers) consumers)",
            remedy: "Verify that way with --management-url or in the management pages, "
                + "then run: ferry topology apply\(consumer).")
    }
}
