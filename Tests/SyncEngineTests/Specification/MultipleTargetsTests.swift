// What a multiple-targets controller may answer: none, one, many; and what a bypass does in its place.
import JobStore
import SyncEngine
import SyncJobs
import Testing

@Suite struct MultipleTargetsTests {
    @Test func exactlyOneRunsInlineWithItsContextAndKey() async throws {
        let world = try LocalWorld()
        let engine = try world.multiple {
            $0.targets = { _ in [RelayTarget(operation: .insert, name: "X", key: "k", context: ["a": 1])] }
            $0.update = { target, job in
                target["a"] = job.context["a"]
                target["key"] = .string(job.targetKey)
            }
        }
        try await world.putCustomer("C-1", "Ada")
        let job = try await engine.deliver(world.request("1") { $0.context = ["a": 2] })
        #expect(job.status == .finished)
        #expect(try await world.account("X") == ["a": 1, "key": "k"])
        #expect(world.log.all == ["after_start", "targets", "update", "before_sync", "after_sync", "finished"])
        #expect(try await world.store.children(counts: "1").isEmpty)
        #expect(try await world.binding(key: "k")?.target.name == "X")
        #expect(await engine.pending.isEmpty, "no relay, and no end of one")
    }

    @Test func theOnlyInsertNeedsNoKey() async throws {
        let world = try LocalWorld()
        let engine = try world.multiple { $0.targets = { _ in [RelayTarget(operation: .insert)] } }
        try await world.putCustomer("C-1", "Ada")
        #expect(try await engine.deliver(world.request("1")).status == .finished)
        try await world.putCustomer("C-1", "Ada L", version: 2)
        let again = try await engine.deliver(world.request("2"))
        #expect(again.operation == .update, "it is bound")
        #expect(try await world.account("C-1")?["label"] == "Ada L")
    }

    @Test func theOnlyUpdateNeedsAName() async throws {
        let world = try LocalWorld()
        let engine = try world.multiple { $0.targets = { _ in [RelayTarget(operation: .update)] } }
        try await world.putCustomer("C-1", "Ada")
        #expect(try await engine.deliver(world.request("1")).error?.code == .invalidTarget)
    }

    @Test func theOnlyAnswerWithoutAnOperationAsksForTheTarget() async throws {
        let world = try LocalWorld()
        let engine = try world.multiple {
            $0.targets = { _ in [RelayTarget(key: "k")] }
            $0.target = { job in .insert(name: "for \(job.targetKey)") }
        }
        try await world.putCustomer("C-1", "Ada")
        try await engine.deliver(world.request("1"))
        #expect(world.log.count("target") == 1)
        #expect(try await world.account("for k") != nil)
    }

    @Test func beforeRelayMayChangeTheList() async throws {
        let world = try LocalWorld()
        let engine = try world.multiple {
            $0.targets = { _ in ["a", "b"].map { RelayTarget(operation: .insert, key: $0) } }
            $0.beforeRelay = { $0 = [RelayTarget(operation: .insert, key: "c")] + $0.dropFirst() }
        }
        try await world.putCustomer("C-1", "Ada")
        try await engine.deliver(world.request("p"))
        #expect(await engine.pending.map(\.request.id) == ["p/c", "p/b"])
    }

    @Test func beforeRelayMayEmptyTheList() async throws {
        let world = try LocalWorld()
        let ends = Box<[Int]>([])
        let engine = try world.multiple {
            $0.targets = { _ in ["a", "b"].map { RelayTarget(operation: .insert, key: $0) } }
            $0.beforeRelay = { $0 = [] }
            $0.relayFinished = { summary, _ in ends.change { $0.append(summary.total) } }
        }
        try await world.putCustomer("C-1", "Ada")
        let job = try await engine.deliver(world.request("p"))
        #expect(job.noTargetReason == .controller)
        try await engine.runPending()
        #expect(ends.value == [0])
    }

    @Test(arguments: [
        [RelayTarget(operation: .insert, key: "a"), RelayTarget(operation: .insert, key: "a")],
        [RelayTarget(operation: .insert, key: "a"), RelayTarget(operation: .insert)],
        [RelayTarget(operation: .insert, key: "a"), RelayTarget(operation: .update, key: "b")],
        [RelayTarget(operation: .insert, key: "a"), RelayTarget(operation: .insert, key: "")],
    ])
    func anAnswerThatCantBeToldFromOthersIsInvalid(targets: [RelayTarget]) async throws {
        let world = try LocalWorld()
        let engine = try world.multiple { $0.targets = { _ in targets } }
        try await world.putCustomer("C-1", "Ada")
        let job = try await engine.deliver(world.request("p"))
        #expect(job.error?.code == .invalidTarget)
        #expect(job.retryAfter == nil)
        #expect(try await world.store.children(counts: "p").isEmpty)
    }

    @Test func aRequestThatNamesItsTargetIsNotAskedForTargets() async throws {
        let world = try LocalWorld()
        let engine = try world.multiple { $0.targets = { _ in [] } }
        try await world.putCustomer("C-1", "Ada")
        let job = try await engine.deliver(
            world.request("1") {
                $0.operation = .insert
                $0.targetDocumentName = "X"
            })
        #expect(job.status == .finished)
        #expect(world.log.count("targets") == 0)
    }

    @Test func eachChildIsBoundUnderItsKeyAndFoundAgain() async throws {
        let world = try LocalWorld()
        let engine = try world.multiple(target: LocalWorld.shopAccount) {
            $0.targets = { _ in ["a", "b"].map { RelayTarget(operation: .insert, key: $0) } }
        }
        try await world.putCustomer("C-1", "Ada")
        try await engine.deliver(world.request("p"))
        try await engine.runPending()
        #expect(world.outside.all().count == 2)
        try await world.putCustomer("C-1", "Ada L", version: 2)
        try await engine.deliver(world.request("q"))
        try await engine.runPending()
        #expect(world.outside.all().count == 2, "a bound insert is an update")
        #expect(world.outside.all().values.allSatisfy { $0["label"] == "Ada L" })
        #expect(try await world.binding(key: "a")?.target != world.binding(key: "b")?.target)
    }

    // MARK: bypass

    private func result(_ diff: Diff = Diff(changed: [.init(field: "secret", old: nil, new: "DE1")])) -> BypassResult {
        BypassResult(
            target: DocumentKey(type: LocalWorld.shopAccount, name: "S-1"), operation: .update, diff: diff,
            before: ["secret": nil], after: ["secret": "DE1"])
    }

    @Test func aBypassAnswersTargetOperationAndDiffWhichIsMasked() async throws {
        let world = try LocalWorld()
        let result = result()
        let engine = try world.bypass { $0.execute = { _ in result } }
        try await world.putCustomer("C-1", "Ada")
        let job = try await engine.deliver(world.request("1") { $0.flags.verboseLogging = true })
        #expect(job.status == .finished)
        #expect(job.targetName == "S-1")
        #expect(job.operation == .update)
        #expect(job.diff?.changed == [Diff.FieldChange(field: "secret", old: nil, new: SensitiveFields.mask)])
        #expect(job.updatedData == ["secret": SensitiveFields.mask])
    }

    @Test func aBypassWithoutATargetIsNoTarget() async throws {
        let world = try LocalWorld()
        let engine = try world.bypass { $0.execute = { _ in .noTarget } }
        try await world.putCustomer("C-1", "Ada")
        let job = try await engine.deliver(world.request("1"))
        #expect(job.status == .noTarget)
        #expect(job.noTargetReason == .controller)
    }

    @Test func aBypassWithAnEmptyDiffHasNoChanges() async throws {
        let world = try LocalWorld()
        let result = result(Diff())
        let engine = try world.bypass { $0.execute = { _ in result } }
        try await world.putCustomer("C-1", "Ada")
        #expect(try await engine.deliver(world.request("1")).skipReason == .noChanges)
    }

    @Test func aBypassInADryRunAlwaysEndsSkipped() async throws {
        let world = try LocalWorld()
        for (id, result) in [("full", result()), ("empty", result(Diff())), ("none", BypassResult.noTarget)] {
            let engine = try world.bypass {
                $0.execute = { job in
                    #expect(job.job.request.dryRun)
                    return result
                }
            }
            try await world.putCustomer("C-1", "Ada")
            let job = try await engine.deliver(world.request(id) { $0.dryRun = true })
            #expect(job.status == .skipped)
            #expect(job.skipReason == .dryRun)
        }
    }
}
