// Faults of the framework that this engine replaces, one test each: what must never come back.
import JobStore
import SyncEngine
import SyncJobs
import Testing

@Suite struct OldFaultTests {
    /// Two controllers that each wait for the other to have begun.
    @Test(.timeLimit(.minutes(1))) func twoJobsRunAtATimeNoGlobalLock() async throws {
        let world = try LocalWorld()
        let begun = Box<Set<String>>([])
        let engine = try world.single {
            $0.on = { word, job in
                guard word == "update" else { return }
                begun.change { _ = $0.insert(job.job.id) }
                while begun.value.count < 2 { await Task.yield() }
            }
        }
        try await world.putCustomer("C-1", "Ada")
        try await world.putCustomer("C-2", "Bob")
        async let first = engine.deliver(world.request("1", "C-1"))
        async let second = engine.deliver(world.request("2", "C-2"))
        let jobs = try await [first, second]
        #expect(jobs.map(\.status) == [.finished, .finished])
    }

    @Test func aDryRunOfADeleteSucceedsAndShowsEveryFieldToNull() async throws {
        let world = try LocalWorld()
        let engine = try world.single()
        try await world.putCustomer("C-1", "Ada")
        try await engine.deliver(world.request("1"))
        try await world.deleteCustomer("C-1")
        let job = try await engine.deliver(world.request("2") { $0.dryRun = true })
        #expect(job.status == .skipped)
        #expect(job.skipReason == .dryRun)
        #expect(job.error == nil)
        #expect(job.operation == .delete)
        #expect(job.diff?.json == ["changed": [["label", "Ada", nil]], "added": [], "removed": [], "row_changed": []])
        #expect(try await world.account("C-1") == ["label": "Ada"], "nothing is changed")
        #expect(try await world.binding()?.isDeleted == false)
    }

    @Test func anInsertHasADiffFromNull() async throws {
        let world = try LocalWorld()
        let engine = try world.single()
        try await world.putCustomer("C-1", "Ada", ["tax_id": "DE123"])
        let job = try await engine.deliver(world.request("1"))
        #expect(job.status == .finished)
        #expect(
            job.diff?.changed == [
                Diff.FieldChange(field: "label", old: nil, new: "Ada"),
                Diff.FieldChange(field: "secret", old: nil, new: SensitiveFields.mask),
            ])
    }

    @Test func aRelayHandsAllFlagsToItsChildren() async throws {
        let world = try LocalWorld()
        let engine = try world.multiple {
            $0.targets = { _ in [RelayTarget(operation: .insert, key: "a"), RelayTarget(operation: .insert, key: "b")] }
        }
        try await world.putCustomer("C-1", "Ada")
        try await engine.deliver(
            world.request("1") {
                $0.flags.insertEnabled = true
                $0.flags.updateEnabled = false
                $0.flags.deleteEnabled = false
                $0.flags.updateWithoutChangesEnabled = true
                $0.flags.verboseLogging = true
                $0.dryRun = true
            })
        let children = await engine.pending.map(\.request)
        #expect(children.count == 2)
        for child in children {
            var flags = SyncFlagOverrides()
            flags.insertEnabled = true
            flags.updateEnabled = false
            flags.deleteEnabled = false
            flags.updateWithoutChangesEnabled = true
            flags.verboseLogging = true
            #expect(child.flags == flags)
            #expect(child.dryRun)
        }
    }

    @Test func maxRetries0MeansNoneOfATypeAndOfAJob() async throws {
        for isOfType in [true, false] {
            let world = try LocalWorld()
            let engine = try world.single {
                $0.update = { _, _ in throw JobFailure.retryable("not now") }
            } type: {
                if isOfType { $0.retryPolicy.maxRetries = 0 }
            }
            try await world.putCustomer("C-1", "Ada")
            let job = try await engine.deliver(world.request("1") { if !isOfType { $0.maxRetries = 0 } })
            #expect(job.status == .failed)
            #expect(job.retryCount == 0)
            #expect(job.retryAfter == nil)
            #expect(job.deadLetteredAt == world.clock.now)
            #expect(await engine.pending.isEmpty)
            #expect(await engine.deadLetters.map(\.reason.message) == ["not now"])
        }
    }

    @Test func aHookThatThrowsAfterTheCommitNeverRunsTheSyncAgain() async throws {
        let world = try LocalWorld()
        let engine = try world.single(target: LocalWorld.shopAccount) {
            $0.finished = { _, _ in throw JobFailure.retryable("the mail server is down") }
        }
        try await world.putCustomer("C-1", "Ada")
        let request = world.request("1")
        try await engine.deliver(request)
        try await world.pass(.seconds(86_400), in: engine)
        try await engine.deliver(request)
        let job = try await world.job("1")
        #expect(job.status == .finished)
        #expect(job.notes == ["finished failed: the mail server is down"])
        #expect(job.attemptCount == 1)
        #expect(world.log.count("save") == 1)
        #expect(world.log.count("finished") == 1)
        #expect(await engine.pending.isEmpty)
        #expect(await engine.deadLetters.isEmpty)
    }

    @Test func aDisabledTypeNeverRuns() async throws {
        let world = try LocalWorld()
        let engine = try world.single(type: { $0.isDisabled = true })
        try await world.putCustomer("C-1", "Ada")
        let refused = try await failure { try await engine.deliver(world.request("1")) }
        #expect(refused?.code == .typeDisabled)
        #expect(world.log.all.isEmpty)
        #expect(try await world.store.job(id: "1") == nil)
        #expect(try await world.account("C-1") == nil)
    }

    @Test func cancelingAQueuedJobStopsIt() async throws {
        let world = try LocalWorld()
        let engine = try world.single()
        try await world.putCustomer("C-1", "Ada")
        // Queued with the broker, and not seen yet.
        _ = try await world.perform(.cancel, "1", in: engine)
        let unseen = try await engine.deliver(world.request("1"))
        #expect(unseen.status == .canceled)
        #expect(unseen.cancelReason == "because")
        // Queued for later, with a record.
        let later = try await engine.deliver(
            world.request("2") { $0.notBefore = world.clock.now.advanced(by: .seconds(60)) })
        #expect(later.status == .queued)
        _ = try await world.perform(.cancel, "2", in: engine)
        try await world.pass(.seconds(120), in: engine)
        #expect(try await world.job("2").status == .canceled)
        #expect(world.log.all.isEmpty, "neither ran")
        #expect(try await world.account("C-1") == nil)
    }
}
