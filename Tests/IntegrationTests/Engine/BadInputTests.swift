// Bad input: never a crash, never a retry loop; a dead letter that names reason and remedy, the body as it came, and the
// next message is processed.
import AMQP
import JobStore
import SyncJobs
import Testing

@testable import Ferry

@Suite struct BadInputTests {
    struct Case: Sendable, CustomTestStringConvertible {
        let name: String
        var id: String? = "bad"
        let body: [UInt8]
        var routingKey = "default.customer_sync"
        let code: JobFailure.Code
        var testDescription: String { name }

        init(
            _ name: String, _ body: String, _ code: JobFailure.Code, id: String? = "bad",
            routingKey: String = "default.customer_sync"
        ) {
            self.init(name, bytes: Array(body.utf8), code, id: id, routingKey: routingKey)
        }

        init(
            _ name: String, bytes: [UInt8], _ code: JobFailure.Code, id: String? = "bad",
            routingKey: String = "default.customer_sync"
        ) {
            self.name = name
            self.id = id
            body = bytes
            self.routingKey = routingKey
            self.code = code
        }
    }

    static let cases: [Case] = [
        Case("empty", "", .invalidJSON),
        Case("not JSON", #"{"sync_job_type": }"#, .invalidJSON),
        Case("not UTF-8", bytes: Array(#"{"sync_job_type": "#.utf8) + [0x22, 0xFF, 0xFE, 0x22, 0x7D], .invalidUTF8),
        Case("no object", #"["customer_sync"]"#, .notAnObject),
        Case("a key twice", #"{"sync_job_type": "a", "sync_job_type": "b"}"#, .duplicateKey),
        Case("no type", #"{"source_document_name": "C-1"}"#, .missingType),
        Case("unknown type", #"{"sync_job_type": "nobody_sync", "source_document_name": "C-1"}"#, .unknownType),
        Case("disabled type", #"{"sync_job_type": "Retired Sync", "source_document_name": "C-1"}"#, .typeDisabled),
        Case("no id", #"{"sync_job_type": "customer_sync", "source_document_name": "C-1"}"#, .missingID, id: nil),
        Case("wrong field type", #"{"sync_job_type": "customer_sync", "source_document_name": 7}"#, .invalidField),
        Case(
            "bare duration", #"{"sync_job_type": "customer_sync", "source_document_name": "C", "timeout": 30}"#,
            .invalidField),
        Case(
            "unknown field", #"{"sync_job_type": "customer_sync", "source_document_name": "C", "max_retry": 3}"#,
            .unknownField),
        Case("no source and no context", #"{"sync_job_type": "customer_sync"}"#, .missingField),
        Case(
            "target without operation",
            #"{"sync_job_type": "customer_sync", "source_document_name": "C", "target_document_name": "T"}"#,
            .missingField),
        Case(
            "nested 10,000 deep", String(repeating: "[", count: 10_000) + String(repeating: "]", count: 10_000),
            .tooDeep),
        Case(
            "a number nobody can carry", #"{"sync_job_type": "customer_sync", "context": {"n": 1e4000000}}"#,
            .numberOutOfRange),
        Case(
            "unknown queue", #"{"sync_job_type": "customer_sync", "source_document_name": "C", "queue": "nowhere"}"#,
            .unknownQueue),
        Case("a loop", #"{"sync_job_type": "customer_sync", "source_document_name": "C", "hops": 9}"#, .loop),
        Case(
            "a name of 20 kB",
            #"{"sync_job_type": "customer_sync", "source_document_name": ""# + String(repeating: "x", count: 20_000)
                + #""}"#, .invalidField),
        Case(
            "source that is not there",
            #"{"sync_job_type": "customer_sync", "source_document_name": "ghost", "max_retries": 0}"#,
            .sourceNotVisible),
    ]

    @Test(arguments: cases) func isADeadLetterAndTheNextMessageIsProcessed(bad: Case) async throws {
        try await EngineWorld.with { world in
            try await world.putCustomers([("C-1", ["customer_name": "Ada"])])
            try await world.publish([(id: bad.id, body: bad.body)], routingKey: bad.routingKey)
            try await world.request("Customer Sync", names: ["C-1"])
            try await world.work()
            let letters = try await world.takeDeadLetters()
            let letter = try #require(letters.first)
            #expect(letters.count == 1)
            #expect(letter.header(.reason) == bad.code.rawValue, "\(letter.header(.message))")
            #expect(!letter.header(.message).isEmpty)
            #expect(!letter.header(.remedy).isEmpty)
            #expect(letter.header(.queue) == "default")
            #expect(letter.body == bad.body)
            #expect(try await world.job("job-0").status == .finished)
            #expect(try await world.work().deliveries == 0, "nothing comes back by itself")
        }
    }

    @Test func aBodyOverTheLimitIsMovedWholeByTheBroker() async throws {
        try await EngineWorld.with { world in
            try await world.putCustomers([("C-1", ["customer_name": "Ada"])])
            let large = [UInt8](repeating: UInt8(ascii: "x"), count: 1_048_577)
            try await world.publish([(id: "large", body: large)])
            try await world.request("Customer Sync", names: ["C-1"])
            try await world.work()
            let letters = try await world.takeDeadLetters()
            #expect(letters.map(\.body) == [large])
            #expect(letters.first?.headers["x-death"] != nil, "ferry dead list explains it by this")
            #expect(try await world.job("job-0").status == .finished)
        }
    }

    @Test func aFailedJobKeepsItsErrorAndItsMessage() async throws {
        try await EngineWorld.with { world in
            try await world.send("Customer Sync", id: "job-0", source: "ghost", ["max_retries": 0])
            let statistics = try await world.work()
            #expect(statistics.jobs[.failed] == 1)
            let job = try await world.job("job-0")
            #expect(job.status == .failed)
            #expect(job.error?.code == .sourceNotVisible)
            #expect(job.deadLetteredAt != nil)
            #expect(job.attempts.map(\.outcome) == [.failed])
            let letter = try #require(try await world.takeDeadLetters().first)
            #expect(letter.header(.job) == "job-0")
            #expect(letter.header(.type) == "customer_sync")
            #expect(letter.messageID == "job-0")
        }
    }

    @Test func anIDUsedAgainForOtherContentIsRefusedAndTheFirstResultStands() async throws {
        try await EngineWorld.with { world in
            try await world.putCustomers([("C-1", ["customer_name": "Ada"]), ("C-2", ["customer_name": "Bob"])])
            try await world.request("Customer Sync", names: ["C-1", "C-2"], ids: { _ in "same" })
            try await world.work()
            let letters = try await world.takeDeadLetters()
            #expect(letters.map { $0.header(.reason) } == ["id_reused"])
            #expect(try await world.job("same").status == .finished)
            #expect(try await world.store.jobs(JobFilter()).count == 1)
        }
    }

    @Test func theSameRequestTwiceIsOneJobAndIsCounted() async throws {
        try await EngineWorld.with { world in
            try await world.putCustomers([("C-1", ["customer_name": "Ada"])])
            try await world.request("Customer Sync", names: ["C-1", "C-1", "C-1"], ids: { _ in "same" })
            let statistics = try await world.work()
            #expect(statistics.ended == 1)
            #expect(statistics.duplicates == 2)
            #expect(try await world.job("same").attempts.count == 1)
            #expect(try await world.takeDeadLetters().isEmpty)
        }
    }

    @Test func aQueueThatNobodyBoundEndsAsUnroutable() async throws {
        try await EngineWorld.with { world in
            let request: JSONValue = ["sync_job_type": "customer_sync", "source_document_name": "C-1"]
            try await world.publish([(id: "lost", body: request.canonicalBytes)], routingKey: "nowhere.customer_sync")
            let letter = try #require(try await world.takeDeadLetters().first)
            #expect(letter.messageID == "lost")
        }
    }

    @Test func aNumberThatADoubleWouldRoundArrivesExactly() async throws {
        try await EngineWorld.with { world in
            for (position, number) in ["9007199254740993", "0.10", "1e400", "-0"].enumerated() {
                let body =
                    #"{"sync_job_type": "customer_sync", "source_document_name": "N-\#(position)", "document": {"customer_name": "n", "credit_limit": \#(number)}}"#
                try await world.publish([(id: "n-\(position)", body: Array(body.utf8))])
                try await world.work()
                #expect(try await world.account("N-\(position)")?["limit"]?.numberValue?.text == number)
            }
        }
    }

    @Test(arguments: [
        "it's \"quoted\"", "line\nbreak\ttab", "🦢 swan 👩‍👩‍👧", "e\u{301}", String(repeating: "ü", count: 5_000), " ",
        "a\\b/c.d#*", "\u{0}nul",
    ])
    func anyNameIsADocument(name: String) async throws {
        try await EngineWorld.with { world in
            try await world.putCustomers([(name, ["customer_name": "Ada"])])
            try await world.request("Customer Sync", names: [name])
            try await world.request("Shop Sync", names: [name], ids: { "shop-\($0)" })
            try await world.work()
            let job = try await world.job("job-0")
            #expect(job.status == .finished, "\(String(describing: job.error))")
            #expect(try await world.account(name)?["label"] == "Ada")
            let shop = try await world.job("shop-0")
            #expect(shop.status == .finished, "\(String(describing: shop.error))")
        }
    }

    @Test func aMappingThatNamesAnUnknownColumnIsAStartUpError() async throws {
        let types = """
              Wrong Sync:
                source: erp.Customer
                target: shop.Account
                match: {erp_code: job.source_document_name}
                fields: {labell: source.customer_name}
            """
        try await EngineWorld.with(types: types) { world in
            let problems = try await world.composition.fittingProblems(in: world.systems).filter(\.problem.isFatal)
            #expect(problems.count == 1, "\(problems)")
            #expect(problems.first?.problem.message.contains("labell") == true)
            #expect(problems.first?.problem.remedy.isEmpty == false)
            #expect(problems.first?.location?.contains("ferry.yaml:") == true)
        }
    }

    @Test func anInsertThatCouldNotBeRecognisedAfterACrashIsAStartUpError() async throws {
        let types = """
              Blind Sync:
                source: erp.Customer
                target: shop.Account
                fields: {label: source.customer_name}
            """
        try await EngineWorld.with(types: types) { world in
            let problems = try await world.composition.fittingProblems(in: world.systems).filter(\.problem.isFatal)
            #expect(problems.map { $0.problem.message.contains("without match:") } == [true])
        }
    }

    @Test func badChangeEventsAreDeadLettersToo() async throws {
        try await EngineWorld.with { world in
            let changes = world.composition.topology.changes
            try await world.publish(
                [
                    (id: "a", body: Array("nonsense".utf8)),
                    (
                        id: "b",
                        body: Array(#"{"system": "erp", "document_type": "Customer", "document_name": "C"}"#.utf8)
                    ),
                ], exchange: changes, routingKey: "Customer.update")
            try await world.work()
            let letters = try await world.takeDeadLetters()
            #expect(letters.map { $0.header(.reason) }.sorted() == ["invalid_json", "missing_field"])
            #expect(letters.allSatisfy { $0.header(.queue) == "changes" })
        }
    }
}
