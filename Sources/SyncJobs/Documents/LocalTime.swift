// What a clock on the wall shows: a date and a time of day without an offset. It is no instant; only a zone's rules make
// one of it, and they may know two of them or none.

/// A date and a time of day without an offset, with the precision of its writing.
public struct LocalTime: Sendable, Hashable {
    /// Microseconds since 1970-01-01T00:00:00 of the same clock.
    public let microseconds: Int64
    /// How fine it was written: 1,000,000 for whole seconds, 1,000 for milliseconds, 1 for microseconds and finer.
    public let precisionMicroseconds: Int64

    /// A local time, to the microsecond.
    public init(microseconds: Int64, precisionMicroseconds: Int64 = 1) {
        self.microseconds = microseconds
        self.precisionMicroseconds = precisionMicroseconds
    }

    /// Reads `2026-11-21T09:30:00.5` (a space for the T is taken too).
    ///
    /// Nil for anything else: a date alone, which is a day and no time, and a time with an offset, which is an instant.
    public init?(_ text: String) {
        var scanner = TimestampScanner(text)
        guard let local = scanner.localTime(), scanner.isAtEnd else { return nil }
        self = local
    }
}
