// A declarative type with a target for each row: which children there are, and what each of them does.
import SyncJobs
import Testing

@Suite("A mapping that relays")
struct RelayMappingTests {
    private static let rules = """
        when: not source.hidden
        require: ["row.item_code"]
        relay:
          each: source.items
          key: row.id
          when: row.kind != "note"
          removed: REMOVED
        match: {"sku": "row.item_code"}
        fields:
          is_component: {"value": true}
          bundle: job.source_document_name
          key: job.target_key
          quantity: {"from": "row.qty", "as": "decimal(3)"}
          line: {"text": "{source.title}: {row.item_code}"}
        on_delete: ENDING
        """

    private func bench(
        removed: String = "on_delete",
        ending: String = #"{"update": {"bundle": {"value": null}, "was": "row.item_code"}}"#
    ) throws -> MappingBench {
        var bench = try MappingBench(
            Self.rules.replacing("REMOVED", with: removed).replacing("ENDING", with: ending))
        bench.source = [
            "title": "Set", "items": [row(1, "A"), ["id": 9, "kind": "note"], row("b", "B")],
        ]
        return bench
    }

    private func row(_ id: JSONValue, _ code: JSONValue) -> JSONValue {
        ["id": id, "item_code": code, "qty": 2, "kind": "item"]
    }

    // MARK: targets

    @Test("has a child for each row that counts, in the source's order, with its key")
    func rows() async throws {
        #expect(try await bench().targets() == [RelayTarget(key: "1"), RelayTarget(key: "b")])
    }

    @Test("has a child for each bound row that is gone, unless removed is keep or on_delete keeps")
    func goneRows() async throws {
        func keys(_ bench: MappingBench) async throws -> [String?] {
            var bench = bench
            bench.bind("A-1", key: "1")
            bench.bind("A-2", key: "2")
            bench.bind("A-9", key: "9")
            bench.bind("A-3", key: "3", isDeleted: true)
            bench.bind("A-0", key: "")
            bench.bind("A-4", key: "4", source: "C-2")
            return try await bench.targets().map(\.key)
        }
        #expect(try await keys(bench()) == ["1", "b", "2", "9"], "a row that the condition leaves out is gone")
        #expect(try await keys(bench(removed: "keep")) == ["1", "b"])
        #expect(try await keys(bench(ending: "keep")) == ["1", "b"])
    }

    @Test("knows the rows that were bound under the old name of a renamed source")
    func renamed() async throws {
        var bench = try bench()
        bench.bind("A-1", key: "1", source: "C-0")
        bench.bind("A-2", key: "2", source: "C-0")
        bench.request.oldSourceDocumentName = "C-0"
        #expect(try await bench.targets().map(\.key) == ["1", "b", "2"])
    }

    @Test("ends every bound row when the source was deleted, whatever its last image holds")
    func sourceDeleted() async throws {
        for source in [["items": [row(1, "A")]], ["items": "broken"], [:], nil] as [JSONObject?] {
            var bench = try bench(removed: "keep", ending: "delete")
            bench.source = source
            bench.isDeleted = true
            bench.bind("A-1", key: "1")
            bench.bind("A-2", key: "2")
            #expect(try await bench.targets().map(\.key) == ["1", "2"])
            bench.request.targetKey = "2"
            #expect(try await bench.target() == .delete("A-2"))
        }
    }

    @Test("child table [], null, missing: all its targets end; untouched; untouched")
    func emptyNullMissing() async throws {
        var bench = try bench()
        bench.bind("A-1", key: "1")
        bench.source = ["items": []]
        #expect(try await bench.targets().map(\.key) == ["1"])
        for source in [["items": nil], [:]] as [JSONObject] {
            bench.source = source
            #expect(try await bench.noTargets() == .controller)
            var child = bench
            child.request.targetKey = "1"
            #expect(try await child.target() == .none(.controller), "what was there before is not known to be gone")
        }
    }

    @Test("with nothing to relay says why")
    func nothing() async throws {
        var hidden = try bench()
        hidden.source?["hidden"] = true
        hidden.bind("A-2", key: "2")
        #expect(try await hidden.noTargets() == .condition)
        hidden.request.targetKey = "1"
        #expect(try await hidden.target() == .none(.condition))
        var empty = try bench()
        empty.source = ["items": []]
        #expect(try await empty.noTargets() == .controller)
        empty.isDeleted = true
        #expect(try await empty.noTargets() == .alreadyGone)
        var kept = try bench(ending: "keep")
        kept.isDeleted = true
        kept.bind("A-1", key: "1")
        #expect(try await kept.noTargets() == .sourceDeleted)
    }

    @Test("duplicate row key: permanent, as are missing and unusable ones")
    func keys() async throws {
        func failure(_ items: JSONValue) async throws -> JobFailure {
            var bench = try bench()
            bench.source = ["items": items]
            let failure = await #expect(throws: JobFailure.self) { try await bench.targets() }
            #expect(failure?.disposition == .permanent)
            return try #require(failure)
        }
        for same in [row(1, "B"), row(1.written, "B"), row("1", "B")] {
            let twice = try await failure([row(1, "A"), same])
            #expect(twice.code == .duplicateRowKey)
            #expect(twice.message == "two rows of source.items have the same row.id")
        }
        for key in [nil, ""] as [JSONValue] { #expect(try await failure([row(key, "A")]).code == .missingRowKey) }
        #expect(try await failure([["item_code": "A"]]).code == .missingRowKey)
        for key in [true, [1], .string(String(repeating: "x", count: 1_001))] as [JSONValue] {
            #expect(try await failure([row(key, "A")]).code == .coercionFailed)
        }
        for items in ["text", ["text"], ["a": 1]] as [JSONValue] {
            let failure = try await failure(items)
            #expect(failure.message == "source.items is no list of rows")
        }
    }

    // MARK: a child

    @Test("finds its row by its key alone, whatever the others are like, and where many share the source")
    func ownRow() async throws {
        var bench = try bench()
        bench.source = ["items": [row("", "A"), ["item_code": "A"], row(7, "B"), row("8", "C"), row("8", "D")]]
        bench.request.targetKey = "7"
        #expect(try await bench.target() == .insert())
        bench.request.targetKey = "8"
        let failure = await #expect(throws: JobFailure.self) { try await bench.target() }
        #expect(failure?.code == .duplicateRowKey)
        bench.source = ["items": [row(7, "B"), row("8", "C")]]
        bench.isSourceShared = true
        for (key, isThere) in [("7", true), ("8", true), ("9", false)] {
            bench.request.targetKey = key
            let decision = try await bench.target()
            #expect((decision == .insert()) == isThere, "\(key): \(decision)")
        }
    }

    @Test("finds the target of its row: bound, else matched, else a new one")
    func target() async throws {
        var bench = try bench()
        bench.request.targetKey = "b"
        #expect(try await bench.target() == .insert())
        bench.lookups.documents = [
            Document(key: DocumentKey(type: MappingBench.targetType, name: "A-7"), fields: ["sku": "B"])
        ]
        #expect(try await bench.target() == .update("A-7"))
        bench.bind("A-8", key: "b")
        #expect(try await bench.target() == .update("A-8"))
    }

    @Test("maps its row with the root row, whatever stands around it by now")
    func fields() async throws {
        var bench = try bench()
        bench.request.targetKey = "b"
        bench.source?["items"] = [row("c", "C"), row("b", "B")]
        let fields = try await bench.inserted()
        #expect(
            fields == [
                "is_component": true, "bundle": "C-1", "key": "b", "quantity": 2, "line": "Set: B",
            ])
        #expect(fields["quantity"]?.canonicalText == "2.000")
    }

    @Test("requires of its own row")
    func requirement() async throws {
        var bench = try bench()
        bench.source = ["items": [row(1, nil), row(2, "B")]]
        bench.request.targetKey = "1"
        let failure = await #expect(throws: JobFailure.self) { try await bench.target() }
        #expect(failure?.message == "row.item_code is required, and is missing, null or empty")
        bench.request.targetKey = "2"
        #expect(try await bench.target() == .insert())
    }

    @Test("of a row that is gone, or that the condition leaves out, gets on_delete through its binding")
    func gone() async throws {
        for key in ["5", "9"] {
            var bench = try bench()
            bench.request.targetKey = key
            #expect(try await bench.target() == .none(.alreadyGone))
            bench.bind("A-5", key: key)
            #expect(try await bench.target() == .update("A-5"))
            #expect(
                try await bench.updated(["bundle": "C-1", "was": "x"]) == ["bundle": nil, "was": "x"],
                "there is no row to read")
            #expect(try await bench.writtenBack() == bench.source)
            var deleting = try self.bench(ending: "delete")
            deleting.request.targetKey = key
            deleting.bind("A-5", key: key)
            #expect(try await deleting.target() == .delete("A-5"))
            var keeping = try self.bench(removed: "keep")
            keeping.request.targetKey = key
            keeping.bind("A-5", key: key)
            #expect(try await keeping.target() == .none(.sourceDeleted))
        }
    }

    @Test("of a deleted source has the row of the last image")
    func lastImage() async throws {
        var bench = try bench()
        bench.isDeleted = true
        bench.request.targetKey = "b"
        bench.bind("A-5", key: "b")
        #expect(try await bench.updated(["bundle": "C-1"]) == ["bundle": nil, "was": "B"])
    }

    @Test("that is told its target needs to be told its row as well")
    func noRow() async throws {
        var bench = try bench(ending: "delete")
        bench.request.operation = .update
        bench.request.targetDocumentName = "A-1"
        let failure = await #expect(throws: JobFailure.self) { try await bench.updated(["x": 1]) }
        #expect(failure?.code == .missingField)
        #expect(failure?.remedy.contains("target_key") == true)
        bench.request.targetKey = "5"
        let gone = await #expect(throws: JobFailure.self) { try await bench.updated(["x": 1]) }
        #expect(gone?.message == "source.items has no row \"5\"")
    }

    @Test("holds composed and decomposed keys apart")
    func bytes() async throws {
        var bench = try bench()
        bench.source?["items"] = [row("caf\u{E9}", "A"), row("cafe\u{301}", "B")]
        #expect(try await bench.targets().count == 2)
        bench.request.targetKey = "cafe\u{301}"
        #expect(try await bench.inserted()["line"] == "Set: B")
    }

    @Test("looks up, maps child tables and writes back by its row")
    func everything() async throws {
        var bench = try MappingBench(
            """
            relay: {"each": "source.items", "key": "row.id", "removed": "keep"}
            fields:
              maker: {"lookup": "Maker Sync", "key": "row.maker"}
            tables:
              parts:
                from: row.parts
                row_key: {"no": "row.no"}
                fields: {"size": "row.size"}
            write_back: {"last_item": "row.item_code", "last_account": "job.target_document_name"}
            """)
        let maker = try MappingBench.type("Maker Sync", "fields: {}", source: "erp.Maker", target: "shop.Brand")
        bench.services.types = [maker]
        bench.services.bindings = [
            Binding(
                key: BindingKey(typeSlug: "maker_sync", source: DocumentKey(type: maker.source, name: "M-1")),
                target: DocumentKey(type: DocumentType(system: "shop", name: "Brand"), name: "B-1"))
        ]
        bench.source = [
            "items": [
                ["id": 1, "maker": "M-1", "item_code": "A", "parts": [["no": 1, "size": 5], ["no": 2, "size": 6]]],
                ["id": 2, "maker": "M-2", "item_code": "B"],
            ]
        ]
        bench.request.targetKey = "1"
        #expect(
            try await bench.inserted() == ["maker": "B-1", "parts": [["no": 1, "size": 5], ["no": 2, "size": 6]]])
        let written = try await bench.writtenBack(target: "A-77")
        #expect(written["last_item"] == "A" && written["last_account"] == "A-77")
        bench.request.targetKey = "2"
        let failure = await #expect(throws: JobFailure.self) { try await bench.inserted() }
        #expect(failure?.code == .lookupMissing)
    }

    @Test("is explained, and tells start-up checks what it reads")
    func facts() throws {
        let mapping = try #require(try bench().type.controller as? MappingRelayController).mapping
        let lines = mapping.explain()
        #expect(lines[0] == "when not source.hidden")
        #expect(
            lines[1]
                == "a target for each row of source.items, by row.id, only those where row.kind != \"note\"; targets of rows that are gone get on_delete"
        )
        let paths = Set(mapping.sourcePaths.map { ($0.rows.map { "\($0): " } ?? "") + $0.path.description })
        #expect(
            paths.isSuperset(of: ["source.items", "source.items: row.id", "source.items: row.kind", "source.hidden"]))
        #expect(paths.contains("source.items: row.item_code"))
    }
}

extension Int {
    /// The same number, written with a point.
    fileprivate var written: JSONValue { JSONNumber("\(self).0").map { .number($0) } ?? nil }
}
