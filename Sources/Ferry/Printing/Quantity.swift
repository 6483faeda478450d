// Numbers and times in words that people read at a glance.

internal import SyncJobs

/// Renders quantities.
enum Quantity {
    /// `3 ms`, `1.9 s`, `2m5s`.
    static func time(_ duration: Duration) -> String {
        let microseconds = duration.microseconds
        if microseconds < 1000 { return "\(max(0, microseconds)) µs" }
        if microseconds < 1_000_000 { return "\(microseconds / 1000) ms" }
        if microseconds < 60_000_000 { return "\(tenths(Double(microseconds) / 1_000_000)) s" }
        return Duration.seconds(microseconds / 1_000_000).text
    }

    /// `9,840` or, below ten, `3.2`: so many in a second.
    static func rate(_ count: Int, in duration: Duration) -> String {
        let perSecond = rateValue(count, in: duration)
        return perSecond < 10 ? tenths(perSecond) : VisibleText.grouped(Int(perSecond.rounded()))
    }

    /// So many in a second.
    static func rateValue(_ count: Int, in duration: Duration) -> Double {
        let seconds = Double(max(1, duration.microseconds)) / 1_000_000
        return Double(count) / seconds
    }

    /// `1 job`, `2 jobs`.
    static func count(_ count: Int, _ noun: String, _ plural: String? = nil) -> String {
        "\(VisibleText.grouped(count)) \(count == 1 ? noun : plural ?? noun + "s")"
    }

    /// With one digit behind the point, as JSON and people write it.
    static func tenths(_ value: Double) -> String {
        let tenths = Int((value * 10).rounded())
        return "\(tenths / 10).\(tenths % 10)"
    }
}
