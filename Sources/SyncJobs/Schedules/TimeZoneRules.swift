// Between instants and local times by the rules of a zone: the one place that knows summer time and its two nights. The
// rules are Foundation's own (ICU's, built into the Swift runtime), so the machine's tzdata is not looked at.
internal import Foundation

/// The rules of one time zone: which instant a local time is, and which local time an instant is.
public struct TimeZoneRules: Sendable, Hashable, CustomStringConvertible {
    /// Which instant a local time is.
    public enum Reading: Sendable, Hashable {
        /// Exactly this one.
        case once(Timestamp)
        /// It comes twice, when the clocks go back.
        case twice(first: Timestamp, second: Timestamp)
        /// It never comes: the clocks jump over it at this instant, the end of the gap.
        case skipped(gapEnd: Timestamp)
        /// An instant outside of the years 1 to 9999 in UTC.
        case outOfRange
    }

    /// UTC, where each local time comes once.
    public static let utc = TimeZoneRules(name: "UTC", zone: nil)

    /// The name as it was written: `Europe/Berlin`.
    public let name: String
    /// Nil for UTC, which needs no rules.
    private let zone: TimeZone?

    private init(name: String, zone: TimeZone?) {
        self.name = name
        self.zone = zone
    }

    /// Finds the zone of an IANA name: `Europe/Berlin`, `UTC`.
    ///
    /// Abbreviations (`CEST`, `PST`) and offsets (`+01:00`) are no names: they have no rules, or mean several zones.
    ///
    /// - Throws: ``UnknownTimeZone``.
    public init(_ name: String) throws(UnknownTimeZone) {
        if name.hasSameBytes(as: "UTC") {
            self = .utc
            return
        }
        // Foundation takes more than IANA's names: ICU's abbreviations, and offsets behind GMT and UTC.
        guard Self.hasForm(ofName: name), let zone = TimeZone(identifier: name) else {
            throw UnknownTimeZone(name, nearest: Self.nearest(to: name))
        }
        self.init(name: name, zone: zone)
    }

    /// The name that was probably meant; of an abbreviation or an offset that can't be told.
    ///
    /// Keep `knownTimeZoneIdentifiers`, or something else of ICU: nothing else refers to it by name, and a program that is
    /// linked statically (as in deploy/container) would be without it, and then Foundation knows no zone but GMT.
    private static func nearest(to name: String) -> String? {
        if name.contains("/") { return name.nearest(among: TimeZone.knownTimeZoneIdentifiers) }
        return (namesWithoutArea + ["UTC"]).first { $0.lowercased().hasSameBytes(as: name.lowercased()) }
    }

    private static func hasForm(ofName name: String) -> Bool {
        guard name.contains("/") else { return namesWithoutArea.contains { $0.hasSameBytes(as: name) } }
        // ICU stops reading at a NUL.
        return !name.hasPrefix("SystemV/") && !name.utf8.contains(0)
    }

    /// IANA's names that are not of the form Area/City; all are of old, none is added any more.
    private static let namesWithoutArea = [
        "CET", "CST6CDT", "Cuba", "EET", "EST", "EST5EDT", "Egypt", "Eire", "GB", "GB-Eire", "GMT", "GMT0",
        "Greenwich", "HST", "Hongkong", "Iceland", "Iran", "Israel", "Jamaica", "Japan", "Kwajalein", "Libya", "MET",
        "MST", "MST7MDT", "NZ", "NZ-CHAT", "Navajo", "PRC", "PST8PDT", "Poland", "Portugal", "ROC", "ROK",
        "Singapore", "Turkey", "UCT", "Universal", "W-SU", "WET", "Zulu",
    ]

    /// The zone's name.
    public var description: String { name }

    /// What the clocks of the zone show at `instant`.
    public func local(_ instant: Timestamp) -> LocalTime {
        let offset = offset(atSecond: instant.microseconds.floorDivided(by: 1_000_000))
        return LocalTime(
            microseconds: instant.microseconds + offset * 1_000_000,
            precisionMicroseconds: instant.precisionMicroseconds)
    }

    /// Which instant it is when the clocks of the zone show `local`.
    public func reading(_ local: LocalTime) -> Reading {
        let second = local.microseconds.floorDivided(by: 1_000_000)
        // No offset is a day long, and no zone changes its offset twice within three: what is in force a day before
        // and a day after is all that can be in force at this local time.
        let before = offset(atSecond: second - 86_400)
        let after = offset(atSecond: second + 86_400)
        let early = offset(atSecond: second - before) == before
        let late = before != after && offset(atSecond: second - after) == after
        switch (early, late) {
        case (true, false): return instant(local, offset: before).map { .once($0) } ?? .outOfRange
        case (false, true): return instant(local, offset: after).map { .once($0) } ?? .outOfRange
        case (true, true):
            guard let first = instant(local, offset: before), let again = instant(local, offset: after) else {
                return .outOfRange
            }
            return .twice(first: first, second: again)
        case (false, false):
            let change = change(from: before, between: second - 86_400, and: second + 86_400)
            return .skipped(gapEnd: Timestamp(microseconds: change * 1_000_000, precisionMicroseconds: 1_000_000))
        }
    }

    private func instant(_ local: LocalTime, offset: Int64) -> Timestamp? { Timestamp(local, offsetSeconds: offset) }

    /// The second at which the offset stops to be `offset`.
    private func change(from offset: Int64, between start: Int64, and end: Int64) -> Int64 {
        var last = start
        var changed = end
        while changed - last > 1 {
            let middle = last + (changed - last) / 2
            if self.offset(atSecond: middle) == offset { last = middle } else { changed = middle }
        }
        return changed
    }

    /// Seconds east of UTC.
    private func offset(atSecond second: Int64) -> Int64 {
        guard let zone else { return 0 }
        return Int64(zone.secondsFromGMT(for: Date(timeIntervalSince1970: Double(second))))
    }
}
