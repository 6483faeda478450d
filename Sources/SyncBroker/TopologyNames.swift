// Which prefixes and queue names can be used.
// Invariant: no two objects of a topology get the same name, and no queue's name has a dot: the pattern `#.b` would
// also match a queue called `a.b`.

extension Topology {
    static let defaultQueue = "default"
    static let typeWord = "type"
    static let maximumNameBytes = 60
    static let maximumQueues = 100

    /// Names that mean something else in exchanges, queues or routing keys.
    static let reservedWords: Set<String> = [
        "requests", "changes", "dead", "resume", "events", "control", "delay", typeWord, "canary",
    ]

    static func checked(prefix: String) throws(TopologyError) -> String {
        let bytes = Array(prefix.utf8)
        let isGood = bytes.allSatisfy { isWordByte($0) || isUpperCase($0) || $0 == UInt8(ascii: ".") }
        // A leading dot would be legal; "amq." is the broker's own, and refused by it.
        guard isGood, !bytes.isEmpty, bytes.count <= maximumNameBytes, !prefix.hasPrefix("amq.") else {
            throw TopologyError(
                .invalidPrefix, operation: "naming the topology",
                message: "the prefix \(quoted(prefix)) cannot be used",
                remedy:
                    "use letters, digits, '.', '_' and '-', at most \(maximumNameBytes) bytes, not beginning with amq.")
        }
        return prefix
    }

    static func checked(queues: [String]) throws(TopologyError) -> [String] {
        func refuse(_ message: String, _ remedy: String) -> TopologyError {
            TopologyError(.invalidQueue, operation: "naming the topology", message: message, remedy: remedy)
        }
        var seen: Set<String> = []
        for queue in queues {
            guard isQueueName(queue) else {
                throw refuse(
                    "the queue name \(quoted(queue)) cannot be used",
                    "use lower-case letters, digits, '_' and '-', at most \(maximumNameBytes) bytes, no dots")
            }
            guard !reservedWords.contains(queue) else {
                throw refuse("the queue name \(quoted(queue)) has a meaning of its own", "choose another name")
            }
            guard seen.insert(queue).inserted else {
                throw refuse("the queue \(quoted(queue)) is named twice", "name it once")
            }
        }
        guard seen.contains(defaultQueue) else {
            throw refuse("there is no queue \"default\"", "add it: requests that name only their type arrive there")
        }
        guard queues.count <= maximumQueues else {
            throw refuse("\(queues.count) work queues are too many", "use at most \(maximumQueues)")
        }
        return queues
    }

    /// Whether a work queue may be called so: `[a-z0-9_-]+`, at most 60 bytes.
    public static func isQueueName(_ text: String) -> Bool {
        let bytes = text.utf8
        return !bytes.isEmpty && bytes.count <= maximumNameBytes && bytes.allSatisfy(isWordByte)
    }

    /// Whether it is one of `[a-z0-9_-]`.
    static func isWordByte(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "_"),
            UInt8(ascii: "-"):
            true
        default: false
        }
    }

    static func isUpperCase(_ byte: UInt8) -> Bool { (UInt8(ascii: "A")...UInt8(ascii: "Z")).contains(byte) }

    private static func quoted(_ text: String) -> String { "\"\(text.prefix(80))\"" }
}
