// One of the five fields of a cron expression: what it may hold, and the set of values that its text means.

/// Which field it is.
enum CronField: String, Sendable, CaseIterable {
    case minute
    case hour
    case dayOfMonth = "day-of-month"
    case month
    case dayOfWeek = "day-of-week"

    /// The values that a field holds, a bit each.
    struct Values: Sendable, Hashable {
        var bits: UInt64 = 0
        /// Whether the text begins with `*`: then a day field leaves the choice of days to the other.
        var beginsWithStar = false

        func contains(_ value: Int) -> Bool { bits & (1 << UInt64(value)) != 0 }

        /// The least value that is not below `value`.
        func first(notBelow value: Int) -> Int? {
            let rest = value > 63 ? 0 : bits >> UInt64(value)
            return rest == 0 ? nil : value + rest.trailingZeroBitCount
        }

        func isSuperset(of range: ClosedRange<Int>) -> Bool { range.allSatisfy(contains) }
    }

    /// What it may hold; 7 is Sunday as 0 is.
    var range: ClosedRange<Int> {
        switch self {
        case .minute: 0...59
        case .hour: 0...23
        case .dayOfMonth: 1...31
        case .month: 1...12
        case .dayOfWeek: 0...7
        }
    }

    /// The names of its values, from the least on.
    var names: [String] {
        switch self {
        case .month: ["JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC"]
        case .dayOfWeek: ["SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"]
        default: []
        }
    }

    /// The values that `text` means.
    func values(_ text: Substring) throws(CronError) -> Values {
        var values = Values(beginsWithStar: text.first == "*")
        for part in text.split(separator: ",", omittingEmptySubsequences: false) {
            values.bits |= try bits(part, of: text)
        }
        // Sunday has two numbers.
        if self == .dayOfWeek, values.contains(7) { values.bits = values.bits & 0x7F | 1 }
        return values
    }

    /// `*`, `5`, `1-5`, `*/2`, `1-5/2`.
    private func bits(_ part: Substring, of text: Substring) throws(CronError) -> UInt64 {
        let halves = part.split(separator: "/", omittingEmptySubsequences: false)
        guard let first = halves.first, halves.count <= 2 else { throw invalid(part, of: text) }
        let bounds: ClosedRange<Int>
        let ends = first.split(separator: "-", omittingEmptySubsequences: false)
        if first == "*" {
            // Without the second number of Sunday, which a step would count as a day of its own.
            bounds = self == .dayOfWeek ? 0...6 : range
        } else if ends.count == 2 {
            bounds = try interval(from: ends[0], through: ends[1], part, of: text)
        } else {
            let value = try value(first, part, of: text)
            guard halves.count == 1 else {
                throw CronError(
                    .invalidField, "\(rawValue) has \"\(part.prefix(40))\", a step without a range",
                    remedy: "write \(value)-\(self == .dayOfWeek ? 6 : range.upperBound)/\(halves[1].prefix(10))")
            }
            bounds = value...value
        }
        let step = try halves.count == 2 ? step(halves[1], of: part) : 1
        return stride(from: bounds.lowerBound, through: bounds.upperBound, by: step)
            .reduce(0) { $0 | 1 << UInt64($1) }
    }

    private func interval(
        from start: Substring, through end: Substring, _ part: Substring, of text: Substring
    ) throws(CronError) -> ClosedRange<Int> {
        let lower = try value(start, part, of: text)
        var upper = try value(end, part, of: text)
        // A week that ends with Sunday: FRI-SUN.
        if self == .dayOfWeek, upper == 0, lower > 0 { upper = 7 }
        guard lower <= upper else {
            throw CronError(
                .backwardRange, "\(rawValue) has \"\(part.prefix(40))\", a range that ends before it starts",
                remedy: "write two: \(start)-\(self == .dayOfWeek ? 6 : range.upperBound),\(range.lowerBound)-\(end)")
        }
        return lower...upper
    }

    private func value(_ word: Substring, _ part: Substring, of text: Substring) throws(CronError) -> Int {
        // Three bytes: what only becomes a name by Unicode's upper case is none.
        if word.utf8.count == 3, let position = names.firstIndex(of: word.uppercased()) {
            return position + range.lowerBound
        }
        guard let number = number(word) else { throw invalid(part, of: text) }
        guard range.contains(number) else {
            throw CronError(.outOfRange, "\(rawValue) has \"\(word.prefix(40))\"", remedy: "write \(allowed)")
        }
        return number
    }

    private func step(_ word: Substring, of part: Substring) throws(CronError) -> Int {
        let steps = 1...(range.upperBound - range.lowerBound)
        guard let step = number(word), steps.contains(step) else {
            throw CronError(
                .outOfRange, "\(rawValue) has \"\(part.prefix(40))\", whose step is not taken",
                remedy: "write a step from \(steps.lowerBound) to \(steps.upperBound)")
        }
        return step
    }

    private func number(_ word: Substring) -> Int? {
        guard (1...4).contains(word.utf8.count), word.utf8.allSatisfy({ (0x30...0x39).contains($0) }) else {
            return nil
        }
        return Int(word)
    }

    private func invalid(_ part: Substring, of text: Substring) -> CronError {
        let whole = part.count == text.count ? "" : " in \"\(text.prefix(80))\""
        return CronError(
            .invalidField, "\(rawValue) has \"\(part.prefix(40))\"\(whole)",
            remedy: "write \(allowed), a range of them (a-b), * for all, a step (*/n, a-b/n), or a list with commas")
    }

    /// What it may hold, in words.
    private var allowed: String {
        switch self {
        case .month: "1 to 12 or JAN to DEC"
        case .dayOfWeek: "0 to 7 (0 and 7 are Sunday) or SUN to SAT"
        default: "\(range.lowerBound) to \(range.upperBound)"
        }
    }
}
