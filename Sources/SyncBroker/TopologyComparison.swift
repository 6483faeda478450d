// Compares what the management API tells with what the topology says.
// Invariant: pure; whatever can take a guarantee away (another type, another argument, a policy, a binding too many)
// is a finding, whatever cannot (others' exchanges and queues, others' bindings to our exchanges) is not.

public import SyncJobs

/// Exchanges, queues, bindings and policies of a virtual host, as the management API lists them.
public struct ManagementSnapshot: Sendable, Hashable {
    /// What `/api/exchanges/<vhost>` lists.
    public var exchanges: [JSONObject]
    /// What `/api/queues/<vhost>` lists.
    public var queues: [JSONObject]
    /// What `/api/bindings/<vhost>` lists.
    public var bindings: [JSONObject]
    /// What `/api/policies/<vhost>` lists.
    public var policies: [JSONObject]

    /// Creates a snapshot.
    public init(exchanges: [JSONObject], queues: [JSONObject], bindings: [JSONObject], policies: [JSONObject]) {
        self.exchanges = exchanges
        self.queues = queues
        self.bindings = bindings
        self.policies = policies
    }
}

extension Topology {
    /// Keys of policies that take away what the topology relies on.
    ///
    /// Arguments win over some of them and lose to others
    /// (the smaller limit counts), differently by version; so none may be set on our queues.
    static let guardedPolicyKeys: Set<String> = [
        "message-ttl", "expires", "max-length", "max-length-bytes", "overflow", "dead-letter-exchange",
        "dead-letter-routing-key", "dead-letter-strategy", "delivery-limit", "alternate-exchange",
    ]

    /// What of `snapshot` differs from this topology.
    public func compare(_ snapshot: ManagementSnapshot) -> [TopologyFinding] {
        let exchanges = Self.byName(snapshot.exchanges)
        let queues = Self.byName(snapshot.queues)
        return self.exchanges.flatMap { compare($0, exchanges[$0.name], policies: snapshot.policies) }
            + self.queues.flatMap { compare($0, queues[$0.name]) }
            + compare(bindings: snapshot.bindings)
    }

    private static func byName(_ objects: [JSONObject]) -> [String: JSONObject] {
        Dictionary(objects.compactMap { object in object["name"]?.stringValue.map { ($0, object) } }) { first, _ in
            first
        }
    }

    private func compare(_ exchange: Exchange, _ found: JSONObject?, policies: [JSONObject]) -> [TopologyFinding] {
        let object = "exchange \(exchange.name)"
        guard let found else {
            return [
                TopologyFinding(
                    .missingExchange, object: object, expected: "it exists", found: "nothing",
                    remedy: TopologyCheck.applyRemedy)
            ]
        }
        var findings = compareTraits(object, found, type: exchange.kind.rawValue)
        if found["internal"]?.boolValue == true {
            findings.append(differing(object, "internal", expected: "false", found: "true"))
        }
        findings += compareArguments(object, Self.json(exchange.arguments), found["arguments"])
        if let name = found["policy"]?.stringValue,
            let policy = policies.first(where: { $0["name"]?.stringValue.map { $0.hasSameBytes(as: name) } == true })
        {
            findings += foreign(object, policy: name, definition: policy["definition"]?.objectValue)
        }
        return findings
    }

    private func compare(_ queue: Queue, _ found: JSONObject?) -> [TopologyFinding] {
        let object = "queue \(queue.name)"
        guard let found else {
            return [
                TopologyFinding(
                    .missingQueue, object: object, expected: "it exists", found: "nothing",
                    remedy: TopologyCheck.applyRemedy)
            ]
        }
        let names = ["policy", "operator_policy"].compactMap { found[$0]?.stringValue }.filter { !$0.isEmpty }
        return compareTraits(object, found, type: "quorum")
            + compareArguments(object, Self.json(queue.arguments), found["arguments"])
            + foreign(
                object, policy: names.joined(separator: " and "),
                definition: found["effective_policy_definition"]?.objectValue)
    }

    private func compareTraits(_ object: String, _ found: JSONObject, type: String) -> [TopologyFinding] {
        var findings: [TopologyFinding] = []
        let foundType = found["type"]?.stringValue ?? "unknown"
        if foundType != type {
            findings.append(
                TopologyFinding(
                    .wrongType, object: object, expected: "type \(type)", found: "type \(foundType)",
                    remedy: TopologyCheck.recreateRemedy))
        }
        for (trait, wanted) in [("durable", true), ("auto_delete", false)] where found[trait]?.boolValue == !wanted {
            findings.append(differing(object, trait, expected: "\(wanted)", found: "\(!wanted)"))
        }
        return findings
    }

    private func compareArguments(_ object: String, _ wanted: JSONValue, _ found: JSONValue?) -> [TopologyFinding] {
        let wanted = wanted.objectValue ?? [:]
        let found = found?.objectValue ?? [:]
        let missing = wanted.compactMap { member -> TopologyFinding? in
            // A queue's type has a finding of its own.
            guard found[member.key] != member.value, member.key != Self.queueType else { return nil }
            return differing(
                object, member.key, expected: member.value.canonicalText,
                found: found[member.key]?.canonicalText ?? "nothing")
        }
        let surplus = found.compactMap { member -> TopologyFinding? in
            guard wanted[member.key] == nil, member.key != Self.queueType else { return nil }
            return differing(object, member.key, expected: "nothing", found: member.value.canonicalText)
        }
        return missing + surplus
    }

    private func differing(_ object: String, _ name: String, expected: String, found: String) -> TopologyFinding {
        TopologyFinding(
            .differingArgument, object: object, expected: "\(name) \(expected)", found: "\(name) \(found)",
            remedy: TopologyCheck.recreateRemedy)
    }

    private func foreign(_ object: String, policy: String, definition: JSONObject?) -> [TopologyFinding] {
        (definition ?? [:]).compactMap { member in
            guard Self.guardedPolicyKeys.contains(member.key) else { return nil }
            return TopologyFinding(
                .foreignPolicy, object: object, expected: "no policy that sets \(member.key)",
                found: "policy \(policy) sets \(member.key) to \(member.value.canonicalText)",
                remedy: "Narrow the policy's pattern so that it spares names beginning with \(prefix).")
        }
    }

    private func compare(bindings found: [JSONObject]) -> [TopologyFinding] {
        let ours = Set(exchanges.map(\.name)).union(queues.map(\.name))
        let present = Set(
            found.compactMap { object -> Binding? in
                guard let source = object["source"]?.stringValue, !source.isEmpty,
                    let destination = object["destination"]?.stringValue,
                    let kind = object["destination_type"]?.stringValue.flatMap(DestinationKind.init(rawValue:)),
                    let key = object["routing_key"]?.stringValue
                else { return nil }
                return Binding(source: source, destinationKind: kind, destination: destination, routingKey: key)
            })
        let wanted = Set(bindings)
        let missing = bindings.filter { !present.contains($0) }.map { binding in
            TopologyFinding(
                .missingBinding, object: binding.label, expected: "it exists", found: "nothing",
                remedy: TopologyCheck.applyRemedy)
        }
        let surplus = present.subtracting(wanted).filter { ours.contains($0.destination) && ours.contains($0.source) }
        return missing
            + surplus.sorted { $0.label.precedesByBytes($1.label) }.map { binding in
                TopologyFinding(
                    .unexpectedBinding, object: binding.label, expected: "nothing",
                    found: "a binding that Ferry does not make",
                    remedy: "Remove the binding: messages would arrive twice or in the wrong queue.")
            }
    }
}
