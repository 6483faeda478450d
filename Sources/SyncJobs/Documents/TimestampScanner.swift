// The text of a date and a time of day, and of an offset, byte by byte: RFC 3339 and nothing that is only like it.

struct TimestampScanner {
    private var rest: Substring.UTF8View

    init(_ text: String) { rest = Substring(text).utf8 }

    var isAtEnd: Bool { rest.isEmpty }

    private mutating func take(_ character: Unicode.Scalar) -> Bool {
        guard rest.first == UInt8(ascii: character) else { return false }
        rest.removeFirst()
        return true
    }

    /// A date and a time of day, with a `T` or a space between them and as many digits of the second as there are.
    mutating func localTime() -> LocalTime? {
        guard let year = number(4), take("-"), let month = number(2), take("-"), let day = number(2),
            take("T") || take("t") || take(" "), let hour = number(2), take(":"), let minute = number(2), take(":"),
            let second = number(2), let date = CivilDate(year: year, month: month, day: day), hour < 24, minute < 60,
            second < 61
        else { return nil }
        var part: (value: Int64, precision: Int64) = (0, 1_000_000)
        if take(".") {
            guard let read = fraction() else { return nil }
            part = read
        }
        let seconds = date.daysSince1970 * 86_400 + Int64(hour * 3600 + minute * 60 + min(second, 59))
        return LocalTime(microseconds: seconds * 1_000_000 + part.value, precisionMicroseconds: part.precision)
    }

    private mutating func number(_ width: Int) -> Int? {
        let run = rest.prefix(width)
        guard run.count == width, run.allSatisfy({ (0x30...0x39).contains($0) }) else { return nil }
        rest.removeFirst(width)
        return run.reduce(0) { $0 * 10 + Int($1 - 0x30) }
    }

    /// Microseconds and precision of the digits behind the point; digits beyond the sixth are cut.
    private mutating func fraction() -> (value: Int64, precision: Int64)? {
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
