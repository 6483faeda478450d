// Change events from bytes, and the requests that triggers make of them.
import SyncJobs
import Testing

@Suite("A change event")
struct ChangeEventTests {
    private func decode(_ text: String, messageID: String? = "m-1") throws -> ChangeEvent {
        try ChangeEvent(decoding: Array(text.utf8), messageID: messageID)
    }

    @Test("takes all of its fields, and is written as it was read")
    func everything() throws {
        let text = """
            {"id":"e-1","system":"erp","document_type":"Customer","document_name":"C-1","event":"rename","old_name":"C-0",
             "version":7,"modified":"2026-11-21T00:00:00Z","document":{"a":0.10},"hops":2}
            """
        let event = try decode(text, messageID: nil)
        #expect(event.documentType == DocumentType(system: "erp", name: "Customer"))
        #expect(event.event == .rename && event.oldName == "C-0" && event.version == "7" && event.hops == 2)
        #expect(try decode(JSONValue.object(event.json).canonicalText, messageID: nil) == event)
        let wrapped = try decode(
            "{\"specversion\":\"1.0\",\"id\":\"1\",\"source\":\"s\",\"data\":\(text)}", messageID: nil)
        #expect(wrapped == event)
    }

    @Test(
        "reads what happened in any case",
        arguments: [("INSERT", ChangeEvent.Kind.insert), ("Update", .update), ("delete", .delete)])
    func kinds(text: String, kind: ChangeEvent.Kind) throws {
        #expect(
            try decode("{\"system\":\"s\",\"document_type\":\"t\",\"document_name\":\"n\",\"event\":\"\(text)\"}").event
                == kind)
    }

    @Test(
        "that can't be understood for certain is refused with a code",
        arguments: [
            ("x", .invalidJSON), ("[]", .notAnObject), ("{}", .missingField),
            (#"{"system":"s","document_type":"t","document_name":"n"}"#, .missingField),
            (#"{"system":"s","document_type":"t","document_name":"","event":"insert"}"#, .missingField),
            (#"{"system":"","document_type":"t","document_name":"n","event":"insert"}"#, .missingField),
            (#"{"system":"s","document_type":"t","document_name":"n","event":"upsert"}"#, .invalidField),
            (#"{"system":"s","document_type":5,"document_name":"n","event":"insert"}"#, .invalidField),
            (
                #"{"system":"s","document_type":"t","document_name":"n","event":"insert","sync_job_type":"T"}"#,
                .unknownField
            ),
            (
                #"{"system":"s","document_type":"t","document_name":"n","event":"insert","modified":"today"}"#,
                .invalidField
            ),
            (#"{"system":"s","document_type":"t","document_name":"n","event":"insert","document":[]}"#, .invalidField),
            (#"{"system":"s","document_type":"t","document_name":"n","event":"insert","hops":9}"#, .loop),
        ] as [(String, JobFailure.Code)])
    func refused(text: String, code: JobFailure.Code) {
        let failure = #expect(throws: JobFailure.self) { try decode(text) }
        #expect(failure?.code == code, "\(failure?.description ?? "")")
        #expect(failure?.disposition == .permanent)
    }

    @Test("without any id is refused by name")
    func noID() {
        let failure = #expect(throws: JobFailure.self) {
            try decode(#"{"system":"s","document_type":"t","document_name":"n","event":"insert"}"#, messageID: nil)
        }
        #expect(failure?.code == .missingID)
    }
}

@Suite("A trigger")
struct TriggerTests {
    struct Nothing: SingleTargetController {
        func update(_ target: inout Document, for job: JobHandle) async throws {}
    }

    private static let customer = DocumentType(system: "erp", name: "Customer")
    private static let contact = DocumentType(system: "erp", name: "Contact")

    private func type(_ triggers: Trigger...) -> SyncJobType {
        var type = SyncJobType(name: "Customer Sync", source: Self.customer, target: nil, controller: Nothing())
        type.triggers = triggers
        return type
    }

    private func event(
        _ kind: ChangeEvent.Kind, of type: DocumentType = TriggerTests.customer, name: String = "C-1",
        document: JSONObject? = nil
    ) -> ChangeEvent {
        var event = ChangeEvent(id: "e-1", documentType: type, documentName: name, event: kind)
        event.document = document
        event.version = "7"
        event.modified = "2026-11-21T00:00:00Z"
        event.hops = 3
        return event
    }

    @Test("makes a request of its events, with an id that derives from the event's and the type's")
    func fires() throws {
        let type = type(Trigger(document: Self.customer, events: [.insert, .update]))
        let request = try #require(try type.request(for: event(.update, document: ["a": 1])))
        #expect(request.id == "e-1:customer_sync")
        #expect(request.syncJobType == "Customer Sync" && request.sourceDocumentName == "C-1")
        #expect(request.sourceDocumentType == "Customer" && request.sourceVersion == "7" && request.hops == 4)
        #expect(request.triggerType == .documentHook && request.triggeredByDocumentType == "Customer")
        #expect(request.triggeredByDocumentName == "C-1" && request.triggerDocumentTimestamp == "2026-11-21T00:00:00Z")
        #expect(request.operation == nil && request.document == nil, "the source is loaded, not taken from the event")
        #expect(try type.request(for: event(.update)) == type.request(for: event(.update)))
    }

    @Test("does not fire for other events, other documents, and disabled types")
    func silent() throws {
        var type = type(Trigger(document: Self.customer, events: [.insert]))
        #expect(try type.request(for: event(.update)) == nil)
        #expect(try type.request(for: event(.insert, of: Self.contact)) == nil)
        #expect(try type.request(for: event(.insert, of: DocumentType(system: "crm", name: "Customer"))) == nil)
        type.isDisabled = true
        #expect(try type.request(for: event(.insert)) == nil)
    }

    @Test("fires when its condition over the image holds; the first that fires counts")
    func conditions() throws {
        let type = type(
            Trigger(document: Self.customer, events: [.update], when: try Expression("document.kind == 'A'")),
            Trigger(
                document: Self.customer, events: [.update], when: try Expression("document.kind == 'B'"),
                sourceName: try Path("document.parent")))
        #expect(try type.request(for: event(.update, document: ["kind": "A"]))?.sourceDocumentName == "C-1")
        #expect(
            try type.request(for: event(.update, document: ["kind": "B", "parent": 42]))?.sourceDocumentName == "42")
        #expect(try type.request(for: event(.update, document: ["kind": "C"])) == nil)
        #expect(try type.request(for: event(.update)) == nil)
    }

    @Test("carries a delete as operation with the last image as tombstone, and a contact's delete as no delete")
    func deletes() throws {
        let type = type(
            Trigger(document: Self.customer, events: [.delete]),
            Trigger(document: Self.contact, events: [.delete], sourceName: try Path("document.customer")))
        let request = try #require(try type.request(for: event(.delete, document: ["a": 1])))
        #expect(request.operation == .delete && request.document == ["a": 1])
        let other = try #require(
            try type.request(for: event(.delete, of: Self.contact, name: "K-1", document: ["customer": "C-9"])))
        #expect(other.operation == nil && other.document == nil && other.sourceVersion == nil)
        #expect(other.sourceDocumentName == "C-9" && other.triggeredByDocumentName == "K-1")
    }

    @Test("carries a rename as a request of the new name that knows the old one")
    func renames() throws {
        let type = type(Trigger(document: Self.customer, events: [.rename]))
        var event = event(.rename, name: "C-2")
        event.oldName = "C-1"
        let request = try #require(try type.request(for: event))
        #expect(request.sourceDocumentName == "C-2" && request.oldSourceDocumentName == "C-1")
        #expect(request.operation == nil && request.document == nil && request.sourceVersion == "7")
        event.oldName = "C-2"
        #expect(try type.request(for: event)?.oldSourceDocumentName == nil, "nothing was renamed")
        for missing in [nil, ""] as [String?] {
            event.oldName = missing
            let failure = #expect(throws: JobFailure.self) { try type.request(for: event) }
            #expect(failure?.code == .missingField)
            #expect(failure?.message.contains("old_name") == true)
        }
    }

    @Test("says which context, by paths over the image and constants")
    func context() throws {
        let fields = [
            Trigger.ContextField(field: "region", value: .path(try Path("document.address.region"))),
            Trigger.ContextField(field: "nothing", value: .path(try Path("document.nothing"))),
            Trigger.ContextField(field: "missing", value: .path(try Path("document.missing"))),
            Trigger.ContextField(field: "why", value: .constant(["changed", 1])),
        ]
        let type = type(Trigger(document: Self.customer, events: [.update, .delete], context: fields))
        let image: JSONObject = ["address": ["region": "North"], "nothing": nil]
        let expected: JSONObject = ["region": "North", "nothing": nil, "why": ["changed", 1]]
        for kind in [ChangeEvent.Kind.update, .delete] {
            #expect(try type.request(for: event(kind, document: image))?.context == expected)
        }
        #expect(try type.request(for: event(.update))?.context == ["why": ["changed", 1]])
        let plain = self.type(Trigger(document: Self.customer, events: [.update]))
        #expect(try plain.request(for: event(.update, document: image))?.context == nil)
    }

    @Test("counts a hop, and ends as a loop above eight: trigger loop A → B → A")
    func hops() throws {
        let type = type(Trigger(document: Self.customer, events: [.update]))
        var event = event(.update)
        event.hops = 7
        #expect(try type.request(for: event)?.hops == 8)
        event.hops = 8
        let failure = #expect(throws: JobFailure.self) { try type.request(for: event) }
        #expect(failure?.code == .loop)
        #expect(failure?.disposition == .permanent)
    }

    private static let imagesWithoutName: [JSONObject?] = [
        nil, [:], ["customer": nil], ["customer": ""], ["customer": true],
    ]

    @Test("that fires without a source name fails by name", arguments: imagesWithoutName)
    func noSourceName(image: JSONObject?) throws {
        let type = type(Trigger(document: Self.contact, events: [.update], sourceName: try Path("document.customer")))
        let failure = #expect(throws: JobFailure.self) {
            try type.request(for: event(.update, of: Self.contact, document: image))
        }
        #expect(failure?.code == .missingField)
        #expect(failure?.message.contains("document.customer") == true)
    }

    @Test("keeps the request's id within 255 bytes, still one for each event")
    func longIDs() throws {
        let type = type(Trigger(document: Self.customer, events: [.update]))
        var ids: Set<String> = []
        for tail in ["a", "b", "a"] {
            var event = event(.update)
            event.id = String(repeating: "x", count: 254) + tail
            let id = try #require(try type.request(for: event)).id
            #expect(id.utf8.count <= SyncRequest.maximumIDBytes)
            ids.insert(id)
        }
        #expect(ids.count == 2)
    }
}
