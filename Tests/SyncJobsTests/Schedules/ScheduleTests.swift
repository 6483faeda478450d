// Schedules: what is due now, what was missed, and the job that comes of it.
import SyncJobs
import Testing

@Suite("A schedule")
struct ScheduleTests {
    private func schedule(
        _ cron: String, zone: String = "UTC", missed: Schedule.Missed = .runOnce, context: JSONObject? = nil
    ) throws -> Schedule {
        Schedule(
            name: "nightly", cron: try CronExpression(cron), zone: try TimeZoneRules(zone), context: context,
            missed: missed)
    }

    private func due(_ schedule: Schedule, after last: String?, upTo now: String) throws -> [String] {
        schedule.dueTimes(after: try last.map { try instant($0) }, upTo: try instant(now)).map(\.description)
    }

    @Test("has the defaults of the specification")
    func defaults() throws {
        let schedule = Schedule(name: "nightly", cron: try CronExpression("0 2 * * *"))
        #expect(schedule.zone == .utc && schedule.overlap == .skip && schedule.missed == .runOnce)
        #expect(schedule.context == nil && schedule.sourceName == nil)
        #expect(Schedule.Overlap.allCases.map(\.rawValue) == ["skip", "allow"])
        #expect(Schedule.Missed.allCases.map(\.rawValue) == ["run_once", "skip"])
    }

    @Test("is due when its time has come since the last look, and not before", arguments: Schedule.Missed.allCases)
    func due(missed: Schedule.Missed) throws {
        let schedule = try schedule("0 2 * * *", missed: missed)
        #expect(try due(schedule, after: "2026-11-21T01:59:40Z", upTo: "2026-11-21T01:59:59.999999Z") == [])
        #expect(
            try due(schedule, after: "2026-11-21T01:59:40Z", upTo: "2026-11-21T02:00:00Z") == ["2026-11-21T02:00:00Z"])
        #expect(
            try due(schedule, after: "2026-11-21T01:59:59Z", upTo: "2026-11-21T02:00:10Z") == ["2026-11-21T02:00:00Z"])
        #expect(try due(schedule, after: "2026-11-21T02:00:00Z", upTo: "2026-11-21T02:00:20Z") == [])
        #expect(try due(schedule, after: "2026-11-21T02:00:10Z", upTo: "2026-11-22T01:59:59Z") == [])
    }

    @Test("that is seen for the first time has missed nothing", arguments: Schedule.Missed.allCases)
    func firstSight(missed: Schedule.Missed) throws {
        let schedule = try schedule("* * * * *", missed: missed)
        #expect(try due(schedule, after: nil, upTo: "2026-11-21T02:00:00Z") == [])
    }

    @Test("run_once: of several missed times only the latest runs")
    func runOnce() throws {
        #expect(
            try due(schedule("0 2 * * *"), after: "2026-11-10T12:00:00Z", upTo: "2026-11-21T12:00:00Z") == [
                "2026-11-21T02:00:00Z"
            ])
        #expect(
            try due(schedule("0 2 * * *"), after: "2026-11-10T12:00:00Z", upTo: "2026-11-11T02:00:00Z") == [
                "2026-11-11T02:00:00Z"
            ])
        #expect(
            try due(schedule("*/5 * * * *"), after: "2016-11-10T12:00:00Z", upTo: "2026-11-21T12:04:59.9Z") == [
                "2026-11-21T12:00:00Z"
            ])
        #expect(
            try due(schedule("0 0 29 2 *"), after: "2026-11-21T12:00:00Z", upTo: "2040-02-28T23:59:59Z") == [
                "2036-02-29T00:00:00Z"
            ])
        #expect(
            try due(
                schedule("30 2 * * *", zone: "Europe/Berlin"), after: "2026-03-20T00:00:00Z",
                upTo: "2026-03-29T23:00:00Z")
                == ["2026-03-29T01:00:00Z"])
    }

    @Test("missed: skip: only a time within the last minute runs")
    func skip() throws {
        let schedule = try schedule("0 2 * * *", missed: .skip)
        #expect(try due(schedule, after: "2026-11-10T12:00:00Z", upTo: "2026-11-21T12:00:00Z") == [])
        #expect(
            try due(schedule, after: "2026-11-10T12:00:00Z", upTo: "2026-11-21T02:00:59.999999Z") == [
                "2026-11-21T02:00:00Z"
            ])
        #expect(try due(schedule, after: "2026-11-10T12:00:00Z", upTo: "2026-11-21T02:01:00Z") == [])
    }

    @Test("is not due when the clock was set back behind the last look")
    func clockSetBack() throws {
        let schedule = try schedule("* * * * *")
        #expect(try due(schedule, after: "2026-11-21T02:00:00Z", upTo: "2026-11-21T01:00:00Z") == [])
        #expect(try due(schedule, after: "2026-11-21T02:00:00Z", upTo: "2026-11-21T02:00:00Z") == [])
    }

    @Test("looked at again and again runs each of its times once, on the nights that clocks change too")
    func everyLook() throws {
        var generator = SeededGenerator(seed: 5)
        for zone in ["Europe/Berlin", "Australia/Lord_Howe"] {
            for cron in ["*/10 * * * *", "*/10 1-3 * * *"] {
                let schedule = try schedule(cron, zone: zone)
                for start in ["2026-03-28T12:00:00Z", "2026-04-04T06:00:00Z", "2026-10-24T12:00:00Z"] {
                    var last = try instant(start)
                    let end = last.advanced(by: .seconds(86_400))
                    var expected: [Timestamp] = []
                    var next = try #require(schedule.next(after: last))
                    while next <= end {
                        expected.append(next)
                        next = try #require(schedule.next(after: next))
                    }
                    var found: [Timestamp] = []
                    while last < end {
                        let now = min(end, last.advanced(by: .seconds(.random(in: 1...500, using: &generator))))
                        found += schedule.dueTimes(after: last, upTo: now)
                        last = now
                    }
                    #expect(found == expected, "\(cron) in \(zone) from \(start)")
                }
            }
        }
    }

    private struct Nothing: SingleTargetController {
        func update(_ target: inout Document, for job: JobHandle) async throws {}
    }

    private var type: SyncJobType {
        SyncJobType(
            name: "SAP Customer Sync", source: DocumentType(system: "erp", name: "Customer"), target: nil,
            controller: Nothing())
    }

    @Test("gives each due time a job id of its own: type, schedule and time")
    func jobID() throws {
        let schedule = try schedule("0 2 * * *", zone: "Europe/Berlin")
        let due = try instant("2026-11-21T02:00:00.000Z")
        #expect(
            schedule.jobID(typeSlug: "sap_customer_sync", due: due) == "sap_customer_sync@nightly@2026-11-21T02:00:00Z")
    }

    @Test("job ids tell the two passes of a repeated hour apart")
    func jobIDsOfTheRepeatedHour() throws {
        let schedule = try schedule("@hourly", zone: "Europe/Berlin")
        var last = try instant("2026-10-24T23:30:00Z")
        let ids = try (0..<3).map { _ in
            last = try #require(schedule.next(after: last))
            return schedule.jobID(typeSlug: "t", due: last)
        }
        #expect(
            ids == [
                "t@nightly@2026-10-25T00:00:00Z", "t@nightly@2026-10-25T01:00:00Z", "t@nightly@2026-10-25T02:00:00Z",
            ])
    }

    @Test("becomes a request that a worker takes: without a source's name it has a context, if only an empty one")
    func request() throws {
        let due = try instant("2026-11-21T02:00:00Z")
        let plain = type.request(for: try schedule("0 2 * * *"), due: due)
        #expect(plain.id == "sap_customer_sync@nightly@2026-11-21T02:00:00Z")
        #expect(plain.syncJobType == "SAP Customer Sync")
        #expect(plain.triggerType == .scheduler)
        #expect(plain.context == [:] && plain.sourceDocumentName == nil)
        let rich = type.request(for: try schedule("0 2 * * *", context: ["full": true]), due: due)
        #expect(rich.context == ["full": true])
        var named = try schedule("0 2 * * *")
        named.sourceName = "CUST-1"
        let one = type.request(for: named, due: due)
        #expect(one.sourceDocumentName == "CUST-1" && one.context == nil)
        for request in [plain, rich, one] {
            let body = JSONValue.object(request.json).canonicalBytes
            #expect(try SyncRequest(decoding: body, messageID: nil) == request)
        }
    }

    @Test("has ids that fit into a message, for the longest slug and name")
    func longestID() throws {
        let longest = Schedule(
            name: String(repeating: "n", count: Schedule.maximumNameBytes), cron: try CronExpression("@daily"))
        let id = longest.jobID(
            typeSlug: String(repeating: "s", count: 100), due: try instant("9999-12-31T23:59:00Z"))
        #expect(id.utf8.count <= SyncRequest.maximumIDBytes)
    }
}
