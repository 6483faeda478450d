// A configuration as a tree whose every node knows its line and its place, so that whatever is wrong can be said with
// file, line, key and remedy. Who read the text (YAML, in Ferry) does not matter here.

/// One node of a configuration.
public struct ConfigNode: Sendable {
    /// What a node holds.
    public enum Content: Sendable {
        /// A scalar: text, number (digits as written), truth value or null.
        case scalar(JSONValue)
        /// A list.
        case list([ConfigNode])
        /// A map, in the order it is written.
        case map([Entry])
    }

    /// One entry of a map.
    public struct Entry: Sendable {
        /// The key.
        public let key: String
        /// The line the key stands on, from 1.
        public let line: Int
        /// The value.
        public let value: ConfigNode

        /// Makes an entry.
        public init(key: String, line: Int, value: ConfigNode) {
            self.key = key
            self.line = line
            self.value = value
        }
    }

    /// What it holds.
    public let content: Content
    /// The line it begins on, from 1.
    public let line: Int
    /// Its place: `types.Country Sync.fields.label`.
    public let place: String

    /// Makes a node.
    public init(_ content: Content, line: Int, place: String) {
        self.content = content
        self.line = line
        self.place = place
    }

    /// The value of `key` in a map; nil when it is missing or this is no map.
    public subscript(key: String) -> ConfigNode? {
        guard case .map(let entries) = content else { return nil }
        return entries.first { $0.key.hasSameBytes(as: key) }?.value
    }

    /// The entries of a map; nil for anything else.
    public var entries: [Entry]? { if case .map(let entries) = content { entries } else { nil } }
    /// The elements of a list; nil for anything else.
    public var elements: [ConfigNode]? { if case .list(let elements) = content { elements } else { nil } }
    /// The scalar; nil for anything else.
    public var scalar: JSONValue? { if case .scalar(let value) = content { value } else { nil } }
    /// The text of a text scalar; nil for anything else.
    public var text: String? { scalar?.stringValue }

    /// The node as JSON, for constants that may be of any shape.
    public var json: JSONValue {
        switch content {
        case .scalar(let value): return value
        case .list(let elements): return .array(elements.map(\.json))
        case .map(let entries):
            var object = JSONObject()
            for entry in entries { object[entry.key] = entry.value.json }
            return .object(object)
        }
    }
}

/// Something that is wrong in a configuration.
public struct ConfigProblem: Error, Sendable, Hashable, CustomStringConvertible {
    /// The line, from 1.
    public let line: Int
    /// The place: `types.Country Sync.fields.label`.
    public let place: String
    /// What is wrong.
    public let message: String
    /// What to do.
    public let remedy: String

    /// Makes a problem.
    public init(line: Int, place: String, message: String, remedy: String) {
        self.line = line
        self.place = place
        self.message = message
        self.remedy = remedy
    }

    /// A problem with `node`.
    public init(_ node: ConfigNode, _ message: String, remedy: String) {
        self.init(line: node.line, place: node.place, message: message, remedy: remedy)
    }

    /// `line 12: types.Country Sync.fields.label: message (remedy)`.
    public var description: String { "line \(line): \(place): \(message) (\(remedy))" }
}
