// What a mapping writes into its source once the target is written.
import SyncJobs
import Testing

@Suite("What is written back")
struct WriteBackTests {
    private func bench(_ rules: String) throws -> MappingBench {
        var bench = try MappingBench("fields: {}\nwrite_back:\n\(rules)")
        bench.source = ["name": "Ada", "old": "x", "none": nil]
        return bench
    }

    @Test("are fields of the source, by rules that know the target's name")
    func fields() async throws {
        let bench = try bench(
            """
              account: job.target_document_name
              link: {"text": "https://shop/{job.target_document_name}"}
              by: {"value": "ferry"}
              missing: source.missing
            """)
        #expect(
            try await bench.writtenBack(target: "A-17") == [
                "name": "Ada", "old": "x", "none": nil, "account": "A-17", "link": "https://shop/A-17", "by": "ferry",
            ])
    }

    @Test("with only: empty leaves what the source has")
    func onlyEmpty() async throws {
        let bench = try bench(
            """
              old: {"from": "job.target_document_name", "only": "empty"}
              none: {"from": "job.target_document_name", "only": "empty"}
            """)
        #expect(try await bench.writtenBack() == ["name": "Ada", "old": "x", "none": "A-1"])
    }

    @Test("are none without rules, and none at the source's end")
    func nothing() async throws {
        var bench = try bench("  account: job.target_document_name")
        bench.isDeleted = true
        #expect(try await bench.writtenBack() == bench.source)
        var silent = try MappingBench("fields: {}")
        silent.source = ["a": 1]
        #expect(try await silent.writtenBack() == ["a": 1])
    }

    @Test("that fails names the field, masked by the source's declaration")
    func failure() async throws {
        var bench = try bench("  old: {\"from\": \"source.name\", \"as\": \"integer\"}")
        let plain = await #expect(throws: JobFailure.self) { try await bench.writtenBack() }
        #expect(plain?.message == "the field \"old\": \"Ada\" is not a whole number")
        bench.lookups.shapes = [MappingBench.sourceType: DocumentShape(fields: ["old": FieldShape(isSensitive: true)])]
        let masked = await #expect(throws: JobFailure.self) { try await bench.writtenBack() }
        #expect(masked?.message == "the field \"old\": ••• is not a whole number")
    }

    @Test("can be neither the document's name nor a child table")
    func problems() throws {
        let controller = try #require(
            try bench("  code: job.target_document_name\n  lines: source.lines").type.controller as? MappingController)
        let shape = DocumentShape(nameField: "code", tables: ["lines": TableShape(rowKey: "no")])
        #expect(
            controller.mapping.problems(source: shape).map(\.description) == [
                "line 5: types.T.write_back.code: \"code\" holds the source document's name (write back into another field: a document is not renamed by a sync)",
                "line 6: types.T.write_back.lines: \"lines\" is a child table of the source (write back into a field, or write a controller)",
            ])
        #expect(controller.mapping.problems(source: DocumentShape()).isEmpty)
        #expect(controller.mapping.writtenBackFields.map(\.field) == ["code", "lines"])
        #expect(controller.mapping.targetFields.isEmpty, "the target has nothing to do with it")
        #expect(
            controller.mapping.explain() == [
                "writes back code ← job.target_document_name", "writes back lines ← source.lines",
            ])
    }
}
