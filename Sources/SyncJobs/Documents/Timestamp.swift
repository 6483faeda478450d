// An instant with the precision it was written with. RFC 3339 only: a local time without an offset is no instant, and
// says so by not being one.

/// An instant in microseconds since 1970, with the precision of its writing.
public struct Timestamp: Sendable, Hashable, Comparable, CustomStringConvertible {
    /// Microseconds since 1970-01-01T00:00:00Z.
    public let microseconds: Int64
    /// How fine it was written: 1,000,000 for whole seconds, 1,000 for milliseconds, 1 for microseconds and finer.
    public let precisionMicroseconds: Int64

    /// An instant, to the microsecond.
    public init(microseconds: Int64, precisionMicroseconds: Int64 = 1) {
        self.microseconds = microseconds
        self.precisionMicroseconds = precisionMicroseconds
    }

    /// Reads RFC 3339 (`2026-11-21T09:30:00.5+01:00`, a space for the T is taken too); nil for anything else, a time
    /// without offset among it.
    public init?(_ text: String) {
        var scanner = TimestampScanner(text)
        guard let local = scanner.localTime(), let offset = scanner.offset(), scanner.isAtEnd else { return nil }
        self.init(local, offsetSeconds: Int64(offset * 60))
    }

    /// The instant at which a clock this far east of UTC shows `local`.
    ///
    /// Nil when that leads out of the years that can be written again.
    init?(_ local: LocalTime, offsetSeconds: Int64) {
        let shifted = local.microseconds - offsetSeconds * 1_000_000
        guard (Self.first...Self.last).contains(shifted.floorDivided(by: 1_000_000)) else { return nil }
        self.init(microseconds: shifted, precisionMicroseconds: local.precisionMicroseconds)
    }

    // 0001-01-01T00:00:00Z and 9999-12-31T23:59:59Z.
    private static let first: Int64 = -62_135_596_800
    private static let last: Int64 = 253_402_300_799

    /// RFC 3339 in UTC, with as many digits of the second as the precision has.
    public var description: String {
        let seconds = microseconds.floorDivided(by: 1_000_000)
        let fraction = microseconds - seconds * 1_000_000
        let date = CivilDate(daysSince1970: seconds.floorDivided(by: 86_400))
        let ofDay = ((seconds % 86_400) + 86_400) % 86_400
        let time = "\(two(ofDay / 3600)):\(two(ofDay / 60 % 60)):\(two(ofDay % 60))"
        let digits = precisionMicroseconds >= 1_000_000 ? 0 : precisionMicroseconds >= 1_000 ? 3 : 6
        let tail = digits == 0 ? "" : "." + pad(fraction, 6).prefix(digits)
        return "\(pad(Int64(date.year), 4))-\(two(Int64(date.month)))-\(two(Int64(date.day)))T\(time)\(tail)Z"
    }

    /// Order in time.
    public static func < (left: Timestamp, right: Timestamp) -> Bool { left.microseconds < right.microseconds }

    /// Equality of the instants, however finely they were written.
    public static func == (left: Timestamp, right: Timestamp) -> Bool { left.microseconds == right.microseconds }

    /// Hashes the instant.
    public func hash(into hasher: inout Hasher) { hasher.combine(microseconds) }

    /// The instant this long after.
    public func advanced(by duration: Duration) -> Timestamp {
        Timestamp(
            microseconds: microseconds + duration.microseconds, precisionMicroseconds: precisionMicroseconds)
    }

    /// The time from `earlier` to this.
    public func since(_ earlier: Timestamp) -> Duration { .microseconds(microseconds - earlier.microseconds) }

    private func two(_ value: Int64) -> String { pad(value, 2) }

    private func pad(_ value: Int64, _ width: Int) -> String {
        let text = String(value)
        return String(repeating: "0", count: max(0, width - text.count)) + text
    }
}
