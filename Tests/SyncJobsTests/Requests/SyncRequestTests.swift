// Sync requests from bytes: what is taken, and every bad message with its code.
import SyncJobs
import Testing

private struct Nothing: SingleTargetController {
    func update(_ target: inout Document, for job: JobHandle) async throws {}
}

@Suite("A sync request")
struct SyncRequestTests {
    private func decode(_ text: String, messageID: String? = "m-1") throws -> SyncRequest {
        try SyncRequest(decoding: Array(text.utf8), messageID: messageID)
    }

    @Test("at its smallest is id, type and source name")
    func smallest() throws {
        let request = try decode(
            #"{"id":"j-1","sync_job_type":"Country Sync","source_document_name":"DE"}"#, messageID: nil)
        #expect(request == SyncRequest(id: "j-1", type: "Country Sync", sourceName: "DE"))
        #expect(request.triggerType == .manual && !request.dryRun && request.hops == 0)
    }

    private static let full = """
        {"id":"j-1","sync_job_type":"T","source_document_type":"Customer","source_document_name":"C-1",
         "source_version":"2026-11-21T00:00:00Z","document":{"a":0.10},"operation":"UPDATE",
         "target_document_type":"Account","target_document_name":"A-1","context":{"force":true},"queue":"short",
         "timeout":"30s","retry_delay":"1h30m","max_retries":0,"trigger_type":"Document Hook",
         "triggered_by_document_type":"Contact","triggered_by_document_name":"K-1",
         "trigger_document_timestamp":"2026-11-21T00:00:00+01:00","insert_enabled":false,"update_enabled":true,
         "delete_enabled":false,"update_without_changes_enabled":true,"verbose_logging":true,"dry_run":true,
         "parent_sync_job":"p-1","hops":8,"target_key":"row-1","old_source_document_name":"C-0",
         "not_before":"2026-11-21T00:00:00Z","dedup_key":"d","hold":true,"relay_finished":"p-0"}
        """

    @Test("takes all of its fields, and is written as it was read")
    func everything() throws {
        let request = try decode(Self.full)
        #expect(request.operation == .update)
        #expect(request.document?["a"]?.numberValue?.text == "0.10")
        #expect(request.timeout == .seconds(30))
        #expect(request.retryDelay == .seconds(5_400))
        #expect(request.maxRetries == 0)
        #expect(request.triggerType == .documentHook)
        #expect(request.flags.insertEnabled == false && request.flags.updateWithoutChangesEnabled == true)
        #expect(request.dryRun && request.hops == 8)
        var again = try decode(JSONValue.object(request.json).canonicalText, messageID: nil)
        #expect(again.id == "m-1", "the AMQP message_id went before the body's id")
        again.id = request.id
        #expect(again == request)
        #expect(
            request.targetKey == "row-1" && request.oldSourceDocumentName == "C-0" && request.relayFinished == "p-0")
        #expect(request.notBefore == Timestamp("2026-11-21T00:00:00Z") && request.dedupKey == "d" && request.hold)
        #expect(request.json.count == SyncRequestField.allCases.count)
    }

    @Test(
        "reads operations in any case",
        arguments: [("insert", SyncJobs.Operation.insert), ("Update", .update), ("DELETE", .delete)])
    func operations(text: String, operation: SyncJobs.Operation) throws {
        #expect(
            try decode("{\"sync_job_type\":\"T\",\"source_document_name\":\"x\",\"operation\":\"\(text)\"}").operation
                == operation)
    }

    @Test("takes null for what is left out, and an empty source name beside a context")
    func nulls() throws {
        let request = try decode(
            #"{"sync_job_type":"T","source_document_name":"x","context":null,"timeout":null,"dry_run":null}"#)
        #expect(request == SyncRequest(id: "m-1", type: "T", sourceName: "x"))
        #expect(try decode(#"{"sync_job_type":"T","context":{}}"#).sourceDocumentName == nil)
        #expect(try decode(#"{"sync_job_type":"T","context":{},"source_document_name":""}"#).context == [:])
    }

    @Test("id is the message_id, else the body's, else CloudEvents source and id")
    func ids() throws {
        let body = #"{"id":"b-1","sync_job_type":"T","source_document_name":"x"}"#
        let event = #"{"specversion":"1.0","id":"e-1","source":"/erp/","type":"t","data":"# + body + "}"
        let bare =
            #"{"specversion":"1.0","id":"e-1","source":"/erp/","type":"t","data":{"sync_job_type":"T","source_document_name":"x"}}"#
        #expect(try decode(body).id == "m-1")
        #expect(try decode(body, messageID: "").id == "b-1")
        #expect(try decode(event).id == "m-1")
        #expect(try decode(event, messageID: nil).id == "b-1")
        #expect(try decode(bare, messageID: nil).id == "/erp/e-1")
    }

    @Test(
        "that can't be understood for certain is refused with a code",
        arguments: [
            ("", .invalidJSON), ("not json", .invalidJSON), ("{\"a\":1", .invalidJSON), ("[]", .notAnObject),
            ("\"text\"", .notAnObject), ("null", .notAnObject), ("5", .notAnObject),
            ("{\"id\":\"a\",\"id\":\"b\"}", .duplicateKey), ("{\"a\":1e9999999}", .numberOutOfRange),
            ("{}", .missingType), ("{\"sync_job_type\":\"\",\"source_document_name\":\"x\"}", .missingType),
            ("{\"sync_job_type\":null}", .missingType), ("{\"sync_job_type\":5}", .invalidField),
            ("{\"sync_job_type\":\"T\"}", .missingField),
            ("{\"sync_job_type\":\"T\",\"source_document_name\":\"\"}", .missingField),
            ("{\"sync_job_type\":\"T\",\"source_document_name\":5}", .invalidField),
            ("{\"sync_job_type\":\"T\",\"source_document_name\":\"x\",\"target_document_name\":\"y\"}", .missingField),
            ("{\"id\":5,\"sync_job_type\":\"T\"}", .invalidID),
            ("{\"sync_job_type\":\"T\",\"sourceDocumentName\":\"x\"}", .unknownField),
            ("{\"specversion\":\"1.0\"}", .missingField),
            ("{\"specversion\":\"1.0\",\"data\":\"text\"}", .missingField),
            ("{\"specversion\":\"2.0\",\"data\":{}}", .invalidField),
            ("{\"specversion\":1,\"data\":{}}", .invalidField),
        ] as [(String, JobFailure.Code)])
    func refused(text: String, code: JobFailure.Code) {
        let failure = #expect(throws: JobFailure.self) { try decode(text) }
        #expect(failure?.code == code, "\(failure?.description ?? "")")
        #expect(failure?.disposition == .permanent)
        #expect(failure?.remedy.isEmpty == false && failure?.message.isEmpty == false)
    }

    @Test("tells fields apart that are of one length, and refuses what is only as long as one")
    func lengths() throws {
        let request = try decode(
            #"{"sync_job_type":"T","source_document_name":"x","target_document_name":"y","operation":"update"}"#)
        #expect(request.sourceDocumentName == "x" && request.targetDocumentName == "y")
        let names = ["sync_job_typo", "syncjobtype__", "source_document_nam€", String(repeating: "k", count: 64 + 13)]
        for name in names {
            let failure = #expect(throws: JobFailure.self) {
                try decode("{\"sync_job_type\":\"T\",\"source_document_name\":\"x\",\"\(name)\":1}")
            }
            #expect(failure?.code == .unknownField)
            #expect(failure?.message == "a sync request has no field \"\(name)\"")
        }
    }

    @Test(
        "with several things wrong names the first: the id, a name that is none, the type, then the others in their order",
        arguments: [
            (#"{"id":1,"queue":5,"zzz":1}"#, "\"id\" is a number"),
            (#"{"queue":5,"zzz":1,"aaa":1}"#, "a sync request has no field \"aaa\""),
            (#"{"queue":5,"context":1}"#, "the request names no sync job type"),
            (#"{"sync_job_type":"T","queue":5,"context":1}"#, "\"context\" is a number that is not taken here"),
            (#"{"sync_job_type":"T","dedup_key":5,"hops":-1}"#, "\"hops\" is a number that is not taken here"),
        ])
    func order(text: String, message: String) {
        #expect(#expect(throws: JobFailure.self) { try decode(text) }?.message == message)
    }

    @Test(
        "with a field of the wrong kind names the field and what belongs there",
        arguments: [
            ("operation", "\"upsert\"", "send one of \"insert\", \"update\", \"delete\""), ("operation", "5", nil),
            ("context", "[]", "send an object"), ("document", "\"{}\"", "send an object"),
            ("timeout", "30", "send a duration with its unit, such as \"30s\", \"5m\" or \"2h\""),
            ("timeout", "\"30\"", nil),
            ("timeout", "\"400d\"", "send a duration of at most 366d"), ("retry_delay", "\"-5s\"", nil),
            ("max_retries", "-1", "send a whole number from 0 to 1000000"), ("max_retries", "1.5", nil),
            ("max_retries", "\"3\"", nil), ("dry_run", "\"true\"", "send true or false"), ("dry_run", "1", nil),
            ("insert_enabled", "0", nil), ("trigger_type", "\"manual\"", nil), ("hops", "-1", nil),
            ("queue", "7", "send a string"),
            ("trigger_document_timestamp", "\"2026-11-21T00:00:00\"", "send an RFC 3339 time with its offset"),
            ("source_version", "true", "send a string or a number"), ("parent_sync_job", "[]", nil),
            ("verbose_logging", "{}", nil),
        ] as [(String, String, String?)])
    func wrongKind(field: String, value: String, remedy: String?) {
        let failure = #expect(throws: JobFailure.self) {
            try decode("{\"sync_job_type\":\"T\",\"source_document_name\":\"x\",\"\(field)\":\(value)}")
        }
        #expect(failure?.code == .invalidField)
        #expect(failure?.message.contains("\"\(field)\"") == true)
        if let remedy { #expect(failure?.remedy == remedy) }
    }

    @Test(
        "with nonsense in a field is refused by name",
        arguments: ["\"timeout\":\"0s\"", "\"dedup_key\":\"\"", "\"not_before\":\"tomorrow\"", "\"hold\":\"yes\""])
    func nonsense(member: String) {
        let failure = #expect(throws: JobFailure.self) {
            try decode("{\"sync_job_type\":\"T\",\"source_document_name\":\"x\",\(member)}")
        }
        #expect(failure?.code == .invalidField)
    }

    @Test(
        "of a renamed source says from what to what",
        arguments: [
            #""source_document_name":"x","old_source_document_name":"""#,
            #""context":{},"old_source_document_name":"y""#,
            #""context":{},"source_document_name":"","old_source_document_name":"y""#,
        ])
    func renames(fields: String) {
        let failure = #expect(throws: JobFailure.self) { try decode("{\"sync_job_type\":\"T\",\(fields)}") }
        #expect(failure?.code == .missingField)
        #expect(failure?.remedy.contains("old_source_document_name") == true)
    }

    @Test("without any id is refused by name")
    func noID() {
        for text in [
            #"{"sync_job_type":"T","source_document_name":"x"}"#,
            #"{"id":"","sync_job_type":"T","source_document_name":"x"}"#,
        ] {
            let failure = #expect(throws: JobFailure.self) { try decode(text, messageID: nil) }
            #expect(failure?.code == .missingID)
        }
    }

    @Test("with an id of over 255 bytes is refused")
    func longID() {
        let id = String(repeating: "é", count: 128)
        let failure = #expect(throws: JobFailure.self) {
            try decode("{\"id\":\"\(id)\",\"sync_job_type\":\"T\",\"source_document_name\":\"x\"}", messageID: nil)
        }
        #expect(failure?.code == .invalidID)
    }

    @Test("that is not UTF-8 is refused by name")
    func notUTF8() {
        let failure = #expect(throws: JobFailure.self) {
            try SyncRequest(decoding: Array("{\"sync_job_type\":\"".utf8) + [0xE9] + Array("\"}".utf8), messageID: "m")
        }
        #expect(failure?.code == .invalidUTF8)
    }

    @Test("nested 10,000 deep is refused")
    func tooDeep() {
        let failure = #expect(throws: JobFailure.self) {
            try decode(
                "{\"context\":" + String(repeating: "[", count: 10_000) + String(repeating: "]", count: 10_000) + "}")
        }
        #expect(failure?.code == .tooDeep)
    }

    @Test("carries numbers that a Double would round as they are written")
    func exactNumbers() throws {
        let request = try decode(
            #"{"sync_job_type":"T","context":{"a":9007199254740993,"b":0.10,"c":1e400},"source_version":10.0}"#)
        #expect(JSONValue.object(request.context ?? [:]).canonicalText == #"{"a":9007199254740993,"b":0.10,"c":1e400}"#)
        #expect(request.sourceVersion == "10.0")
    }

    @Test("takes names with quotes, newlines, emoji and 10 kB, and refuses over 16 KiB by name")
    func names() throws {
        for name in ["O'Neil \"x\"\n\t\\", "😀 e\u{301}", String(repeating: "n", count: 10_240)] {
            var request = SyncRequest(id: "i", type: "T", sourceName: name)
            request.targetDocumentName = name
            request.operation = .update
            let back = try decode(JSONValue.object(request.json).canonicalText, messageID: "i")
            #expect(back.sourceDocumentName.map { $0.hasSameBytes(as: name) } == true)
            #expect(back.targetDocumentName.map { $0.hasSameBytes(as: name) } == true)
        }
        let long = String(repeating: "n", count: 16_385)
        let failure = #expect(throws: JobFailure.self) {
            try decode("{\"sync_job_type\":\"T\",\"source_document_name\":\"\(long)\"}")
        }
        #expect(failure?.code == .invalidField)
        #expect(failure?.message.contains("16385 bytes") == true)
    }

    @Test("above 8 hops is a loop")
    func loop() throws {
        #expect(try decode(#"{"sync_job_type":"T","source_document_name":"x","hops":8}"#).hops == 8)
        let failure = #expect(throws: JobFailure.self) {
            try decode(#"{"sync_job_type":"T","source_document_name":"x","hops":9}"#)
        }
        #expect(failure?.code == .loop)
    }

    @Test("is told from another of the same id by its content, however it is spaced, ordered or wrapped")
    func contentHash() throws {
        let plain = try decode(#"{"sync_job_type":"T","source_document_name":"x","context":{"a":1,"b":2}}"#)
        let other = try decode(
            #"{ "context" : {"b":2, "a":1}, "source_document_name":"x", "sync_job_type":"T", "id":"z" }"#)
        let wrapped = try decode(
            #"{"specversion":"1.0","source":"s","id":"1","data":{"sync_job_type":"T","source_document_name":"x","context":{"a":1,"b":2}}}"#
        )
        #expect(plain.contentHash == other.contentHash && plain.contentHash == wrapped.contentHash)
        #expect(try plain.contentHash != decode(#"{"sync_job_type":"T","source_document_name":"x"}"#).contentHash)
        #expect(
            try decode("{\"sync_job_type\":\"T\",\"source_document_name\":\"caf\u{E9}\"}").contentHash
                != decode("{\"sync_job_type\":\"T\",\"source_document_name\":\"cafe\u{301}\"}").contentHash)
    }

    @Test("is ordered by type and source document, to the byte")
    func orderKey() {
        func key(_ name: String?, id: String = "i", slug: String = "t") -> String {
            SyncRequest(id: id, type: "T", sourceName: name).orderKey(typeSlug: slug)
        }
        #expect(key("x", id: "1") == key("x", id: "2"))
        #expect(
            Set([key("x"), key("y"), key("x", slug: "u"), key(nil, id: "1"), key(nil, id: "2"), key("1")]).count == 6)
        #expect(key("caf\u{E9}") != key("cafe\u{301}"))
        #expect(key("", id: "1") == key(nil, id: "1"))
    }

    @Test("has one key where it has one in digits, which are those that the store knows")
    func orderKeyInDigits() throws {
        var child = SyncRequest(id: "1", type: "T", sourceName: "x")
        child.targetKey = "k"
        var sibling = child
        sibling.targetKey = ""
        var ordered = SyncJobType(
            name: "T", slug: "t", source: DocumentType(system: "s", name: "D"), target: nil,
            controller: Nothing())
        let plain = ordered
        var other = plain
        other.slug = "u"
        ordered.orderBy = try Path("context.customer")
        var customer = SyncRequest(id: "2", type: "T", sourceName: "x")
        customer.context = ["customer": "x"]
        let keys = [
            (OrderKey(SyncRequest(id: "1", type: "T", sourceName: "x"), type: plain), ["t", "source", "x"]),
            (OrderKey(customer, type: plain), ["t", "source", "x"]),
            (OrderKey(SyncRequest(id: "x", type: "T", sourceName: nil), type: plain), ["t", "id", "x"]),
            (OrderKey(SyncRequest(id: "x", type: "T", sourceName: ""), type: ordered), ["t", "id", "x"]),
            (OrderKey(child, type: plain), ["t", "target", "x", "k"]),
            (OrderKey(sibling, type: ordered), ["t", "target", "x", ""]),
            (OrderKey(customer, type: ordered), ["t", "order_by", "\"x\""]),
            (OrderKey(customer, type: other), ["u", "source", "x"]),
        ]
        for (key, parts) in keys {
            #expect(key.text == Digest(ofParts: parts).hex)
            for (other, otherParts) in keys {
                #expect((key == other) == (parts == otherParts))
                // Lanes go by it: what is not the same must not share one for more than chance.
                #expect((key.hashValue == other.hashValue) == (parts == otherParts))
            }
        }
    }
}
