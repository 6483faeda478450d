// The table of hooks: which run, in which order, on which path; and what each of them finds.
import JobStore
import SyncEngine
import SyncJobs
import Testing

@Suite struct HookOrderTests {
    @Test func aSingleTargetRunsItsHooksInOrder() async throws {
        let world = try LocalWorld()
        let found = Box<JobStatus?>(nil)
        let engine = try world.single(target: LocalWorld.shopAccount) {
            $0.finished = { job, _ in found.set(try await world.job(job.id).status) }
        }
        try await world.putCustomer("C-1", "Ada")
        try await engine.deliver(world.request("1"))
        #expect(
            world.log.all == ["after_start", "target", "update", "before_sync", "save", "after_sync", "finished"])
        #expect(found.value == .finished, "finished runs after the commit: the record is readable in it")
    }

    @Test func anEmbeddedWriteIsThereInFinishedAndNotBefore() async throws {
        let world = try LocalWorld()
        let engine = try world.single {
            $0.on = { word, _ in
                let isThere = try await world.account("C-1") != nil
                #expect(isThere == (word == "finished"), "\(word)")
            }
        }
        try await world.putCustomer("C-1", "Ada")
        try await engine.deliver(world.request("1"))
        #expect(world.log.all == ["after_start", "target", "update", "before_sync", "after_sync", "finished"])
    }

    @Test func aDeleteHasNoUpdate() async throws {
        let world = try LocalWorld()
        let engine = try world.single()
        try await world.putCustomer("C-1", "Ada")
        try await engine.deliver(world.request("1"))
        try await world.deleteCustomer("C-1")
        world.log.clear()
        let job = try await engine.deliver(world.request("2"))
        #expect(job.operation == .delete)
        #expect(world.log.all == ["after_start", "target", "before_sync", "after_sync", "finished"])
    }

    @Test func aDryRunLeavesOutWhatWrites() async throws {
        let world = try LocalWorld()
        let engine = try world.single(target: LocalWorld.shopAccount)
        try await world.putCustomer("C-1", "Ada")
        let job = try await engine.deliver(world.request("1") { $0.dryRun = true })
        #expect(job.skipReason == .dryRun)
        #expect(world.log.all == ["after_start", "target", "update", "finished"])
        #expect(world.outside.all().isEmpty)
        #expect(try await world.binding() == nil)
    }

    @Test func aRelayRunsItsHooksInOrder() async throws {
        let world = try LocalWorld()
        let childrenInHook = Box<[String: Int]>([:])
        let engine = try world.multiple {
            $0.targets = { _ in
                [RelayTarget(operation: .insert, name: "A"), RelayTarget(operation: .insert, name: "B")]
            }
            $0.on = { word, job in
                guard ["after_relay", "finished"].contains(word), job.job.request.parentSyncJob == nil else { return }
                let count = try await world.store.children(counts: job.job.id).values.reduce(0, +)
                childrenInHook.change { $0[word] = count }
            }
        }
        try await world.putCustomer("C-1", "Ada")
        let parent = try await engine.deliver(world.request("1"))
        #expect(parent.status == .relayed)
        #expect(world.log.all == ["after_start", "targets", "before_relay", "after_relay", "finished"])
        #expect(childrenInHook.value == ["after_relay": 0, "finished": 2], "the commit creates the children")
        world.log.clear()
        try await engine.runPending()
        let child = ["after_start", "update", "before_sync", "after_sync", "finished"]
        #expect(
            world.log.all == child + child + ["after_start", "relay_finished"],
            "relay_finished is a job of its own, after the last child, and has no finished")
    }

    @Test func aRelayInADryRunHasTheSameHooksAndWritesNothing() async throws {
        let world = try LocalWorld()
        let engine = try world.multiple {
            $0.targets = { _ in
                [RelayTarget(operation: .insert, name: "A"), RelayTarget(operation: .insert, name: "B")]
            }
        }
        try await world.putCustomer("C-1", "Ada")
        try await engine.deliver(world.request("1") { $0.dryRun = true })
        try await engine.runPending()
        let child = ["after_start", "update", "finished"]
        #expect(
            world.log.all == ["after_start", "targets", "before_relay", "after_relay", "finished"] + child + child
                + ["after_start", "relay_finished"])
        #expect(try await world.account("A") == nil)
    }

    @Test func aBypassHasAfterStartAndFinishedAroundIt() async throws {
        let world = try LocalWorld()
        let engine = try world.bypass {
            $0.execute = { _ in
                BypassResult(
                    target: DocumentKey(type: LocalWorld.shopAccount, name: "S-1"), operation: .update,
                    diff: Diff(changed: [Diff.FieldChange(field: "label", old: nil, new: "Ada")]))
            }
        }
        try await world.putCustomer("C-1", "Ada")
        try await engine.deliver(world.request("1"))
        #expect(world.log.all == ["after_start", "execute", "finished"])
    }

    @Test func afterStartRunsOnEveryAttemptAndFinishedOnlyForTheLast() async throws {
        let world = try LocalWorld()
        let engine = try world.single {
            $0.update = { _, job in
                if job.job.retryCount < 2 { throw JobFailure.retryable("not yet") }
            }
        }
        try await world.putCustomer("C-1", "Ada")
        try await engine.deliver(world.request("1"))
        try await world.pass(.seconds(60), in: engine)
        #expect(world.log.count("finished") == 0, "a failed attempt is not finished")
        try await world.pass(.seconds(60), in: engine)
        #expect(world.log.count("after_start") == 3)
        #expect(world.log.count("finished") == 1)
    }

    @Test(arguments: [true, false])
    func finishedRunsForSkippedAndNotForNoTarget(isSkipped: Bool) async throws {
        let world = try LocalWorld()
        let engine = try world.single { if !isSkipped { $0.target = { _ in .none(.controller) } } }
        try await world.putCustomer("C-1", "Ada")
        let job = try await engine.deliver(world.request("1") { $0.flags.insertEnabled = false })
        #expect(job.status == (isSkipped ? .skipped : .noTarget))
        #expect(world.log.count("finished") == (isSkipped ? 1 : 0))
    }

    @Test func finishedDoesNotRunForFailedAndCanceled() async throws {
        let world = try LocalWorld()
        let engine = try world.single {
            $0.update = { _, job in
                if job.job.id == "1" { throw JobFailure.permanent("never") }
                throw JobFailure(.controllerFailed, "not wanted", remedy: "none", disposition: .cancel)
            }
        }
        try await world.putCustomer("C-1", "Ada")
        #expect(try await engine.deliver(world.request("1")).status == .failed)
        #expect(try await engine.deliver(world.request("2")).status == .canceled)
        #expect(world.log.count("finished") == 0)
    }

    @Test func finishedDoesNotRunForAJobThatWasSkippedUnrun() async throws {
        let world = try LocalWorld()
        let engine = try world.single()
        try await world.putCustomer("C-1", "Ada")
        try await engine.deliver(
            world.request("1") {
                $0.dedupKey = "k"
                $0.hold = true
            })
        let duplicate = try await engine.deliver(world.request("2") { $0.dedupKey = "k" })
        #expect(duplicate.skipReason == .duplicate)
        #expect(duplicate.relatedJob == "1", "a job that is held holds its key")
        #expect(world.log.all.isEmpty)
    }
}
