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
        bench.lookups.documents = [
            Document(key: DocumentKey(type: Self.person, name: "P-1"), fields: ["firm": "F-1"]),
            Document(key: DocumentKey(type: Self.person, name: "P-2"), fields: ["firm": "F-1"]),
            Document(key: DocumentKey(type: Self.person, name: "P-3"), fields: ["firm": "F-2"]),
        ]
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

    @Test("A looks up B, B looks up A: null on one side converges, the waiting job follows the one that binds")
    func nullOnOneSide() async throws {
        let types = try types(personMissing: "null", firmMissing: "\"retry\"")
        var person = try bench(types, "Person Sync", source: "P-1", fields: ["firm": "F-1"])
        #expect(try await person.inserted() == ["firm": nil])
        var firm = try bench(types, "Firm Sync", source: "F-1", fields: ["owner": "P-1"])
        let bound = Binding(
            key: BindingKey(typeSlug: "person_sync", source: DocumentKey(type: Self.person, name: "P-1")),
            target: DocumentKey(type: DocumentType(system: "shop", name: "User"), name: "U-1"))
        firm.services.bindings = [bound]
        let handle = firm.handle
        var target = Document(key: nil, fields: [:])
        try await firm.type.targetController.update(&target, for: handle)
        #expect(target.fields == ["owner": "U-1"])
        // P-1 waits; P-2 was never synced, and P-3 names another firm.
        #expect(handle.followUps.map(\.sourceDocumentName) == ["P-1"])
        let next = try #require(handle.followUps.first)
        #expect(next.syncJobType == "Person Sync" && next.id == "job-F-1>lookup:person_sync:P-1" && next.hops == 1)
        #expect(next.triggeredByDocumentType == "Firm" && next.triggeredByDocumentName == "F-1")
        person.services.bindings = [
            bound,
            Binding(
                key: BindingKey(typeSlug: "firm_sync", source: DocumentKey(type: Self.firm, name: "F-1")),
                target: DocumentKey(type: DocumentType(system: "shop", name: "Company"), name: "K-1")),
        ]
        #expect(try await person.updated(["firm": nil]) == ["firm": "K-1"])
    }

    @Test("wake nobody when the target is bound already, in a dry run, and where inserts are disabled")
    func nobodyToWake() async throws {
        let types = try types(personMissing: "null", firmMissing: "null")
        func followUps(_ change: (inout MappingBench) -> Void) async throws -> Int {
            var firm = try bench(types, "Firm Sync", source: "F-1", fields: [:])
            firm.services.bindings = [
                Binding(
                    key: BindingKey(typeSlug: "person_sync", source: DocumentKey(type: Self.person, name: "P-1")),
                    target: DocumentKey(type: DocumentType(system: "shop", name: "User"), name: "U-1"))
            ]
            change(&firm)
            let handle = firm.handle
            var target = Document(key: nil, fields: [:])
            try await firm.type.targetController.update(&target, for: handle)
            return handle.followUps.count
        }
        #expect(try await followUps { _ in } == 1)
        #expect(try await followUps { $0.boundTo = "K-1" } == 0)
        #expect(try await followUps { $0.request.dryRun = true } == 0)
        #expect(try await followUps { $0.request.flags.insertEnabled = false } == 0)
        #expect(try await followUps { $0.request.hops = 8 } == 0, "a loop ends, the sync does not fail for it")
        #expect(try await followUps { $0.services.types = [] } == 0)
    }

    @Test("are explained with who runs again")
    func explained() throws {
        let types = try types(personMissing: "null", firmMissing: "\"fail\"")
        let person = try #require(types["Person Sync"]?.controller as? MappingController)
        #expect(
            person.mapping.explain() == [
                "firm ← the target that Firm Sync has for source.firm, null while it has none"
            ])
        let firm = try #require(types["Firm Sync"]?.controller as? MappingController)
        #expect(
            firm.mapping.explain() == [
                "owner ← the target that Person Sync has for source.owner, failing while it has none",
                "once bound: runs Person Sync again where source.firm names the document",
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
