// Cron expressions on clocks that never change: fields, names, steps, the two day fields, and what is refused.
import SyncJobs
import Testing

private let five = "write five: minute hour day-of-month month day-of-week"
private let forms = ", a range of them (a-b), * for all, a step (*/n, a-b/n), or a list with commas"
private let words =
    "write five fields, or one of @hourly, @daily, @midnight, @weekly, @monthly, @yearly, @annually"
private let never = "day-of-month and month never meet: none of these months has such a day"
private let meet = "correct one of the two, or write * for it"

@Suite("A cron expression")
struct CronExpressionTests {
    @Test(
        "is due at",
        arguments: [
            ("0 2 * * *", ["2026-11-22T02:00:00Z", "2026-11-23T02:00:00Z", "2026-11-24T02:00:00Z"]),
            ("*/25 * * * *", ["2026-11-21T09:50:00Z", "2026-11-21T10:00:00Z", "2026-11-21T10:25:00Z"]),
            ("5-59/20 9,17 * * *", ["2026-11-21T09:45:00Z", "2026-11-21T17:05:00Z", "2026-11-21T17:25:00Z"]),
            ("0,30 08-10 * * *", ["2026-11-21T10:00:00Z", "2026-11-21T10:30:00Z", "2026-11-22T08:00:00Z"]),
            ("15 6 1 * *", ["2026-12-01T06:15:00Z", "2027-01-01T06:15:00Z", "2027-02-01T06:15:00Z"]),
            ("0 0 31 * *", ["2026-12-31T00:00:00Z", "2027-01-31T00:00:00Z", "2027-03-31T00:00:00Z"]),
            ("0 0 * JAN,mar *", ["2027-01-01T00:00:00Z", "2027-01-02T00:00:00Z", "2027-01-03T00:00:00Z"]),
            ("0 0 1 4-6/2 *", ["2027-04-01T00:00:00Z", "2027-06-01T00:00:00Z", "2028-04-01T00:00:00Z"]),
            ("0 12 * * MON-FRI", ["2026-11-23T12:00:00Z", "2026-11-24T12:00:00Z", "2026-11-25T12:00:00Z"]),
            ("0 12 * * Sun", ["2026-11-22T12:00:00Z", "2026-11-29T12:00:00Z", "2026-12-06T12:00:00Z"]),
            ("0 12 * * 7", ["2026-11-22T12:00:00Z", "2026-11-29T12:00:00Z", "2026-12-06T12:00:00Z"]),
            ("0 12 * * 0", ["2026-11-22T12:00:00Z", "2026-11-29T12:00:00Z", "2026-12-06T12:00:00Z"]),
            ("0 12 * * 6-7", ["2026-11-21T12:00:00Z", "2026-11-22T12:00:00Z", "2026-11-28T12:00:00Z"]),
            ("0 12 * * fri-sun", ["2026-11-21T12:00:00Z", "2026-11-22T12:00:00Z", "2026-11-27T12:00:00Z"]),
            ("0 12 * * 0-7", ["2026-11-21T12:00:00Z", "2026-11-22T12:00:00Z", "2026-11-23T12:00:00Z"]),
            ("0 12 * * */2", ["2026-11-21T12:00:00Z", "2026-11-22T12:00:00Z", "2026-11-24T12:00:00Z"]),
            ("59 23 31 12 *", ["2026-12-31T23:59:00Z", "2027-12-31T23:59:00Z", "2028-12-31T23:59:00Z"]),
        ])
    func due(cron: String, expected: [String]) throws {
        // A Saturday.
        #expect(try times(cron, after: "2026-11-21T09:30:00Z", count: 3) == expected)
    }

    @Test(
        "has words",
        arguments: [
            ("@hourly", "2026-11-21T10:00:00Z"), ("@daily", "2026-11-22T00:00:00Z"),
            ("@midnight", "2026-11-22T00:00:00Z"), ("@weekly", "2026-11-22T00:00:00Z"),
            ("@monthly", "2026-12-01T00:00:00Z"), ("@yearly", "2027-01-01T00:00:00Z"),
            ("@annually", "2027-01-01T00:00:00Z"),
        ])
    func knownWords(word: String, next: String) throws {
        #expect(try times(word, after: "2026-11-21T09:30:00Z", count: 1) == [next])
        #expect(try CronExpression(word).description == word)
    }

    @Test("the two day fields: either when both are restricted, both when one begins with a star")
    func twoDayFields() throws {
        // The 13th, and each Friday.
        #expect(
            try times("0 0 13 * FRI", after: "2026-11-08T00:00:00Z", count: 4) == [
                "2026-11-13T00:00:00Z", "2026-11-20T00:00:00Z", "2026-11-27T00:00:00Z", "2026-12-04T00:00:00Z",
            ])
        #expect(
            try times("0 0 10 * FRI", after: "2026-12-05T00:00:00Z", count: 2) == [
                "2026-12-10T00:00:00Z", "2026-12-11T00:00:00Z",
            ])
        // Tuesdays, Thursdays, Saturdays and Sundays among the first seven days.
        #expect(
            try times("0 0 1-7 * */2", after: "2026-11-01T00:00:00Z", count: 4) == [
                "2026-11-03T00:00:00Z", "2026-11-05T00:00:00Z", "2026-11-07T00:00:00Z", "2026-12-01T00:00:00Z",
            ])
        // Mondays with an odd date.
        #expect(
            try times("0 0 */2 * MON", after: "2026-11-01T00:00:00Z", count: 3) == [
                "2026-11-09T00:00:00Z", "2026-11-23T00:00:00Z", "2026-12-07T00:00:00Z",
            ])
        // 30 February never is, but each Sunday in February is.
        #expect(try times("0 0 30 2 SUN", after: "2026-11-21T00:00:00Z", count: 1) == ["2027-02-07T00:00:00Z"])
    }

    @Test("leap days: every four years, but not in 2100")
    func leapDays() throws {
        #expect(
            try times("30 4 29 2 *", after: "2026-11-21T00:00:00Z", count: 2) == [
                "2028-02-29T04:30:00Z", "2032-02-29T04:30:00Z",
            ])
        #expect(
            try times("30 4 29 2 *", after: "2096-02-29T04:30:00Z", count: 1) == ["2104-02-29T04:30:00Z"])
        #expect(try times("0 0 29 2 *", after: "1996-03-01T00:00:00Z", count: 1) == ["2000-02-29T00:00:00Z"])
        // A leap day that is a Sunday as well.
        #expect(
            try times("0 0 29 2 */7", after: "2026-11-21T00:00:00Z", count: 2) == [
                "2032-02-29T00:00:00Z", "2060-02-29T00:00:00Z",
            ])
    }

    @Test("is due strictly after, to the second and whatever the fraction")
    func strictlyAfter() throws {
        #expect(try times("0 2 * * *", after: "2026-11-21T02:00:00Z", count: 1) == ["2026-11-22T02:00:00Z"])
        #expect(try times("0 2 * * *", after: "2026-11-21T01:59:59.999999Z", count: 1) == ["2026-11-21T02:00:00Z"])
        #expect(try times("0 2 * * *", after: "2026-11-21T02:00:00.000001Z", count: 1) == ["2026-11-22T02:00:00Z"])
        #expect(try times("0 0 * * *", after: "1969-12-30T12:00:00Z", count: 2).last == "1970-01-01T00:00:00Z")
    }

    @Test("has no next time when the years that can be written end")
    func theEndOfYears() throws {
        let last = try instant("9999-12-31T23:59:59Z")
        for zone in ["UTC", "America/New_York", "Asia/Tokyo"] {
            #expect(try CronExpression("* * * * *").next(after: last, in: try TimeZoneRules(zone)) == nil)
        }
        #expect(try CronExpression("0 0 29 2 *").next(after: last, in: .utc) == nil)
    }

    @Test("is written as it was, with single spaces")
    func written() throws {
        #expect(try CronExpression("  0  2\t* * mon-FRI ").description == "0 2 * * mon-FRI")
        #expect(try CronExpression("0 2 * * *") == CronExpression(" 0 2  * * *"))
    }

    @Test(
        "that is none says which field, and what is allowed",
        arguments: [
            ("", .fieldCount, "the expression has no fields", five),
            ("   ", .fieldCount, "the expression has no fields", five),
            ("5", .fieldCount, "the expression has 1 field", five),
            ("* * * *", .fieldCount, "the expression has 4 fields", five),
            (
                "0 * * * * *", .fieldCount, "the expression has 6 fields",
                five + "; seconds and years are not taken"
            ),
            ("* * * * * * *", .fieldCount, "the expression has 7 fields", five),
            ("@hourli", .unknownWord, "\"@hourli\" is no known word", "did you mean @hourly?"),
            ("@Daily", .unknownWord, "\"@Daily\" is no known word", "did you mean @daily?"),
            ("@reboot", .unknownWord, "\"@reboot\" is no known word", words),
            ("@every 5m", .unknownWord, "\"@every 5m\" is no known word", words),
            ("@daily 5 * * *", .unknownWord, "\"@daily 5 * * *\" is no known word", words),
            ("60 * * * *", .outOfRange, "minute has \"60\"", "write 0 to 59"),
            ("* 24 * * *", .outOfRange, "hour has \"24\"", "write 0 to 23"),
            ("* * 0 * *", .outOfRange, "day-of-month has \"0\"", "write 1 to 31"),
            ("* * 1-32 * *", .outOfRange, "day-of-month has \"32\"", "write 1 to 31"),
            ("* * * 13 *", .outOfRange, "month has \"13\"", "write 1 to 12 or JAN to DEC"),
            ("* * * 0 *", .outOfRange, "month has \"0\"", "write 1 to 12 or JAN to DEC"),
            ("* * * * 8", .outOfRange, "day-of-week has \"8\"", "write 0 to 7 (0 and 7 are Sunday) or SUN to SAT"),
            ("*/0 * * * *", .outOfRange, "minute has \"*/0\", whose step is not taken", "write a step from 1 to 59"),
            ("*/90 * * * *", .outOfRange, "minute has \"*/90\", whose step is not taken", "write a step from 1 to 59"),
            ("* */x * * *", .outOfRange, "hour has \"*/x\", whose step is not taken", "write a step from 1 to 23"),
            ("* */ * * *", .outOfRange, "hour has \"*/\", whose step is not taken", "write a step from 1 to 23"),
            ("5/15 * * * *", .invalidField, "minute has \"5/15\", a step without a range", "write 5-59/15"),
            ("* * * * MON/2", .invalidField, "day-of-week has \"MON/2\", a step without a range", "write 1-6/2"),
            (
                "* 22-4 * * *", .backwardRange, "hour has \"22-4\", a range that ends before it starts",
                "write two: 22-23,0-4"
            ),
            (
                "* * * NOV-FEB *", .backwardRange, "month has \"NOV-FEB\", a range that ends before it starts",
                "write two: NOV-12,1-FEB"
            ),
            (
                "* * * * FRI-MON", .backwardRange, "day-of-week has \"FRI-MON\", a range that ends before it starts",
                "write two: FRI-6,0-MON"
            ),
            ("x * * * *", .invalidField, "minute has \"x\"", "write 0 to 59\(forms)"),
            ("-5 * * * *", .invalidField, "minute has \"-5\"", "write 0 to 59\(forms)"),
            ("1-2-3 * * * *", .invalidField, "minute has \"1-2-3\"", "write 0 to 59\(forms)"),
            ("1-5/2/2 * * * *", .invalidField, "minute has \"1-5/2/2\"", "write 0 to 59\(forms)"),
            ("1,,2 * * * *", .invalidField, "minute has \"\" in \"1,,2\"", "write 0 to 59\(forms)"),
            ("1, * * * *", .invalidField, "minute has \"\" in \"1,\"", "write 0 to 59\(forms)"),
            ("1.5 * * * *", .invalidField, "minute has \"1.5\"", "write 0 to 59\(forms)"),
            ("+5 * * * *", .invalidField, "minute has \"+5\"", "write 0 to 59\(forms)"),
            ("٣ * * * *", .invalidField, "minute has \"٣\"", "write 0 to 59\(forms)"),
            (
                "99999999999999999999 * * * *", .invalidField, "minute has \"99999999999999999999\"",
                "write 0 to 59\(forms)"
            ),
            ("* MON * * *", .invalidField, "hour has \"MON\"", "write 0 to 23\(forms)"),
            ("* * ? * *", .invalidField, "day-of-month has \"?\"", "write 1 to 31\(forms)"),
            ("* * L * *", .invalidField, "day-of-month has \"L\"", "write 1 to 31\(forms)"),
            ("* * 15W * *", .invalidField, "day-of-month has \"15W\"", "write 1 to 31\(forms)"),
            (
                "* * * 1,MAI *", .invalidField, "month has \"MAI\" in \"1,MAI\"",
                "write 1 to 12 or JAN to DEC\(forms)"
            ),
            (
                "* * * * MON#1", .invalidField, "day-of-week has \"MON#1\"",
                "write 0 to 7 (0 and 7 are Sunday) or SUN to SAT\(forms)"
            ),
            (
                "* * * * \u{17F}un", .invalidField, "day-of-week has \"\u{17F}un\"",
                "write 0 to 7 (0 and 7 are Sunday) or SUN to SAT\(forms)"
            ),
            ("0 0 30 2 *", .neverDue, never, meet), ("0 0 31 4,6,9,11 *", .neverDue, never, meet),
            ("0 0 30-31 FEB */2", .neverDue, never, meet),
        ] as [(String, CronError.Code, String, String)])
    func problem(text: String, code: CronError.Code, message: String, remedy: String) {
        let error = #expect(throws: CronError.self) { try CronExpression(text) }
        #expect(error?.code == code)
        #expect(error?.message == message)
        #expect(error?.remedy == remedy)
    }

    @Test("that is too long is refused, however long it is")
    func tooLong() {
        for count in [501, 1_000_000] {
            let text = String(repeating: "1,", count: count / 2) + "1 * * * *"
            let error = #expect(throws: CronError.self) { try CronExpression(text) }
            #expect(error?.code == .tooLong)
            #expect(error?.description.hasSuffix("(write at most 500, or make two schedules of it)") == true)
        }
    }
}

/// The first `count` times at which `cron` is due after `start`, as texts.
func times(_ cron: String, in zone: String = "UTC", after start: String, count: Int) throws -> [String] {
    let expression = try CronExpression(cron)
    let rules = try TimeZoneRules(zone)
    var last = try instant(start)
    return try (0..<count).map { _ in
        last = try #require(expression.next(after: last, in: rules))
        return last.description
    }
}
