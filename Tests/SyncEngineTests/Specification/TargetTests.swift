// What a single-target controller may answer, what a request says instead, what the flags forbid, and what the record shows.
import JobStore
import SyncEngine
import SyncJobs
import Testing

@Suite struct TargetTests {
    @Test(arguments: NoTargetReason.allCases)
    func noTargetKeepsItsReason(reason: NoTargetReason) async throws {
        let world = try LocalWorld()
        let engine = try world.single { $0.target = { _ in .none(reason) } }
        try await world.putCustomer("C-1", "Ada")
        let job = try await engine.deliver(world.request("1"))
        #expect(job.status == .noTarget)
        #expect(job.noTargetReason == reason)
        #expect(try await world.account("C-1") == nil)
    }

    @Test func insertUpdateAndDeleteDoWhatTheySay() async throws {
        let world = try LocalWorld()
        let engine = try world.single()
        try await world.putCustomer("C-1", "Ada")
        let inserted = try await engine.deliver(world.request("1"))
        #expect(inserted.operation == .insert)
        #expect(inserted.title == "Customer > Account: C-1")
        try await world.putCustomer("C-1", "Ada L", version: 2)
        let updated = try await engine.deliver(world.request("2"))
        #expect(updated.operation == .update)
        #expect(updated.diff?.changed == [Diff.FieldChange(field: "label", old: "Ada", new: "Ada L")])
        let unchanged = try await engine.deliver(world.request("3"))
        #expect(unchanged.skipReason == .noChanges)
        try await world.deleteCustomer("C-1")
        let deleted = try await engine.deliver(world.request("4"))
        #expect(deleted.operation == .delete)
        #expect(deleted.diff?.changed == [Diff.FieldChange(field: "label", old: "Ada L", new: nil)])
        #expect(try await world.account("C-1") == nil)
        let again = try await engine.deliver(world.request("5"))
        #expect(again.noTargetReason == .alreadyGone)
    }

    @Test func aControllerNamesTheTargetOfATypeWithoutOne() async throws {
        let world = try LocalWorld()
        var script = world.script
        script.target = { _ in .insert(name: "N-1", type: LocalWorld.shopAccount) }
        let engine = try world.engine(world.type(ScriptedSingle(script: script), target: nil))
        try await world.putCustomer("C-1", "Ada")
        let job = try await engine.deliver(world.request("1"))
        #expect(job.targetType == LocalWorld.shopAccount)
        #expect(world.outside.all() == ["N-1": ["label": "Ada"]])
    }

    @Test func withoutAnyTargetTypeItIsInvalid() async throws {
        let world = try LocalWorld()
        let engine = try world.engine(world.type(ScriptedSingle(script: world.script), target: nil))
        try await world.putCustomer("C-1", "Ada")
        #expect(try await engine.deliver(world.request("1")).error?.code == .invalidTarget)
    }

    @Test func anUpdateWithoutANameIsInvalid() async throws {
        let world = try LocalWorld()
        let engine = try world.single { $0.target = { _ in .target(TargetAnswer(operation: .update)) } }
        try await world.putCustomer("C-1", "Ada")
        let job = try await engine.deliver(world.request("1"))
        #expect(job.error?.code == .invalidTarget)
        #expect(job.retryAfter == nil)
    }

    @Test func aRequestThatNamesItsTargetSkipsDiscovery() async throws {
        let world = try LocalWorld()
        let engine = try world.single()
        try await world.putCustomer("C-1", "Ada")
        try await world.putAccount("A-9", ["label": "old"])
        let job = try await engine.deliver(
            world.request("1") {
                $0.operation = .update
                $0.targetDocumentName = "A-9"
                $0.targetDocumentType = "Account"
            })
        #expect(job.status == .finished)
        #expect(job.targetName == "A-9")
        #expect(world.log.count("target") == 0)
        #expect(try await world.account("A-9")?["label"] == "Ada")
    }

    @Test func aRequestMayDeleteATargetByName() async throws {
        let world = try LocalWorld()
        let engine = try world.single()
        try await world.putCustomer("C-1", "Ada")
        try await engine.deliver(world.request("1"))
        let job = try await engine.deliver(
            world.request("2") {
                $0.operation = .delete
                $0.targetDocumentName = "C-1"
            })
        #expect(job.operation == .delete)
        #expect(try await world.account("C-1") == nil)
        #expect(world.log.count("target") == 1)
    }

    @Test func anInsertOfARequestBecomesAnUpdateWhenBound() async throws {
        let world = try LocalWorld()
        let engine = try world.single()
        try await world.putCustomer("C-1", "Ada")
        try await engine.deliver(world.request("1"))
        try await world.putCustomer("C-1", "Ada L", version: 2)
        let job = try await engine.deliver(
            world.request("2") {
                $0.operation = .insert
                $0.targetDocumentName = "another"
            })
        #expect(job.operation == .update)
        #expect(job.targetName == "C-1")
        #expect(try await world.account("another") == nil)
    }

    @Test func theAnswersContextReplacesTheRequests() async throws {
        let world = try LocalWorld()
        let engine = try world.single {
            $0.target = { _ in .target(TargetAnswer(operation: .insert, context: ["who": "controller"])) }
            $0.update = { target, job in target["who"] = job.context["who"] }
        }
        try await world.putCustomer("C-1", "Ada")
        try await engine.deliver(world.request("1") { $0.context = ["who": "request"] })
        #expect(try await world.account("C-1")?["who"] == "controller")
        #expect(try await world.job("1").request.context == ["who": "request"], "the record keeps what was asked")
    }

    @Test func withoutASourceTheControllerWorksFromItsContext() async throws {
        let world = try LocalWorld()
        let engine = try world.single {
            $0.target = { _ in .insert(name: "X") }
            $0.update = { target, job in
                #expect(job.source == nil)
                target["label"] = job.context["label"]
            }
        }
        let job = try await engine.deliver(world.request("1", nil) { $0.context = ["label": "from context"] })
        #expect(job.status == .finished)
        #expect(try await world.account("X")?["label"] == "from context")
    }

    @Test func aDocumentThatTravelsWithTheMessageIsNotLoaded() async throws {
        let world = try LocalWorld()
        let engine = try world.single()
        try await world.putCustomer("C-1", "stored", version: 1)
        try await engine.deliver(world.request("1") { $0.document = ["name": "sent", "version": 5] })
        #expect(try await world.account("C-1")?["label"] == "sent")
        #expect(try await world.binding()?.sourceVersion?.text == "5")
    }

    @Test(arguments: [Operation.insert, .update, .delete])
    func aDisabledOperationIsSkippedByItsReason(operation: Operation) async throws {
        for isOfType in [true, false] {
            let world = try LocalWorld()
            let engine = try world.single()
            let strict = try world.single {
                _ in
            } type: {
                guard isOfType else { return }
                $0.flags.insertEnabled = operation != .insert
                $0.flags.updateEnabled = operation != .update
                $0.flags.deleteEnabled = operation != .delete
            }
            try await world.putCustomer("C-1", "Ada", version: 1)
            if operation != .insert { try await engine.deliver(world.request("0")) }
            if operation == .update { try await world.putCustomer("C-1", "Ada L", version: 2) }
            if operation == .delete { try await world.deleteCustomer("C-1") }
            let job = try await strict.deliver(
                world.request("1") {
                    guard !isOfType else { return }
                    $0.flags.insertEnabled = operation != .insert
                    $0.flags.updateEnabled = operation != .update
                    $0.flags.deleteEnabled = operation != .delete
                })
            #expect(job.status == .skipped)
            #expect(job.skipReason?.rawValue == "\(operation.rawValue)_disabled")
            #expect(try await world.account("C-1") == (operation == .insert ? nil : ["label": "Ada"]))
            // The job's word goes before the type's.
            let allowed = try await strict.deliver(
                world.request("2") {
                    $0.flags.insertEnabled = true
                    $0.flags.updateEnabled = true
                    $0.flags.deleteEnabled = true
                })
            #expect(allowed.status == .finished)
        }
    }

    @Test func updateWithoutChangesIsWrittenWhenThatIsEnabled() async throws {
        let world = try LocalWorld()
        let engine = try world.single(target: LocalWorld.shopAccount)
        try await world.putCustomer("C-1", "Ada")
        try await engine.deliver(world.request("1"))
        let job = try await engine.deliver(world.request("2") { $0.flags.updateWithoutChangesEnabled = true })
        #expect(job.status == .finished)
        #expect(job.diff?.isEmpty == true)
        #expect(world.outside.writes.count == 2)
    }

    @Test func verboseLoggingKeepsTheImagesMasked() async throws {
        let world = try LocalWorld()
        let engine = try world.single()
        try await world.putCustomer("C-1", "Ada", ["tax_id": "DE1"])
        let plain = try await engine.deliver(world.request("1"))
        #expect(plain.currentData == nil)
        #expect(plain.updatedData == nil)
        try await world.putCustomer("C-1", "Ada L", version: 2, ["tax_id": "DE2"])
        let job = try await engine.deliver(world.request("2") { $0.flags.verboseLogging = true })
        #expect(job.currentData == ["label": "Ada", "secret": SensitiveFields.mask])
        #expect(job.updatedData == ["label": "Ada L", "secret": SensitiveFields.mask])
        #expect(try await world.account("C-1")?["secret"] == "DE2", "it is synced all the same")
        let stored = try await world.job("2")
        #expect(!"\(stored)".contains("DE2"))
    }

    @Test func theRecordTellsItsTimes() async throws {
        let world = try LocalWorld()
        let engine = try world.single { $0.update = { _, _ in world.clock.advance(by: .seconds(3)) } }
        try await world.putCustomer("C-1", "Ada")
        let start = world.clock.now
        let job = try await engine.deliver(world.request("1"))
        #expect(job.createdAt == start)
        #expect(job.startedAt == start)
        #expect(job.endedAt == start.advanced(by: .seconds(3)))
        #expect(job.timeTaken == .seconds(3))
    }

    @Test func aTrialShowsWhatAJobWouldDoAndStoresNothing() async throws {
        let world = try LocalWorld()
        let engine = try world.single()
        try await world.putCustomer("C-1", "Ada")
        let trial = try await engine.trial(world.request("1"))
        #expect(trial.outcome.end == .skipped(.dryRun))
        #expect(trial.before == nil)
        #expect(trial.after?.fields == ["label": "Ada"])
        #expect(try await world.store.job(id: "1") == nil)
        #expect(try await world.account("C-1") == nil)
        #expect(world.log.count("finished") == 0)
    }
}
