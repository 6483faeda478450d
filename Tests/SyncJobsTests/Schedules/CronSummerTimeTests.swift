// Cron expressions on the nights that clocks change: nothing is left out, nothing runs twice.
import SyncJobs
import Testing

@Suite("A cron expression in a zone")
struct CronSummerTimeTests {
    @Test("follows the clocks of the zone through the year")
    func year() throws {
        #expect(
            try times("0 2 * * *", in: "Europe/Berlin", after: "2026-03-26T12:00:00Z", count: 4) == [
                "2026-03-27T01:00:00Z", "2026-03-28T01:00:00Z", "2026-03-29T01:00:00Z", "2026-03-30T00:00:00Z",
            ])
        #expect(
            try times("30 9 * * MON", in: "America/New_York", after: "2026-10-24T00:00:00Z", count: 3) == [
                "2026-10-26T13:30:00Z", "2026-11-02T14:30:00Z", "2026-11-09T14:30:00Z",
            ])
    }

    @Test("time in the spring gap: due at the gap's end, once for all that it holds")
    func gap() throws {
        #expect(
            try times("30 2 * * *", in: "Europe/Berlin", after: "2026-03-28T12:00:00Z", count: 2) == [
                "2026-03-29T01:00:00Z", "2026-03-30T00:30:00Z",
            ])
        #expect(
            try times("*/10 2 * * *", in: "Europe/Berlin", after: "2026-03-28T12:00:00Z", count: 2) == [
                "2026-03-29T01:00:00Z", "2026-03-30T00:00:00Z",
            ])
        // Beside a time right at the gap's end it is the same run.
        #expect(
            try times("0,30 2,3 * * *", in: "Europe/Berlin", after: "2026-03-29T00:59:00Z", count: 3) == [
                "2026-03-29T01:00:00Z", "2026-03-29T01:30:00Z", "2026-03-30T00:00:00Z",
            ])
        #expect(
            try times("15 2 * * *", in: "America/New_York", after: "2026-03-07T12:00:00Z", count: 2) == [
                "2026-03-08T07:00:00Z", "2026-03-09T06:15:00Z",
            ])
        // Asked from within the last second before the gap, and at its end.
        #expect(
            try times("30 2 * * *", in: "Europe/Berlin", after: "2026-03-29T00:59:59.999999Z", count: 1) == [
                "2026-03-29T01:00:00Z"
            ])
        #expect(
            try times("30 2 * * *", in: "Europe/Berlin", after: "2026-03-29T01:00:00Z", count: 1) == [
                "2026-03-30T00:30:00Z"
            ])
    }

    @Test("a gap of half an hour, on Lord Howe")
    func halfAnHour() throws {
        #expect(
            try times("15 2 * * *", in: "Australia/Lord_Howe", after: "2026-10-03T00:00:00Z", count: 2) == [
                "2026-10-03T15:30:00Z", "2026-10-04T15:15:00Z",
            ])
        // 02:45 is there.
        #expect(
            try times("45 2 * * *", in: "Australia/Lord_Howe", after: "2026-10-03T00:00:00Z", count: 1) == [
                "2026-10-03T15:45:00Z"
            ])
        // 01:45 comes twice.
        #expect(
            try times("45 1 * * *", in: "Australia/Lord_Howe", after: "2026-04-04T00:00:00Z", count: 2) == [
                "2026-04-04T14:45:00Z", "2026-04-05T15:15:00Z",
            ])
        #expect(
            try times("*/15 * * * *", in: "Australia/Lord_Howe", after: "2026-04-04T14:15:00Z", count: 5) == [
                "2026-04-04T14:30:00Z", "2026-04-04T14:45:00Z", "2026-04-04T15:00:00Z", "2026-04-04T15:15:00Z",
                "2026-04-04T15:30:00Z",
            ])
    }

    @Test("a day that the date line took: due at its end, on Apia")
    func dateLine() throws {
        #expect(
            try times("0 8 * * *", in: "Pacific/Apia", after: "2011-12-29T00:00:00Z", count: 3) == [
                "2011-12-29T18:00:00Z", "2011-12-30T10:00:00Z", "2011-12-30T18:00:00Z",
            ])
        // Friday the 30th was not.
        #expect(
            try times("0 8 * * FRI", in: "Pacific/Apia", after: "2011-12-29T00:00:00Z", count: 2) == [
                "2011-12-30T10:00:00Z", "2012-01-05T18:00:00Z",
            ])
        #expect(
            try times("@daily", in: "Pacific/Apia", after: "2011-12-29T00:00:00Z", count: 3) == [
                "2011-12-29T10:00:00Z", "2011-12-30T10:00:00Z", "2011-12-31T10:00:00Z",
            ])
    }

    @Test("repeated hour is its first: a time of day runs once")
    func repeatedHour() throws {
        #expect(
            try times("30 2 * * *", in: "Europe/Berlin", after: "2026-10-24T12:00:00Z", count: 2) == [
                "2026-10-25T00:30:00Z", "2026-10-26T01:30:00Z",
            ])
        #expect(
            try times("0,30 1-3 * * *", in: "Europe/Berlin", after: "2026-10-24T22:00:00Z", count: 7) == [
                "2026-10-24T23:00:00Z", "2026-10-24T23:30:00Z", "2026-10-25T00:00:00Z", "2026-10-25T00:30:00Z",
                "2026-10-25T02:00:00Z", "2026-10-25T02:30:00Z", "2026-10-26T00:00:00Z",
            ])
        // Asked within the second pass.
        #expect(
            try times("45 2 * * *", in: "Europe/Berlin", after: "2026-10-25T01:10:00Z", count: 1) == [
                "2026-10-26T01:45:00Z"
            ])
        // Every second hour is a time of day too.
        #expect(
            try times("0 */2 * * *", in: "Europe/Berlin", after: "2026-10-24T22:00:00Z", count: 2) == [
                "2026-10-25T00:00:00Z", "2026-10-25T03:00:00Z",
            ])
        // The repeated hour before midnight, of the day before.
        #expect(
            try times("30 23 * * *", in: "America/Sao_Paulo", after: "2018-02-17T12:00:00Z", count: 2) == [
                "2018-02-18T01:30:00Z", "2018-02-19T02:30:00Z",
            ])
        #expect(
            try times("@daily", in: "America/Sao_Paulo", after: "2018-02-17T12:00:00Z", count: 2) == [
                "2018-02-18T03:00:00Z", "2018-02-19T03:00:00Z",
            ])
    }

    @Test("a schedule for every hour goes on through both passes of the repeated hour")
    func everyHour() throws {
        let halfHours = [
            "2026-10-25T00:00:00Z", "2026-10-25T00:30:00Z", "2026-10-25T01:00:00Z", "2026-10-25T01:30:00Z",
            "2026-10-25T02:00:00Z", "2026-10-25T02:30:00Z",
        ]
        for cron in ["*/30 * * * *", "0,30 0-23 * * *", "0,30 */1 * * *"] {
            #expect(
                try times(cron, in: "Europe/Berlin", after: "2026-10-24T23:30:00Z", count: 6) == halfHours, "\(cron)")
        }
        #expect(
            try times("@hourly", in: "Europe/Berlin", after: "2026-10-24T23:00:00Z", count: 4) == [
                "2026-10-25T00:00:00Z", "2026-10-25T01:00:00Z", "2026-10-25T02:00:00Z", "2026-10-25T03:00:00Z",
            ])
        // Asked late in the first pass, for a minute that was early in it.
        #expect(
            try times("5 * * * *", in: "Europe/Berlin", after: "2026-10-25T00:59:59.5Z", count: 2) == [
                "2026-10-25T01:05:00Z", "2026-10-25T02:05:00Z",
            ])
        // Only on days that are due.
        #expect(
            try times("5 * * * MON", in: "Europe/Berlin", after: "2026-10-25T00:59:00Z", count: 1) == [
                "2026-10-25T23:05:00Z"
            ])
    }

    @Test("a schedule for every hour loses none in spring")
    func everyHourInSpring() throws {
        #expect(
            try times("@hourly", in: "Europe/Berlin", after: "2026-03-28T23:30:00Z", count: 3) == [
                "2026-03-29T00:00:00Z", "2026-03-29T01:00:00Z", "2026-03-29T02:00:00Z",
            ])
        // 02:30 is in the gap, so it is due at its end.
        #expect(
            try times("30 * * * *", in: "Europe/Berlin", after: "2026-03-29T00:00:00Z", count: 3) == [
                "2026-03-29T00:30:00Z", "2026-03-29T01:00:00Z", "2026-03-29T01:30:00Z",
            ])
    }

    @Test("leap day by the clocks of the zone")
    func leapDay() throws {
        #expect(
            try times("0 0 29 2 *", in: "Asia/Tokyo", after: "2026-01-01T00:00:00Z", count: 1) == [
                "2028-02-28T15:00:00Z"
            ])
    }
}
