// What keeps a job from running, or lets it go on: held, due later, a dedup key, a lease, an earlier job of its key; and what
// operators do about it.
import JobStore
import SyncJobs
import Testing

@testable import SyncEngine

@Suite struct WaitingTests {
    @Test func aHeldJobIsPendingUntilItIsStarted() async throws {
        let world = try LocalWorld()
        let engine = try world.single()
        try await world.putCustomer("C-1", "Ada")
        let held = try await engine.deliver(world.request("1") { $0.hold = true })
        #expect(held.status == .pending)
        #expect(held.waitReason == .hold)
        try await world.pass(.seconds(1_000_000), in: engine)
        #expect(world.log.all.isEmpty)
        try await world.perform(.start, "1", in: engine)
        #expect(try await world.job("1").status == .queued)
        try await engine.runPending()
        #expect(try await world.job("1").status == .finished)
        let audit = try await world.store.auditEntries(subject: "1")
        #expect(audit.map(\.action) == ["start"])
        #expect(audit.map(\.actor) == ["tester"])
        #expect(audit.map(\.reason) == ["because"])
    }

    @Test func aHeldJobThatIsCanceledNeverRuns() async throws {
        let world = try LocalWorld()
        let engine = try world.single()
        let request = world.request("1") { $0.hold = true }
        try await engine.deliver(request)
        try await world.perform(.cancel, "1", in: engine)
        #expect(try await engine.deliver(request).status == .canceled)
        guard case .refused = try await world.perform(.start, "1", in: engine)[0] else {
            Issue.record("a canceled job was started")
            return
        }
        #expect(world.log.all.isEmpty)
    }

    @Test func notBeforeWaitsForItsTime() async throws {
        let world = try LocalWorld()
        let engine = try world.single()
        try await world.putCustomer("C-1", "Ada")
        let due = world.clock.now.advanced(by: .seconds(3_600))
        let job = try await engine.deliver(world.request("1") { $0.notBefore = due })
        #expect(job.status == .queued)
        #expect(job.waitReason == .notBefore)
        #expect(job.retryAfter == due)
        #expect(try await world.pass(.seconds(3_599), in: engine).isEmpty)
        #expect(try await world.pass(.seconds(1), in: engine).map(\.status) == [.finished])
    }

    @Test func aNotBeforeThatHasPassedIsNone() async throws {
        let world = try LocalWorld()
        let engine = try world.single()
        try await world.putCustomer("C-1", "Ada")
        let job = try await engine.deliver(world.request("1") { $0.notBefore = world.clock.now })
        #expect(job.status == .finished)
    }

    // MARK: dedup_key

    @Test func aDedupKeyThatRunsMakesTheNewcomerADuplicate() async throws {
        let world = try LocalWorld()
        let found = Box<SyncJob?>(nil)
        let engine = try world.single {
            $0.on = { word, job in
                guard word == "update", job.job.id == "1" else { return }
                let second = try world.parts([job.type])
                if case .committed(let record, _) = try await second.deliver(
                    world.request("2", "C-2") { $0.dedupKey = "nightly" })
                {
                    found.set(record)
                }
            }
        }
        try await world.putCustomer("C-1", "Ada")
        try await engine.deliver(world.request("1") { $0.dedupKey = "nightly" })
        let duplicate = try #require(found.value)
        #expect(duplicate.status == .skipped)
        #expect(duplicate.skipReason == .duplicate)
        #expect(duplicate.relatedJob == "1", "it names the holder")
    }

    @Test func aDedupKeyIsHeldWhileARetryIsAheadAndFreeAtTheEnd() async throws {
        let world = try LocalWorld()
        let engine = try world.single {
            $0.update = { _, job in
                if job.job.id == "1", job.job.retryCount == 0 { throw JobFailure.retryable("once") }
            }
        }
        try await world.putCustomer("C-1", "Ada")
        try await engine.deliver(world.request("1") { $0.dedupKey = "k" })
        #expect(try await engine.deliver(world.request("2") { $0.dedupKey = "k" }).skipReason == .duplicate)
        #expect(try await engine.deliver(world.request("3") { $0.dedupKey = "other" }).skipReason != .duplicate)
        try await world.pass(.seconds(60), in: engine)
        #expect(try await !world.job("1").isOpen)
        #expect(try await engine.deliver(world.request("4") { $0.dedupKey = "k" }).skipReason != .duplicate)
        #expect(try await world.job("2").status == .skipped, "a duplicate stays one")
    }

    @Test func aJobThatWaitsForItsTimeHoldsItsDedupKey() async throws {
        let world = try LocalWorld()
        let engine = try world.single()
        try await world.putCustomer("C-1", "Ada")
        try await engine.deliver(
            world.request("1") {
                $0.dedupKey = "k"
                $0.notBefore = world.clock.now.advanced(by: .seconds(60))
            })
        #expect(try await engine.deliver(world.request("2") { $0.dedupKey = "k" }).relatedJob == "1")
        try await world.perform(.cancel, "1", in: engine)
        #expect(try await engine.deliver(world.request("3") { $0.dedupKey = "k" }).status == .finished)
    }

    // MARK: exclusive

    @Test(.timeLimit(.minutes(1))) func anExclusiveKeyIsRunByOneAtATime() async throws {
        let world = try LocalWorld()
        let inside = Box(0)
        let most = Box(0)
        let isReleased = Box(false)
        let engine = try world.bypass {
            $0.execute = { _ in
                let now = inside.next()
                most.change { $0 = max($0, now) }
                while !isReleased.value { await Task.yield() }
                inside.change { $0 -= 1 }
                return .noTarget
            }
        } type: {
            $0.isExclusive = true
        }
        try await world.putCustomer("C-1", "Ada")
        async let first = engine.deliver(world.request("1"))
        try await until("the first runs") { inside.value == 1 }
        let second = try await engine.deliver(world.request("2"))
        #expect(second.status == .queued)
        #expect(second.waitReason == .snooze)
        #expect(second.attemptCount == 0)
        isReleased.set(true)
        #expect(try await first.status == .noTarget)
        try await world.pass(.seconds(5), in: engine)
        #expect(try await world.job("2").status == .noTarget)
        #expect(most.value == 1)
    }

    @Test(.timeLimit(.minutes(1)))
    func aRunThatIsRepeatedAfterAConflictDoesNotWaitForItsOwnLease() async throws {
        let world = try LocalWorld()
        let isFirst = Box(true)
        let engine = try world.single {
            $0.beforeSync = { write, _ in
                guard write.operation == .update, isFirst.takeFirst() else { return }
                try await world.putAccount("C-1", ["label": "Ada", "phone": "1"])
            }
        } type: {
            $0.isExclusive = true
        }
        try await world.putCustomer("C-1", "Ada", version: 1)
        try await engine.deliver(world.request("1"))
        try await world.putCustomer("C-1", "Ada L", version: 2)
        let job = try await engine.deliver(world.request("2"))
        #expect(job.status == .finished)
        #expect(try await world.account("C-1") == ["label": "Ada L", "phone": "1"])
    }

    // MARK: on_failure

    /// Jobs 1 and 2 of one document, of which 1 fails once; answers the order in which they were finished.
    private func finishedOrder(_ onFailure: SyncJobType.OnFailure) async throws -> [String] {
        let world = try LocalWorld()
        let order = Box<[String]>([])
        let engine = try world.single {
            $0.update = { _, job in
                if job.job.id == "1", job.job.retryCount == 0 { throw JobFailure.retryable("once") }
            }
            $0.finished = { job, _ in order.change { $0.append(job.id) } }
        } type: {
            $0.onFailure = onFailure
        }
        for name in ["C-1", "C-2"] { try await world.putCustomer(name, "Ada") }
        try await engine.deliver(world.request("1"))
        let second = try await engine.deliver(world.request("2"))
        if onFailure == .block {
            #expect(second.status == .queued)
            #expect(second.waitReason == .blocked)
        }
        try await engine.deliver(world.request("3"))
        #expect(try await engine.deliver(world.request("other", "C-2")).status != .queued, "other keys go on")
        try await engine.runPending()
        try await world.pass(.seconds(60), in: engine)
        return order.value.filter { $0 != "other" }
    }

    @Test func blockKeepsTheOrderOfAKeyAndOvertakeDoesNot() async throws {
        #expect(try await finishedOrder(.block) == ["1", "2", "3"])
        #expect(try await finishedOrder(.overtake) == ["2", "3", "1"])
    }

    @Test func aFailureForGoodLetsTheBlockedGoOn() async throws {
        let world = try LocalWorld()
        let engine = try world.single {
            $0.update = { _, job in if job.job.id == "1" { throw JobFailure.retryable("always") } }
        } type: {
            $0.onFailure = .block
            $0.retryPolicy.maxRetries = 1
        }
        try await world.putCustomer("C-1", "Ada")
        try await engine.deliver(world.request("1"))
        try await engine.deliver(world.request("2"))
        try await world.pass(.seconds(60), in: engine)
        #expect(try await world.job("1").deadLetteredAt != nil)
        #expect([.finished, .skipped].contains(try await world.job("2").status))
    }

    @Test func cancelingTheFailedOneLetsTheBlockedGoOn() async throws {
        let world = try LocalWorld()
        let engine = try world.single {
            $0.update = { _, job in if job.job.id == "1" { throw JobFailure.retryable("always") } }
        } type: {
            $0.onFailure = .block
        }
        try await world.putCustomer("C-1", "Ada")
        try await engine.deliver(world.request("1"))
        try await engine.deliver(world.request("2"))
        try await world.perform(.cancel, "1", in: engine)
        try await engine.runPending()
        #expect([.finished, .skipped].contains(try await world.job("2").status))
    }

    // MARK: ids

    @Test func anIDWithOtherContentIsRefused() async throws {
        let world = try LocalWorld()
        let engine = try world.single()
        try await world.putCustomer("C-1", "Ada")
        try await engine.deliver(world.request("1"))
        let refused = try await failure { try await engine.deliver(world.request("1", "C-2")) }
        #expect(refused?.code == .idReused)
        #expect(await engine.deadLetters.map(\.reason.code) == [.idReused])
        #expect(try await world.job("1").status == .finished)
    }

    @Test func anIDThatHasEndedIsAcknowledgedAndNotRun() async throws {
        let world = try LocalWorld()
        let engine = try world.single()
        try await world.putCustomer("C-1", "Ada")
        let request = world.request("1")
        let first = try await engine.deliver(request)
        let count = world.log.all.count
        let second = try await engine.deliver(request)
        #expect(second.endedAt == first.endedAt)
        #expect(world.log.all.count == count)
        guard
            case .duplicate = try await world.parts([world.type(ScriptedSingle(script: world.script))])
                .deliver(request)
        else {
            Issue.record("it is no duplicate")
            return
        }
    }

    // MARK: cancel and retry

    @Test func aCancelOfAnIDThatWasNotSeenWaitsForIt() async throws {
        let world = try LocalWorld()
        let engine = try world.single()
        let asked = try await world.perform(.cancel, "later", in: engine)
        #expect(asked == [.asked(nil)])
        let job = try await engine.deliver(world.request("later"))
        #expect(job.status == .canceled)
        #expect(job.cancelReason == "because")
        #expect(world.log.all.isEmpty)
    }

    @Test func aCancelOfAHeldOneThatWasNotSeenIsFoundToo() async throws {
        let world = try LocalWorld()
        let engine = try world.single()
        try await world.perform(.cancel, "later", in: engine)
        #expect(try await engine.deliver(world.request("later") { $0.hold = true }).status == .canceled)
    }

    @Test func aCancelOfAFailedJobVoidsItsRetry() async throws {
        let world = try LocalWorld()
        let engine = try world.single { $0.update = { _, _ in throw JobFailure.retryable("no") } }
        try await world.putCustomer("C-1", "Ada")
        try await engine.deliver(world.request("1"))
        try await world.perform(.cancel, "1", in: engine)
        try await world.pass(.seconds(60), in: engine)
        #expect(try await world.job("1").status == .canceled)
        #expect(world.log.count("update") == 1)
    }

    @Test func retryIsForFailedJobsAloneAndWhatEndedCantBeCanceled() async throws {
        let world = try LocalWorld()
        let engine = try world.single()
        try await world.putCustomer("C-1", "Ada")
        try await engine.deliver(world.request("1"))
        for action in JobStore.OperatorAction.allCases {
            guard case .refused = try await world.perform(action, "1", in: engine)[0] else {
                Issue.record("\(action) of a finished job was not refused")
                continue
            }
        }
        #expect(try await world.store.auditEntries(subject: "1").isEmpty)
    }

    @Test func aRetryByHandVoidsTheRetryThatWasOnItsWay() async throws {
        let world = try LocalWorld()
        let isMended = Box(false)
        let engine = try world.single {
            $0.update = { target, _ in
                guard isMended.value else { throw JobFailure.retryable("no") }
                target["label"] = "x"
            }
        }
        try await world.putCustomer("C-1", "Ada")
        try await engine.deliver(world.request("1"))
        isMended.set(true)
        try await world.perform(.retry, "1", in: engine)
        try await engine.runPending()
        try await world.pass(.seconds(60), in: engine)
        #expect(try await world.job("1").status == .finished)
        #expect(world.log.count("update") == 2, "the retry that was due later runs no more")
    }
}
