// Conditions over values: paths, literals, comparison, `and or not`, `in`, `is empty`. Pure; a missing path is null.

/// A condition, such as `not source.disabled or context.force_update`.
public struct Expression: Sendable, Hashable, CustomStringConvertible {
    /// The longest text of an expression in UTF-8 bytes.
    public static let maximumBytes = 4_096
    /// How deep parentheses, lists and `not` may nest.
    public static let maximumDepth = 32

    enum Comparison: String, Sendable, Hashable {
        case equal = "=="
        case different = "!="
        case less = "<"
        case lessOrEqual = "<="
        case greater = ">"
        case greaterOrEqual = ">="
    }

    indirect enum Node: Sendable, Hashable {
        case literal(JSONValue)
        case path(Path)
        case list([Node])
        case not(Node)
        case any([Node])
        case all([Node])
        case compare(Comparison, Node, Node)
        case isMember(Node, Node)
        case isEmpty(Node)
    }

    private let node: Node
    private let text: ExactString

    /// Reads an expression: paths, literals (`"text"`, `5`, `true`, `null`, `[…]`), `== != < <= > >=`, `in`, `not in`,
    /// `is empty`, `is not empty`, `and`, `or`, `not`, parentheses.
    ///
    /// - Throws: ``ExpressionError`` with the position of what is wrong.
    public init(_ text: String) throws(ExpressionError) {
        node = try ExpressionParser.parse(text)
        self.text = ExactString(text)
    }

    /// The expression as it is written.
    public var description: String { text.text }

    /// The paths it reads, in the order they are written.
    public var paths: [Path] { node.paths }

    /// Whether it holds.
    ///
    /// A missing path is null; null, `false`, 0, `""`, `[]` and `{}` do not hold by themselves.
    /// Numbers compare by exact value, texts by bytes; `<` and its like hold only between two numbers or two texts.
    public func isTrue(in scope: Scope) -> Bool { node.isTrue(in: scope) }
}

extension Expression.Node {
    func isTrue(in scope: Scope) -> Bool {
        switch self {
        case .literal, .path, .list: value(in: scope).isTrue
        case .not(let node): !node.isTrue(in: scope)
        case .any(let nodes): nodes.contains { $0.isTrue(in: scope) }
        case .all(let nodes): nodes.allSatisfy { $0.isTrue(in: scope) }
        case .compare(let comparison, let left, let right):
            Self.holds(comparison, left.value(in: scope), right.value(in: scope))
        case .isMember(let node, let list): list.value(in: scope).arrayValue?.contains(node.value(in: scope)) ?? false
        case .isEmpty(let node): node.value(in: scope).isEmptyValue
        }
    }

    private func value(in scope: Scope) -> JSONValue {
        switch self {
        case .literal(let value): value
        case .path(let path): path.value(in: scope) ?? .null
        case .list(let nodes): .array(nodes.map { $0.value(in: scope) })
        default: .bool(isTrue(in: scope))
        }
    }

    private static func holds(_ comparison: Expression.Comparison, _ left: JSONValue, _ right: JSONValue) -> Bool {
        switch comparison {
        case .equal: left == right
        case .different: left != right
        case .less: precedes(left, right) == true
        case .lessOrEqual: precedes(right, left) == false
        case .greater: precedes(right, left) == true
        case .greaterOrEqual: precedes(left, right) == false
        }
    }

    /// Order of two numbers or two texts; nil where there is none.
    private static func precedes(_ left: JSONValue, _ right: JSONValue) -> Bool? {
        switch (left, right) {
        case (.number(let left), .number(let right)): left.decimal < right.decimal
        case (.string(let left), .string(let right)): left.precedesByBytes(right)
        default: nil
        }
    }

    var paths: [Path] {
        switch self {
        case .literal: []
        case .path(let path): [path]
        case .not(let node), .isEmpty(let node): node.paths
        case .list(let nodes), .any(let nodes), .all(let nodes): nodes.flatMap(\.paths)
        case .compare(_, let left, let right), .isMember(let left, let right): left.paths + right.paths
        }
    }
}

extension JSONValue {
    /// Null, `""`, `[]` and `{}`.
    var isEmptyValue: Bool {
        switch self {
        case .null: true
        case .bool, .number: false
        case .string(let text): text.isEmpty
        case .array(let elements): elements.isEmpty
        case .object(let object): object.isEmpty
        }
    }

    /// Whether the value by itself holds as a condition.
    fileprivate var isTrue: Bool {
        switch self {
        case .bool(let value): value
        case .number(let number): number.decimal != .zero
        default: !isEmptyValue
        }
    }
}
