// What real data brings, where rows, matches and targets are concerned; each test bears the name of its row in the table of
// edge cases. The rows about single values stand in EdgeCaseTests.
import SyncJobs
import Testing

@Suite("Edge case of rows and targets")
struct RowEdgeCaseTests {
    private static let shape = DocumentShape(tables: ["lines": TableShape(rowKey: "no")])

    private func bench(_ lines: JSONValue?, more: String = "") throws -> MappingBench {
        var bench = try MappingBench(
            """
            tables:
              lines:
                from: source.lines
                row_key: {"no": "row.no"}
                fields: {"text": "row.text"\(more)}
            """)
        bench.lookups.shapes = [MappingBench.targetType: Self.shape]
        var source = JSONObject()
        source["lines"] = lines
        bench.source = source
        return bench
    }

    private func diff(_ bench: MappingBench, onto before: JSONObject) async throws -> Diff {
        let after = try await bench.updated(before)
        return try Diff(
            from: Document(key: nil, fields: before), to: Document(key: nil, fields: after), shape: Self.shape)
    }

    private func row(_ no: JSONValue, _ text: JSONValue) -> JSONValue { ["no": no, "text": text] }

    @Test("child table [], null, missing: emptied; untouched; untouched")
    func emptyNullMissing() async throws {
        let before: JSONObject = ["lines": [row(1, "A")]]
        #expect(try await diff(bench([]), onto: before).removed.map(\.row) == [["no": 1, "text": "A"]])
        #expect(try await diff(bench(.null), onto: before).isEmpty)
        #expect(try await diff(bench(nil), onto: before).isEmpty)
    }

    @Test("rows reordered: no change")
    func reordered() async throws {
        let before: JSONObject = ["lines": [row(1, "A"), row(2, "B"), row(3, "C")]]
        #expect(try await diff(bench([row(3, "C"), row(1, "A"), row(2, "B")]), onto: before).isEmpty)
    }

    @Test("rows reordered: a change where the position is mapped")
    func mappedPosition() async throws {
        let lines: JSONValue = [
            ["no": 2, "text": "B", "position": 1], ["no": 1, "text": "A", "position": 2],
        ]
        let before: JSONObject = [
            "lines": [["no": 1, "text": "A", "position": 1], ["no": 2, "text": "B", "position": 2]]
        ]
        let found = try await diff(bench(lines, more: ", \"position\": \"row.position\""), onto: before)
        #expect(found.rowChanged.map(\.rowKey) == [1, 2])
        #expect(found.added.isEmpty && found.removed.isEmpty)
    }

    @Test("rows reordered: a changed row key is removed + added")
    func changedKey() async throws {
        let found = try await diff(bench([row(1, "A"), row(9, "B")]), onto: ["lines": [row(1, "A"), row(2, "B")]])
        #expect(found.removed.map(\.row) == [["no": 2, "text": "B"]])
        #expect(found.added.map(\.row) == [["no": 9, "text": "B"]])
        #expect(found.rowChanged.isEmpty)
    }

    @Test("duplicate row key: a permanent error, in the source and in the target")
    func duplicateKeys() async throws {
        for twice in [row(1, "B"), ["no": .number(JSONNumber("1.0") ?? 0), "text": "B"]] {
            let failure = try await bench([row(1, "A"), twice]).failure()
            #expect(failure.code == .duplicateRowKey)
        }
        let target = await #expect(throws: JobFailure.self) {
            try await bench([row(1, "A")]).updated(["lines": [row(1, "A"), row(1, "B")]])
        }
        #expect(target?.code == .duplicateRowKey && target?.disposition == .permanent)
    }

    @Test("case-insensitive collation in the target: a match may find 2+: ambiguous_match, candidates named")
    func caseInsensitiveMatch() async throws {
        var bench = try MappingBench("match: {\"mail\": \"source.mail\"}\nfields: {}")
        bench.source = ["mail": "ada@example.org"]
        // Such a target answers by its own collation, whatever was asked for byte by byte.
        bench.lookups.documents = ["ADA@example.org", "Ada@example.org"].enumerated().map { position, mail in
            Document(
                key: DocumentKey(type: MappingBench.targetType, name: "A-\(position + 1)"),
                fields: ["mail": .string(mail)])
        }
        bench.lookups.ignoresCase = true
        let failure = await #expect(throws: JobFailure.self) { try await bench.target() }
        #expect(failure?.code == .ambiguousMatch && failure?.disposition == .permanent)
        #expect(failure?.message == "mail matches 2 or more documents of shop.Account: \"A-1\", \"A-2\"")
    }

    @Test(
        "the target normalises what we wrote: what was sent, over what was stored, is what the next run means to send")
    func normalises() async throws {
        let bench = try bench([row(1, "one"), row(2, "two")])
        let sent = try await bench.inserted()
        // The target adds ids and a row of its own, cuts texts, and has another order.
        let stored: JSONObject = [
            "created": "now",
            "lines": [
                ["no": 2, "text": "tw", "id": 7], ["no": 1, "text": "on", "id": 8], ["text": "added by the target"],
            ],
        ]
        let meant = Self.shape.fields(sent: sent, storedAs: stored)
        #expect(meant != stored, "the target has changed something")
        #expect(try await bench.updated(stored) == meant, "and the next run means the same")
        var changed = bench
        changed.source = ["lines": [row(1, "one"), row(2, "three")]]
        #expect(try await changed.updated(stored) != meant)
    }

    @Test("the target normalises: whatever it does to values, order and own rows, the next run means the same")
    func normalisesAnything() async throws {
        var generator = SeededGenerator(seed: 11)
        for _ in 0..<200 {
            let rows = (0..<Int.random(in: 0...4, using: &generator)).map { row(.int($0), .string("text \($0)")) }
            let bench = try bench(.array(rows))
            let sent = try await bench.inserted()
            var stored: [JSONValue] = (sent["lines"]?.arrayValue ?? []).compactMap { value in
                var row = value.objectValue ?? [:]
                if Bool.random(using: &generator) { row["text"] = "cut" }
                if Bool.random(using: &generator) { row["id"] = .int(Int.random(in: 0...99, using: &generator)) }
                return Int.random(in: 0...9, using: &generator) == 0 ? nil : .object(row)
            }
            if Bool.random(using: &generator) { stored.append(["text": "own"]) }
            if Bool.random(using: &generator) { stored.append(["no": 77, "text": "own, with a key"]) }
            stored.shuffle(using: &generator)
            let fields: JSONObject = ["lines": .array(stored), "other": 1]
            #expect(try await bench.updated(fields) == Self.shape.fields(sent: sent, storedAs: fields))
        }
    }

    @Test("what was just synced has no difference, for any source and target")
    func idempotent() async throws {
        var generator = SeededGenerator(seed: 5)
        let values: [JSONValue] = [nil, "", " a ", "A", "5", 5, true, ["b", "a", "b"], [["no": 1, "text": "x"]], []]
        for _ in 0..<500 {
            var bench = try MappingBench(
                """
                fields:
                  a: {"from": "source.a", "only": "insert"}
                  b: {"from": "source.b", "only": "empty", "default": "d"}
                  c: {"from": "source.c", "map": {"A": 1}, "otherwise": "keep"}
                  d: {"text": "{source.d}"}
                  e: source.e
                """)
            func object(_ keys: [String]) -> JSONObject {
                keys.reduce(into: JSONObject()) { object, key in
                    if Bool.random(using: &generator) { object[key] = values.randomElement(using: &generator) }
                }
            }
            bench.source = object(["a", "b", "c", "d", "e"])
            var before = object(["a", "b", "c", "d", "e", "f"])
            before["id"] = 1
            let once = try await bench.updated(before)
            #expect(try await bench.updated(once) == once)
        }
    }
}
