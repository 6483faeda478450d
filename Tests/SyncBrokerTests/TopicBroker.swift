// A broker's routing in a few lines: topic patterns, fanout, exchange-to-exchange bindings, alternate exchanges, and
// queues whose messages expire into their dead-letter exchange. It holds no messages; it answers where one ends up.

import AMQP
import SyncBroker

/// Routes by a topology's bindings as RabbitMQ does.
struct TopicBroker {
    let topology: Topology

    /// Whether a topic pattern matches a key: `*` is one word, `#` any number of words, none included.
    static func matches(_ pattern: String, _ key: String) -> Bool {
        func words(_ text: String) -> ArraySlice<Substring> {
            text.isEmpty ? [] : text.split(separator: ".", omittingEmptySubsequences: false)[...]
        }
        func match(_ pattern: ArraySlice<Substring>, _ key: ArraySlice<Substring>) -> Bool {
            guard let first = pattern.first else { return key.isEmpty }
            if first == "#" {
                return match(pattern.dropFirst(), key) || (!key.isEmpty && match(pattern, key.dropFirst()))
            }
            guard let word = key.first, first == "*" || first == word else { return false }
            return match(pattern.dropFirst(), key.dropFirst())
        }
        return match(words(pattern), words(key))
    }

    /// The queues that get a message published to `exchange` with `key`, sorted.
    func queues(exchange: String, key: String) -> [String] {
        var found: Set<String> = []
        var visited: Set<String> = []
        var open = [exchange]
        while let next = open.popLast() {
            guard visited.insert(next).inserted, let source = topology.exchanges.first(where: { $0.name == next })
            else {
                continue
            }
            let hits = topology.bindings.filter {
                $0.source == next && (source.kind == .fanout || Self.matches($0.routingKey, key))
            }
            for hit in hits {
                if hit.destinationKind == .queue { found.insert(hit.destination) } else { open.append(hit.destination) }
            }
            if hits.isEmpty, case .string(let alternate)? = source.arguments["alternate-exchange"] {
                open.append(alternate)
            }
        }
        return found.sorted()
    }

    /// Where a message ends that expires in every queue with a time limit, and how long that takes; nil when it is
    /// copied, or goes nowhere.
    func rest(exchange: String, key: String) -> (queue: String, milliseconds: Int64)? {
        var exchange = exchange
        var milliseconds: Int64 = 0
        for _ in 0..<100 {
            let hits = queues(exchange: exchange, key: key)
            guard hits.count == 1, let queue = topology.queues.first(where: { $0.name == hits[0] }) else { return nil }
            guard case .int(let limit)? = queue.arguments["x-message-ttl"],
                case .string(let next)? = queue.arguments["x-dead-letter-exchange"]
            else { return (queue.name, milliseconds) }
            milliseconds += limit
            exchange = next
        }
        return nil
    }
}
