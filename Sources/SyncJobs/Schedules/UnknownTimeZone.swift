// Why a text is no time zone's name. It has one reason, so its type is its code.

/// A text that names no time zone.
public struct UnknownTimeZone: Error, Sendable, Hashable, CustomStringConvertible {
    /// What is wrong.
    public let message: String
    /// What to write instead.
    public let remedy: String

    init(_ name: String, nearest: String?) {
        message = "\"\(name.prefix(80))\" is no IANA time zone"
        remedy =
            nearest.map { "did you mean \($0)?" }
            ?? "write Area/City, such as Europe/Berlin, or UTC; abbreviations and offsets are not taken"
    }

    /// Message and remedy.
    public var description: String { "\(message) (\(remedy))" }
}
