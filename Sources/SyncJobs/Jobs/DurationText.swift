// Durations as people write them. They carry their unit; a bare number is refused, because half the world would read
// seconds and the other half milliseconds.

extension Duration {
    /// Whole microseconds, the finer part cut.
    public var microseconds: Int64 {
        components.seconds * 1_000_000 + components.attoseconds / 1_000_000_000_000
    }

    /// Reads `500ms`, `30s`, `5m`, `2h`, `7d`, or a sum of them (`1h30m`); nil for anything else, bare numbers among it.
    public init?(text: String) {
        var total = Duration.zero
        var rest = Substring(text)
        guard !rest.isEmpty else { return nil }
        while !rest.isEmpty {
            let digits = rest.prefix { $0.isASCII && $0.isNumber }
            guard let value = Int64(digits), digits.count <= 12 else { return nil }
            rest = rest.dropFirst(digits.count)
            let unit = rest.prefix { $0.isASCII && $0.isLetter }
            rest = rest.dropFirst(unit.count)
            switch unit {
            case "ms": total += .milliseconds(value)
            case "s": total += .seconds(value)
            case "m": total += .seconds(value * 60)
            case "h": total += .seconds(value * 3600)
            case "d": total += .seconds(value * 86_400)
            default: return nil
            }
        }
        self = total
    }

    /// The shortest text of whole units: `90s`, `5m`, `1h30m`, `250ms`.
    public var text: String {
        var milliseconds = microseconds / 1000
        guard milliseconds > 0 else { return "0s" }
        var result = ""
        for (unit, size) in [("d", 86_400_000), ("h", 3_600_000), ("m", 60_000), ("s", 1000), ("ms", 1)]
            as [(String, Int64)]
        {
            let count = milliseconds / size
            if count > 0 { result += "\(count)\(unit)" }
            milliseconds -= count * size
        }
        return result
    }
}
