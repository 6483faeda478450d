// `schedules:` of a type: what is read, and every problem with its exact text.
import SyncJobs
import Testing

@Suite("A type's schedules")
struct ScheduleReadingTests {
    private func read(_ text: String) throws -> (schedules: [Schedule]?, problems: [String]) {
        var problems: [ConfigProblem] = []
        let type = SyncJobTypeDefinition.read(
            name: "T", node: try config("source: erp.Customer\ntarget: shop.Account\nfields: {}\n" + text),
            controllers: [:], functions: [:], problems: &problems)
        return (type?.schedules, problems.map(\.description))
    }

    @Test("are read with everything that they may say, in the order they are written")
    func everything() throws {
        let (schedules, problems) = try read(
            """
            schedules:
              nightly:
                cron: "0 2 * * *"
                zone: Europe/Berlin
                context: {"full": true, "depth": 3}
                overlap: allow
                missed: skip
              hourly.2:
                cron: @hourly
                source_name: CUST-1
            """)
        #expect(problems == [])
        #expect(
            schedules == [
                Schedule(
                    name: "nightly", cron: try CronExpression("0 2 * * *"), zone: try TimeZoneRules("Europe/Berlin"),
                    context: ["full": true, "depth": 3], overlap: .allow, missed: .skip),
                Schedule(name: "hourly.2", cron: try CronExpression("@hourly"), sourceName: "CUST-1"),
            ])
    }

    @Test("are none when nothing is said", arguments: ["queue: long", "schedules: {}", "schedules: null"])
    func none(text: String) throws {
        #expect(try read(text).schedules == [])
    }

    @Test(
        "with a mistake say line, place and remedy",
        arguments: [
            (
                "schedules: []",
                "line 4: types.T.schedules: schedules is a list (write a map of names: {nightly: {cron: \"0 2 * * *\", zone: Europe/Berlin}})"
            ),
            (
                "schedules: {\"nightly\": \"0 2 * * *\"}",
                "line 4: types.T.schedules.nightly: a schedule is a text, and has to be a map (known keys: cron, zone, source_name, context, overlap, missed)"
            ),
            (
                "schedules: {\"nightly\": {\"zone\": \"UTC\"}}",
                "line 4: types.T.schedules.nightly: cron is missing (write cron: with five fields, such as \"0 2 * * *\", or @daily)"
            ),
            (
                "schedules: {\"nightly\": {\"cron\": 5}}",
                "line 4: types.T.schedules.nightly.cron: cron is a number (write a text; quotes make one)"
            ),
            (
                "schedules: {\"nightly\": {\"cron\": \"0 25 * * *\"}}",
                "line 4: types.T.schedules.nightly.cron: hour has \"25\" (write 0 to 23)"
            ),
            (
                "schedules: {\"nightly\": {\"cron\": \"0 0 30 2 *\"}}",
                "line 4: types.T.schedules.nightly.cron: day-of-month and month never meet: none of these months has such a day (correct one of the two, or write * for it)"
            ),
            (
                "schedules: {\"nightly\": {\"cron\": \"@daily\", \"zone\": \"CEST\"}}",
                "line 4: types.T.schedules.nightly.zone: \"CEST\" is no IANA time zone (write Area/City, such as Europe/Berlin, or UTC; abbreviations and offsets are not taken)"
            ),
            (
                "schedules: {\"nightly\": {\"cron\": \"@daily\", \"zone\": 1}}",
                "line 4: types.T.schedules.nightly.zone: zone is a number (write a text; quotes make one)"
            ),
            (
                "schedules: {\"nightly\": {\"cron\": \"@daily\", \"context\": [1]}}",
                "line 4: types.T.schedules.nightly.context: context is a list, and has to be a map (write {key: value})"
            ),
            (
                "schedules: {\"nightly\": {\"cron\": \"@daily\", \"overlap\": \"skipp\"}}",
                "line 4: types.T.schedules.nightly.overlap: overlap is \"skipp\" (did you mean skip?)"
            ),
            (
                "schedules: {\"nightly\": {\"cron\": \"@daily\", \"missed\": \"all\"}}",
                "line 4: types.T.schedules.nightly.missed: missed is \"all\" (write one of run_once, skip)"
            ),
            (
                "schedules: {\"nightly\": {\"cron\": \"@daily\", \"timezone\": \"UTC\"}}",
                "line 4: types.T.schedules.nightly.timezone: a schedule has no key \"timezone\" (known keys: cron, zone, source_name, context, overlap, missed)"
            ),
            (
                "schedules: {\"every night\": {\"cron\": \"@daily\"}}",
                "line 4: types.T.schedules.every night: \"every night\" is no name of a schedule, which is a part of its jobs' ids (write letters, digits, . _ and -, at most 100)"
            ),
            (
                "schedules: {\"\": {\"cron\": \"@daily\"}}",
                "line 4: types.T.schedules.: \"\" is no name of a schedule, which is a part of its jobs' ids (write letters, digits, . _ and -, at most 100)"
            ),
        ])
    func mistake(text: String, expected: String) throws {
        #expect(try read(text).problems == [expected])
    }

    @Test("name their source where the mapping reads it: nothing is made of a source that is not there")
    func sourceOfAMapping() throws {
        func problems(_ fields: String, _ schedule: String) throws -> [String] {
            var problems: [ConfigProblem] = []
            let text = "source: a.B\ntarget: c.D\n\(fields)\nschedules: {\"nightly\": \(schedule)}"
            _ = SyncJobTypeDefinition.read(
                name: "T", node: try config(text), controllers: [:], functions: [:], problems: &problems)
            return problems.map(\.description)
        }
        let expected =
            "line 4: types.T.schedules.nightly: the mapping reads the source, and the schedule does not say which document that is (write source_name: with its name, or use a controller that finds its sources itself)"
        let daily = "{\"cron\": \"@daily\"}"
        #expect(try problems("fields: {\"a\": \"source.b\"}", daily) == [expected])
        #expect(try problems("when: source.a\nfields: {}", daily).count == 1)
        #expect(try problems("fields: {\"a\": \"context.b\"}", daily) == [])
        #expect(
            try problems("fields: {\"a\": \"source.b\"}", "{\"cron\": \"@daily\", \"source_name\": \"B-1\"}") == [])
    }

    @Test("have names of at most 100 bytes")
    func longName() throws {
        for (count, problems) in [(100, 0), (101, 1)] {
            let name = String(repeating: "n", count: count)
            #expect(try read("schedules: {\"\(name)\": {\"cron\": \"@daily\"}}").problems.count == problems)
        }
    }
}
