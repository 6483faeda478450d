// The topology as RabbitMQ's own definitions format: broker/definitions.json and broker/permissions.json.
// Invariant: the same topology gives the same bytes, one object a line, so that a change shows as a line in a diff.

internal import AMQP
internal import SyncJobs

extension Topology {
    /// What a user of the broker may do: patterns over names (RabbitMQ, "Access Control").
    public struct Permission: Sendable, Hashable {
        /// The user's name.
        public let user: String
        /// What it may declare and delete.
        public let configure: String
        /// What it may publish to and bind.
        public let write: String
        /// What it may consume from and bind to.
        public let read: String
    }

    /// Least privilege for the three roles: an operator applies the topology, a worker configures nothing, a producer
    /// publishes requests and change events only; nobody but the operator can use the default exchange.
    public func permissions(
        operator: String = "ferry-operator", worker: String = "ferry-worker", producer: String = "ferry-producer"
    ) -> [Permission] {
        let name = prefix.map { $0 == "." ? "\\." : String($0) }.joined()
        let published = "requests|changes|dead|events|control|delay\\.[0-9]{2}"
        // The control exchange is read when a worker is given a queue there.
        let consumed = (queueNames + ["changes", "dead", "control"]).joined(separator: "|")
        return [
            Permission(user: `operator`, configure: ".*", write: ".*", read: ".*"),
            Permission(
                user: worker, configure: "^$", write: "^\(name)\\.(\(published))$", read: "^\(name)\\.(\(consumed))$"),
            Permission(user: producer, configure: "^$", write: "^\(name)\\.(requests|changes)$", read: "^$"),
        ]
    }

    /// The definitions of exchanges, queues and bindings, as `rabbitmqctl import_definitions` and the management API
    /// take them.
    public func definitions(virtualHost: String = "ferry") -> String {
        let host = JSONValue.string(virtualHost)
        return Self.lines([
            ("vhosts", [["name": host]]),
            (
                "exchanges",
                exchanges.map { exchange in
                    [
                        "name": .string(exchange.name), "vhost": host, "type": .string(exchange.kind.rawValue),
                        "durable": true, "auto_delete": false, "internal": false,
                        "arguments": Self.json(exchange.arguments),
                    ]
                }
            ),
            (
                "queues",
                queues.map { queue in
                    [
                        "name": .string(queue.name), "vhost": host, "durable": true, "auto_delete": false,
                        "arguments": Self.json(queue.arguments),
                    ]
                }
            ),
            (
                "bindings",
                bindings.map { binding in
                    [
                        "source": .string(binding.source), "vhost": host, "destination": .string(binding.destination),
                        "destination_type": .string(binding.destinationKind.rawValue),
                        "routing_key": .string(binding.routingKey), "arguments": [:],
                    ]
                }
            ),
        ])
    }

    /// The permissions of the three roles as definitions; importing them needs the users to exist.
    public func permissionDefinitions(virtualHost: String = "ferry") -> String {
        Self.lines([
            (
                "permissions",
                permissions().map { permission in
                    [
                        "user": .string(permission.user), "vhost": .string(virtualHost),
                        "configure": .string(permission.configure), "write": .string(permission.write),
                        "read": .string(permission.read),
                    ]
                }
            )
        ])
    }

    private static func lines(_ sections: [(name: String, objects: [JSONValue])]) -> String {
        let texts = sections.map { section in
            let objects = section.objects.map { "    \($0.canonicalText)" }.joined(separator: ",\n")
            return "  \"\(section.name)\": [\n\(objects)\n  ]"
        }
        return "{\n\(texts.joined(separator: ",\n"))\n}\n"
    }

    /// Arguments are texts and whole numbers; no other kind is ever declared.
    static func json(_ arguments: AMQPTable) -> JSONValue {
        var object = JSONObject()
        for (name, value) in arguments {
            switch value {
            case .string(let text): object[name] = .string(text)
            case .int(let number): object[name] = .number(JSONNumber(number))
            default: preconditionFailure("the topology has no argument of this kind: \(name)")
            }
        }
        return .object(object)
    }
}
