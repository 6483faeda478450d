// When a schedule is due, as a cron expression says it. Pure: an instant and a zone in, the next instant out. Whatever the
// clocks of the zone do, no time of day is left out and none runs twice.

/// A cron expression: five fields, or a word such as `@daily`.
///
/// `minute hour day-of-month month day-of-week`, each `*`, a value, a range `a-b`, a step `*/n` or `a-b/n`, or a list of
/// these. Months and weekdays have names (`JAN`, `MON`); 0 and 7 are Sunday. When both day fields are restricted, a day
/// that either of them means is due; a field that begins with `*` (`*/2` as well) restricts together with the other, as
/// in Vixie's cron.
///
/// Summer time: a wall time in the spring gap is due at the gap's end, once for all that the gap holds. A wall time that
/// comes twice in autumn is due the first time. But a schedule for every hour of the day (`*/5 * * * *`, `@hourly`) means
/// a distance and no time of day, so it is due in both passes of the repeated hour, as Debian's cron has it: otherwise it
/// would rest for an hour each autumn.
public struct CronExpression: Sendable, Hashable, CustomStringConvertible {
    /// The expression as it was written, with single spaces.
    public let description: String
    private let minutes: CronField.Values
    private let hours: CronField.Values
    private let daysOfMonth: CronField.Values
    private let months: CronField.Values
    private let daysOfWeek: CronField.Values
    /// Whether no hour is left out: then it means a distance and no time of day.
    private let isEveryHour: Bool

    /// The longest text in UTF-8 bytes.
    public static let maximumBytes = 500
    /// The words that stand for five fields.
    public static let words: [(word: String, fields: String)] = [
        ("@hourly", "0 * * * *"), ("@daily", "0 0 * * *"), ("@midnight", "0 0 * * *"), ("@weekly", "0 0 * * 0"),
        ("@monthly", "0 0 1 * *"), ("@yearly", "0 0 1 1 *"), ("@annually", "0 0 1 1 *"),
    ]

    /// Reads an expression.
    ///
    /// - Throws: ``CronError``, which names the field and what it may hold; also for a schedule that is never due, such as
    ///   one for 30 February.
    public init(_ text: String) throws(CronError) {
        guard text.utf8.count <= Self.maximumBytes else {
            throw CronError(
                .tooLong, "the expression is \(text.utf8.count) bytes long",
                remedy: "write at most \(Self.maximumBytes), or make two schedules of it")
        }
        let written = text.split { $0 == " " || $0 == "\t" }
        let fields = try Self.fields(written)
        minutes = try CronField.minute.values(fields[0])
        hours = try CronField.hour.values(fields[1])
        daysOfMonth = try CronField.dayOfMonth.values(fields[2])
        months = try CronField.month.values(fields[3])
        daysOfWeek = try CronField.dayOfWeek.values(fields[4])
        isEveryHour = hours.isSuperset(of: CronField.hour.range)
        description = written.joined(separator: " ")
        try refuseNever()
    }

    private static func fields(_ written: [Substring]) throws(CronError) -> [Substring] {
        if let word = written.first, word.first == "@" {
            let known = words.map(\.word)
            let meant = written.count == 1 ? words.first { $0.word.hasSameBytes(as: String(word)) } : nil
            guard let meant else {
                let text = written.joined(separator: " ")
                let nearest = text.nearest(among: known)
                throw CronError(
                    .unknownWord, "\"\(text.prefix(80))\" is no known word",
                    remedy: nearest.map { "did you mean \($0)?" } ?? "write five fields, or one of " + known.list)
            }
            return meant.fields.split(separator: " ")
        }
        guard written.count == CronField.allCases.count else {
            let count = written.isEmpty ? "no fields" : written.count == 1 ? "1 field" : "\(written.count) fields"
            throw CronError(
                .fieldCount, "the expression has \(count)",
                remedy: "write five: " + CronField.allCases.map(\.rawValue).joined(separator: " ")
                    + (written.count == 6 ? "; seconds and years are not taken" : ""))
        }
        return written
    }

    private func refuseNever() throws(CronError) {
        // With a day of the week beside it, each week has a due day; otherwise some month has to have one of the days.
        if isEitherDay { return }
        // 2000 is a leap year.
        let isPossible = (1...12).contains { month in
            months.contains(month)
                && daysOfMonth.first(notBelow: 1).map { $0 <= CivilDate.days(in: month, year: 2000) } == true
        }
        guard isPossible else {
            throw CronError(
                .neverDue, "day-of-month and month never meet: none of these months has such a day",
                remedy: "correct one of the two, or write * for it")
        }
    }

    /// Whether a day is due that either of the two day fields means, and not only one that both mean.
    private var isEitherDay: Bool { !daysOfMonth.beginsWithStar && !daysOfWeek.beginsWithStar }

    // MARK: next

    /// The first instant after `instant` at which the schedule is due by the clocks of `zone`, in whole seconds.
    ///
    /// Nil when the years that can be written (1 to 9999) end before it.
    public func next(after instant: Timestamp, in zone: TimeZoneRules) -> Timestamp? {
        let wall = zone.local(instant)
        let minute = wall.microseconds.floorDivided(by: Self.microsecondsPerMinute)
        var candidate = nextMinute(after: minute)
        while let next = candidate {
            // A second pass shows times whose first is over: those are passed by.
            if let due = due(atMinute: next, after: instant, in: zone) {
                return min(due, secondPass(after: instant, wall: wall, in: zone) ?? due)
            }
            candidate = nextMinute(after: next)
        }
        return nil
    }

    /// The instant after `instant` at which a matching wall time is due; nil when there is none.
    private func due(atMinute minute: Int64, after instant: Timestamp, in zone: TimeZoneRules) -> Timestamp? {
        let due: Timestamp
        switch zone.reading(Self.local(minute)) {
        case .once(let only): due = only
        case .skipped(let gapEnd): due = gapEnd
        case .twice(let first, let second): due = isEveryHour && first <= instant ? second : first
        case .outOfRange: return nil
        }
        return due > instant ? due : nil
    }

    /// What is due first in the second pass of the wall times that `instant` is in the first pass of.
    ///
    /// The wall times of the second pass begin before the one that `instant` shows, so a walk forward misses them.
    private func secondPass(after instant: Timestamp, wall: LocalTime, in zone: TimeZoneRules) -> Timestamp? {
        guard isEveryHour, case .twice(let first, let second) = zone.reading(wall), first == instant else { return nil }
        let length = second.microseconds - first.microseconds
        let last = wall.microseconds.floorDivided(by: Self.microsecondsPerMinute)
        var minute = nextMinute(after: (wall.microseconds - length).floorDivided(by: Self.microsecondsPerMinute))
        while let candidate = minute, candidate <= last {
            if case .twice(_, let due) = zone.reading(Self.local(candidate)) { return due }
            minute = nextMinute(after: candidate)
        }
        return nil
    }

    // MARK: wall times

    private static let microsecondsPerMinute: Int64 = 60_000_000
    private static let minutesPerDay: Int64 = 1440

    private static func local(_ minute: Int64) -> LocalTime {
        LocalTime(microseconds: minute * microsecondsPerMinute, precisionMicroseconds: 1_000_000)
    }

    /// The first matching minute after `minute`, both counted from 1970 on a clock on the wall; nil after the year 9999.
    private func nextMinute(after minute: Int64) -> Int64? {
        let start = minute + 1
        let day = start.floorDivided(by: Self.minutesPerDay)
        let ofDay = Int(start - day * Self.minutesPerDay)
        let date = CivilDate(daysSince1970: day)
        guard date.year <= CivilDate.lastYear else { return nil }
        if contains(date), let found = nextOfDay(notBelow: ofDay) {
            return day * Self.minutesPerDay + Int64(found)
        }
        guard let nextDay = nextDay(after: day), let found = nextOfDay(notBelow: 0) else { return nil }
        return nextDay * Self.minutesPerDay + Int64(found)
    }

    private func nextOfDay(notBelow ofDay: Int) -> Int? {
        var hour = hours.first(notBelow: ofDay / 60)
        while let found = hour {
            let least = found == ofDay / 60 ? ofDay % 60 : 0
            if let minute = minutes.first(notBelow: least) { return found * 60 + minute }
            hour = hours.first(notBelow: found + 1)
        }
        return nil
    }

    private func nextDay(after day: Int64) -> Int64? {
        var candidate = day + 1
        while true {
            let date = CivilDate(daysSince1970: candidate)
            guard date.year <= CivilDate.lastYear else { return nil }
            if months.contains(date.month) {
                if contains(date) { return candidate }
                candidate += 1
            } else {
                candidate += Int64(CivilDate.days(in: date.month, year: date.year) - date.day + 1)
            }
        }
    }

    private func contains(_ date: CivilDate) -> Bool {
        guard months.contains(date.month) else { return false }
        let ofMonth = daysOfMonth.contains(date.day)
        let ofWeek = daysOfWeek.contains(date.weekday)
        return isEitherDay ? ofMonth || ofWeek : ofMonth && ofWeek
    }
}
