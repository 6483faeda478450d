// Versions that are local times: read by the zone that the document declares, refused without one, never guessed.
import SyncJobs
import Testing

@Suite("A local time")
struct LocalTimeTests {
    @Test(
        "is read without an offset",
        arguments: [
            ("1970-01-01T00:00:01.5", 1_500_000), ("2026-11-21 09:30:00", 1_795_253_400_000_000),
            ("1969-12-31t23:59:59.999999", -1), ("2000-02-29 12:00:00", 951_825_600_000_000),
        ] as [(String, Int64)])
    func reads(text: String, microseconds: Int64) throws {
        #expect(try #require(LocalTime(text)).microseconds == microseconds)
    }

    @Test("date only never passes through a zone; with an offset it is an instant; anything else is nothing")
    func refuses() {
        let others = [
            "2026-11-21", "2026-11-21T09:30:00Z", "2026-11-21T09:30:00+01:00", "2026-11-21T09:30",
            "2026-02-29T00:00:00",
            "2026-11-21T24:00:00", "0000-00-00 00:00:00", "10000-01-01T00:00:00", "2026-11-21T09:30:00 ", "", "now",
        ]
        for text in others { #expect(LocalTime(text) == nil, "\(text)") }
    }
}

@Suite("A version in local time")
struct LocalVersionTests {
    private func version(_ text: String, in zone: String?) throws -> String? {
        let rules = try zone.map { try TimeZoneRules($0) }
        let shape = DocumentShape(version: .init(field: "modified", order: .timestamp, zone: rules))
        return try shape.version(in: ["modified": .string(text)])?.text
    }

    private func failure(_ text: String, in zone: String?) throws -> JobFailure {
        let failure = #expect(throws: JobFailure.self) { try version(text, in: zone) }
        let found = try #require(failure)
        #expect(found.code == .invalidVersion && found.disposition == .permanent)
        #expect(!"\(found)".contains(text), "a document's contents never stand in an error")
        return found
    }

    @Test("local time without zone: refused by name")
    func withoutZone() throws {
        let failure = try failure("2026-11-21 09:30:00", in: nil)
        #expect(failure.message == "the version field \"modified\" holds a local time, and no zone is declared for it")
        #expect(
            failure.remedy
                == "write times with their offset (RFC 3339), or declare zone: in the document's version")
    }

    @Test(
        "is the instant that the declared zone has",
        arguments: [
            ("Europe/Berlin", "2026-11-21 09:30:00", "2026-11-21T08:30:00Z"),
            ("Europe/Berlin", "2026-07-21T09:30:00.123456", "2026-07-21T07:30:00.123456Z"),
            ("America/New_York", "2026-07-21T09:30:00.5", "2026-07-21T13:30:00.500Z"),
            ("UTC", "2026-07-21 09:30:00", "2026-07-21T09:30:00Z"),
            // An offset that is written goes before the zone that is declared.
            ("Europe/Berlin", "2026-11-21T09:30:00-05:00", "2026-11-21T14:30:00Z"),
            ("Europe/Berlin", "2026-03-29T02:30:00Z", "2026-03-29T02:30:00Z"),
        ])
    func withZone(zone: String, text: String, expected: String) throws {
        #expect(try version(text, in: zone) == expected)
    }

    @Test(
        "time in the spring gap: a permanent error",
        arguments: [
            ("Europe/Berlin", "2026-03-29 02:30:00"), ("America/New_York", "2026-03-08 02:00:00"),
            ("Australia/Lord_Howe", "2026-10-04 02:29:59"), ("Pacific/Apia", "2011-12-30 12:00:00"),
        ])
    func gap(zone: String, text: String) throws {
        let failure = try failure(text, in: zone)
        #expect(
            failure.message
                == "the version field \"modified\" holds a local time that \(zone) skipped when its clocks went forward"
        )
        #expect(
            failure.remedy == "correct the document or the declared zone, or write times with their offset")
    }

    @Test(
        "repeated hour is its first",
        arguments: [
            ("Europe/Berlin", "2026-10-25 02:30:00", "2026-10-25T00:30:00Z"),
            ("America/New_York", "2026-11-01 01:00:00", "2026-11-01T05:00:00Z"),
            ("Australia/Lord_Howe", "2026-04-05 01:45:00", "2026-04-04T14:45:00Z"),
        ])
    func repeatedHour(zone: String, text: String, expected: String) throws {
        #expect(try version(text, in: zone) == expected)
    }

    @Test("date only never passes through a zone: it is no version in the order of time")
    func dateOnly() throws {
        for zone in ["Europe/Berlin", "UTC", nil] {
            let failure = try failure("2026-11-21", in: zone)
            #expect(failure.message == "the version field \"modified\" holds no timestamp")
            #expect(failure.remedy == "write dates with time and offset (RFC 3339)")
        }
    }

    @Test("what is no time, and what leads out of the years, is refused with a zone too")
    func noTime() throws {
        for text in ["0000-00-00 00:00:00", "10000-01-01 00:00:00", "yesterday"] {
            #expect(try failure(text, in: "Europe/Berlin").message.hasSuffix("holds no timestamp"))
        }
        let early = try failure("0001-01-01 00:00:00", in: "Europe/Berlin")
        #expect(early.message.hasSuffix("holds a local time outside of the years 1 to 9999 in UTC"))
        let shape = DocumentShape(version: .init(field: "modified", order: .timestamp, zone: .utc))
        for value in [5, true, [:]] as [JSONValue] {
            #expect(throws: JobFailure.self) { try shape.version(in: ["modified": value]) }
        }
    }

    @Test("of two documents that were changed an hour apart in summer and winter time, the later is newer")
    func order() throws {
        let shape = DocumentShape(
            version: .init(field: "modified", order: .timestamp, zone: try TimeZoneRules("Europe/Berlin")))
        let before = try #require(try shape.version(in: ["modified": "2026-03-29 01:59:59"]))
        let after = try #require(try shape.version(in: ["modified": "2026-03-29 03:00:00"]))
        let written = try #require(try shape.version(in: ["modified": "2026-03-29T03:00:01+02:00"]))
        #expect(before.isOlder(than: after) && after.isOlder(than: written) && !written.isOlder(than: after))
        #expect(try shape.version(reading: "2026-03-29 03:00:00") == after, "a request's source_version is read alike")
    }
}
