// The conversions of `as:`, one table: what comes out, exactly as it is written, or that it fails.
import SyncJobs
import Testing

@Suite("A conversion")
struct ConversionTests {
    private func converted(_ value: JSONValue, _ conversion: String) async throws -> JSONValue? {
        var bench = try MappingBench("fields:\n  v: {\"from\": \"source.v\", \"as\": \"\(conversion)\"}")
        bench.source = ["v": value]
        do { return try await bench.inserted()["v"] } catch let failure as JobFailure {
            #expect(failure.code == .coercionFailed)
            #expect(failure.message.hasPrefix("the field \"v\": "))
            return nil
        }
    }

    @Test(
        "keeps numbers exact",
        arguments: [
            ("integer", "\"5\"", "5"), ("integer", "5.0", "5"), ("integer", "\"00042\"", "42"),
            ("integer", "\"+7\"", "7"),
            ("integer", "\"-0\"", "0"), ("integer", "9007199254740993", "9007199254740993"),
            ("integer", "\"123456789012345678901234567890\"", "123456789012345678901234567890"),
            ("integer", "1e3", "1000"),
            ("integer", "true", "1"), ("integer", "1.5", nil), ("integer", "\" 5\"", nil),
            ("integer", "\"5 apples\"", nil),
            ("integer", "\"\"", nil), ("integer", "1e99999", nil), ("integer", "[5]", nil), ("integer", "\"٥\"", nil),
            ("decimal(2)", "0.1", "0.10"), ("decimal(2)", "\"0.125\"", "0.12"), ("decimal(2)", "0.135", "0.14"),
            ("decimal(2)", "2.675", "2.68"), ("decimal(2)", "2.665", "2.66"), ("decimal(0)", "2.5", "2"),
            ("decimal(0)", "3.5", "4"), ("decimal(3)", "-0.0004", "0.000"), ("decimal(2)", "1e2", "100.00"),
            ("decimal(2)", "9.999", "10.00"), ("decimal(2)", "\"12,30\"", nil), ("decimal(2)", "true", nil),
            ("decimal(2)", "9007199254740993.005", "9007199254740993.00"), ("decimal(2)", "\".5\"", nil),
            ("decimal(2)", "1e-99999", "0.00"), ("decimal(2)", "\"007.50\"", "7.50"),
            ("decimal(2)", "\"-007.5\"", "-7.50"),
            ("text", "0.10", "\"0.10\""), ("text", "1e5", "\"1e5\""), ("text", "true", "\"true\""),
            ("text", "{\"b\":1,\"a\":[2]}", "\"{\\\"a\\\":[2],\\\"b\\\":1}\""), ("text", "\"x\"", "\"x\""),
        ] as [(String, String, String?)])
    func numbers(conversion: String, value: String, expected: String?) async throws {
        let result = try await converted(try JSONParser.parse(value), conversion)
        #expect(result?.canonicalText == expected)
    }

    @Test(
        "of text, truth, dates and structures",
        arguments: [
            ("trim", "\"\\u00a0 a b \\t\\n\"", "\"a b\""), ("trim", "\" \"", "\"\""), ("trim", "5", "5"),
            ("trim", "{}", nil), ("lower", "\"ÄB\"", "\"äb\""), ("upper", "\"straße\"", "\"STRASSE\""),
            ("lines", "\"a\\r\\nb\\rc\\n\\r\"", "\"a\\nb\\nc\\n\\n\""), ("nfc", "\"e\\u0301\"", "\"é\""),
            ("nfc", "\"plain\"", "\"plain\""),
            ("bool", "1", "true"), ("bool", "0.0", "false"), ("bool", "\"TRUE\"", "true"), ("bool", "\"0\"", "false"),
            ("bool", "2", nil), ("bool", "\"yes\"", nil), ("bool", "\"\"", nil),
            ("date", "\"2026-11-21\"", "\"2026-11-21\""), ("date", "\"2026-02-29\"", nil),
            ("date", "\"21.11.2026\"", nil),
            ("date", "\"2026-11-21T23:30:00-11:00\"", "\"2026-11-21\""),
            ("date", "\"2026-11-21 23:30:00\"", "\"2026-11-21\""),
            ("date", "\"0000-00-00\"", nil), ("date", "20261121", nil), ("date", "\"10000-01-01\"", nil),
            ("timestamp", "\"2026-11-21T10:00:00+01:00\"", "\"2026-11-21T09:00:00Z\""),
            ("timestamp", "\"2026-11-21T10:00:00\"", nil), ("timestamp", "\"2026-11-21\"", nil),
            ("timestamp", "\"0000-00-00T00:00:00Z\"", nil), ("timestamp", "\"10000-01-01T00:00:00Z\"", nil),
            ("set", "[\"b\",\"a\",\"b\",1,1.0]", "[\"a\",\"b\",1]"), ("set", "\"a\"", nil), ("set", "[{}]", nil),
            ("json", "\"{\\\"a\\\": 0.10}\"", "{\"a\":0.10}"), ("json", "{\"a\":1}", "{\"a\":1}"),
            ("json", "\"{\"", nil),
            ("json", "\"null\"", "null"),
        ] as [(String, String, String?)])
    func others(conversion: String, value: String, expected: String?) async throws {
        let result = try await converted(try JSONParser.parse(value), conversion)
        #expect(result?.canonicalText == expected)
    }

    @Test("passes null through and stops at one that comes in between")
    func null() async throws {
        var bench = try MappingBench("fields:\n  v: {\"from\": \"source.v\", \"as\": [\"json\", \"integer\"]}")
        bench.source = ["v": nil]
        #expect(try await bench.inserted() == ["v": nil])
        bench.source = ["v": "null"]
        #expect(try await bench.inserted() == ["v": nil])
    }

    @Test("set keeps the target's own order when it is the same set")
    func set() async throws {
        var bench = try MappingBench("fields:\n  tags: {\"from\": \"source.tags\", \"as\": \"set\"}")
        bench.source = ["tags": ["a", "c", "b"]]
        #expect(try await bench.updated(["tags": ["c", "a", "b"]]) == ["tags": ["c", "a", "b"]])
        #expect(try await bench.updated(["tags": ["c", "a"]]) == ["tags": ["a", "b", "c"]])
    }
}
