// Which target a mapping finds: binding, match, conditions, deletes.
import SyncJobs
import Testing

@Suite("A mapping's target")
struct MappingTargetTests {
    private func account(_ name: String, _ fields: JSONObject) -> Document {
        Document(key: DocumentKey(type: MappingBench.targetType, name: name), fields: fields)
    }

    private static let matching = """
        match: {"erp_code": "job.source_document_name", "mail": {"from": "source.mail", "as": "lower"}}
        fields:
          label: source.name
        """

    @Test("is the bound one, else the one that matches, else a new one")
    func found() async throws {
        var bench = try MappingBench(Self.matching)
        bench.source = ["mail": "A@B"]
        #expect(try await bench.target() == .insert())
        bench.lookups.documents = [
            account("A-0", ["erp_code": "C-2", "mail": "a@b"]), account("A-1", ["erp_code": "C-1", "mail": "a@b"]),
        ]
        #expect(try await bench.target() == .update("A-1"))
        bench.boundTo = "A-9"
        #expect(try await bench.target() == .update("A-9"))
    }

    @Test("found twice is ambiguous_match, with the candidates named")
    func ambiguous() async throws {
        var bench = try MappingBench(Self.matching)
        bench.source = ["mail": "a@b"]
        bench.lookups.documents = ["A-1", "A \"2\""].map { account($0, ["erp_code": "C-1", "mail": "a@b"]) }
        let failure = await #expect(throws: JobFailure.self) { try await bench.target() }
        #expect(failure?.code == .ambiguousMatch)
        #expect(failure?.disposition == .permanent)
        #expect(
            failure?.message
                == "erp_code, mail matches 2 or more documents of shop.Account: \"A-1\", \"A \\\"2\\\"\"")
    }

    @Test("is a new one when a match value is missing or null, because nothing equals null")
    func matchNull() async throws {
        var bench = try MappingBench(Self.matching)
        bench.lookups.documents = [account("A-1", ["erp_code": "C-1", "mail": nil])]
        for source in [[:], ["mail": nil]] as [JSONObject] {
            bench.source = source
            #expect(try await bench.target() == .insert())
        }
    }

    @Test("of an update that is asked for and finds nothing is target_not_found")
    func updateOfNothing() async throws {
        var bench = try MappingBench("fields:\n  label: source.name")
        bench.request.operation = .update
        let failure = await #expect(throws: JobFailure.self) { try await bench.target() }
        #expect(failure?.code == .targetNotFound)
    }

    @Test("is none when the condition does not hold, before requirements are looked at")
    func condition() async throws {
        var bench = try MappingBench(
            """
            when: not source.disabled or context.force_update
            require: ["source.name"]
            fields:
              label: source.name
            """)
        bench.source = ["disabled": 1]
        #expect(try await bench.target() == .none(.condition))
        bench.request.context = ["force_update": true]
        let failure = await #expect(throws: JobFailure.self) { try await bench.target() }
        #expect(failure?.code == .requiredFieldMissing)
        #expect(failure?.message == "source.name is required, and is missing, null or empty")
        for missing in [nil, ""] as [JSONValue] {
            bench.source = ["name": missing]
            await #expect(throws: JobFailure.self) { try await bench.target() }
            await #expect(throws: JobFailure.self) { try await bench.inserted() }
        }
        bench.source = ["name": "Ada", "disabled": false]
        #expect(try await bench.target() == .insert())
    }

    @Test("of a deleted source follows on_delete, and skips when and require")
    func deletes() async throws {
        func bench(_ onDelete: String) throws -> MappingBench {
            var bench = try MappingBench(
                """
                when: source.never
                require: source.never
                fields:
                  label: source.name
                on_delete: \(onDelete)
                """)
            bench.isDeleted = true
            bench.boundTo = "A-1"
            bench.source = ["name": "Ada"]
            return bench
        }
        #expect(try await bench("delete").target() == .delete("A-1"))
        #expect(try await bench("keep").target() == .none(.sourceDeleted))
        let update = try bench("{\"update\": {\"status\": {\"value\": \"Closed\"}, \"was\": \"source.name\"}}")
        #expect(try await update.target() == .update("A-1"))
        #expect(
            try await update.updated(["status": "Open", "label": "x"]) == [
                "status": "Closed", "label": "x", "was": "Ada",
            ])
        var unbound = try bench("delete")
        unbound.boundTo = nil
        #expect(try await unbound.target() == .none(.alreadyGone))
        var asked = try bench("delete")
        asked.isDeleted = false
        asked.request.operation = .delete
        #expect(try await asked.target() == .delete("A-1"))
    }

    @Test("of a deleted source without on_delete fails for good and names it")
    func deleteUnsaid() async throws {
        var bench = try MappingBench("fields:\n  label: source.name")
        bench.isDeleted = true
        bench.boundTo = "A-1"
        let failure = await #expect(throws: JobFailure.self) { try await bench.target() }
        #expect(failure?.disposition == .permanent)
        #expect(failure?.remedy.contains("on_delete") == true)
    }

    @Test("match masks a sensitive value that can't be converted")
    func sensitiveMatch() async throws {
        var bench = try MappingBench("match: {\"vat\": {\"from\": \"source.vat\", \"as\": \"integer\"}}\nfields: {}")
        bench.source = ["vat": "SECRET"]
        bench.lookups.shapes = [MappingBench.sourceType: DocumentShape(fields: ["vat": FieldShape(isSensitive: true)])]
        let failure = await #expect(throws: JobFailure.self) { try await bench.target() }
        #expect(failure?.message == "the field \"vat\": ••• is not a whole number")
    }
}
