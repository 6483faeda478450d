// Jobs of a user's code that run in series: which they are, that each comes to the end which it would have come to alone, and
// that one which takes its time is held to its timeout, and holds up nobody.
import DocumentSystems
import SyncJobs
import Testing

@testable import JobStore
@testable import SyncBroker
@testable import SyncEngine

@Suite struct JobSeriesTests {
    private let world: LocalWorld

    init() throws { world = try LocalWorld() }

    private func coded(
        _ name: String = "Customer Sync", _ change: (inout Script) -> Void = { _ in },
        type adjust: (inout SyncJobType) -> Void = { _ in }
    ) -> SyncJobType {
        var script = world.script
        change(&script)
        return world.type(ScriptedSingle(script: script), name: name, adjust)
    }

    private func queued(_ ids: [String], of type: SyncJobType) async throws -> [QueuedJob] {
        for id in ids { try await world.putCustomer("C-\(id)", "Ada") }
        return ids.map { id in
            QueuedJob(
                delivery: nil, request: world.request(id, "C-\(id)", type: type.slug), type: type, queue: "default",
                receivedAt: TestClock.start, turn: 0, body: []
            ).with(pace: .quick)
        }
    }

    private func decide(_ jobs: [QueuedJob], in parts: EngineParts) async throws -> JobRunner.DecidedSeries {
        await parts.runner.decideInSeries(jobs, try await parts.runner.prepare(jobs))
    }

    @Test func quickIsCodeOfAUserWhoseDocumentsAreAllInTheStore() async throws {
        let plain = coded()
        let others = [
            world.type(ScriptedSingle(script: world.script), name: "Shop Sync", target: LocalWorld.shopAccount),
            coded("Exclusive Sync", type: { $0.isExclusive = true }),
            coded("Blocking Sync", type: { $0.onFailure = .block }),
            world.type(ScriptedMultiple(script: world.script), name: "Relay Sync"),
            world.type(ScriptedBypass(script: world.script), name: "Bypass Sync"),
        ]
        let runner = try world.parts([plain] + others).runner
        let job = try await queued(["1"], of: plain)[0]
        #expect(runner.pace(of: job) == .quick)
        for type in others { #expect(try await runner.pace(of: queued(["1"], of: type)[0]) == .open, "\(type.name)") }
        for _ in 0..<16 { _ = runner.quickTypes.note(plain.slug, .seconds(1)) }
        #expect(runner.pace(of: job) == .open, "it has turned out slow")
    }

    @Test func jobsThatAreDecidedInSeriesEndAsTheyWouldAlone() async throws {
        let type = coded {
            $0.update = { target, job in
                switch job.job.id {
                case "again": throw JobFailure.retryable("busy")
                case "never": throw JobFailure.permanent("no")
                default: target["label"] = job.source?["name"]
                }
            }
            $0.finished = { record, _ in if record.id == "told" { throw JobFailure.permanent("the bell is broken") } }
        }
        let parts = try world.parts([type])
        _ = try await world.store.perform(
            .cancel, ids: ["canceled"], actor: "ann", reason: "not this", at: world.clock.now)
        let jobs = try await queued(["new", "again", "canceled", "never", "told"], of: type)
        let found = try await decide(jobs, in: parts)
        #expect(found.decided.map(\.job.request.id) == ["new", "again", "never", "told"])
        #expect(found.others.map(\.request.id) == ["canceled"])
        #expect(found.late == nil && found.unbegun.isEmpty)
        #expect(try await world.store.countJobs().isEmpty, "nothing is true before the commit")
        #expect(world.log.count("finished") == 0)
        let transactions = world.store.transactionCount
        let ended = try await parts.runner.commit(found.decided)
        #expect(ended.count == 4 && ended.allSatisfy { $0.ending != nil && $0.pendingHook == nil })
        #expect(world.store.transactionCount == transactions + 2, "the jobs, and the note")
        #expect(try await world.job("new").status == .finished)
        #expect(try await world.account("C-new") == ["label": "Ada"])
        let again = try await world.job("again")
        #expect(again.status == .failed && again.isOpen)
        #expect(try await world.job("never").isOpen == false)
        #expect(try await world.job("told").notes == ["finished failed: the bell is broken"])
        #expect(world.log.count("finished") == 2)
    }

    @Test func aRunThatTakesItsTimeGoesOnAloneAndThoseBehindItHaveNotBegun() async throws {
        let door = Door()
        let type = coded { script in
            let update = script.update
            script.update = { target, job in
                if job.job.id == "slow" { await door.opened() }
                try await update(&target, job)
            }
        }
        let parts = try world.parts([type])
        let jobs = try await queued(["1", "slow", "3"], of: type)
        let found = try await decide(jobs, in: parts)
        #expect(found.decided.map(\.job.request.id) == ["1"])
        #expect(found.unbegun.map(\.request.id) == ["3"])
        #expect(found.others.isEmpty)
        let late = try #require(found.late)
        #expect(late.job.request.id == "slow" && late.job.pace == .open)
        #expect(try await parts.runner.commit(found.decided).count == 1)
        #expect(try await world.job("1").status == .finished, "while the slow one runs")
        #expect(parts.runs.run(ofJob: "slow") != nil)
        door.open()
        guard case .committed(let record, nil) = try await parts.runner.run(late) else {
            Issue.record("not committed")
            return
        }
        #expect(record.status == .finished)
        #expect(try await world.job("slow").attempts.count == 1)
        #expect(world.log.count("update") == 2)
        #expect(parts.runs.run(ofJob: "slow") == nil)
    }

    @Test func aLateRunIsHeldToItsTimeout() async throws {
        let type = coded { script in
            script.update = { _, _ in while !Task.isCancelled { await Task.yield() } }
        } type: {
            $0.timeout = .milliseconds(40)
        }
        let parts = try world.parts([type])
        let late = try #require(try await decide(queued(["1"], of: type), in: parts).late)
        async let ending = parts.runner.run(late)
        while parts.runs.run(ofJob: "1") != nil {
            await parts.runs.look()
            await Task.yield()
        }
        guard case .committed(let record, nil) = try await ending else { Issue.record("not committed"); return }
        #expect(record.error?.code == .timedOut)
        #expect(try await world.job("1").attempts.count == 1)
    }

    @Test func aLateRunThatEndsAsItIsCutOffCountsAsCutOff() async throws {
        let door = Door()
        let runs = Box(0)
        let type = coded { script in
            script.update = { _, _ in
                runs.change { $0 += 1 }
                await door.opened()
            }
        }
        let parts = try world.parts([type])
        let late = try #require(try await decide(queued(["1"], of: type), in: parts).late)
        late.active.interrupt(.canceled("nobody wants it"))
        door.open()
        await late.code.task.value
        guard case .committed(let record, nil) = try await parts.runner.run(late) else {
            Issue.record("not committed")
            return
        }
        #expect(record.status == .canceled && record.cancelReason == "nobody wants it")
        #expect(try await world.job("1").attempts.map(\.outcome) == [.canceled])
        #expect(runs.value == 1)
    }

    @Test func aLateRunWhoseTargetChangedIsRunAgain() async throws {
        let door = Door()
        let runs = Box(0)
        let type = coded { script in
            script.target = { _ in .update("C-1") }
            script.update = { target, job in
                if runs.change({
                    $0 += 1; return $0
                }) == 1 {
                    await door.opened()
                }
                target["label"] = job.source?["name"]
            }
        }
        let parts = try world.parts([type])
        try await world.putAccount("C-1", ["label": "old"])
        let jobs = try await queued(["1"], of: type)
        let late = try #require(try await decide(jobs, in: parts).late)
        try await world.putAccount("C-1", ["label": "old", "touched": true])
        door.open()
        guard case .committed(let record, nil) = try await parts.runner.run(late) else {
            Issue.record("not committed")
            return
        }
        #expect(record.status == .finished && record.attemptCount == 1)
        #expect(runs.value == 2)
        #expect(try await world.account("C-1") == ["label": "Ada", "touched": true])
    }

    @Test func aHookThatTakesItsTimeHoldsUpTheAnswerOfItsOwnJobAlone() async throws {
        let door = Door()
        let told = Box<[String]>([])
        let type = coded {
            $0.finished = { record, _ in
                if record.id == "2" { await door.opened() }
                told.change { $0.append(record.id) }
            }
        }
        let parts = try world.parts([type])
        let found = try await decide(queued(["1", "2", "3"], of: type), in: parts)
        let ended = try await parts.runner.commit(found.decided)
        #expect(ended.map { $0.pendingHook == nil } == [true, false, false])
        #expect(told.value == ["1"])
        await ended[2].pendingHook?()
        #expect(told.value == ["1", "3"])
        door.open()
        await ended[1].pendingHook?()
        #expect(told.value == ["1", "3", "2"])
        #expect(try await world.store.countJobs() == [.finished: 3])
    }
}
