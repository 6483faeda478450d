// How a job goes on that failed: the policies, the words a controller has, what stands on the record meanwhile, and when it
// runs again.
import JobStore
import SyncJobs
import Testing

@testable import SyncEngine

@Suite struct FailureTests {
    /// An engine whose controller throws `failure` on its first `count` runs, and a customer.
    private func engine(
        _ world: LocalWorld, _ failure: any Error, times count: Int = .max,
        policy: (inout RetryPolicy) -> Void = { _ in }
    ) async throws -> LocalEngine {
        let runs = Box(0)
        try await world.putCustomer("C-1", "Ada")
        return try world.single {
            $0.on = { word, _ in
                guard word == "update", runs.next() <= count else { return }
                throw failure
            }
        } type: {
            policy(&$0.retryPolicy)
        }
    }

    /// How long a job waits for each of its retries.
    private func waits(_ engine: LocalEngine, _ world: LocalWorld, id: String = "1") async throws -> [Duration] {
        var waits: [Duration] = []
        while let due = try await world.job(id).retryAfter {
            waits.append(due.since(world.clock.now))
            try await world.pass(due.since(world.clock.now), in: engine)
        }
        return waits
    }

    @Test func aFixedDelayIsTheSameForEachRetryAndThenItIsADeadLetter() async throws {
        let world = try LocalWorld()
        let engine = try await engine(world, JobFailure.retryable("the sky is grey"))
        try await engine.deliver(world.request("1"))
        let waits = try await waits(engine, world)
        #expect(waits == [.seconds(60), .seconds(60), .seconds(60)])
        let job = try await world.job("1")
        #expect(job.status == .failed)
        #expect(job.retryCount == 3)
        #expect(job.retryAfter == nil)
        #expect(job.deadLetteredAt == world.clock.now)
        #expect(job.attempts.map(\.number) == [1, 2, 3, 4])
        #expect(job.attempts.map(\.outcome) == [.failed, .failed, .failed, .failed])
        #expect(job.attempts.allSatisfy { $0.error?.message == "the sky is grey" && $0.node == "local" })
        let letter = try #require(await engine.deadLetters.first)
        #expect(await engine.deadLetters.count == 1)
        #expect(letter.jobID == "1")
        #expect(letter.reason.code == .controllerFailed)
        #expect(letter.reason.message == "the sky is grey")
        #expect(letter.typeSlug == "customer_sync")
    }

    @Test func anExponentialDelayDoublesUpToItsCap() async throws {
        let world = try LocalWorld()
        let engine = try await engine(world, JobFailure.retryable("no")) {
            $0.backoff = .exponential
            $0.maximumDelay = .seconds(200)
            $0.maxRetries = 4
        }
        try await engine.deliver(world.request("1"))
        #expect(try await waits(engine, world) == [.seconds(60), .seconds(120), .seconds(200), .seconds(200)])
    }

    @Test func jitterOnlyStretchesADelayAndByNoMoreThanItsFraction() async throws {
        let world = try LocalWorld()
        let engine = try await engine(world, JobFailure.retryable("no")) {
            $0.jitter = 0.5
            $0.maxRetries = 20
        }
        try await engine.deliver(world.request("1"))
        let waits = try await waits(engine, world)
        #expect(waits.count == 20)
        #expect(waits.allSatisfy { $0 >= .seconds(60) && $0 <= .seconds(90) })
        #expect(Set(waits).count > 1, "they differ, so that jobs that failed together do not come back together")
    }

    @Test func aJobsOwnDelayAndRetriesGoBeforeItsTypes() async throws {
        let world = try LocalWorld()
        let engine = try await engine(world, JobFailure.retryable("no"))
        try await engine.deliver(
            world.request("1") {
                $0.retryDelay = .seconds(5)
                $0.maxRetries = 1
            })
        #expect(try await waits(engine, world) == [.seconds(5)])
    }

    @Test func retryableAfterNWaitsThatLong() async throws {
        let world = try LocalWorld()
        let engine = try await engine(world, JobFailure.retryable("429", after: .seconds(7)), times: 1)
        let job = try await engine.deliver(world.request("1"))
        #expect(job.retryAfter == world.clock.now.advanced(by: .seconds(7)))
        #expect(job.retryCount == 1, "it uses up a retry all the same")
    }

    @Test func aPermanentFailureIsADeadLetterAtOnce() async throws {
        let world = try LocalWorld()
        let engine = try await engine(world, JobFailure.permanent("wrong for ever", remedy: "mend it"))
        let job = try await engine.deliver(world.request("1"))
        #expect(job.status == .failed)
        #expect(job.retryAfter == nil)
        #expect(job.retryCount == 0)
        #expect(await engine.deadLetters.map(\.reason.message) == ["wrong for ever"])
        #expect(await engine.deadLetters.map(\.reason.remedy) == ["mend it"])
        #expect(await engine.pending.isEmpty)
    }

    @Test func aSnoozeUsesNoAttemptHoweverOften() async throws {
        let world = try LocalWorld()
        let snooze = JobFailure(
            .controllerFailed, "the shop is closed", remedy: "wait", disposition: .snooze(.seconds(3_600)))
        let engine = try await engine(world, snooze, times: 5) { $0.maxRetries = 0 }
        let first = try await engine.deliver(world.request("1"))
        #expect(first.status == .queued)
        #expect(first.waitReason == .snooze)
        #expect(first.retryAfter == world.clock.now.advanced(by: .seconds(3_600)))
        #expect(first.attemptCount == 0)
        #expect(first.attempts.isEmpty)
        #expect(try await waits(engine, world).count == 5)
        let job = try await world.job("1")
        #expect(job.status == .finished)
        #expect(job.retryCount == 0)
        #expect(job.attempts.map(\.number) == [1])
    }

    @Test func aCancelEndsTheJobWithItsReason() async throws {
        let world = try LocalWorld()
        let cancel = JobFailure(.canceled, "the customer is a test", remedy: "none", disposition: .cancel)
        let engine = try await engine(world, cancel)
        try await engine.deliver(world.request("1"))
        let job = try await world.job("1")
        #expect(job.status == .canceled)
        #expect(job.cancelReason == "the customer is a test")
        #expect(job.attempts.count == 1)
        #expect(await engine.pending.isEmpty)
        #expect(await engine.deadLetters.isEmpty)
    }

    @Test func anyOtherErrorIsRetryableAndItsContentsStayOut() async throws {
        struct Secret: Error, CustomStringConvertible { let description = "tax id DE123" }
        let world = try LocalWorld()
        let engine = try await engine(world, Secret(), times: 1)
        let job = try await engine.deliver(world.request("1"))
        #expect(job.status == .failed)
        #expect(job.waitReason == .retry)
        #expect(job.error?.code == .controllerFailed)
        #expect(job.error?.message == "the controller threw Secret")
    }

    @Test func itRunsAgainAtItsDueTimeAndNotBefore() async throws {
        let world = try LocalWorld()
        let engine = try await engine(world, JobFailure.retryable("no"), times: 1)
        try await engine.deliver(world.request("1"))
        #expect(await engine.pending.map(\.dueAt) == [world.clock.now.advanced(by: .seconds(60))])
        #expect(try await world.pass(.seconds(59), in: engine).isEmpty)
        #expect(world.log.count("update") == 1)
        #expect(try await world.pass(.seconds(1), in: engine).map(\.status) == [.finished])
    }

    @Test func aDeliveryThatComesTooEarlyWaitsOn() async throws {
        let world = try LocalWorld()
        let engine = try await engine(world, JobFailure.retryable("no"), times: 1)
        try await engine.deliver(world.request("1"))
        let due = world.clock.now.advanced(by: .seconds(60))
        // The delay ladder is shorter than the wait: the message is there before its time.
        let parts = try world.parts([world.type(ScriptedSingle(script: world.script))])
        guard case .waiting(let job) = try await parts.deliver(world.request("1"), turn: 1) else {
            Issue.record("it does not wait")
            return
        }
        #expect(job.status == .failed)
        #expect(job.retryAfter == due)
        #expect(job.nextTurn == 2)
        #expect(world.log.count("update") == 1)
        #expect(try await world.store.owedMessages(jobID: "1").map(\.dueAt) == [due], "and comes again")
    }

    @Test func aRetriedJobThatSucceedsHasNoErrorLeft() async throws {
        let world = try LocalWorld()
        let engine = try await engine(world, JobFailure.retryable("once"), times: 1)
        let first = try await engine.deliver(world.request("1"))
        #expect(first.error?.message == "once")
        try await world.pass(.seconds(60), in: engine)
        let job = try await world.job("1")
        #expect(job.status == .finished)
        #expect(job.error == nil)
        #expect(job.retryAfter == nil)
        #expect(job.retryCount == 1)
        #expect(job.attempts.map(\.outcome) == [.failed, .finished])
        #expect(job.attempts.first?.error?.message == "once", "the attempt keeps it")
    }

    @Test func aRetryByHandGivesAllRetriesBack() async throws {
        let world = try LocalWorld()
        let engine = try await engine(world, JobFailure.retryable("no")) { $0.maxRetries = 1 }
        try await engine.deliver(world.request("1"))
        _ = try await waits(engine, world)
        #expect(try await world.job("1").deadLetteredAt != nil)
        try await world.perform(.retry, "1", in: engine)
        let queued = try await world.job("1")
        #expect(queued.status == .queued)
        #expect(queued.retryCount == 0)
        #expect(queued.deadLetteredAt == nil)
        #expect(queued.error == nil)
        try await engine.runPending()
        #expect(try await waits(engine, world) == [.seconds(60)])
        #expect(try await world.job("1").attempts.map(\.number) == [1, 2, 3, 4])
        #expect(await engine.deadLetters.count == 2)
        #expect(try await world.store.auditEntries(subject: "1").map(\.action) == ["retry"])
    }

    @Test func aSourceThatIsNotThereIsRetriedUntilItsRetriesAreSpent() async throws {
        let world = try LocalWorld()
        let engine = try world.single()
        let first = try await engine.deliver(world.request("1"))
        #expect(first.error?.code == .sourceNotVisible)
        #expect(first.waitReason == .retry)
        _ = try await waits(engine, world)
        #expect(await engine.deadLetters.map(\.reason.code) == [.sourceNotVisible])
        try await engine.deliver(world.request("2"))
        try await world.putCustomer("C-1", "Ada")
        try await world.pass(.seconds(60), in: engine)
        #expect(try await world.job("2").status == .finished, "the producer's commit lagged")
    }

    @Test func aSourceOlderThanTheRequestSawIsNotVisibleYet() async throws {
        let world = try LocalWorld()
        let engine = try world.single()
        try await world.putCustomer("C-1", "Ada", version: 1)
        let early = try await engine.deliver(world.request("1") { $0.sourceVersion = "2" })
        #expect(early.error?.code == .sourceNotVisible)
        try await world.putCustomer("C-1", "Ada L", version: 2)
        try await world.pass(.seconds(60), in: engine)
        #expect(try await world.account("C-1")?["label"] == "Ada L")
    }

    @Test func aSystemThatIsDownIsTriedAgainWithoutUsingUpARetry() async throws {
        let world = try LocalWorld()
        let engine = try world.single(target: LocalWorld.shopAccount)
        try await world.putCustomer("C-1", "Ada")
        world.outside.fail(.unavailable)
        let job = try await engine.deliver(world.request("1"))
        #expect(job.error?.code == .systemUnavailable)
        #expect(job.error?.system == "shop")
        #expect(job.status == .queued)
        #expect(job.waitReason == .outage)
        #expect(job.retryAfter == world.clock.now.advanced(by: .seconds(5)))
        #expect(try await world.pass(.seconds(4), in: engine).isEmpty)
        try await world.pass(.seconds(1), in: engine)
        let ended = try await world.job("1")
        #expect(ended.status == .finished)
        #expect(ended.retryCount == 0)
        #expect(ended.attemptCount == 1)
        #expect(world.outside.all().count == 1)
    }

    @Test func whatTheTargetRefusesIsPermanent() async throws {
        let world = try LocalWorld()
        let engine = try world.single(target: LocalWorld.shopAccount)
        try await world.putCustomer("C-1", "Ada")
        world.outside.fail(.refused(JobFailure(.constraintViolated, "label is too long", remedy: "shorten it")))
        let job = try await engine.deliver(world.request("1"))
        #expect(job.status == .failed)
        #expect(await engine.deadLetters.map(\.reason.code) == [.constraintViolated])
    }

    @Test func aDocumentOverTheLimitIsPermanent() async throws {
        let world = try LocalWorld()
        var settings = LocalEngine.Settings()
        settings.maximumDocumentBytes = 1_000
        let type = world.type(ScriptedSingle(script: world.script))
        let engine = LocalEngine(
            types: try SyncJobTypes([type]), systems: world.systems, store: world.store, settings: settings,
            logger: quietLogger, now: { world.clock.now })
        try await world.putCustomer("C-1", String(repeating: "x", count: 1_000))
        let job = try await engine.deliver(world.request("1"))
        #expect(job.error?.code == .documentTooLarge)
        #expect(job.retryAfter == nil)
    }
}
