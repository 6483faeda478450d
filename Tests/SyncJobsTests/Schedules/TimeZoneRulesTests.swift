// Zones: names, and which instant a local time is on the nights that clocks change.
import SyncJobs
import Testing

private let general = "write Area/City, such as Europe/Berlin, or UTC; abbreviations and offsets are not taken"

@Suite("A time zone's rules")
struct TimeZoneRulesTests {
    @Test(
        "are found by IANA's names, old ones among them",
        arguments: [
            "UTC", "Europe/Berlin", "America/Argentina/Buenos_Aires", "America/Port-au-Prince", "Etc/GMT+5", "Etc/UTC",
            "US/Eastern", "Europe/Kiev", "Europe/Kyiv", "Asia/Calcutta", "GMT", "CET", "EST5EDT", "NZ-CHAT", "W-SU",
            "Japan", "Zulu",
        ])
    func names(name: String) throws {
        #expect(try TimeZoneRules(name).name == name)
        #expect("\(try TimeZoneRules(name))" == name)
    }

    @Test(
        "are not found by abbreviations, offsets and what is only like a name",
        arguments: [
            ("europe/berlin", "did you mean Europe/Berlin?"), ("Europe/Berln", "did you mean Europe/Berlin?"),
            ("utc", "did you mean UTC?"),
            ("Germany", general), ("CEST", general), ("PST", general), ("BST", general),
            ("IST", general), ("GMT+5", general), ("GMT+0530", general), ("UTC+1", general),
            ("+01:00", general), ("", general), ("Europe/Berlin\u{0}", "did you mean Europe/Berlin?"),
            ("SystemV/PST8PDT", general), ("../../etc/localtime", general), ("Etc/Unknown", general),
            ("posix/Europe/Berlin", general),
        ])
    func noNames(name: String, remedy: String) {
        let error = #expect(throws: UnknownTimeZone.self) { try TimeZoneRules(name) }
        #expect(error?.message == "\"\(name)\" is no IANA time zone")
        #expect(error?.remedy == remedy)
        #expect(error?.description == "\"\(name)\" is no IANA time zone (\(remedy))")
    }

    @Test(
        "say which instant a local time is",
        arguments: [
            ("UTC", "2026-11-21T09:30:00.25", "2026-11-21T09:30:00.250Z"),
            ("Europe/Berlin", "2026-11-21T09:30:00", "2026-11-21T08:30:00Z"),
            ("Europe/Berlin", "2026-07-21T09:30:00", "2026-07-21T07:30:00Z"),
            ("Europe/Berlin", "2026-03-29T01:59:59", "2026-03-29T00:59:59Z"),
            ("Europe/Berlin", "2026-03-29T03:00:00", "2026-03-29T01:00:00Z"),
            ("Europe/Berlin", "2026-10-25T01:59:59.999999", "2026-10-24T23:59:59.999999Z"),
            ("Europe/Berlin", "2026-10-25T03:00:00", "2026-10-25T02:00:00Z"),
            ("America/New_York", "2026-03-08T01:59:59", "2026-03-08T06:59:59Z"),
            ("America/New_York", "2026-11-01T02:00:00", "2026-11-01T07:00:00Z"),
            ("Australia/Lord_Howe", "2026-10-04T02:30:00", "2026-10-03T15:30:00Z"),
            ("Australia/Lord_Howe", "2026-04-05T02:00:00", "2026-04-04T15:30:00Z"),
            ("Asia/Kathmandu", "2026-01-01T00:00:00", "2025-12-31T18:15:00Z"),
            ("Pacific/Apia", "2011-12-29T23:59:59", "2011-12-30T09:59:59Z"),
            ("Pacific/Apia", "2011-12-31T00:00:00", "2011-12-30T10:00:00Z"),
            ("Pacific/Kiritimati", "2026-01-01T00:00:00", "2025-12-31T10:00:00Z"),
            ("Europe/Berlin", "1880-01-01T00:00:00", "1879-12-31T23:06:32Z"),
            ("Europe/Berlin", "2500-07-01T12:00:00", "2500-07-01T10:00:00Z"),
        ])
    func once(zone: String, text: String, expected: String) throws {
        let rules = try TimeZoneRules(zone)
        guard case .once(let found) = rules.reading(try local(text)) else {
            Issue.record("\(rules.reading(try local(text)))")
            return
        }
        #expect(found.description == expected)
        #expect(rules.local(found) == (try local(text)), "and back")
    }

    @Test(
        "repeated hour is its first, and its second is known",
        arguments: [
            ("Europe/Berlin", "2026-10-25T02:00:00", "2026-10-25T00:00:00Z", "2026-10-25T01:00:00Z"),
            ("Europe/Berlin", "2026-10-25T02:59:59.5", "2026-10-25T00:59:59.500Z", "2026-10-25T01:59:59.500Z"),
            ("America/New_York", "2026-11-01T01:30:00", "2026-11-01T05:30:00Z", "2026-11-01T06:30:00Z"),
            ("Australia/Lord_Howe", "2026-04-05T01:30:00", "2026-04-04T14:30:00Z", "2026-04-04T15:00:00Z"),
            ("Australia/Lord_Howe", "2026-04-05T01:59:59", "2026-04-04T14:59:59Z", "2026-04-04T15:29:59Z"),
            ("America/Sao_Paulo", "2018-02-17T23:30:00", "2018-02-18T01:30:00Z", "2018-02-18T02:30:00Z"),
            // The date line was moved over Kwajalein in 1969: a day came twice.
            ("Pacific/Kwajalein", "1969-09-30T12:00:00", "1969-09-30T01:00:00Z", "1969-10-01T00:00:00Z"),
        ])
    func twice(zone: String, text: String, first: String, second: String) throws {
        let rules = try TimeZoneRules(zone)
        let expected = TimeZoneRules.Reading.twice(first: try instant(first), second: try instant(second))
        #expect(rules.reading(try local(text)) == expected)
        #expect(rules.local(try instant(first)) == rules.local(try instant(second)))
    }

    @Test(
        "time in the spring gap is none, and the gap's end is known",
        arguments: [
            ("Europe/Berlin", "2026-03-29T02:00:00", "2026-03-29T01:00:00Z"),
            ("Europe/Berlin", "2026-03-29T02:59:59.999999", "2026-03-29T01:00:00Z"),
            ("America/New_York", "2026-03-08T02:30:00", "2026-03-08T07:00:00Z"),
            ("Australia/Lord_Howe", "2026-10-04T02:00:00", "2026-10-03T15:30:00Z"),
            ("Australia/Lord_Howe", "2026-10-04T02:29:59", "2026-10-03T15:30:00Z"),
            ("America/Sao_Paulo", "2018-11-04T00:00:00", "2018-11-04T03:00:00Z"),
            ("Pacific/Apia", "2011-12-30T00:00:00", "2011-12-30T10:00:00Z"),
            ("Pacific/Apia", "2011-12-30T23:59:59", "2011-12-30T10:00:00Z"),
        ])
    func gap(zone: String, text: String, end: String) throws {
        #expect(try TimeZoneRules(zone).reading(try local(text)) == .skipped(gapEnd: try instant(end)))
    }

    @Test("say so when an instant would lie outside of the years that can be written")
    func edges() throws {
        #expect(try TimeZoneRules("Europe/Berlin").reading(try local("0001-01-01T00:00:00")) == .outOfRange)
        #expect(try TimeZoneRules("America/New_York").reading(try local("9999-12-31T23:00:00")) == .outOfRange)
        let last = TimeZoneRules.utc.reading(try local("9999-12-31T23:59:59"))
        #expect(last == .once(try instant("9999-12-31T23:59:59Z")))
    }

    @Test("lead from any instant to its local time and back")
    func roundTrip() throws {
        var generator = SeededGenerator(seed: 3)
        let names = [
            "Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Pacific/Apia", "America/Sao_Paulo",
            "Africa/Casablanca", "Asia/Tehran", "Antarctica/Troll", "Pacific/Chatham", "America/St_Johns",
        ]
        for name in names {
            let rules = try TimeZoneRules(name)
            for _ in 0..<1_000 {
                let start = Timestamp(microseconds: .random(in: 0..<4_000_000_000_000_000, using: &generator))
                switch rules.reading(rules.local(start)) {
                case .once(let found): #expect(found == start, "\(name) \(start)")
                case .twice(let first, let second): #expect([first, second].contains(start), "\(name) \(start)")
                case .skipped, .outOfRange: Issue.record("\(name) \(start) has a local time that is none")
                }
            }
        }
    }
}
