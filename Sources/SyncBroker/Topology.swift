// The exchanges, queues and bindings that Ferry lives on, each named here and nowhere else.
// Invariant: pure and complete; what `apply` declares, what the checks ask for and what broker/definitions.json says
// all come from `exchanges`, `queues` and `bindings` of one value.

public import AMQP

/// The broker's side of Ferry, by name.
///
/// ```swift
/// let topology = try Topology(prefix: "ferry", queues: ["short", "default", "long"])
/// topology.requests             // "ferry.requests"
/// topology.workQueue("short")   // "ferry.short"
/// ```
public struct Topology: Sendable, Hashable {
    /// The kinds of exchanges in use.
    public enum ExchangeKind: String, Sendable, Hashable {
        /// Routes by patterns over the words of the routing key.
        case topic
        /// Copies to every queue bound to it.
        case fanout
    }

    /// An exchange; all are durable.
    public struct Exchange: Sendable, Hashable {
        /// Its full name.
        public let name: String
        /// How it routes.
        public let kind: ExchangeKind
        /// Its arguments.
        public let arguments: AMQPTable
    }

    /// A queue; all are durable quorum queues.
    public struct Queue: Sendable, Hashable {
        /// Its full name.
        public let name: String
        /// Its arguments, its type among them.
        public let arguments: AMQPTable
    }

    /// What a binding leads to.
    public enum DestinationKind: String, Sendable, Hashable {
        /// A queue.
        case queue
        /// Another exchange.
        case exchange
    }

    /// A binding from an exchange.
    public struct Binding: Sendable, Hashable {
        /// The exchange it leads from.
        public let source: String
        /// What kind of thing it leads to.
        public let destinationKind: DestinationKind
        /// The name of what it leads to.
        public let destination: String
        /// The routing key, a pattern on topic exchanges.
        public let routingKey: String
    }

    /// What every name begins with.
    public let prefix: String
    /// The work queues by their short names, in the order given.
    public let queueNames: [String]

    /// Names a topology.
    ///
    /// - Parameters:
    ///   - prefix: what every name begins with: letters, digits, `.`, `_` and `-`, at most 60 bytes.
    ///   - queues: the work queues: `[a-z0-9_-]+`, at most 60 bytes, `default` among them, at most 100 of them.
    /// - Throws: ``TopologyError`` (`invalid_prefix`, `invalid_queue`) naming what cannot be used.
    public init(
        prefix: String = "ferry", queues: [String] = ["short", "default", "long"]
    ) throws(TopologyError) {
        self.prefix = try Self.checked(prefix: prefix)
        self.queueNames = try Self.checked(queues: queues)
    }

    // MARK: names

    /// The exchange that requests are published to.
    public var requests: String { named("requests") }
    /// The exchange that change events are published to, and the queue that holds them.
    public var changes: String { named("changes") }
    /// The exchange for what cannot be done, and the queue that holds it.
    public var dead: String { named("dead") }
    /// The exchange that delayed messages come back through.
    public var resume: String { named("resume") }
    /// The exchange for what happened to jobs; nobody has to listen.
    public var events: String { named("events") }
    /// The exchange on which the processes talk to each other.
    public var control: String { named("control") }

    /// The full name of the work queue with that short name.
    public func workQueue(_ queue: String) -> String { named(queue) }

    func named(_ name: String) -> String { "\(prefix).\(name)" }

    // MARK: objects

    /// All exchanges, alternate exchanges first.
    public var exchanges: [Exchange] {
        let alternate: AMQPTable = ["alternate-exchange": .string(dead)]
        return [
            Exchange(name: dead, kind: .topic, arguments: [:]),
            Exchange(name: requests, kind: .topic, arguments: alternate),
            Exchange(name: changes, kind: .topic, arguments: alternate),
            // Without it, a message for a queue that is gone would jam the delay level it comes from.
            Exchange(name: resume, kind: .topic, arguments: alternate),
            Exchange(name: events, kind: .topic, arguments: [:]),
            Exchange(name: control, kind: .fanout, arguments: [:]),
        ] + delayLevels.map { Exchange(name: delay($0), kind: .topic, arguments: [:]) }
    }

    /// All queues.
    public var queues: [Queue] {
        // A message that no consumer survives goes to the dead letters, and is not lost on the way there:
        // at-least-once only holds together with reject-publish, else the broker silently falls back to at-most-once.
        let guarded = Self.quorum(deadLetterExchange: dead, [Self.deliveryLimit: .int(50)])
        // Nothing may be dropped here; -1 is refused by 3.10, and 4.x drops after 20 without a limit of ours.
        let keeping: AMQPTable = [
            Self.queueType: .string("quorum"), Self.deliveryLimit: .int(2_147_483_647),
            Self.overflow: .string("reject-publish"),
        ]
        return queueNames.map { Queue(name: workQueue($0), arguments: guarded) } + [
            Queue(name: changes, arguments: guarded), Queue(name: dead, arguments: keeping),
        ]
            + delayLevels.map { level in
                Queue(
                    name: delay(level),
                    arguments: Self.quorum(
                        deadLetterExchange: level == 0 ? resume : delay(level - 1),
                        [Self.messageTTL: .int(Int64(1_000) << Int64(level))]))
            }
    }

    /// All bindings.
    public var bindings: [Binding] {
        let work = queueNames.map {
            Binding(source: requests, destinationKind: .queue, destination: workQueue($0), routingKey: "\($0).#")
        }
        let single = [
            // A producer that knows only the type's name; a worker forwards what belongs in another queue.
            Binding(
                source: requests, destinationKind: .queue, destination: workQueue(Self.defaultQueue),
                routingKey: "\(Self.typeWord).#"),
            Binding(source: changes, destinationKind: .queue, destination: changes, routingKey: "#"),
            Binding(source: dead, destinationKind: .queue, destination: dead, routingKey: "#"),
        ]
        let resumed = queueNames.map {
            Binding(source: resume, destinationKind: .queue, destination: workQueue($0), routingKey: "#.\($0)")
        }
        return work + single + resumed + delayLevels.flatMap { delayBindings(level: $0) }
    }

    static let queueType = "x-queue-type"
    static let deliveryLimit = "x-delivery-limit"
    static let messageTTL = "x-message-ttl"
    static let overflow = "x-overflow"

    /// A quorum queue whose messages cannot get lost on their way to `deadLetterExchange`.
    private static func quorum(deadLetterExchange: String, _ more: AMQPTable) -> AMQPTable {
        let arguments: AMQPTable = [
            queueType: .string("quorum"), "x-dead-letter-exchange": .string(deadLetterExchange),
            "x-dead-letter-strategy": .string("at-least-once"), overflow: .string("reject-publish"),
        ]
        return arguments.merging(more) { _, new in new }
    }
}
