// The keeper between receipt and answer: what a message among the dead letters does to its job and to those around it.
import AMQP
import JobStore
import SyncBroker
import SyncJobs
import Testing

@testable import SyncEngine

@Suite struct DeadLetterKeepingTests {
    let world: LocalWorld

    init() throws { world = try LocalWorld() }

    private func keeping(_ type: SyncJobType) throws -> DeadLetterKeeping {
        let parts = try world.parts([type])
        return DeadLetterKeeping(
            reading: DeadLetterReading(topology: try Topology(), maximumMessageBytes: 1_000),
            types: try SyncJobTypes([type]),
            maximumDepth: 100, store: world.store, committer: parts.runner.committer, patience: parts.patience,
            now: { [clock = world.clock] in clock.now }, logger: quietLogger)
    }

    private func delivery(
        _ body: [UInt8], id: String?, turn: Int = 0, death: String? = nil, exchange: String = "ferry.requests"
    ) -> AMQPDelivery {
        var headers: AMQPTable = turn == 0 ? [:] : ["ferry-turn": .int(Int64(turn))]
        if let death {
            headers["x-death"] = .array([.table(["reason": .string(death), "queue": .string("ferry.default")])])
        }
        return AMQPDelivery(
            epoch: 1, tag: 1, queue: "ferry.dead", exchange: exchange, routingKey: "default.customer_sync",
            properties: AMQPProperties(messageID: id, headers: headers), body: body)
    }

    private func body(_ request: SyncRequest) -> [UInt8] { JSONValue.object(request.json).canonicalBytes }

    @Test func aPoisonedMessageEndsItsRecordWithItsReason() async throws {
        let keeping = try keeping(world.type(ScriptedSingle(script: world.script)))
        let letter = try await keeping.keep(delivery(body(world.request("p")), id: "p", death: "delivery_limit"))
        #expect(letter.reason == "delivery_limit" && letter.state == .open && letter.typeSlug == "customer_sync")
        let job = try await world.job("p")
        #expect(job.status == .failed && job.error?.code == .deliveryLimit && job.queue == "default")
        #expect(job.error?.message.contains("the process died or was stopped while it held this message") == true)
    }

    @Test func garbageOfAnySizeIsKeptAsItIs() async throws {
        let keeping = try keeping(world.type(ScriptedSingle(script: world.script)))
        let garbage = (0..<2_048).map { UInt8(truncatingIfNeeded: $0 &* 7) }
        for body in [garbage, [], Array(repeating: UInt8(ascii: "["), count: 100_000)] {
            let letter = try await keeping.keep(delivery(body, id: nil))
            #expect(letter.reason == "unroutable" && letter.jobID == nil)
            #expect(try await world.store.revisions(ofLetter: letter).map(\.body) == [body])
        }
        #expect(try await world.store.countJobs() == [:])
    }

    @Test func aRetryThatFindsNoQueueEndsItsJobInsteadOfWaitingForEver() async throws {
        var script = world.script
        script.update = { _, _ in throw JobFailure.retryable("busy") }
        let type = world.type(ScriptedSingle(script: script))
        let keeping = try keeping(type)
        try await world.putCustomer("C-1", "Ada")
        _ = try await world.parts([type]).deliver(world.request("r"))
        #expect(try await world.job("r").isOpen)
        let letter = try await keeping.keep(delivery(body(world.request("r")), id: "r", turn: 1))
        #expect(letter.state == .open && letter.attempts == 1)
        let job = try await world.job("r")
        #expect(job.status == .failed && !job.isOpen && job.error?.code == .unroutable && job.nextTurn == 2)
    }

    @Test func aReplayedJobRunsAndItsEditIsWhatRuns() async throws {
        let type = world.type(ScriptedSingle(script: world.script))
        let engine = try world.engine(type)
        try await world.putCustomer("C-9", "Ada")
        await #expect(throws: Never.self) {
            _ = try await engine.deliver(world.request("e", "ghost") { $0.maxRetries = 0 })
        }
        let keeping = try keeping(type)
        let failed = try await world.job("e")
        #expect(failed.status == .failed)
        let headers = DeadLetter(
            reason: try #require(failed.error), jobID: "e", queue: "default", typeSlug: "customer_sync", turn: 0,
            failedAt: world.clock.now
        ).headers
        var message = delivery(body(failed.request), id: "e")
        var table: AMQPTable = [:]
        for member in headers {
            table[member.key] = member.value.numberValue?.int64.map { .int($0) } ?? .string(member.value.nameText ?? "")
        }
        message = AMQPDelivery(
            epoch: 1, tag: 1, queue: "ferry.dead", properties: AMQPProperties(messageID: "e", headers: table),
            body: message.body)
        let letter = try await keeping.keep(message)
        #expect(letter.state == .open && letter.attempts == 1)
        var request = failed.request
        request.sourceDocumentName = "C-9"
        let rules = DeadLetterRules(types: try SyncJobTypes([type]), queues: ["default"])
        _ = try await world.store.editLetter(
            letter.id, body: body(request), rules: rules, actor: "tester", reason: nil, at: world.clock.now)
        _ = try await world.store.perform(
            .replay(rules), letters: [letter.id], actor: "tester", reason: nil, at: world.clock.now)
        try await engine.collectOwed()
        try await engine.runPending()
        #expect(try await world.job("e").status == .finished)
        #expect(try await world.job("e").requestHash == failed.requestHash)
    }
}
