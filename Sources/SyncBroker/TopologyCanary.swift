// Canaries: small messages that take a real way through the broker and are reported by whoever receives them.
// Invariant: a canary never becomes a job, and a report goes to the control exchange only.

public import AMQP

/// The messages by which `ferry topology check` proves that the broker delivers.
public enum Canary {
    /// The message property `type` of a canary and of its report.
    public static let type = "ferry.canary"
    /// The header with the canary's id, at most 64 bytes of text.
    public static let idHeader = "ferry-canary"
    /// The header of a report with the queue's full name.
    public static let queueHeader = "ferry-queue"

    /// The id of a canary; nil for every other message.
    public static func id(of delivery: AMQPDelivery) -> String? {
        guard delivery.type == type, case .string(let id)? = delivery.header(idHeader),
            !id.isEmpty, id.utf8.count <= 64
        else { return nil }
        return id
    }

    /// What to publish when a delivery is a canary, before it is acknowledged; nil for every other message.
    ///
    /// The report is neither mandatory nor persistent: when nobody waits for it any more, it may vanish.
    public static func report(for delivery: AMQPDelivery, topology: Topology) -> AMQPMessage? {
        guard let id = id(of: delivery) else { return nil }
        return AMQPMessage(
            exchange: topology.control, routingKey: "",
            properties: AMQPProperties(
                type: type, persistent: false,
                headers: [idHeader: .string(id), queueHeader: .string(delivery.queue)]),
            body: [], mandatory: false)
    }

    /// A canary for a work queue, through the lowest level of the delays.
    static func throughDelay(id: String, queue: String, topology: Topology) -> AMQPMessage {
        let address = topology.delayAddress(seconds: 1, queue: queue)
        return message(id: id, exchange: address.exchange, routingKey: address.routingKey)
    }

    /// A canary that nothing is bound for, so that it has to turn up among the dead letters.
    ///
    /// It expires after a minute: where no keeper takes it out, it does not pile up behind real dead letters for ever.
    static func unroutable(id: String, topology: Topology) -> AMQPMessage {
        var canary = message(id: id, exchange: topology.requests, routingKey: "canary.\(id)")
        canary.properties.expiration = "60000"
        return canary
    }

    private static func message(id: String, exchange: String, routingKey: String) -> AMQPMessage {
        AMQPMessage(
            exchange: exchange, routingKey: routingKey,
            properties: AMQPProperties(type: type, headers: [idHeader: .string(id)]), body: [], mandatory: false)
    }
}
