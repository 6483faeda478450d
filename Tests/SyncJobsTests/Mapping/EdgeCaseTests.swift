// What real data brings, from source through mapping to diff; each test bears the name of its row in the table of edge
// cases. Rows that are about instants and versions stand in the tests of those.
import SyncJobs
import Testing

@Suite("Edge case")
struct EdgeCaseTests {
    /// The diff of an update by `v: source.v` with more of a rule, the target holding `old`.
    private func diff(
        _ new: String, onto old: String, rule: String = "", kind: FieldKind? = nil
    ) async throws -> [Diff.FieldChange] {
        var bench = try MappingBench("fields:\n  v: {\"from\": \"source.v\"\(rule)}")
        bench.source = ["v": try JSONParser.parse(new)]
        let before: JSONObject = ["id": 1, "v": try JSONParser.parse(old)]
        let after = try await bench.updated(before)
        let shape = DocumentShape(fields: ["v": FieldShape(kind: kind)])
        return try Diff(
            from: Document(key: nil, fields: before), to: Document(key: nil, fields: after), shape: shape
        ).changed
    }

    @Test("same instant, other offset: no change where it is declared")
    func sameInstant() async throws {
        let (old, new) = ("\"2026-11-21T09:30:00+01:00\"", "\"2026-11-21T08:30:00Z\"")
        #expect(try await diff(new, onto: old, kind: .timestamp).isEmpty)
        #expect(try await diff(new, onto: old).count == 1)
    }

    @Test("date only: never passes through a zone")
    func dateOnly() async throws {
        for instant in ["2026-11-21T00:30:00+14:00", "2026-11-21T23:59:59-12:00", "2026-11-21"] {
            #expect(
                try await diff("\"\(instant)\"", onto: "\"2026-11-21\"", rule: ", \"as\": \"date\"", kind: .date)
                    .isEmpty)
        }
    }

    @Test(
        "0000-00-00, year 10000: permanent error naming the field, unless mapped",
        arguments: ["0000-00-00", "10000-01-01"])
    func impossibleDates(text: String) async throws {
        let failure = await #expect(throws: JobFailure.self) {
            try await diff("\"\(text)\"", onto: "null", rule: ", \"as\": \"date\"")
        }
        #expect(failure?.disposition == .permanent)
        #expect(failure?.message.contains("\"v\"") == true)
        let mapped = ", \"map\": {\"\(text)\": null}, \"otherwise\": \"keep\""
        #expect(try await diff("\"\(text)\"", onto: "null", rule: mapped).isEmpty)
    }

    @Test("0.10 and 0.1: equal, carried as written")
    func writtenDigits() async throws {
        #expect(try await diff("0.10", onto: "0.1", kind: .decimal(places: 2)).isEmpty)
        #expect(try await diff("0.10", onto: "0.1").isEmpty)
        var bench = try MappingBench("fields:\n  v: source.v")
        bench.source = ["v": try JSONParser.parse("0.10")]
        #expect(try await bench.inserted()["v"]?.canonicalText == "0.10")
    }

    @Test(
        "9007199254740993, 1e400: exact through a mapping; -0 equals 0", arguments: ["9007199254740993", "1e400", "-0"])
    func hugeNumbers(text: String) async throws {
        var bench = try MappingBench("fields:\n  v: source.v\n  t: {\"text\": \"{source.v}\"}")
        bench.source = ["v": try JSONParser.parse(text)]
        let fields = try await bench.inserted()
        #expect(fields["v"]?.canonicalText == text)
        #expect(fields["t"] == .string(text))
        #expect(try await diff("9007199254740993", onto: "9007199254740992").count == 1)
        #expect(try await diff("-0", onto: "0").isEmpty)
    }

    @Test("0.1+0.2 and 0.3: a change, unless declared decimal(n), half-even")
    func noEpsilon() async throws {
        #expect(try await diff("0.30000000000000004", onto: "0.3").count == 1)
        #expect(try await diff("0.30000000000000004", onto: "0.3", kind: .decimal(places: 2)).isEmpty)
        #expect(try await diff("0.125", onto: "0.12", kind: .decimal(places: 2)).isEmpty)
        #expect(try await diff("0.30000000000000004", onto: "0.3", rule: ", \"as\": \"decimal(2)\"").isEmpty)
    }

    @Test("composed and decomposed Unicode: different, as: nfc opts in")
    func unicode() async throws {
        #expect(try await diff("\"cafe\u{301}\"", onto: "\"caf\u{E9}\"").count == 1)
        #expect(try await diff("\"cafe\u{301}\"", onto: "\"caf\u{E9}\"", rule: ", \"as\": \"nfc\"").isEmpty)
    }

    @Test("composed and decomposed Unicode: different in names, keys, JSON keys and conditions as well")
    func unicodeEverywhere() async throws {
        let (composed, decomposed) = ("caf\u{E9}", "cafe\u{301}")
        var bench = try MappingBench(
            """
            when: source.name == "\(composed)"
            fields:
              a: source.\(composed)
              b: source.\(decomposed)
              \(composed): {"value": 1}
              \(decomposed): {"value": 2}
              name: job.source_document_name
              mapped: {"from": "source.name", "map": {"\(decomposed)": 1}, "otherwise": "keep"}
            """)
        bench.request.sourceDocumentName = decomposed
        var source: JSONObject = ["name": .string(composed)]
        source[composed] = "one"
        source[decomposed] = "two"
        bench.source = source
        let fields = try await bench.inserted()
        #expect(fields["a"] == "one" && fields["b"] == "two" && fields["mapped"] == .string(composed))
        #expect(fields[composed] == 1 && fields[decomposed] == 2 && fields["name"] == .string(decomposed))
        #expect(try await bench.target() == .insert())
        bench.source?["name"] = .string(decomposed)
        #expect(try await bench.target() == .none(.condition))
    }

    @Test("null, missing, \"\": three values")
    func threeValues() async throws {
        #expect(try await diff("null", onto: "\"\"") == [Diff.FieldChange(field: "v", old: "", new: nil)])
        #expect(try await diff("\"\"", onto: "null") == [Diff.FieldChange(field: "v", old: nil, new: "")])
        var bench = try MappingBench("fields:\n  v: source.v")
        bench.source = [:]
        #expect(try await bench.inserted().isEmpty, "an insert of a missing one leaves the column's default")
        #expect(try await bench.updated(["v": 1]) == ["v": 1])
    }

    @Test("white space, CRLF: a change, unless as: trim or lines")
    func whiteSpace() async throws {
        #expect(try await diff("\" a \"", onto: "\"a\"").count == 1)
        #expect(try await diff("\" a \"", onto: "\"a\"", rule: ", \"as\": \"trim\"").isEmpty)
        #expect(try await diff("\"a\\r\\nb\"", onto: "\"a\\nb\"").count == 1)
        #expect(try await diff("\"a\\r\\nb\"", onto: "\"a\\nb\"", rule: ", \"as\": \"lines\"").isEmpty)
    }

    @Test("order of fields; of scalar arrays: objects are unordered, arrays ordered, as: set opts out")
    func order() async throws {
        #expect(try await diff("{\"a\":1,\"b\":2}", onto: "{\"b\":2,\"a\":1}").isEmpty)
        #expect(try await diff("[\"b\",\"a\"]", onto: "[\"a\",\"b\"]").count == 1)
        #expect(try await diff("[\"b\",\"a\",\"b\"]", onto: "[\"b\",\"a\"]", rule: ", \"as\": \"set\"").isEmpty)
    }

    @Test("\"5\" becomes 5: a failed coercion is permanent, its value masked if sensitive")
    func failedCoercion() async throws {
        var bench = try MappingBench("fields:\n  v: {\"from\": \"source.v\", \"as\": \"integer\"}")
        bench.source = ["v": "five"]
        let shown = try await bench.failure()
        #expect(shown.code == .coercionFailed && shown.message.contains("\"five\""))
        bench.lookups.shapes = [MappingBench.targetType: DocumentShape(fields: ["v": FieldShape(isSensitive: true)])]
        #expect(try await bench.failure().message == "the field \"v\": ••• is not a whole number")
    }

    @Test("\"5\" becomes 5: a change if undeclared, none if declared")
    func textAndNumber() async throws {
        #expect(try await diff("5", onto: "\"5\"").count == 1)
        #expect(try await diff("5", onto: "\"5\"", kind: .integer).isEmpty)
        #expect(try await diff("5", onto: "\"5\"", kind: .text).isEmpty)
    }

    @Test("0/1 and false/true: equal if declared bool")
    func truth() async throws {
        #expect(try await diff("true", onto: "1").count == 1)
        #expect(try await diff("true", onto: "1", kind: .bool).isEmpty)
        #expect(try await diff("false", onto: "1", kind: .bool).count == 1)
    }

    @Test("a document name with quotes, newlines, emoji and 10 kB goes through unchanged")
    func names() async throws {
        for name in ["O'Neil \"x\"\n\\", "😀e\u{301}", String(repeating: "n", count: 10_240)] {
            var bench = try MappingBench("fields:\n  v: job.source_document_name")
            bench.request.sourceDocumentName = name
            #expect(try await bench.inserted() == ["v": .string(name)])
        }
    }
}
