// The schemas of messages against the decoders: the same fields, the same documents taken and refused.

import SyncBroker
import SyncJobs
import Testing

@testable import Ferry

@Suite("The message contract")
struct MessageContractTests {
    @Test("The schema of a request has the fields that the decoder knows, and no others")
    func requestFields() throws {
        let schema = try ContractFiles.schema("sync-request.schema.json")
        #expect(try Set(schema.keys(of: "properties")) == Set(SyncRequestField.allCases.map(\.rawValue)))
    }

    @Test("The enumerations of the schemas are those of the code")
    func enumerations() throws {
        let request = try ContractFiles.schema("sync-request.schema.json")
        let triggers = request.root["properties"]?.objectValue?["trigger_type"]?.objectValue?["enum"]?.arrayValue
        #expect(triggers == SyncRequest.TriggerType.allCases.map { .string($0.rawValue) } + [.null])
        for kind in Operation.allCases { #expect(try takes(request, operation: kind.rawValue)) }
        #expect(try !takes(request, operation: "rename"))
        let change = try ContractFiles.schema("change-event.schema.json")
        let events = change.root["properties"]?.objectValue?["event"]?.objectValue?["examples"]?.arrayValue
        #expect(events == ChangeEvent.Kind.allCases.map { .string($0.rawValue) })
    }

    private func takes(_ schema: SchemaValidator, operation: String) throws -> Bool {
        try [operation, operation.uppercased(), operation.capitalized].allSatisfy { text in
            try schema.errors(in: ["sync_job_type": "T", "source_document_name": "N", "operation": .string(text)])
                .isEmpty
        }
    }

    static let requests: [(json: String, isGood: Bool)] =
        [
            "", #","source_version":"9""#, #","source_version":9007199254740993"#, #","source_version":null"#,
            #","document":{"a":[1]}"#, #","document":null"#, #","operation":"DeLeTe""#, #","context":{}"#,
            #","timeout":"1h30m""#, #","retry_delay":"0s""#, #","max_retries":0"#, #","max_retries":3.0"#,
            #","trigger_type":"Document Hook""#, #","trigger_document_timestamp":"2026-11-21 09:30:00.5+01:00""#,
            #","insert_enabled":false,"update_enabled":true,"delete_enabled":null"#, #","dry_run":true"#, #","hops":8"#,
            #","target_document_name":"T-1","operation":"update""#, #","target_document_name":null"#,
            #","queue":"short""#,
            #","parent_sync_job":"p""#, #","id":"other""#, #","id":null"#,
            #","not_before":"2026-11-21T09:30:00Z""#, #","dedup_key":"k""#, #","hold":true"#, #","hold":null"#,
            #","target_key":"7""#, #","old_source_document_name":"M""#, #","old_source_document_name":null"#,
            #","relay_finished":"p""#,
        ].map { (#"{"sync_job_type":"T","source_document_name":"N""# + $0 + "}", true) }
        + [
            #","source_version":"""#, #","source_version":true"#, #","document":[]"#, #","document":"x""#,
            #","operation":"upsert""#, #","operation":"""#, #","operation":1"#, #","context":"x""#, #","timeout":30"#,
            #","timeout":"30""#, #","timeout":"30 s""#, #","timeout":"""#, #","retry_delay":"5min""#,
            #","max_retries":-1"#,
            #","max_retries":1.5"#, #","max_retries":"3""#, #","max_retries":1000001"#, #","trigger_type":"manual""#,
            #","trigger_document_timestamp":"2026-11-21T09:30:00""#, #","trigger_document_timestamp":"yesterday""#,
            #","insert_enabled":1"#, #","dry_run":"true""#, #","hops":9"#, #","target_document_name":"T-1""#,
            #","target_document_name":"T-1","operation":null"#, #","queue":["short"]"#, #","colour":"red""#,
            #","not_before":"2026-11-21""#, #","dedup_key":"""#, #","hold":1"#, #","target_key":7"#,
            #","old_source_document_name":"""#, #","relay_finished":true"#,
            #","id":7"#, #","triggered_by_document_name":{}"#,
        ].map { (#"{"sync_job_type":"T","source_document_name":"N""# + $0 + "}", false) }
        + [
            (#"{"sync_job_type":"T","context":{"a":1}}"#, true),
            (#"{"sync_job_type":"T","source_document_name":"","context":{}}"#, true),
            (#"{"sync_job_type":"T","context":{},"old_source_document_name":"M"}"#, false),
            (#"{"sync_job_type":"T"}"#, false), (#"{"source_document_name":"N"}"#, false), ("{}", false), ("[]", false),
            (#"{"sync_job_type":"","source_document_name":"N"}"#, false),
            (#"{"sync_job_type":null,"source_document_name":"N"}"#, false),
            (#"{"sync_job_type":"T","source_document_name":""}"#, false),
            (#"{"sync_job_type":"T","source_document_name":null,"context":null}"#, false),
            (#"{"sync_job_type":"T","source_document_name":5}"#, false),
        ]

    @Test("Schema and decoder take and refuse the same requests", arguments: requests)
    func requestsAgree(json: String, isGood: Bool) throws {
        let errors = try ContractFiles.schema("sync-request.schema.json").errors(in: try JSONParser.parse(json))
        #expect(errors.isEmpty == isGood, "\(errors)")
        let refusal = refusal { () throws(JobFailure) in
            _ = try SyncRequest(decoding: Array(json.utf8), messageID: "m-1")
        }
        #expect((refusal == nil) == isGood, "\(refusal?.description ?? "taken")")
    }

    static let events: [(json: String, isGood: Bool)] =
        [
            "", #","version":"x""#, #","version":12.50"#, #","modified":"2026-11-21T09:30:00Z""#, #","document":{}"#,
            #","document":null"#, #","hops":0"#, #","old_name":"M""#, #","id":"e-1""#,
        ].map { (#"{"system":"erp","document_type":"C","document_name":"N","event":"Update""# + $0 + "}", true) }
        + [
            #","version":"""#, #","version":[]"#, #","modified":"2026-11-21""#, #","document":1"#, #","hops":-1"#,
            #","hops":"1""#, #","old_name":1"#, #","name":"x""#, #","id":{}"#,
        ].map { (#"{"system":"erp","document_type":"C","document_name":"N","event":"update""# + $0 + "}", false) }
        + [
            (#"{"system":"erp","document_type":"C","document_name":"N","event":"RENAME","old_name":"M"}"#, true),
            (#"{"system":"erp","document_type":"C","document_name":"N","event":"upsert"}"#, false),
            (#"{"system":"erp","document_type":"C","document_name":"N","event":null}"#, false),
            (#"{"system":"erp","document_type":"C","document_name":"N"}"#, false),
            (#"{"system":"erp","document_type":"C","event":"update"}"#, false),
            (#"{"system":"erp","document_type":"","document_name":"N","event":"update"}"#, false),
            (#"{"document_type":"C","document_name":"N","event":"update"}"#, false),
        ]

    @Test("Schema and decoder take and refuse the same change events", arguments: events)
    func eventsAgree(json: String, isGood: Bool) throws {
        let errors = try ContractFiles.schema("change-event.schema.json").errors(in: try JSONParser.parse(json))
        #expect(errors.isEmpty == isGood, "\(errors)")
        let refusal = refusal { () throws(JobFailure) in
            _ = try ChangeEvent(decoding: Array(json.utf8), messageID: "m-1")
        }
        #expect((refusal == nil) == isGood, "\(refusal?.description ?? "taken")")
    }

    private func refusal(_ body: () throws(JobFailure) -> Void) -> JobFailure? {
        do {
            try body()
            return nil
        } catch { return error }
    }

    @Test("What Ferry itself publishes is valid by the schemas")
    func ownMessages() throws {
        var request = SyncRequest(id: "r-1", type: "T", sourceName: "N")
        request.sourceVersion = "7"
        request.operation = .delete
        request.timeout = .seconds(5400)
        request.triggerType = .documentHook
        request.triggerDocumentTimestamp = "2026-11-21T09:30:00Z"
        request.flags.insertEnabled = false
        request.dryRun = true
        request.hops = 1
        request.oldSourceDocumentName = "M"
        request.targetKey = "7"
        request.notBefore = Timestamp("2026-11-21T09:30:00.5Z")
        request.dedupKey = "k"
        request.hold = true
        request.relayFinished = "r-0"
        #expect(try ContractFiles.schema("sync-request.schema.json").errors(in: .object(request.json)) == [])
        var event = ChangeEvent(
            id: "e-1", documentType: DocumentType(system: "erp", name: "C"), documentName: "N", event: .rename)
        event.oldName = "M"
        event.document = ["a": 1]
        #expect(try ContractFiles.schema("change-event.schema.json").errors(in: .object(event.json)) == [])
    }

    @Test("The example requests decode, plain and as CloudEvents, and are valid")
    func requestExamples() throws {
        let plain = try SyncRequest(decoding: try ContractFiles.bytes("examples/sync-request.json"), messageID: nil)
        #expect(plain.id == "erp-2026-11-21-000471")
        #expect(plain.maxRetries == 0)
        #expect(plain.context?["credit_limit"]?.numberValue?.text == "9007199254740993")
        let event = try SyncRequest(
            decoding: try ContractFiles.bytes("examples/sync-request.cloudevent.json"), messageID: nil)
        #expect(event.id == "https://erp.example.com/customers/000471")
        #expect(event.syncJobType == "sap_customer_sync")
        try expectValid("examples/sync-request", by: "sync-request.schema.json")
    }

    @Test("The example change events decode, plain and as CloudEvents, and are valid")
    func changeExamples() throws {
        let plain = try ChangeEvent(decoding: try ContractFiles.bytes("examples/change-event.json"), messageID: nil)
        #expect(plain.event == .update)
        #expect(plain.document?["credit_limit"]?.numberValue?.text == "2500.50")
        let event = try ChangeEvent(
            decoding: try ContractFiles.bytes("examples/change-event.cloudevent.json"), messageID: nil)
        #expect(event.event == .delete)
        try expectValid("examples/change-event", by: "change-event.schema.json")
    }

    private func expectValid(_ example: String, by schema: String) throws {
        let schema = try ContractFiles.schema(schema)
        #expect(try schema.errors(in: try ContractFiles.json(example + ".json")) == [])
        let event = try ContractFiles.json(example + ".cloudevent.json")
        #expect(try schema.errors(in: try #require(event.objectValue?["data"])) == [])
    }

    @Test("The example dead letter is one that Ferry would publish")
    func deadLetterExample() throws {
        let message = try #require(try ContractFiles.json("examples/dead-letter.json").objectValue)
        let properties = try #require(message["properties"]?.objectValue)
        let headers = try #require(properties["headers"]?.objectValue)
        func text(_ header: DeadLetter.Header) throws -> String { try #require(headers[header.rawValue]?.stringValue) }
        let code = try #require(JobFailure.Code(rawValue: try text(.reason)))
        let letter = DeadLetter(
            reason: JobFailure(code, try text(.message), remedy: try text(.remedy)), jobID: try text(.job),
            queue: try text(.queue), typeSlug: nil, turn: 0, failedAt: try #require(Timestamp(try text(.failedAt))))
        #expect(letter.headers == headers)
        #expect(message["routing_key"]?.stringValue == letter.routingKey)
        #expect(message["exchange"]?.stringValue == (try Topology().dead))
        let body = try #require(message["body"]?.stringValue)
        let request = try SyncRequest(decoding: Array(body.utf8), messageID: properties["message_id"]?.stringValue)
        #expect(request.id == letter.jobID)
    }
}
