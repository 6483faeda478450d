// What a failed attempt does: it waits with the broker, not with the worker, and comes back when it is due, whoever dies
// meanwhile.
import SyncBroker
import SyncEngine
import SyncJobs
import Testing

@testable import Ferry

@Suite struct RetryTests {
    private static func type(delay: String, retries: Int) -> String {
        EngineWorld.type(
            "Flaky Sync", controller: "flaky", "retry_delay: \(delay)", "jitter: 0", "max_retries: \(retries)")
    }

    private let customer: [(name: String, fields: JSONObject)] = [("C-1", ["customer_name": "Ada"])]

    @Test func aFailureWaitsWithTheBrokerAndComesBackWhenItIsDueThoughItsWorkerIsGone() async throws {
        let flaky = SingleScript(onUpdate: { _, job in
            if job.job.retryCount < 2 { throw JobFailure.retryable("the target is busy") }
        })
        try await EngineWorld.with(
            types: Self.type(delay: "2s", retries: 3), controllers: ["flaky": flaky]
        ) { world in
            try await world.putCustomers(customer)
            try await world.send("Flaky Sync", id: "job", source: "C-1")
            try await world.whileWorking { _ in
                let waiting = try await world.job("job", "waits") { $0.status == .failed }
                #expect(waiting.waitReason == .retry)
                #expect(waiting.retryCount == 1)
                #expect(waiting.deadLetteredAt == nil)
                #expect(try #require(waiting.retryAfter).since(try #require(waiting.endedAt)) == .seconds(2))
                try await eventually("the broker has it") {
                    try await world.ready(in: world.composition.topology.delay(1)) == 1
                }
            }
            #expect(try await world.ready(in: world.composition.topology.workQueue("default")) == 0, "nobody holds it")
            try await world.whileWorking { _ in try await world.job("job", ended: .finished) }
            let job = try await world.job("job")
            #expect(job.attempts.map(\.number) == [1, 2, 3])
            #expect(job.attempts.map(\.outcome) == [.failed, .failed, .finished])
            #expect(job.attempts.map { $0.error?.message } == ["the target is busy", "the target is busy", nil])
            for (before, after) in zip(job.attempts, job.attempts.dropFirst()) {
                let gap = after.startedAt.since(before.endedAt)
                #expect(gap >= .seconds(2), "not before it is due")
                #expect(gap < .seconds(12))
            }
            #expect(job.error == nil)
            #expect(job.retryAfter == nil)
            #expect(try await world.account("C-1")?["label"] == "Ada")
            #expect(try await world.takeDeadLetters().isEmpty)
            try await world.expectQueueEmpty()
        }
    }

    @Test func whenItsRetriesAreSpentAJobGoesToTheDeadLettersWithItsLastError() async throws {
        let flaky = SingleScript(onUpdate: { _, job in throw JobFailure.retryable("failure \(job.job.retryCount)") })
        try await EngineWorld.with(
            types: Self.type(delay: "1s", retries: 2), controllers: ["flaky": flaky]
        ) { world in
            try await world.putCustomers(customer)
            try await world.send("Flaky Sync", [("job", "C-1", [:]), ("none", "C-1", ["max_retries": 0])])
            try await world.whileWorking { worker in
                let job = try await world.job("job", ended: .failed)
                #expect(job.attempts.map { $0.error?.message } == ["failure 0", "failure 1", "failure 2"])
                #expect(job.retryCount == 2)
                #expect(job.deadLetteredAt != nil)
                let none = try await world.job("none", ended: .failed)
                #expect(none.attempts.count == 1, "0 means none, also for one job")
                try await eventually("both are counted") { await worker.statistics.jobs[.failed] == 2 }
                #expect(await worker.statistics.deferred == 2)
            }
            let letters = try await world.takeDeadLetters()
            #expect(letters.map { $0.header(.job) }.sorted() == ["job", "none"])
            let letter = try #require(letters.first { $0.header(.job) == "job" })
            #expect(letter.header(.message) == "failure 2")
            #expect(letter.header(.type) == "flaky_sync")
            let request = try JSONParser.parse(letter.body).objectValue
            #expect(request?["source_document_name"] == "C-1", "what came back is what was asked")
            try await world.expectQueueEmpty()
        }
    }

    @Test func aRetryWhoseWorkerIsKilledRunsAgainAndUsesNoFurtherAttempt() async throws {
        let gate = GateController()
        let flaky = SingleScript(onUpdate: { target, job in
            guard job.job.retryCount > 0 else { throw JobFailure.retryable("the target is busy") }
            try await gate.update(&target, for: job)
        })
        try await EngineWorld.with(
            types: Self.type(delay: "1s", retries: 1), controllers: ["flaky": flaky]
        ) { world in
            try await world.putCustomers(customer)
            try await world.send("Flaky Sync", id: "job", source: "C-1")
            try await world.whileWorking { _ in try await eventually("the retry runs") { gate.entered == 1 } }
            #expect(try await world.job("job").attempts.map(\.outcome) == [.failed], "a killed run is no attempt")
            gate.open()
            try await world.whileWorking { _ in try await world.job("job", ended: .finished) }
            #expect(try await world.job("job").attempts.map(\.outcome) == [.failed, .finished])
            #expect(try await world.takeDeadLetters().isEmpty)
            try await world.expectQueueEmpty()
        }
    }

    @Test func aControllerSaysHowItFailed() async throws {
        let runs = Log<String>()
        let script = SingleScript(onUpdate: { _, job in
            runs.add(job.job.id)
            guard runs.all.filter({ $0 == job.job.id }).count == 1 else { return }
            switch job.job.id {
            case "later": throw JobFailure.retryable("429", after: .seconds(1))
            case "snooze":
                throw JobFailure(.controllerFailed, "not yet", remedy: "wait", disposition: .snooze(.seconds(1)))
            case "cancel": throw JobFailure(.canceled, "nobody wants it", remedy: "none", disposition: .cancel)
            case "never": throw JobFailure.permanent("no retry mends it")
            default: throw CancellationError()
            }
        })
        try await EngineWorld.with(
            types: Self.type(delay: "1h", retries: 3), controllers: ["flaky": script]
        ) { world in
            try await world.putCustomers(customer)
            for id in ["later", "snooze", "cancel", "never", "other"] {
                try await world.send("Flaky Sync", id: id, source: "C-1")
            }
            try await world.whileWorking { _ in
                let later = try await world.job("later", "ended well") { $0.status.isEnd && !$0.isOpen }
                #expect([.finished, .skipped].contains(later.status), "its own time counts, not the type's hour")
                #expect(later.attempts.count == 2)
                let snooze = try await world.job("snooze", "ended well") { $0.status.isEnd && !$0.isOpen }
                #expect([.finished, .skipped].contains(snooze.status))
                #expect(snooze.attempts.map(\.number) == [1], "a snooze is no attempt")
                #expect(snooze.retryCount == 0)
                #expect(try await world.job("cancel", ended: .canceled).cancelReason == "nobody wants it")
                #expect(try await world.job("never", ended: .failed).deadLetteredAt != nil)
                let other = try await world.job("other", "waits") { $0.status == .failed }
                #expect(other.isOpen, "whatever else is thrown is retryable")
            }
            #expect(try await world.takeDeadLetters().map { $0.header(.job) } == ["never"])
        }
    }
}
