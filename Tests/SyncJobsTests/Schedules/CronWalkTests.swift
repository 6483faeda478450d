// Cron expressions against a walk through every minute of a year. The walk knows the calendar from Foundation and summer
// time only as what its clock shows, and shares nothing with what it tests.
import Foundation
import SyncJobs
import Testing

@Suite("A cron expression, against a walk through every minute of a year")
struct CronWalkTests {
    static let years: [(zone: String, year: Int)] = [
        ("UTC", 2027), ("Europe/Berlin", 2026), ("America/New_York", 2028), ("Australia/Lord_Howe", 2026),
        ("Pacific/Apia", 2011), ("America/Sao_Paulo", 2018), ("Africa/Casablanca", 2026), ("Asia/Kathmandu", 2026),
    ]

    @Test("is due at the same times", arguments: years)
    func sameTimes(zone: String, year: Int) throws {
        let walk = try MinuteWalk(zone: zone, year: year)
        let rules = try TimeZoneRules(zone)
        var generator = SeededGenerator(seed: UInt64(year) + UInt64(zone.utf8.count))
        for random in (0..<5).map({ _ in RandomCron(&generator) }) + RandomCron.dense {
            let expression = try CronExpression(random.text)
            let expected = [walk.start - 60] + walk.times(of: random)
            try expectSteps(expected, of: expression, in: rules, &generator)
            try expectAnswers(expected, of: expression, in: rules, walk: walk, &generator)
        }
    }

    /// From each due time to the next; from every so many when there are thousands.
    private func expectSteps(
        _ expected: [Int64], of cron: CronExpression, in zone: TimeZoneRules, _ generator: inout SeededGenerator
    ) throws {
        let part = max(1, expected.count / 1_000)
        for position in stride(from: .random(in: 0..<part, using: &generator), to: expected.count - 1, by: part) {
            let last = Timestamp(microseconds: expected[position] * 1_000_000)
            let due = Timestamp(microseconds: expected[position + 1] * 1_000_000)
            try #require(cron.next(after: last, in: zone) == due, "\(cron) in \(zone) after \(last)")
        }
    }

    /// From any moment, half of them close to a night that clocks change.
    private func expectAnswers(
        _ expected: [Int64], of cron: CronExpression, in zone: TimeZoneRules, walk: MinuteWalk,
        _ generator: inout SeededGenerator
    ) throws {
        guard let last = expected.last, last > walk.start else { return }
        for round in 0..<200 {
            let close = walk.changes.randomElement(using: &generator).map { $0 + .random(in: -9000...9000) }
            let anywhere = Int64.random(in: walk.start..<last, using: &generator)
            let second = min(round.isMultiple(of: 2) ? close ?? anywhere : anywhere, last - 1)
            let micros = second * 1_000_000 + Int64.random(in: 0...1, using: &generator)
            let due = Timestamp(microseconds: expected[expected.position(after: micros)] * 1_000_000)
            let found = cron.next(after: Timestamp(microseconds: micros), in: zone)
            try #require(found == due, "\(cron) in \(zone) after \(micros)")
        }
    }
}

extension [Int64] {
    /// The position of the first of these seconds, in order, that is after an instant.
    fileprivate func position(after microseconds: Int64) -> Int {
        var low = 0
        var high = count
        while low < high {
            let middle = (low + high) / 2
            if self[middle] * 1_000_000 > microseconds { high = middle } else { low = middle + 1 }
        }
        return low
    }
}

/// Every minute of a year, with what the clocks show.
private struct MinuteWalk {
    struct Minute {
        var wall: Int64
        var second: Int64
        var minute, hour, day, month, weekday: Int
    }

    let start: Int64
    let end: Int64
    /// The seconds at which the offset changed.
    let changes: [Int64]
    private let minutes: [Minute]
    private let gaps: [(before: Int, walls: [Minute])]

    init(zone: String, year: Int) throws {
        let zone = try #require(TimeZone(identifier: zone))
        var calendar = Calendar(identifier: .gregorian)
        calendar.timeZone = .gmt
        let first = try #require(calendar.date(from: DateComponents(year: year)))
        start = Int64(first.timeIntervalSince1970)
        end = start + 366 * 86_400
        var shown = (day: Int64.min, date: DateComponents())
        func show(_ second: Int64, offset: Int64) -> Minute {
            let wall = second + offset
            let day = wall / 86_400
            if shown.day != day {
                let noon = Date(timeIntervalSince1970: Double(day * 86_400 + 43_200))
                shown = (day, calendar.dateComponents([.day, .month, .weekday], from: noon))
            }
            return Minute(
                wall: wall / 60, second: second, minute: Int(wall / 60 % 60), hour: Int(wall / 3600 % 24),
                day: shown.date.day ?? 0, month: shown.date.month ?? 0, weekday: (shown.date.weekday ?? 0) - 1)
        }
        var minutes: [Minute] = []
        var gaps: [(before: Int, walls: [Minute])] = []
        var changes: [Int64] = []
        var before: Int64?
        for second in stride(from: start, to: end, by: 60) {
            let offset = Int64(zone.secondsFromGMT(for: Date(timeIntervalSince1970: Double(second))))
            if let before, before != offset { changes.append(second) }
            if let before, before < offset {
                gaps.append(
                    (
                        minutes.count,
                        stride(from: second, to: second + offset - before, by: 60).map {
                            show($0, offset: before)
                        }
                    ))
            }
            before = offset
            minutes.append(show(second, offset: offset))
        }
        (self.minutes, self.gaps, self.changes) = (minutes, gaps, changes)
    }

    /// The seconds at which `cron` is due.
    func times(of cron: RandomCron) -> [Int64] {
        var due: [Int64] = []
        // What the clocks showed last at their latest: what they show again is not new.
        var latest = minutes.first.map { $0.wall - 1 } ?? 0
        var gaps = gaps[...]
        for position in minutes.indices {
            let minute = minutes[position]
            var isDue = cron.matches(minute) && (minute.wall > latest || cron.isEveryHour)
            if gaps.first?.before == position {
                let gap = gaps.removeFirst()
                isDue = isDue || gap.walls.contains(where: cron.matches)
            }
            if isDue { due.append(minute.second) }
            latest = max(latest, minute.wall)
        }
        return due
    }
}

/// A cron expression with the sets that it means, made together, so that nothing has to read its text.
private struct RandomCron {
    var text: String
    /// What each field holds, a bit each.
    var minutes, hours, days, months, weekdays: UInt64
    var isEitherDay: Bool
    var isEveryHour: Bool { hours == 0xFF_FFFF }

    func matches(_ minute: MinuteWalk.Minute) -> Bool {
        guard minutes >> UInt64(minute.minute) & 1 == 1 else { return false }
        guard hours >> UInt64(minute.hour) & months >> UInt64(minute.month) & 1 == 1 else { return false }
        let ofMonth = days >> UInt64(minute.day) & 1 == 1
        let ofWeek = weekdays >> UInt64(minute.weekday) & 1 == 1
        return isEitherDay ? ofMonth || ofWeek : ofMonth && ofWeek
    }

    /// Schedules that have something due on each night that clocks change.
    static let dense: [RandomCron] = [
        RandomCron("*/5", Set(stride(from: 0, to: 60, by: 5)), "*", Set(0...23)),
        RandomCron("7,52", [7, 52], "*", Set(0...23)), RandomCron("7,52", [7, 52], "0-22", Set(0...22)),
        RandomCron("30", [30], "*/2", Set(stride(from: 0, to: 24, by: 2))),
    ]

    private init(_ minute: String, _ minutes: Set<Int>, _ hour: String, _ hours: Set<Int>) {
        text = "\(minute) \(hour) * * *"
        (self.minutes, self.hours) = (Self.bits(minutes), Self.bits(hours))
        (days, months, weekdays) = (Self.bits(Set(1...31)), Self.bits(Set(1...12)), Self.bits(Set(0...6)))
        isEitherDay = false
    }

    init(_ generator: inout SeededGenerator) {
        let minute = Self.field(0...59, &generator)
        let hour = Self.field(0...23, &generator)
        var day = Self.field(1...31, &generator)
        let month = Self.field(1...12, &generator)
        let weekday = Self.field(0...6, &generator)
        isEitherDay = !day.text.hasPrefix("*") && !weekday.text.hasPrefix("*")
        // So that it is due at some time in any month.
        if !isEitherDay { day.values.insert(5); if day.text != "*" { day.text += ",5" } }
        text = [minute, hour, day, month, weekday].map(\.text).joined(separator: " ")
        (minutes, hours) = (Self.bits(minute.values), Self.bits(hour.values))
        (days, months, weekdays) = (Self.bits(day.values), Self.bits(month.values), Self.bits(weekday.values))
    }

    private static func bits(_ values: Set<Int>) -> UInt64 { values.reduce(0) { $0 | 1 << UInt64($1) } }

    /// A field of one of the forms there are; half of them are stars, as people write them.
    private static func field(
        _ range: ClosedRange<Int>, _ generator: inout SeededGenerator
    ) -> (text: String, values: Set<Int>) {
        let low = Int.random(in: range, using: &generator)
        let high = Int.random(in: low...range.upperBound, using: &generator)
        let step = Int.random(in: 1..<range.count, using: &generator)
        switch Int.random(in: 0..<8, using: &generator) {
        case 0: return ("\(low)", [low])
        case 1: return ("\(low)-\(high)", Set(low...high))
        case 2: return ("*/\(step)", Set(stride(from: range.lowerBound, through: range.upperBound, by: step)))
        case 3:
            let other = Self.field(range, &generator)
            // A star anywhere but at the beginning is no star to the two day fields.
            return ("\(low),\(other.text)", other.values.union([low]))
        case 4: return ("\(low)-\(high)/\(step)", Set(stride(from: low, through: high, by: step)))
        default: return ("*", Set(range))
        }
    }
}
