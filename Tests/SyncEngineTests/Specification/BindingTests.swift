// Which target a source belongs to: never two for one, never another one's, and a new one only when that was said.
import JobStore
import SyncEngine
import SyncJobs
import Testing

@Suite struct BindingTests {
    /// An engine into the shop that finds targets by `code`.
    private func engine(
        _ world: LocalWorld, _ change: (inout Script) -> Void = { _ in },
        type adjust: (inout SyncJobType) -> Void = { _ in }
    ) throws -> LocalEngine {
        try world.single(target: LocalWorld.shopAccount) {
            $0.target = Script.matching("code")
            $0.update = { target, job in
                target["code"] = .string(job.job.request.sourceDocumentName ?? "")
                target["label"] = job.source?["name"]
            }
            change(&$0)
        } type: {
            adjust(&$0)
        }
    }

    @Test func aNaturalKeyMatchOnFirstContactBindsAndDuplicatesNothing() async throws {
        let world = try LocalWorld()
        let engine = try engine(world)
        world.outside.put("S-77", ["code": "C-1", "label": "old", "phone": "1"])
        try await world.putCustomer("C-1", "Ada")
        let job = try await engine.deliver(world.request("1"))
        #expect(job.status == .finished)
        #expect(job.operation == .update)
        #expect(job.targetName == "S-77")
        #expect(world.outside.all() == ["S-77": ["code": "C-1", "label": "Ada", "phone": "1"]])
        #expect(try await world.binding()?.target.name == "S-77")
    }

    @Test func aMatchThatNeedsNoWriteBindsAllTheSame() async throws {
        let world = try LocalWorld()
        let engine = try engine(world)
        world.outside.put("S-77", ["code": "C-1", "label": "Ada"])
        try await world.putCustomer("C-1", "Ada", version: 4)
        let job = try await engine.deliver(world.request("1"))
        #expect(job.skipReason == .noChanges)
        let binding = try #require(try await world.binding())
        #expect(binding.target.name == "S-77")
        #expect(binding.sourceVersion?.text == "4")
    }

    @Test func twoRequestsForOneNewDocumentMakeOneTarget() async throws {
        let world = try LocalWorld()
        let engine = try engine(world)
        world.outside.with { $0.uniqueField = "code" }
        try await world.putCustomer("C-1", "Ada")
        async let first = engine.deliver(world.request("1"))
        async let second = engine.deliver(world.request("2"))
        let jobs = try await [first, second]
        #expect(world.outside.all() == ["S-1": ["code": "C-1", "label": "Ada"]])
        #expect(jobs.allSatisfy { [.finished, .skipped].contains($0.status) })
        #expect(try await world.binding()?.target.name == "S-1")
    }

    @Test func aWriteWhoseAnswerWasLostIsFoundDone() async throws {
        let world = try LocalWorld()
        let engine = try engine(world) {
            // Without any match: only the noted write tells that the insert was made.
            $0.target = { $0.defaultTarget }
        }
        try await world.putCustomer("C-1", "Ada")
        world.outside.fail(.lost)
        let first = try await engine.deliver(world.request("1"))
        #expect(first.error?.code == .systemUnavailable)
        #expect(world.outside.all().count == 1)
        try await world.pass(.seconds(60), in: engine)
        let job = try await world.job("1")
        #expect(job.status == .finished)
        #expect(world.outside.all() == ["S-1": ["code": "C-1", "label": "Ada"]])
        #expect(try await world.binding()?.target.name == "S-1")
    }

    @Test func aLostInsertIsUpdatedWhenItsSourceHasMovedOn() async throws {
        let world = try LocalWorld()
        let engine = try engine(world) { $0.target = { $0.defaultTarget } }
        try await world.putCustomer("C-1", "Ada", version: 1)
        world.outside.fail(.lost)
        try await engine.deliver(world.request("1"))
        try await world.putCustomer("C-1", "Ada L", version: 2)
        try await world.pass(.seconds(60), in: engine)
        #expect(try await world.job("1").status == .finished)
        #expect(world.outside.all() == ["S-1": ["code": "C-1", "label": "Ada L"]])
    }

    @Test func aTargetOfAnotherSourceThatLooksTheSameIsNotTakenForALostInsert() async throws {
        let world = try LocalWorld()
        let engine = try world.single(target: LocalWorld.shopAccount)
        try await world.putCustomer("C-1", "Ada")
        try await world.putCustomer("C-2", "Ada")
        try await engine.deliver(world.request("1", "C-1"))
        world.outside.fail(.unavailable)
        try await engine.deliver(world.request("2", "C-2"))
        try await world.pass(.seconds(60), in: engine)
        #expect(try await world.job("2").targetName == "S-2")
        #expect(world.outside.all().count == 2)
    }

    @Test func aLostWriteIsStillKnownToARetryByHand() async throws {
        let world = try LocalWorld()
        let engine = try engine(world) {
            $0.target = { $0.defaultTarget }
        } type: {
            $0.retryPolicy.maxRetries = 0
        }
        try await world.putCustomer("C-1", "Ada")
        world.outside.fail(.answer(.retryable("the answer was lost")))
        #expect(try await engine.deliver(world.request("1")).deadLetteredAt != nil)
        try await world.perform(.retry, "1", in: engine)
        try await engine.runPending()
        #expect(world.outside.all().count == 1)
        #expect(try await world.job("1").diff?.changed.map(\.field) == ["code", "label"])
    }

    @Test func aLostAnswerOfAnUpdateKeepsItsDiff() async throws {
        let world = try LocalWorld()
        let engine = try engine(world)
        try await world.putCustomer("C-1", "Ada", version: 1)
        try await engine.deliver(world.request("1"))
        try await world.putCustomer("C-1", "Ada L", version: 2)
        world.outside.fail(.lost)
        try await engine.deliver(world.request("2"))
        try await world.pass(.seconds(60), in: engine)
        let job = try await world.job("2")
        #expect(job.status == .finished, "and not Skipped: this job did write")
        #expect(job.diff?.changed == [Diff.FieldChange(field: "label", old: "Ada", new: "Ada L")])
    }

    @Test func aLostAnswerOfADeleteIsFinished() async throws {
        let world = try LocalWorld()
        let engine = try engine(world)
        try await world.putCustomer("C-1", "Ada")
        try await engine.deliver(world.request("1"))
        try await world.deleteCustomer("C-1")
        world.outside.fail(.lost)
        try await engine.deliver(world.request("2"))
        try await world.pass(.seconds(60), in: engine)
        let job = try await world.job("2")
        #expect(job.status == .finished)
        #expect(job.operation == .delete)
        #expect(world.outside.all().isEmpty)
        #expect(try await world.binding()?.isDeleted == true)
    }

    @Test func anInsertBecomesAnUpdateWhenALiveBindingExists() async throws {
        let world = try LocalWorld()
        let engine = try engine(world) { $0.target = { _ in .insert() } }
        try await world.putCustomer("C-1", "Ada")
        try await engine.deliver(world.request("1"))
        try await world.putCustomer("C-1", "Ada L", version: 2)
        let job = try await engine.deliver(world.request("2") { $0.operation = .insert })
        #expect(job.operation == .update)
        #expect(world.outside.all() == ["S-1": ["code": "C-1", "label": "Ada L"]])
    }

    @Test func aTargetThatIsGoneIsPermanent() async throws {
        let world = try LocalWorld()
        let engine = try engine(world) { $0.target = { $0.defaultTarget } }
        try await world.putCustomer("C-1", "Ada")
        try await engine.deliver(world.request("1"))
        world.outside.put("S-1", nil)
        let job = try await engine.deliver(world.request("2"))
        #expect(job.status == .failed)
        #expect(job.error?.code == .targetGone)
        #expect(job.retryAfter == nil)
        #expect(world.outside.all().isEmpty)
    }

    @Test func onGoneInsertInsertsAnewAndBindsTheNewOne() async throws {
        let world = try LocalWorld()
        let engine = try engine(world) {
            $0.target = { $0.defaultTarget }
        } type: {
            $0.onGone = .insert
        }
        try await world.putCustomer("C-1", "Ada")
        try await engine.deliver(world.request("1"))
        world.outside.put("S-1", nil)
        let job = try await engine.deliver(world.request("2"))
        #expect(job.status == .finished)
        #expect(job.operation == .insert)
        #expect(world.outside.all() == ["S-2": ["code": "C-1", "label": "Ada"]])
        #expect(try await world.binding()?.target.name == "S-2")
    }

    @Test func anUpdateOfWhatIsNotThereIsTargetNotFound() async throws {
        let world = try LocalWorld()
        let engine = try engine(world)
        try await world.putCustomer("C-1", "Ada")
        let job = try await engine.deliver(
            world.request("1") {
                $0.operation = .update
                $0.targetDocumentName = "S-9"
            })
        #expect(job.error?.code == .targetNotFound)
        #expect(job.retryAfter == nil)
    }

    /// A second source matches the target of a first one by another natural key.
    private func rebinding(_ world: LocalWorld) throws -> LocalEngine {
        try engine(world) {
            $0.target = { job in
                guard job.boundTargetName == nil, !job.isDelete, let mail = job.source?["mail"] else {
                    return job.defaultTarget
                }
                let found = try await job.lookups.find(
                    DocumentQuery(type: LocalWorld.shopAccount, fields: ["mail": mail]))
                return found.first?.key.map { .update($0.name) } ?? .insert()
            }
            $0.update = { target, job in
                target["mail"] = job.source?["mail"]
                target["label"] = job.source?["name"]
            }
        }
    }

    @Test func aTargetOfALivingSourceIsNotTakenOver() async throws {
        let world = try LocalWorld()
        let engine = try rebinding(world)
        try await world.putCustomer("C-1", "Ada", ["mail": "a@b"])
        try await engine.deliver(world.request("1"))
        try await world.putCustomer("C-2", "Bob", ["mail": "a@b"])
        let job = try await engine.deliver(world.request("2", "C-2"))
        #expect(job.error?.code == .targetBound)
        #expect(job.retryAfter == nil)
        #expect(world.outside.all()["S-1"]?["label"] == "Ada")
    }

    @Test func aTargetWhoseSourceIsGoneIsTakenOver() async throws {
        let world = try LocalWorld()
        let engine = try rebinding(world)
        try await world.putCustomer("C-1", "Ada", version: 3, ["mail": "a@b"])
        try await engine.deliver(world.request("1"))
        // Renamed, and nobody said so.
        try await world.deleteCustomer("C-1")
        try await world.putCustomer("C-2", "Ada L", version: 4, ["mail": "a@b"])
        let job = try await engine.deliver(world.request("2", "C-2"))
        #expect(job.status == .finished)
        #expect(world.outside.all() == ["S-1": ["label": "Ada L", "mail": "a@b"]])
        #expect(try await world.binding("C-2")?.target.name == "S-1")
        #expect(try await world.binding("C-1") == nil, "the old source's late delete deletes nothing")
        let late = try await engine.deliver(world.request("3", "C-1") { $0.operation = .delete })
        #expect(late.noTargetReason == .alreadyGone)
        #expect(world.outside.all().count == 1)
    }
}
