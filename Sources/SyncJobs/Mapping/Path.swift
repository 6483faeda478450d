// Where a value stands: `source.email`, `row.line1`, `source."two words"`, `source.tags.0`. Names are compared by bytes.

/// A path to a value: a root and the names of fields below it.
public struct Path: Sendable, Hashable, CustomStringConvertible {
    /// The longest text of a path in UTF-8 bytes.
    public static let maximumBytes = 1_024
    /// The most names behind the root.
    public static let maximumDepth = 16

    /// The root it begins with.
    public let root: Scope.Root
    private let names: [ExactString]

    /// Reads `root.field` with further fields behind it; a field with other characters than letters, digits, `_` and
    /// `-` stands in double quotes, a whole number picks an element of an array, from 0.
    ///
    /// - Throws: ``ExpressionError`` with the position of what is wrong.
    public init(_ text: String) throws(ExpressionError) {
        var lexer = try ExpressionLexer(text, maximumBytes: Self.maximumBytes)
        let token = try lexer.next()
        guard case .name(let segments, _) = token else {
            throw ExpressionError(
                code: .unexpected, position: lexer.position(of: lexer.start), message: "no path stands here",
                remedy: Self.remedy)
        }
        let path = try Path(segments, position: lexer.position(of: lexer.start))
        guard try lexer.next() == .end else {
            throw ExpressionError(
                code: .unexpected, position: lexer.position(of: lexer.start),
                message: "something stands behind the path \(path)", remedy: Self.remedy)
        }
        self = path
    }

    /// Takes the segments of a name.
    init(_ segments: [String], position: Int) throws(ExpressionError) {
        guard let first = segments.first, let root = Scope.Root(rawValue: first) else {
            throw ExpressionError(
                code: .unknownRoot, position: position,
                message: "\"\(String((segments.first ?? "").prefix(60)))\" is no root of a path", remedy: Self.remedy)
        }
        guard segments.count > 1 else {
            throw ExpressionError(
                code: .missingField, position: position, message: "\"\(first)\" names no field",
                remedy: "write \(first).field")
        }
        guard segments.count <= Self.maximumDepth + 1 else {
            throw ExpressionError(
                code: .tooDeep, position: position, message: "a path of over \(Self.maximumDepth) names",
                remedy: "name what is closer to the root")
        }
        self.root = root
        names = segments.dropFirst().map { ExactString($0) }
    }

    private static let remedy =
        "a path begins with " + Scope.Root.allCases.map(\.rawValue).joined(separator: ".…, ") + ".…"

    /// The names behind the root.
    public var fields: [String] { names.map(\.text) }

    /// The value it leads to; nil when anything on the way is missing, JSON null when null stands at its end.
    public func value(in scope: Scope) -> JSONValue? {
        guard let first = names.first, var value = scope[root]?[first.text] else { return nil }
        for name in names.dropFirst() {
            switch value {
            case .object(let object):
                guard let next = object[name.text] else { return nil }
                value = next
            case .array(let elements):
                guard let position = Int(name.text), elements.indices.contains(position) else { return nil }
                value = elements[position]
            default: return nil
            }
        }
        return value
    }

    /// The path as it is written.
    public var description: String {
        names.reduce(root.rawValue) { text, name in
            let isPlain = !name.text.isEmpty && name.text.utf8.allSatisfy(ExpressionLexer.continuesName)
            if isPlain { return text + "." + name.text }
            return text + "." + Self.quoted(name.text)
        }
    }

    static func quoted(_ text: String) -> String {
        var result = "\""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\"", "\\": result += "\\" + String(scalar)
            case "\n": result += "\\n"
            case "\r": result += "\\r"
            case "\t": result += "\\t"
            default: result.unicodeScalars.append(scalar)
            }
        }
        return result + "\""
    }
}
