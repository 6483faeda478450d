// Why text is not the JSON we take, with the byte at which it stops being it.

/// Text that is not JSON, or JSON beyond the limits.
public struct JSONError: Error, Sendable, Hashable, CustomStringConvertible {
    /// The closed set of reasons.
    public enum Code: String, Sendable {
        /// Not JSON by RFC 8259.
        case invalidJSON = "invalid_json"
        /// Not UTF-8 text.
        case invalidUTF8 = "invalid_utf8"
        /// A key occurs twice in one object.
        case duplicateKey = "duplicate_key"
        /// Arrays and objects are nested deeper than the limit.
        case tooDeep = "too_deep"
        /// A number has too many digits or too large an exponent to be carried.
        case numberOutOfRange = "number_out_of_range"
    }

    /// The reason.
    public let code: Code
    /// The offset of the first offending byte, from 0.
    public let offset: Int
    /// What was found there.
    public let message: String

    /// Code, offset and message.
    public var description: String { "\(code.rawValue) at byte \(offset): \(message)" }
}
