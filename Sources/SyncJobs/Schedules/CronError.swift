// What is wrong with the text of a cron expression: which field, what stands there, and what may stand there.

/// Text that is no cron expression.
public struct CronError: Error, Sendable, Hashable, CustomStringConvertible {
    /// The closed set of reasons.
    public enum Code: String, Sendable, Hashable, CaseIterable {
        /// The text is longer than is taken.
        case tooLong = "too_long"
        /// There are not five fields.
        case fieldCount = "field_count"
        /// A word behind `@` that is not known.
        case unknownWord = "unknown_word"
        /// A field holds something that is no value, range, step or list of them.
        case invalidField = "invalid_field"
        /// A value or a step is outside of what the field may hold.
        case outOfRange = "out_of_range"
        /// A range whose end is before its start.
        case backwardRange = "backward_range"
        /// None of its months has any of its days.
        case neverDue = "never_due"
    }

    /// The reason.
    public let code: Code
    /// What is wrong, with the name of the field.
    public let message: String
    /// What is allowed.
    public let remedy: String

    init(_ code: Code, _ message: String, remedy: String) {
        self.code = code
        self.message = message
        self.remedy = remedy
    }

    /// Message and remedy.
    public var description: String { "\(message) (\(remedy))" }
}
