// Types that look each other up: what a dead letter says when both wait, and how null on one side converges.
import SyncJobs
import Testing

@Suite("Types that look each other up")
struct LookupCircleTests {
    private static let person = DocumentType(system: "erp", name: "Person")
    private static let firm = DocumentType(system: "erp", name: "Firm")

    /// Person Sync looks its firm up, Firm Sync its owner.
    private func types(personMissing: String, firmMissing: String) throws -> SyncJobTypes {
        let person = try MappingBench.type(
            "Person Sync",
            "fields:\n  firm: {\"lookup\": \"Firm Sync\", \"key\": \"source.firm\", \"missing\": \(personMissing)}",
            source: "erp.Person", target: "shop.User")
        let firm = try MappingBench.type(
            "Firm Sync",
            "fields:\n  owner: {\"lookup\": \"Person Sync\", \"key\": \"source.owner\", \"missing\": \(firmMissing)}",
            source: "erp.Firm", target: "shop.Company")
        return try SyncJobTypes([person, firm])
    }

    private func bench(_ types: SyncJobTypes, _ type: String, source: String, fields: JSONObject) throws -> MappingBench
    {
        var bench = try MappingBench("fields: {}")
        bench.type = try #require(types[type])
        bench.services.types = types.all
        bench.request = SyncRequest(id: "job-\(source)", type: type, sourceName: source)
        bench.source = fields
        return bench
    }

    @Test("A looks up B, B looks up A: missing: retry on both ends in failures that name the cycle")
    func retryOnBoth() async throws {
        let types = try types(personMissing: "\"retry\"", firmMissing: "\"retry\"")
        let person = try bench(types, "Person Sync", source: "P-1", fields: ["firm": "F-1"])
        let failure = await #expect(throws: JobFailure.self) { try await person.inserted() }
        #expect(
            failure?.message
                == "the field \"firm\": \"F-1\" has no target by \"Firm Sync\" yet; the types wait for each other: Person Sync → Firm Sync → Person Sync"
        )
        #expect(failure?.remedy.contains("missing: null on one side") == true)
        #expect(failure?.disposition == .retryable(after: nil), "spent retries make it a dead letter")
        let firm = try bench(types, "Firm Sync", source: "F-1", fields: ["owner": "P-1"])
        let other = await #expect(throws: JobFailure.self) { try await firm.inserted() }
        #expect(other?.message.contains("\"P-1\" has no target by \"Person Sync\" yet") == true)
        #expect(other?.message.contains("Firm Sync → Person Sync → Firm Sync") == true)
    }

    @Test("A looks up B, B looks up A: null on one side goes on, and says what it waits for")
    func nullOnOneSide() async throws {
        let types = try types(personMissing: "null", firmMissing: "\"retry\"")
        var person = try bench(types, "Person Sync", source: "P-1", fields: ["firm": "F-1"])
        var (handle, target) = (person.handle, Document(key: nil, fields: [:]))
        try await person.type.targetController.update(&target, for: handle)
        #expect(target.fields == ["firm": nil])
        let firm = BindingKey(typeSlug: "firm_sync", source: DocumentKey(type: Self.firm, name: "F-1"))
        #expect(handle.awaited == [firm])
        person.services.bindings = [
            Binding(key: firm, target: DocumentKey(type: DocumentType(system: "shop", name: "Company"), name: "K-1"))
        ]
        (handle, target) = (person.handle, Document(key: nil, fields: [:]))
        try await person.type.targetController.update(&target, for: handle)
        #expect(target.fields == ["firm": "K-1"])
        #expect(handle.awaited.isEmpty)
    }

    @Test("are explained")
    func explained() throws {
        let types = try types(personMissing: "null", firmMissing: "\"fail\"")
        let person = try #require(types["Person Sync"]?.controller as? MappingController)
        #expect(
            person.mapping.explain() == [
                "firm ← the target that Firm Sync has for source.firm, null until it has one, then again"
            ])
        let firm = try #require(types["Firm Sync"]?.controller as? MappingController)
        #expect(
            firm.mapping.explain() == [
                "owner ← the target that Person Sync has for source.owner, failing while it has none"
            ])
    }

    @Test("that only one side waits for are no cycle")
    func noCircle() async throws {
        let types = try types(personMissing: "\"retry\"", firmMissing: "null")
        let person = try bench(types, "Person Sync", source: "P-1", fields: ["firm": "F-1"])
        let failure = await #expect(throws: JobFailure.self) { try await person.inserted() }
        #expect(failure?.message == "the field \"firm\": \"F-1\" has no target by \"Firm Sync\" yet")
    }
}
