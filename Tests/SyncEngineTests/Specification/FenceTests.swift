// What is old never overwrites what is new, what changed meanwhile is never overwritten, what was deleted stays deleted until
// it is made anew, and an echo ends where it began.
import JobStore
import SyncEngine
import SyncJobs
import Testing

@Suite struct FenceTests {
    @Test func anOlderImageIsStale() async throws {
        let world = try LocalWorld()
        let engine = try world.single()
        try await world.putCustomer("C-1", "new", version: 10)
        try await engine.deliver(world.request("1"))
        let job = try await engine.deliver(world.request("2") { $0.document = ["name": "old", "version": 9] })
        #expect(job.status == .skipped)
        #expect(job.skipReason == .stale)
        #expect(try await world.account("C-1")?["label"] == "new")
        let equal = try await engine.deliver(world.request("3") { $0.document = ["name": "same", "version": 10] })
        #expect(equal.status == .finished, "an equal version is never stale")
    }

    @Test func theFenceIsComparedInsideTheWrite() async throws {
        let world = try LocalWorld()
        let other = try world.single()
        // A newer version is applied after this job has looked at the binding and before it commits.
        let engine = try world.single {
            $0.beforeSync = { _, job in
                guard job.job.id == "slow" else { return }
                try await other.deliver(world.request("fast") { $0.document = ["name": "v9", "version": 9] })
                try await world.putAccount("C-1", ["label": "v1"])
            }
        }
        try await other.deliver(world.request("first") { $0.document = ["name": "v1", "version": 1] })
        let job = try await engine.deliver(world.request("slow") { $0.document = ["name": "v5", "version": 5] })
        #expect(job.skipReason == .stale)
        #expect(try await world.account("C-1")?["label"] == "v1", "its write did not land")
        #expect(try await world.binding()?.sourceVersion?.text == "9")
    }

    @Test(arguments: [LocalWorld.account, LocalWorld.shopAccount])
    func aTargetThatChangedBetweenReadAndWriteIsComputedAnew(target: DocumentType) async throws {
        let world = try LocalWorld()
        let isFirst = Box(true)
        let engine = try world.single(target: target) {
            $0.beforeSync = { write, _ in
                guard write.operation == .update, isFirst.takeFirst() else { return }
                // Somebody else's phone number comes between.
                if target == LocalWorld.account {
                    try await world.putAccount("C-1", ["label": "Ada", "phone": "1"])
                } else {
                    world.outside.put("S-1", ["label": "Ada", "phone": "1"])
                }
            }
        }
        try await world.putCustomer("C-1", "Ada", version: 1)
        try await engine.deliver(world.request("1"))
        try await world.putCustomer("C-1", "Ada L", version: 2)
        let job = try await engine.deliver(world.request("2"))
        #expect(job.status == .finished)
        #expect(job.attemptCount == 1, "a conflict is no attempt")
        let stored = target == LocalWorld.account ? try await world.account("C-1") : world.outside.all()["S-1"]
        #expect(stored == ["label": "Ada L", "phone": "1"])
    }

    @Test(arguments: [LocalWorld.account, LocalWorld.shopAccount])
    func aConflictOnEveryWriteIsRetryableAfterFiveMoreTries(target: DocumentType) async throws {
        let world = try LocalWorld()
        let count = Box(0)
        let isOver = Box(false)
        let engine = try world.single(target: target) {
            $0.beforeSync = { write, _ in
                guard write.operation == .update, !isOver.value else { return }
                let phone = JSONValue.int(count.next())
                if target == LocalWorld.account {
                    try await world.putAccount("C-1", ["label": "Ada", "phone": phone])
                } else {
                    world.outside.put("S-1", ["label": "Ada", "phone": phone])
                }
            }
        }
        try await world.putCustomer("C-1", "Ada", version: 1)
        try await engine.deliver(world.request("1"))
        try await world.putCustomer("C-1", "Ada L", version: 2)
        let job = try await engine.deliver(world.request("2"))
        #expect(count.value == 6)
        #expect(job.status == .failed)
        #expect(job.error?.code == .writeConflict)
        #expect(job.waitReason == .retry)
        isOver.set(true)
        try await world.pass(.seconds(60), in: engine)
        #expect(try await world.job("2").status == .finished)
    }

    @Test func aDeleteIsNotUndoneByALateUpdate() async throws {
        let world = try LocalWorld()
        let engine = try world.single()
        try await world.putCustomer("C-1", "Ada", version: 1)
        try await engine.deliver(world.request("1"))
        try await world.deleteCustomer("C-1")
        let deleted = try await engine.deliver(
            world.request("2") {
                $0.operation = .delete
                $0.sourceVersion = "3"
            })
        #expect(deleted.operation == .delete)
        #expect(try await world.account("C-1") == nil)
        let binding = try #require(try await world.binding())
        #expect(binding.isDeleted)
        #expect(binding.sourceVersion?.text == "3", "the tombstone fences up to the delete's version")
        let image = try await engine.deliver(world.request("3") { $0.document = ["name": "Ada", "version": 2] })
        #expect(image.skipReason == .stale)
        let loaded = try await engine.deliver(world.request("4"))
        #expect(loaded.status != .finished, "what is loaded is the tombstone")
        #expect(try await world.account("C-1") == nil)
    }

    @Test func whatIsDeletedAndMadeAnewIsInsertedAnew() async throws {
        let world = try LocalWorld()
        let engine = try world.single(target: LocalWorld.shopAccount)
        try await world.putCustomer("C-1", "Ada", version: 7)
        try await engine.deliver(world.request("1"))
        try await world.deleteCustomer("C-1")
        try await engine.deliver(world.request("2") { $0.operation = .delete })
        #expect(world.outside.all().isEmpty)
        // The new one counts from 1 again.
        try await world.putCustomer("C-1", "Eve", version: 1)
        let job = try await engine.deliver(world.request("3"))
        #expect(job.status == .finished)
        #expect(job.operation == .insert)
        #expect(world.outside.all() == ["S-2": ["label": "Eve"]])
        let binding = try #require(try await world.binding())
        #expect(!binding.isDeleted)
        #expect(binding.target.name == "S-2")
        #expect(binding.sourceVersion?.text == "1")
    }

    @Test func aLateDeleteEventOfASourceThatIsThereAgainDeletesNothing() async throws {
        let world = try LocalWorld()
        let engine = try world.single()
        try await world.putCustomer("C-1", "Eve", version: 8)
        try await engine.deliver(world.request("1"))
        let late = try await engine.deliver(
            world.request("2") {
                $0.operation = .delete
                $0.triggerType = .documentHook
                $0.sourceVersion = "3"
            })
        #expect(late.skipReason == .noChanges)
        #expect(try await world.account("C-1")?["label"] == "Eve")
    }

    @Test func whatTheTargetNormalisesIsNoEndlessDiff() async throws {
        let world = try LocalWorld()
        let engine = try world.single(target: LocalWorld.shopAccount)
        world.outside.with {
            $0.normalise = { fields in
                var fields = fields
                if let label = fields["label"]?.stringValue { fields["label"] = .string(label.uppercased()) }
                return fields
            }
        }
        try await world.putCustomer("C-1", "Ada")
        try await engine.deliver(world.request("1"))
        #expect(world.outside.all() == ["S-1": ["label": "ADA"]])
        let again = try await engine.deliver(world.request("2"))
        #expect(again.skipReason == .noChanges)
        try await world.putCustomer("C-1", "Bob", version: 2)
        #expect(try await engine.deliver(world.request("3")).status == .finished)
        world.outside.put("S-1", ["label": "changed by hand"])
        #expect(try await engine.deliver(world.request("4")).status == .finished, "a change of the target is one")
    }

    // MARK: write_back

    @Test(arguments: [LocalWorld.account, LocalWorld.shopAccount])
    func writeBackLandsInAnEmbeddedSourceAndItsEchoIsSkipped(target: DocumentType) async throws {
        let world = try LocalWorld()
        let engine = try world.single(target: target) {
            $0.writeBack = { source, target, _ in source["account"] = .string(target.name) }
        } type: {
            $0.triggers = [Trigger(document: LocalWorld.customer, events: [.insert, .update])]
        }
        try await world.putCustomer("C-1", "Ada", version: 1)
        let job = try await engine.deliver(world.request("1"))
        #expect(job.status == .finished)
        let name = try #require(job.targetName)
        #expect(try await world.customer("C-1") == ["account": .string(name), "name": "Ada", "version": 1])
        var echo = ChangeEvent(id: "e1", documentType: LocalWorld.customer, documentName: "C-1", event: .update)
        echo.version = "1"
        let echoes = try await engine.publish(echo)
        #expect(echoes.map(\.skipReason) == [.noChanges])
    }

    @Test func writeBackIsNotMadeInADryRun() async throws {
        let world = try LocalWorld()
        let engine = try world.single {
            $0.writeBack = { source, target, _ in source["account"] = .string(target.name) }
        }
        try await world.putCustomer("C-1", "Ada")
        try await engine.deliver(world.request("1") { $0.dryRun = true })
        #expect(try await world.customer("C-1") == ["name": "Ada", "version": 1])
    }

    @Test func writeBackGoesIntoAnOutsideSourceAsItIsNow() async throws {
        let world = try LocalWorld()
        let isFirst = Box(true)
        var script = world.script
        script.writeBack = { source, target, _ in source["account"] = .string(target.name) }
        let engine = try world.engine(
            world.type(ScriptedSingle(script: script), source: LocalWorld.shopOrder, target: LocalWorld.account))
        world.outside.put("O-1", ["name": "Ada", "version": 1], type: "Order")
        world.outside.with {
            $0.willWrite = { [outside = world.outside] write in
                guard write.type.name == "Order", isFirst.takeFirst() else { return }
                outside.put("O-1", ["name": "Ada", "status": "paid", "version": 2], type: "Order")
            }
        }
        let job = try await engine.deliver(world.request("1", "O-1"))
        #expect(job.status == .finished)
        #expect(
            world.outside.all("Order")["O-1"] == ["account": "O-1", "name": "Ada", "status": "paid", "version": 2])
        #expect(try await world.account("O-1")?["label"] == "Ada")
        let echo = try await engine.deliver(world.request("2", "O-1"))
        #expect(echo.skipReason == .noChanges)
    }
}
