// What a message among the dead letters is there for. Ferry's own carry their reason; of the others the broker says a
// little, and the rest follows from how they can have come here.
// Invariant: only headers of the allow-list are taken over, and what the broker says of its ways only as text.

public import AMQP
public import SyncJobs

/// Reads messages of the dead letters' queue.
public struct DeadLetterReading: Sendable {
    private let topology: Topology
    /// What workers take at most; above it they refuse a message unread.
    private let maximumMessageBytes: Int

    /// Reads messages of `topology`; workers refuse bodies above `maximumMessageBytes`.
    public init(topology: Topology, maximumMessageBytes: Int) {
        self.topology = topology
        self.maximumMessageBytes = maximumMessageBytes
    }

    /// How the broker moved a message, at last.
    private struct Death {
        let reason: String
        /// The queue's name on the broker.
        let queue: String?
    }

    /// What came, and why.
    public func read(_ delivery: AMQPDelivery) -> DeadLetterArrival {
        let headers = delivery.properties.headers
        func header(_ name: DeadLetter.Header) -> String? {
            guard case .string(let text)? = headers[name.rawValue] else { return nil }
            return text
        }
        let death = Self.lastDeath(headers)
        var queue = header(.queue)
        var isChange = queue == Self.changesQueue
        if queue == nil {
            isChange = death?.queue == topology.changes || delivery.exchange == topology.changes
            queue = isChange ? Self.changesQueue : death?.queue.flatMap { shortName(of: $0) }
        }
        var arrival = DeadLetterArrival(
            jobID: [delivery.properties.messageID, header(.job)].compactMap { $0 }.first { !$0.isEmpty },
            turn: Self.turn(headers), origin: isChange ? .change : .request, typeSlug: header(.type), queue: queue,
            routingKey: delivery.routingKey, reason: header(.reason) ?? "", error: header(.message) ?? "",
            remedy: header(.remedy) ?? "", isByBroker: header(.reason) == nil,
            wasDelivered: death != nil || header(.reason) != nil,
            failedAt: header(.failedAt).flatMap { Timestamp($0) }, headers: kept(delivery), body: delivery.body)
        if arrival.isByBroker { explain(&arrival, death: death, bodyBytes: delivery.bodyBytes) }
        return arrival
    }

    private static let changesQueue = "changes"

    private static func turn(_ headers: AMQPTable) -> Int {
        guard case .int(let turn)? = headers[OutboxMessage.Header.turn] else { return 0 }
        return Int(max(0, min(turn, 1 << 40)))
    }

    /// The short name of a work queue; nil for any other queue.
    private func shortName(of queue: String) -> String? {
        topology.queueNames.first { topology.workQueue($0) == queue }
    }

    // MARK: headers

    /// The headers that are kept: Ferry's own, and the broker's history as text.
    private func kept(_ delivery: AMQPDelivery) -> JSONObject {
        var kept = JSONObject()
        let names = DeadLetter.Header.allCases.map(\.rawValue) + [OutboxMessage.Header.orderKey]
        for name in names {
            switch delivery.properties.headers[name] {
            case .string(let text): kept[name] = .string(text.cut(toBytes: JobFailure.maximumTextBytes))
            case .int(let number): kept[name] = .number(JSONNumber(number))
            default: break
            }
        }
        if !delivery.exchange.isEmpty { kept["exchange"] = .string(delivery.exchange) }
        if let type = delivery.properties.contentType { kept["content_type"] = .string(type) }
        if let app = delivery.properties.appID { kept["app_id"] = .string(app) }
        if let sent = delivery.properties.timestamp { kept["timestamp"] = .number(JSONNumber(sent)) }
        let deaths = Self.deaths(delivery.properties.headers)
        if !deaths.isEmpty { kept["x-death"] = .array(deaths.prefix(40).map { .string(Self.text(of: $0)) }) }
        return kept
    }

    /// What the broker has done with the message, the latest first: it writes `x-death` as a list of tables (RabbitMQ,
    /// "Dead Letter Exchanges").
    private static func deaths(_ headers: AMQPTable) -> [AMQPTable] {
        guard case .array(let deaths)? = headers["x-death"] else { return [] }
        return deaths.compactMap { if case .table(let death) = $0 { death } else { nil } }
    }

    private static func lastDeath(_ headers: AMQPTable) -> Death? {
        guard let death = deaths(headers).first, case .string(let reason)? = death["reason"] else { return nil }
        if case .string(let queue)? = death["queue"] { return Death(reason: reason, queue: queue) }
        return Death(reason: reason, queue: nil)
    }

    /// `delivery_limit in ferry.short, 1 times`.
    private static func text(of death: AMQPTable) -> String {
        func word(_ name: String) -> String {
            if case .string(let text)? = death[name] { text.cut(toBytes: 255) } else { "?" }
        }
        var text = "\(word("reason")) in \(word("queue"))"
        if case .int(let count)? = death["count"] { text += ", \(count) times" }
        return text
    }

    // MARK: what the broker moved

    private func explain(_ arrival: inout DeadLetterArrival, death: Death?, bodyBytes: Int) {
        func say(_ code: JobFailure.Code, _ error: String, _ remedy: String) {
            arrival.reason = code.rawValue
            arrival.error = error
            arrival.remedy = remedy
        }
        // What has come down the delay ladder and finds no queue has died of its time there, which is as it should be.
        let isFromLadder =
            death?.reason == "expired" && topology.delayLevels.contains { topology.delay($0) == death?.queue }
        guard let death, !isFromLadder else {
            return say(
                .unroutable, "no queue is bound for the routing key \"\(arrival.routingKey)\"",
                "publish requests with <queue>.<slug> or type.<slug>; ferry topology check proves the bindings")
        }
        let queue = death.queue.map { " \"\($0)\"" } ?? ""
        switch death.reason {
        case "rejected" where bodyBytes > maximumMessageBytes:
            say(
                .bodyTooLarge, "the body has \(bodyBytes) bytes; at most \(maximumMessageBytes) are taken",
                "send less (the worker can load the document itself), or raise limits.max_message")
        case "delivery_limit":
            say(
                .deliveryLimit,
                "the process died or was stopped while it held this message, as often as the queue\(queue) allows",
                "look into the workers' logs for what ends them; once that is mended, replay it")
        default:
            say(
                .removedByBroker, "the broker took it out of the queue\(queue): \(death.reason)",
                "look into the queue's arguments and policies (ferry topology check), then replay it")
        }
    }
}
