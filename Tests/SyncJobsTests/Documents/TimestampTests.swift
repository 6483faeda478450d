// Instants: RFC 3339 in, RFC 3339 out, nothing guessed.
import SyncJobs
import Testing

@Suite("A timestamp")
struct TimestampTests {
    @Test(
        "is read from RFC 3339",
        arguments: [
            ("1970-01-01T00:00:00Z", 0), ("1970-01-01T00:00:01.5Z", 1_500_000), ("1969-12-31T23:59:59.999999Z", -1),
            ("2026-11-21T09:30:00.000001+01:00", 1_795_249_800_000_001),
            ("2026-11-21 08:30:00z", 1_795_249_800_000_000),
            ("2000-02-29T12:00:00-00:00", 951_825_600_000_000), ("0001-01-01T00:00:00Z", -62_135_596_800_000_000),
            ("9999-12-31T23:59:59.999999Z", 253_402_300_799_999_999), ("1990-12-31T23:59:60Z", 662_687_999_000_000),
            ("2026-11-21t08:30:00.123456789Z", 1_795_249_800_123_456),
        ] as [(String, Int64)])
    func reads(text: String, microseconds: Int64) throws {
        #expect(try #require(Timestamp(text)).microseconds == microseconds)
    }

    @Test(
        "is none without an offset, and where there is no such time",
        arguments: [
            "2026-11-21T09:30:00", "2026-11-21", "0000-00-00T00:00:00Z", "0000-01-01T00:00:00Z", "2026-02-29T00:00:00Z",
            "2026-13-01T00:00:00Z", "2026-04-31T00:00:00Z", "2026-01-01T24:00:00Z", "2026-01-01T00:60:00Z",
            "10000-01-01T00:00:00Z", "2026-1-1T00:00:00Z", "2026-01-01T00:00:00.Z", "2026-01-01T00:00:00+0100",
            "2026-01-01T00:00:00+24:00", "2026-01-01T00:00:00Zx", "", "now", "2026-01-01T00:00Z",
            "1900-02-29T00:00:00Z",
            "2026-01-01T00:00:00 Z", "0001-01-01T00:00:00+01:00", "9999-12-31T23:59:59-01:00",
        ])
    func refuses(text: String) {
        #expect(Timestamp(text) == nil)
    }

    @Test(
        "is written in UTC with the precision it was read with",
        arguments: [
            ("2026-11-21T09:30:00+01:00", "2026-11-21T08:30:00Z"),
            ("2026-11-21T09:30:00.120Z", "2026-11-21T09:30:00.120Z"),
            ("2026-11-21T09:30:00.5Z", "2026-11-21T09:30:00.500Z"),
            ("1969-12-31T23:59:59.25Z", "1969-12-31T23:59:59.250Z"),
            ("2026-11-21T09:30:00.123456Z", "2026-11-21T09:30:00.123456Z"),
            ("9999-12-31T23:59:59.999999Z", "9999-12-31T23:59:59.999999Z"),
            ("0001-01-01T00:00:00Z", "0001-01-01T00:00:00Z"),
            ("0001-01-01T00:00:00.000001Z", "0001-01-01T00:00:00.000001Z"),
            ("2000-03-01T00:30:00+01:00", "2000-02-29T23:30:00Z"),
        ])
    func writes(text: String, written: String) throws {
        #expect(try #require(Timestamp(text)).description == written)
    }

    @Test("reads back what it writes, over all of its years")
    func roundTrip() throws {
        var generator = SeededGenerator(seed: 9)
        for _ in 0..<5_000 {
            let range: ClosedRange<Int64> = -62_135_596_800_000_000...253_402_300_799_999_999
            let instant = Timestamp(microseconds: .random(in: range, using: &generator))
            #expect(Timestamp(instant.description)?.microseconds == instant.microseconds, "\(instant)")
        }
    }

    @Test("same instant, other offset: equal")
    func sameInstant() throws {
        let left = try #require(Timestamp("2026-11-21T09:30:00+01:00"))
        let right = try #require(Timestamp("2026-11-21T08:30:00.000Z"))
        #expect(left == right && left.hashValue == right.hashValue && !(left < right))
    }

    @Test("moves by durations")
    func arithmetic() throws {
        let start = try #require(Timestamp("2026-11-21T00:00:00Z"))
        #expect(start.advanced(by: .milliseconds(1_500)).since(start) == .milliseconds(1_500))
        #expect(start.advanced(by: .seconds(-86_400)).description == "2026-11-20T00:00:00Z")
    }
}

@Suite("A document's version")
struct DocumentVersionTests {
    private func version(_ order: VersionOrder, _ text: String) -> DocumentVersion {
        DocumentVersion(order: order, text: text)
    }

    @Test("\"9\" and \"10\": numeric when declared, never ordered when not")
    func numbers() {
        #expect(version(.number, "9").isOlder(than: version(.number, "10")))
        #expect(!version(.number, "10").isOlder(than: version(.number, "9")))
        #expect(!version(.number, "1.0").isOlder(than: version(.number, "1")))
        #expect(!version(.none, "9").isOlder(than: version(.none, "10")))
        #expect(!version(.none, "a").isOlder(than: version(.number, "10")))
    }

    @Test("clocks of second and microsecond: compared at the coarser precision; equal is never stale")
    func precision() {
        let coarse = version(.timestamp, "2026-11-21T09:30:05Z")
        let fine = version(.timestamp, "2026-11-21T09:30:05.700000Z")
        #expect(!coarse.isOlder(than: fine) && !fine.isOlder(than: coarse) && !fine.isOlder(than: fine))
        #expect(version(.timestamp, "2026-11-21T09:30:04.999999Z").isOlder(than: coarse))
        #expect(coarse.isOlder(than: version(.timestamp, "2026-11-21T09:30:06.000000Z")))
        let before1970 = version(.timestamp, "1969-12-31T23:59:59.5Z")
        #expect(!version(.timestamp, "1969-12-31T23:59:59Z").isOlder(than: before1970))
    }

    @Test("same instant, other offset: equal versions, from the document too")
    func fromDocument() throws {
        let shape = DocumentShape(version: .init(field: "modified", order: .timestamp))
        let left = try #require(try shape.version(in: ["modified": "2026-11-21T09:30:00+01:00"]))
        let right = try #require(try shape.version(in: ["modified": "2026-11-21T08:30:00Z"]))
        #expect(left == right)
        #expect(left.text == "2026-11-21T08:30:00Z")
    }

    @Test("local time without zone: refused by name, unless the document declares UTC")
    func localTime() throws {
        let fields: JSONObject = ["modified": "2026-11-21 09:30:00"]
        let refusing = DocumentShape(version: .init(field: "modified", order: .timestamp))
        let failure = #expect(throws: JobFailure.self) { try refusing.version(in: fields) }
        #expect(failure?.code == .invalidVersion)
        #expect(failure?.message.contains("\"modified\"") == true)
        let declaring = DocumentShape(version: .init(field: "modified", order: .timestamp, zone: .utc))
        #expect(try declaring.version(in: fields)?.text == "2026-11-21T09:30:00Z")
        #expect(throws: JobFailure.self) { try declaring.version(in: ["modified": "yesterday"]) }
    }

    @Test("is read by its order; what is missing or null is no version, what is of another kind is refused")
    func reading() throws {
        let numbered = DocumentShape(version: .init(field: "v", order: .number))
        #expect(try numbered.version(in: ["v": 7])?.text == "7")
        #expect(try numbered.version(in: ["v": "8"])?.text == "8")
        #expect(try numbered.version(in: [:]) == nil)
        #expect(try numbered.version(in: ["v": nil]) == nil)
        for bad in ["x", true, [], "0000-00-00"] as [JSONValue] {
            #expect(throws: JobFailure.self) { try numbered.version(in: ["v": bad]) }
        }
        let tagged = DocumentShape(version: .init(field: "v", order: .none))
        #expect(try tagged.version(in: ["v": "W/\"abc\""])?.text == "W/\"abc\"")
        #expect(try DocumentShape().version(in: ["v": 1]) == nil)
    }
}
