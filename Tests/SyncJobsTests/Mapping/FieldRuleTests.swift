// The rules of a field, each as mapping configuration says it.
import SyncJobs
import Testing

@Suite("A field rule")
struct FieldRuleTests {
    @Test("copies, converts, fills a template, and sets constants")
    func origins() async throws {
        var bench = try MappingBench(
            """
            fields:
              label: source.customer_name
              contact: {"from": "source.email", "as": ["trim", "lower"]}
              greeting: {"text": "Dear {source.customer_name} {{{source.n}}} {source.missing}!"}
              channel: {"value": "ERP"}
              nothing: {"value": null}
              many: {"value": [1, {"a": true}]}
              erp_code: job.source_document_name
              why: context.reason
            """)
        bench.source = ["customer_name": "Ada", "email": "  Ada@Example.ORG\n", "n": .number(JSONNumber("0.10") ?? 0)]
        bench.request.context = ["reason": "by hand"]
        #expect(
            try await bench.inserted() == [
                "label": "Ada", "contact": "ada@example.org", "greeting": "Dear Ada {0.10} !", "channel": "ERP",
                "nothing": nil, "many": [1, ["a": true]], "erp_code": "C-1", "why": "by hand",
            ])
    }

    @Test("of a missing path leaves the target's field alone, null is copied as null, \"\" as \"\"")
    func missingNullEmpty() async throws {
        var bench = try MappingBench("fields:\n  a: source.missing\n  b: source.null\n  c: source.empty")
        bench.source = ["null": nil, "empty": ""]
        #expect(try await bench.updated(["a": 1, "b": 2, "c": 3, "d": 4]) == ["a": 1, "b": nil, "c": "", "d": 4])
        #expect(try await bench.inserted() == ["b": nil, "c": ""], "an insert leaves the missing field's default")
    }

    @Test("fills in its default for missing and null, not for other empty values")
    func fallback() async throws {
        var bench = try MappingBench(
            """
            fields:
              a: {"from": "source.missing", "default": 0}
              b: {"from": "source.null", "as": "integer", "default": 0}
              c: {"from": "source.empty", "default": 0}
              d: {"from": "source.odd", "map": {"x": "y"}, "otherwise": null, "default": "none"}
            """)
        bench.source = ["null": nil, "empty": "", "odd": "z"]
        #expect(try await bench.inserted() == ["a": 0, "b": 0, "c": "", "d": "none"])
    }

    @Test("maps values by their text, with fail, keep and null for the others")
    func maps() async throws {
        var bench = try MappingBench(
            """
            fields:
              a: {"from": "source.group", "map": {"A": "key", "B": "retail"}, "otherwise": "fail"}
              b: {"from": "source.number", "map": {"1": true}, "otherwise": "keep"}
              c: {"from": "source.group", "map": {"B": 5}, "otherwise": "keep"}
              d: {"from": "source.group", "map": {"B": 5}, "otherwise": "null"}
              e: {"from": "source.null", "map": {"null": 5}}
              f: {"from": "source.flag", "map": {"true": "yes"}}
            """)
        bench.source = ["group": "A", "number": 1, "null": nil, "flag": true]
        #expect(
            try await bench.inserted() == ["a": "key", "b": true, "c": "A", "d": nil, "e": nil, "f": "yes"])
        bench.source = ["group": "Z", "number": 1, "flag": true]
        let failure = try await bench.failure()
        #expect(failure.code == .unmappedValue)
        #expect(failure.message == "the field \"a\": \"Z\" is not in the map")
        #expect(failure.remedy == "add it to map:, or say otherwise: keep or null")
    }

    @Test("holds composed and decomposed Unicode apart in a map, unless nfc composes them")
    func composedInMap() async throws {
        var bench = try MappingBench(
            """
            fields:
              a: {"from": "source.v", "map": {"caf\u{E9}": 1}, "otherwise": "keep"}
              b: {"from": "source.v", "as": "nfc", "map": {"caf\u{E9}": 1}}
            """)
        bench.source = ["v": "cafe\u{301}"]
        #expect(try await bench.inserted() == ["a": "cafe\u{301}", "b": 1])
    }

    @Test("calls a registered function, not for null, and says which one failed without its text")
    func functions() async throws {
        struct Broken: Error, CustomStringConvertible { let description = "SECRET" }
        let functions: [String: MappingFunction] = [
            "twice": { value in .string((value.stringValue ?? "?") + (value.stringValue ?? "?")) },
            "broken": { _ in throw Broken() },
            "later": { _ in throw JobFailure.retryable("the tax office sleeps") },
        ]
        var bench = try MappingBench(
            """
            fields:
              a: {"from": "source.vat", "as": "upper", "using": "twice", "default": "none"}
              b: {"from": "source.null", "using": "twice"}
              c: {"from": "source.odd", "using": "broken"}
              d: {"from": "source.late", "using": "later"}
            """, functions: functions)
        bench.source = ["vat": "de1", "null": nil]
        #expect(try await bench.inserted() == ["a": "DE1DE1", "b": nil])
        bench.source = ["odd": "v"]
        let failure = try await bench.failure()
        #expect(failure.code == .coercionFailed)
        #expect(failure.message == "the field \"c\": \"v\" is refused by the function \"broken\" (Broken)")
        bench.source = ["late": "v"]
        let late = await #expect(throws: JobFailure.self) { try await bench.inserted() }
        #expect(late?.disposition == .retryable(after: nil))
    }

    @Test("with only: insert never touches an existing target, with only: empty no value")
    func limits() async throws {
        var bench = try MappingBench(
            """
            fields:
              a: {"from": "source.v", "only": "insert"}
              b: {"from": "source.v", "only": "empty"}
            """)
        bench.source = ["v": "new"]
        #expect(try await bench.inserted() == ["a": "new", "b": "new"])
        #expect(try await bench.updated(["a": "old", "b": "old"]) == ["a": "old", "b": "old"])
        #expect(try await bench.updated(["a": nil, "b": nil]) == ["a": nil, "b": "new"])
        #expect(try await bench.updated(["x": 1, "b": ""]) == ["x": 1, "b": "new"])
        #expect(try await bench.updated(["x": 1]) == ["x": 1, "b": "new"])
    }

    @Test("that fails names the field and shows the value")
    func failedCoercion() async throws {
        var bench = try MappingBench("fields:\n  limit: {\"from\": \"source.limit\", \"as\": \"decimal(2)\"}")
        bench.source = ["limit": "12,30"]
        let failure = try await bench.failure()
        #expect(failure.code == .coercionFailed)
        #expect(failure.message == "the field \"limit\": \"12,30\" is not a decimal number")
        bench.source = ["limit": .string(String(repeating: "x", count: 500))]
        #expect(try await bench.failure().message.count < 140, "a long value is cut")
    }

    @Test("masks the value of a failed coercion when the target's or the source's field is sensitive")
    func sensitive() async throws {
        var bench = try MappingBench("fields:\n  vat: {\"from\": \"source.tax_id\", \"as\": \"integer\"}")
        bench.source = ["tax_id": "SECRET"]
        let sensitive = FieldShape(isSensitive: true)
        bench.lookups.shapes = [MappingBench.targetType: DocumentShape(fields: ["vat": sensitive])]
        #expect(try await bench.failure().message == "the field \"vat\": ••• is not a whole number")
        bench.lookups.shapes = [MappingBench.sourceType: DocumentShape(fields: ["tax_id": sensitive])]
        #expect(try await bench.failure().message == "the field \"vat\": ••• is not a whole number")
        bench.lookups.shapes = [:]
        #expect(try await bench.failure().message == "the field \"vat\": \"SECRET\" is not a whole number")
    }

    @Test("of the job sees what is in force")
    func jobRoot() async throws {
        var bench = try MappingBench(
            """
            fields:
              operation: job.operation
              name: job.target_document_name
              id: job.id
              type: job.sync_job_type
              trigger: job.trigger_type
              by: job.triggered_by_document_name
            """)
        bench.request.triggerType = .documentHook
        bench.request.triggeredByDocumentName = "Contact 5"
        #expect(
            try await bench.inserted() == [
                "operation": "insert", "id": "job-1", "type": "T", "trigger": "Document Hook", "by": "Contact 5",
            ])
        let updated = try await bench.updated(["x": 1], name: "A-7")
        #expect(updated["operation"] == "update")
        #expect(updated["name"] == "A-7")
    }
}
