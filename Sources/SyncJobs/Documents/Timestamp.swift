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
        guard let year = scanner.number(4), scanner.take("-"), let month = scanner.number(2), scanner.take("-"),
            let day = scanner.number(2), scanner.take("T") || scanner.take("t") || scanner.take(" "),
            let hour = scanner.number(2), scanner.take(":"), let minute = scanner.number(2), scanner.take(":"),
            let second = scanner.number(2),
            (1...12).contains(month), (1...Self.days(in: month, year: year)).contains(day), hour < 24, minute < 60,
            second < 61, year > 0
        else { return nil }
        var fraction: (value: Int64, precision: Int64) = (0, 1_000_000)
        if scanner.take(".") {
            guard let read = scanner.fraction() else { return nil }
            fraction = read
        }
        guard let offset = scanner.offset(), scanner.isAtEnd else { return nil }
        let days = Self.daysSince1970(year: year, month: month, day: day)
        let seconds = days * 86_400 + Int64(hour * 3600 + minute * 60 + min(second, 59)) - Int64(offset * 60)
        // An offset must not lead out of the years that can be written again.
        guard (Self.firstSecond...Self.lastSecond).contains(seconds) else { return nil }
        self.init(microseconds: seconds * 1_000_000 + fraction.value, precisionMicroseconds: fraction.precision)
    }

    // 0001-01-01T00:00:00Z and 9999-12-31T23:59:59Z.
    private static let firstSecond: Int64 = -62_135_596_800
    private static let lastSecond: Int64 = 253_402_300_799

    /// RFC 3339 in UTC, with as many digits of the second as the precision has.
    public var description: String {
        let seconds = microseconds.floorDivided(by: 1_000_000)
        let fraction = microseconds - seconds * 1_000_000
        let date = Self.civil(daysSince1970: seconds.floorDivided(by: 86_400))
        let ofDay = ((seconds % 86_400) + 86_400) % 86_400
        let time = "\(two(ofDay / 3600)):\(two(ofDay / 60 % 60)):\(two(ofDay % 60))"
        let digits = precisionMicroseconds >= 1_000_000 ? 0 : precisionMicroseconds >= 1_000 ? 3 : 6
        let tail = digits == 0 ? "" : "." + pad(fraction, 6).prefix(digits)
        return "\(pad(date.year, 4))-\(two(date.month))-\(two(date.day))T\(time)\(tail)Z"
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

    private static func days(in month: Int, year: Int) -> Int {
        let isLeap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0)
        return [31, isLeap ? 29 : 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31][month - 1]
    }

    // Days from the civil calendar and back: Howard Hinnant, "chrono-Compatible Low-Level Date Algorithms".
    private static func daysSince1970(year: Int, month: Int, day: Int) -> Int64 {
        let shifted = month <= 2 ? year - 1 : year
        let era = shifted / 400
        let yearOfEra = shifted - era * 400
        let dayOfYear = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1
        return Int64(era * 146_097 + yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear - 719_468)
    }

    private static func civil(daysSince1970 days: Int64) -> (year: Int64, month: Int64, day: Int64) {
        let shifted = days + 719_468
        let era = (shifted >= 0 ? shifted : shifted - 146_096) / 146_097
        let dayOfEra = shifted - era * 146_097
        let yearOfEra = (dayOfEra - dayOfEra / 1460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
        let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let shiftedMonth = (5 * dayOfYear + 2) / 153
        let month = shiftedMonth < 10 ? shiftedMonth + 3 : shiftedMonth - 9
        return (yearOfEra + era * 400 + (month <= 2 ? 1 : 0), month, dayOfYear - (153 * shiftedMonth + 2) / 5 + 1)
    }
}

private struct TimestampScanner {
    private var rest: Substring.UTF8View

    init(_ text: String) { rest = Substring(text).utf8 }

    var isAtEnd: Bool { rest.isEmpty }

    mutating func take(_ character: Unicode.Scalar) -> Bool {
        guard rest.first == UInt8(ascii: character) else { return false }
        rest.removeFirst()
        return true
    }

    mutating func number(_ width: Int) -> Int? {
        let run = rest.prefix(width)
        guard run.count == width, run.allSatisfy({ (0x30...0x39).contains($0) }) else { return nil }
        rest.removeFirst(width)
        return run.reduce(0) { $0 * 10 + Int($1 - 0x30) }
    }

    /// Microseconds and precision of the digits behind the point; digits beyond the sixth are cut.
    mutating func fraction() -> (value: Int64, precision: Int64)? {
        let run = rest.prefix { (0x30...0x39).contains($0) }
        guard !run.isEmpty else { return nil }
        rest.removeFirst(run.count)
        var value: Int64 = 0
        var precision: Int64 = 1_000_000
        for digit in run.prefix(6) {
            precision /= 10
            value += Int64(digit - 0x30) * precision
        }
        return (value, precision)
    }

    /// Minutes east of UTC.
    mutating func offset() -> Int? {
        if take("Z") || take("z") { return 0 }
        let isWest = rest.first == UInt8(ascii: "-")
        guard take("+") || take("-"), let hours = number(2), take(":"), let minutes = number(2), hours < 24,
            minutes < 60
        else { return nil }
        return (hours * 60 + minutes) * (isWest ? -1 : 1)
    }
}
