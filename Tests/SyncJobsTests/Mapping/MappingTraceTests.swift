// A mapping told rule by rule: what `ferry try` shows.
import SyncJobs
import Testing

@Suite("The trace of a mapping")
struct MappingTraceTests {
    /// `[table[key].]field ← rule: current → value [changes] (note)`.
    private func text(_ lines: [FieldTrace]) -> [String] {
        lines.map { line in
            let place = line.table.map { "\($0)[\(line.rowKey?.canonicalText ?? "")]." } ?? ""
            let values = "\(line.current?.canonicalText ?? "-") → \(line.value?.canonicalText ?? "-")"
            let marks = (line.changes ? " *" : "") + (line.isSensitive ? " sensitive" : "")
            return "\(place)\(line.field) ← \(line.rule): \(values)\(marks)" + (line.note.map { " (\($0))" } ?? "")
        }
    }

    private static let rules = """
        fields:
          code: {"from": "job.source_document_name", "only": "insert"}
          note: {"from": "source.note", "only": "empty"}
          label: source.name
          limit: {"from": "source.limit", "as": "decimal(2)"}
          missing: source.missing
          tags: {"from": "source.tags", "as": "set"}
          bad: {"from": "source.name", "as": "integer"}
        """

    @Test("says of each rule its value, what is there, and whether it changes, as declared")
    func fields() async throws {
        var bench = try MappingBench(Self.rules)
        bench.source = ["name": "Ada", "note": "new", "limit": 5, "tags": ["b", "a"]]
        bench.lookups.shapes = [
            MappingBench.targetType: DocumentShape(fields: ["limit": FieldShape(kind: .decimal(places: 2))])
        ]
        let before: JSONObject = ["code": "C-0", "note": "old", "label": "Eve", "limit": "5.001", "tags": ["b", "a"]]
        #expect(
            text(try await bench.trace(before)) == [
                "code ← job.source_document_name, only on insert: \"C-0\" → - (only on insert: not applied)",
                "note ← source.note, only where the target has nothing: \"old\" → - (only where the target has nothing: not applied)",
                "label ← source.name: \"Eve\" → \"Ada\" *",
                "limit ← source.limit, as decimal(2): \"5.001\" → 5.00",
                "missing ← source.missing: - → - (missing: left alone)",
                "tags ← source.tags, as set: [\"b\",\"a\"] → - (the same set: the target's order stays)",
                "bad ← source.name, as integer: - → - (fails: the field \"bad\": \"Ada\" is not a whole number)",
            ])
        let inserted = text(try await bench.trace(nil))
        #expect(inserted[0] == "code ← job.source_document_name, only on insert: - → \"C-1\" *")
        #expect(inserted[1] == "note ← source.note, only where the target has nothing: - → \"new\" *")
    }

    @Test("tells the same as a run does, for any values")
    func sameAsARun() async throws {
        var generator = SeededGenerator(seed: 7)
        let values: [JSONValue] = [nil, "", "a", "5", 5, true, ["b", "a"], ["a", "b"], [:]]
        for _ in 0..<300 {
            var bench = try MappingBench(
                """
                fields:
                  a: {"from": "source.a", "only": "insert"}
                  b: {"from": "source.b", "only": "empty", "default": "d"}
                  c: {"from": "source.c", "map": {"a": 1}, "otherwise": "keep"}
                  d: {"from": "source.d"}
                """)
            func object() -> JSONObject {
                var object = JSONObject()
                for field in ["a", "b", "c", "d"] {
                    if Bool.random(using: &generator) { object[field] = values.randomElement(using: &generator) }
                }
                return object
            }
            bench.source = object()
            let before = object()
            let after = try await bench.updated(before)
            for line in try await bench.trace(before) where !before.isEmpty {
                #expect(line.changes == ((before[line.field] ?? nil) != (after[line.field] ?? nil)), "\(line)")
                #expect(after[line.field] == line.value ?? before[line.field])
            }
        }
    }

    @Test("tells each row of a child table: new, changed, gone, kept")
    func tables() async throws {
        func bench(removed: String) throws -> MappingBench {
            var bench = try MappingBench(
                """
                tables:
                  lines:
                    from: source.lines
                    row_key: {"no": "row.no"}
                    removed: \(removed)
                    fields:
                      size: row.size
                      since: {"from": "row.since", "only": "insert"}
                """)
            bench.source = ["lines": [["no": 1, "size": 5, "since": 9], ["no": 2, "size": 6, "since": 9]]]
            return bench
        }
        let before: JSONObject = ["lines": [["no": 1, "size": 4], ["no": 3, "size": 7], ["size": 8]]]
        #expect(
            text(try await bench(removed: "delete").trace(before)) == [
                "lines[1].size ← row.size: 4 → 5 *",
                "lines[1].since ← row.since, only on insert: - → - (only on insert: not applied)",
                "lines[2].no ← row.no: - → 2 * (a new row)",
                "lines[2].size ← row.size: - → 6 *", "lines[2].since ← row.since, only on insert: - → 9 *",
                "lines[3].no ← row.no: 3 → - * (the row is gone: deleted)",
            ])
        #expect(try await bench(removed: "keep").trace(before).last?.note == "the row is gone: kept")
        var silent = try bench(removed: "delete")
        silent.source = [:]
        #expect(
            text(try await silent.trace(["lines": nil])) == [
                "lines ← rows of source.lines, paired by no ← row.no; rows that are gone are deleted: null → - (missing: left alone)"
            ])
        silent.source = ["lines": [["no": 1], ["no": 1]]]
        #expect(
            try await silent.trace(nil).last?.note
                == "fails: two rows of source.lines have the same key for \"lines.no\"")
    }

    @Test("of the source's end tells the rules of on_delete, and nothing where the target is deleted")
    func ends() async throws {
        var bench = try MappingBench(
            "fields: {\"a\": \"source.a\"}\non_delete: {\"update\": {\"b\": {\"value\": \"closed\"}}}")
        bench.isDeleted = true
        bench.boundTo = "A-1"
        #expect(text(try await bench.trace(["b": "open"])) == ["b ← the constant \"closed\": \"open\" → \"closed\" *"])
        var deleting = try MappingBench("fields: {\"a\": \"source.a\"}\non_delete: delete")
        deleting.isDeleted = true
        deleting.boundTo = "A-1"
        #expect(try await deleting.trace(["b": "open"]).isEmpty)
    }

    @Test("marks what may not be shown, and masks it in notes")
    func sensitive() async throws {
        var bench = try MappingBench(
            "fields:\n  vat: source.tax\n  code: {\"from\": \"source.tax\", \"as\": \"integer\"}")
        bench.source = ["tax": "SECRET"]
        bench.lookups.shapes = [MappingBench.sourceType: DocumentShape(fields: ["tax": FieldShape(isSensitive: true)])]
        let lines = try await bench.trace(["vat": "x"])
        #expect(lines.map(\.isSensitive) == [true, true])
        #expect(lines[0].value == "SECRET", "it is for the printer to mask")
        #expect(lines[1].note == "fails: the field \"code\": ••• is not a whole number")
    }

    @Test("looks up, and tells what is not there yet")
    func lookups() async throws {
        var bench = try MappingBench("fields:\n  owner: {\"lookup\": \"Staff Sync\", \"key\": \"source.rep\"}")
        let staff = try MappingBench.type("Staff Sync", "fields: {}", source: "erp.Staff", target: "shop.User")
        bench.services.types = [staff]
        bench.source = ["rep": "EMP-7"]
        #expect(
            try await bench.trace(nil).first?.note
                == "fails: the field \"owner\": \"EMP-7\" has no target by \"Staff Sync\" yet")
        bench.services.bindings = [
            Binding(
                key: BindingKey(typeSlug: "staff_sync", source: DocumentKey(type: staff.source, name: "EMP-7")),
                target: DocumentKey(type: DocumentType(system: "shop", name: "User"), name: "42"))
        ]
        #expect(
            text(try await bench.trace(nil)) == [
                "owner ← the target that Staff Sync has for source.rep, tried again until it has one: - → \"42\" *"
            ])
    }

    @Test("of a relay tells its children, and of a child its row")
    func relays() async throws {
        var bench = try MappingBench(
            """
            relay: {"each": "source.items", "key": "row.id"}
            fields: {"sku": "row.code"}
            on_delete: {"update": {"sku": {"value": null}}}
            """)
        bench.source = ["items": [["id": 1, "code": "A"]]]
        bench.bind("A-1", key: "1")
        bench.bind("A-2", key: "2")
        #expect(
            try await bench.trace(nil).map { "\($0.field) \($0.rowKey?.canonicalText ?? ""): \($0.note ?? "")" } == [
                "items \"1\": a job of its own", "items \"2\": gone: on_delete, in a job of its own",
            ])
        bench.request.targetKey = "1"
        #expect(text(try await bench.trace(["sku": "B"])) == ["sku ← row.code: \"B\" → \"A\" *"])
        bench.request.targetKey = "2"
        #expect(text(try await bench.trace(["sku": "B"])) == ["sku ← the constant null: \"B\" → null *"])
    }
}
