// A JSON number as it was written. A Double would round 9007199254740993 and forget the digits of 0.10, and documents
// carry money: so the text is kept, and only comparison looks at the value, exactly, digit by digit.

/// A JSON number that keeps its digits as written and compares by exact decimal value.
public struct JSONNumber: Sendable, Hashable, CustomStringConvertible, ExpressibleByIntegerLiteral {
    /// The most bytes a number may be written with; longer ones are refused by name.
    public static let maximumBytes = 1_000
    /// The largest magnitude of a written exponent; beyond it the number is refused by name.
    public static let maximumExponent = 99_999

    /// The number as written, in the grammar of RFC 8259 section 6.
    public let text: String

    /// Takes `text` if it is a JSON number within the limits; nil otherwise.
    public init?(_ text: String) {
        guard text.utf8.count <= Self.maximumBytes, let value = ExactDecimal(text) else { return nil }
        guard abs(value.exponent) <= Self.maximumExponent + Self.maximumBytes else { return nil }
        self.text = text
    }

    /// Takes text that the parser has already checked against the grammar and the limits.
    init(checked text: String) { self.text = text }

    /// An integer.
    public init(_ value: Int64) { self.text = String(value) }

    /// An integer.
    public init(integerLiteral value: Int64) { self.text = String(value) }

    /// The number as written.
    public var description: String { text }

    /// The value as a 64-bit integer, nil when it has a fraction or does not fit.
    public var int64: Int64? {
        if let plain = Int64(text) { return plain }
        return ExactDecimal(text)?.int64
    }

    /// The exact decimal value.
    public var decimal: ExactDecimal { ExactDecimal(text) ?? .zero }

    /// Equal values are equal however they are written: `0.10 == 0.1`, `-0 == 0`, `1e2 == 100`.
    public static func == (left: JSONNumber, right: JSONNumber) -> Bool {
        left.text.hasSameBytes(as: right.text) || left.decimal == right.decimal
    }

    /// Hashes the value, in accordance with `==`.
    public func hash(into hasher: inout Hasher) { hasher.combine(decimal) }
}
