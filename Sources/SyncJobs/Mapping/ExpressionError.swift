// What is wrong with the text of a path, an expression or a template: where, what, and what to write instead.

/// Text that is no path, expression or template.
public struct ExpressionError: Error, Sendable, Hashable, CustomStringConvertible {
    /// The closed set of reasons.
    public enum Code: String, Sendable, Hashable, CaseIterable {
        /// Something else was due at this position.
        case unexpected
        /// A name that begins with none of the roots.
        case unknownRoot = "unknown_root"
        /// A root without a field behind it.
        case missingField = "missing_field"
        /// The text is longer than is taken.
        case tooLong = "too_long"
        /// Parentheses, lists or `not` are nested deeper than is taken.
        case tooDeep = "too_deep"
    }

    /// The reason.
    public let code: Code
    /// The character at which it goes wrong, from 1.
    public let position: Int
    /// What was found there.
    public let message: String
    /// What to write instead.
    public let remedy: String

    /// Position and message.
    public var description: String { "\(message) at character \(position) (\(remedy))" }
}
