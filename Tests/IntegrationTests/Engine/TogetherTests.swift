// Jobs that need only the store beside all others, in one worker: each key in its order, each kind of job to its own end, and
// nobody held up by a long one.
import JobStore
import SyncEngine
import SyncJobs
import Testing

@testable import Ferry

@Suite struct TogetherTests {
    /// Declarative types within the store.
    private static func mapping(_ name: String, _ lines: String...) -> String {
        let all =
            [
                "source: erp.Customer", "target: app.Account", "match: {code: job.source_document_name}",
            ] + lines
        return "  \(name):\n" + all.map { "    \($0)\n" }.joined()
    }

    private static let code = "code: {from: job.source_document_name, only: insert}"

    @Test func aLongJobOfAnotherTypeHoldsUpNobody() async throws {
        let gate = GateController()
        try await EngineWorld.with(
            types: EngineWorld.type("Gate Sync", controller: "gate"), controllers: ["gate": gate]
        ) { world in
            let names = (0..<100).map { "C-\($0)" }
            let long = (0..<3).map { "L-\($0)" }
            try await world.putCustomers((names + long).map { ($0, ["customer_name": .string($0)]) })
            try await world.whileWorking({ $0.concurrency = 1 }) { worker in
                try await world.send("Gate Sync", long.map { ($0, $0, [:]) })
                try await eventually("a long one runs") { gate.entered == 1 }
                try await world.request("Customer Sync", names: names)
                try await eventually("all that are short have ended") { await worker.statistics.ended == 100 }
                #expect(gate.entered == 1, "the others of its kind wait for its place")
                #expect(try await world.store.countJobs()[.finished] == 100)
                gate.open()
                try await eventually("the long ones end") { await worker.statistics.ended == 103 }
            }
            for name in names + long { #expect(try await world.account(name)?["label"] == .string(name)) }
            try await world.expectQueueEmpty()
        }
    }

    /// Quick code of users is run in series; what takes its time is left to itself, and no more runs side by side than was asked.
    @Test func aSlowControllerAmongQuickOnesHoldsUpNobody() async throws {
        let gate = Blockade()
        let occupancy = Occupancy()
        let told = Log<String>()
        let controller = SingleScript(
            onUpdate: { _, job in
                let name = job.job.request.sourceDocumentName ?? ""
                try await occupancy.enter(name) {
                    if name.hasPrefix("S-") { gate.hold() }
                    if name == "C-7" { throw JobFailure.permanent("no") }
                }
            }, onFinished: { record, _ in told.add(record.id) })
        try await EngineWorld.with(
            types: EngineWorld.type("Coded Sync", controller: "coded"), controllers: ["coded": controller]
        ) { world in
            let names = (0..<200).map { "C-\($0)" }
            let slow = (0..<2).map { "S-\($0)" }
            try await world.putCustomers((names + slow).map { ($0, ["customer_name": .string($0)]) })
            try await world.whileWorking({ $0.concurrency = 3 }) { worker in
                for (position, name) in names.enumerated() {
                    if position == 50 { try await world.send("Coded Sync", [(slow[0], slow[0], [:])]) }
                    if position == 100 { try await world.send("Coded Sync", [(slow[1], slow[1], [:])]) }
                    try await world.send("Coded Sync", [(name, name, [:])])
                }
                try await eventually("all that are quick have ended") { await worker.statistics.ended == 200 }
                #expect(gate.entered == 2)
                gate.open()
                try await eventually("the slow ones end") { await worker.statistics.ended == 202 }
            }
            #expect(occupancy.mostTogether <= 3)
            for name in names + slow where name != "C-7" {
                #expect(try await world.account(name)?["label"] == .string(name))
                #expect(try await world.job(name).attempts.count == 1)
            }
            #expect(try await world.job("C-7").error?.message == "no")
            #expect(Set(told.all) == Set(names + slow).subtracting(["C-7"]) && told.count == 201)
            try await world.expectQueueEmpty()
        }
    }

    @Test func eachKeyIsWrittenInTheOrderItsRequestsCame() async throws {
        let type = Self.mapping("Counted Sync", "fields: {\(Self.code), label: context.n}")
        try await EngineWorld.with(types: type) { world in
            try await world.putCustomers((0..<10).map { ("C-\($0)", ["customer_name": "Ada"]) })
            try await world.send(
                "Counted Sync", (0..<600).map { ("n-\($0)", "C-\($0 % 10)", ["context": ["n": .int($0)]]) })
            #expect(try await world.work().ended == 600)
            for number in 0..<600 {
                let job = try await world.job("n-\(number)")
                let change = try #require(job.diff?.changed.first { $0.field == "label" })
                #expect(change.old == (number < 10 ? .null : .int(number - 10)))
                #expect(change.new == .int(number))
                #expect(job.attempts.count == 1)
            }
            try await world.expectQueueEmpty()
        }
    }

    @Test func twoTypesThatWriteIntoOneDocumentLoseNeithersWrite() async throws {
        let types =
            Self.mapping("Label Sync", "fields: {\(Self.code), label: source.customer_name}")
            + Self.mapping("Limit Sync", "fields: {\(Self.code), limit: source.credit_limit}")
        try await EngineWorld.with(types: types) { world in
            let names = (0..<100).map { "C-\($0)" }
            try await world.putCustomers(names.map { ($0, ["customer_name": .string($0), "credit_limit": 7]) })
            for name in names {
                try await world.send("Label Sync", id: "label \(name)", source: name)
                try await world.send("Limit Sync", id: "limit \(name)", source: name)
            }
            #expect(try await world.work().ended == 200)
            for name in names {
                #expect(try await world.account(name) == ["code": .string(name), "label": .string(name), "limit": 7])
                for id in ["label \(name)", "limit \(name)"] {
                    let job = try await world.job(id)
                    #expect(job.status == .finished)
                    #expect(job.attempts.count == 1, "a conflict is no attempt")
                }
            }
            try await world.expectQueueEmpty()
        }
    }

    @Test func amongManyPlainJobsEachOtherKindComesToItsOwnEnd() async throws {
        let types =
            Self.mapping("Alone Sync", "fields: {\(Self.code), label: source.customer_name}")
            + Self.mapping("Strict Sync", "require: [source.customer_name]", "fields: {\(Self.code)}")
        try await EngineWorld.with(types: types, adjust: { if $0.slug == "alone_sync" { $0.isExclusive = true } }) {
            world in
            let names = (0..<150).map { "C-\($0)" }
            try await world.putCustomers(names.map { ($0, ["customer_name": .string($0)]) })
            try await world.putCustomers([("nameless", [:])])
            try await world.send("Customer Sync", id: "held", source: "C-0", ["dedup_key": "night", "hold": true])
            try await world.send("Strict Sync", id: "retried", source: "nameless")
            _ = try await world.perform(.cancel, "canceled")
            try await world.work()
            #expect(try await world.job("retried").status == .failed)
            try await world.putCustomers([("nameless", ["customer_name": "Ada"])])
            guard case .done = try await world.perform(.retry, "retried") else { Issue.record("refused"); return }

            let due = Composition.now().advanced(by: .seconds(3))
            try await world.send(
                "Customer Sync",
                names.map { ($0, $0, [:]) } + [
                    ("second", "C-1", ["dedup_key": "night"]),
                    ("timed", "C-2", ["not_before": .string(due.description)]),
                    ("canceled", "C-3", [:]), ("dry", "C-4", ["dry_run": true]), ("held", "C-0", ["hold": true]),
                ])
            try await world.send("Alone Sync", (0..<20).map { ("alone-\($0)", "C-\($0 % 4)", [:]) })
            try await world.whileWorking { _ in
                // Of two that write the same into one document, the second has nothing to do.
                for id in names + (0..<20).map({ "alone-\($0)" }) {
                    try await world.job(id, "ends") { !$0.isOpen && $0.status != .failed }
                }
                try await world.job("retried", ended: .finished)
                try await world.job("timed", "ends") { !$0.isOpen }
                try await world.job("second", ended: .skipped)
                try await world.job("canceled", ended: .canceled)
                try await world.job("dry", ended: .skipped)
            }
            #expect(try await world.job("second").relatedJob == "held")
            #expect(try await world.job("held").waitReason == .hold, "the same id with other content changes nothing")
            #expect(try await world.job("timed").endedAt.map { $0 >= due } == true)
            #expect(try await world.job("retried").attempts.map(\.outcome) == [.failed, .finished])
            #expect(try await world.takeDeadLetters().map { $0.header(.reason) }.contains("id_reused"))
            try await world.expectQueueEmpty()
        }
    }
}
