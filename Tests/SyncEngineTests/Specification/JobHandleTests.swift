// What a running job finds in its handle and may ask of it: checkpoints, progress, follow-ups, bindings, other documents, notes.
import JobStore
import SyncEngine
import SyncJobs
import Testing

@Suite struct JobHandleTests {
    @Test func aCheckpointIsHandedToTheNextAttemptAndGoesWithTheEnd() async throws {
        let world = try LocalWorld()
        let seen = Box<[JSONValue?]>([])
        let engine = try world.single {
            $0.update = { target, job in
                seen.change { $0.append(job.checkpoint) }
                let page = job.checkpoint?.objectValue?["page"]?.numberValue?.int64 ?? 0
                try await job.save(checkpoint: ["page": .number(JSONNumber(page + 1))])
                if page < 2 { throw JobFailure.retryable("more to do") }
                target["pages"] = 3
            }
        }
        try await world.putCustomer("C-1", "Ada")
        try await engine.deliver(world.request("1"))
        try await world.pass(.seconds(60), in: engine)
        try await world.pass(.seconds(60), in: engine)
        #expect(seen.value == [nil, ["page": 1], ["page": 2]])
        #expect(try await world.job("1").status == .finished)
        #expect(try await world.store.prepare([.init(jobID: "1")])[0].checkpoint == nil)
    }

    @Test func aCheckpointOverAMebibyteIsRefused() async throws {
        let world = try LocalWorld()
        let engine = try world.single {
            $0.update = { _, job in
                try await job.save(checkpoint: .string(String(repeating: "x", count: 1_048_576)))
            }
        }
        try await world.putCustomer("C-1", "Ada")
        #expect(try await engine.deliver(world.request("1")).error?.code == .documentTooLarge)
    }

    @Test func progressIsComputedFromItsCounts() async throws {
        let world = try LocalWorld()
        let engine = try world.single {
            $0.update = { target, job in
                for done in 0...1_000 { job.report(progress: JobProgress(done: done, total: 1_000, title: "rows")) }
                target["label"] = "x"
            }
        }
        try await world.putCustomer("C-1", "Ada")
        #expect(try await engine.deliver(world.request("1")).status == .finished)
        #expect(JobProgress(done: 1, total: 8).percent == 12.5)
        #expect(JobProgress(done: 0, total: 0).percent == 100)
    }

    /// An engine whose job 1 enqueues a job for C-2, and does `then`.
    private func following(
        _ world: LocalWorld, then: @escaping @Sendable (JobHandle) throws -> Void
    ) async throws -> LocalEngine {
        try await world.putCustomer("C-1", "Ada")
        try await world.putCustomer("C-2", "Bob")
        return try world.single {
            $0.on = { word, job in
                guard word == "after_sync" || word == "update", job.job.id == "1" else { return }
                if word == "update" {
                    try job.enqueue("customer_sync", source: "C-2", key: "next") { $0.context = ["from": "1"] }
                }
                try then(job)
            }
        }
    }

    @Test func aFollowUpIsSentWithTheCommit() async throws {
        let world = try LocalWorld()
        let engine = try await following(world) { _ in }
        try await engine.deliver(world.request("1"))
        let sent = await engine.pending.map(\.request)
        #expect(sent.map(\.id) == ["1>next"])
        #expect(sent.map(\.hops) == [1])
        #expect(sent.map(\.context) == [["from": "1"]])
        try await engine.runPending()
        #expect(try await world.job("1>next").status == .finished)
    }

    @Test func aFollowUpIsNotSentByAFailureAndOnceByTheRunThatSucceeds() async throws {
        let world = try LocalWorld()
        let engine = try await following(world) {
            if $0.job.retryCount == 0 { throw JobFailure.retryable("once") }
        }
        try await engine.deliver(world.request("1"))
        #expect(await engine.pending.map(\.request.id) == ["1"], "its own retry alone")
        try await world.pass(.seconds(60), in: engine)
        #expect(try await world.job("1>next").status == .finished)
        #expect(world.log.count("finished") == 2)
    }

    @Test(arguments: [JobFailure.Disposition.permanent, .cancel, .snooze(.seconds(5))])
    func aFollowUpIsNotSentByAJobThatDoesNotEndWell(disposition: JobFailure.Disposition) async throws {
        let world = try LocalWorld()
        let engine = try await following(world) { _ in
            throw JobFailure(.controllerFailed, "no", remedy: "none", disposition: disposition)
        }
        try await engine.deliver(world.request("1"))
        #expect(await engine.pending.allSatisfy { $0.request.id == "1" })
    }

    @Test func aCancelAfterTheWriteSendsNoFollowUpEither() async throws {
        let world = try LocalWorld()
        let engine = try world.single {
            $0.on = { word, job in
                guard word == "after_sync" else { return }
                try job.enqueue("customer_sync", source: "C-2", key: "next")
                throw JobFailure(.controllerFailed, "no", remedy: "none", disposition: .cancel)
            }
        }
        try await world.putCustomer("C-1", "Ada")
        #expect(try await engine.deliver(world.request("1")).status == .canceled)
        #expect(await engine.pending.isEmpty)
        #expect(try await world.account("C-1") == nil, "the write would have travelled with the commit")
    }

    @Test func aDryRunSendsNoFollowUp() async throws {
        let world = try LocalWorld()
        let engine = try await following(world) { _ in }
        #expect(try await engine.deliver(world.request("1") { $0.dryRun = true }).skipReason == .dryRun)
        #expect(await engine.pending.isEmpty)
    }

    @Test func followUpsAreRefusedByName() async throws {
        let world = try LocalWorld()
        let codes = Box<[JobFailure.Code]>([])
        let engine = try world.single {
            $0.update = { _, job in
                func note(_ body: () throws -> Void) {
                    do { try body() } catch { codes.change { $0.append(JobFailure(error).code) } }
                }
                note { try job.enqueue("no such type", source: "C-2", key: "a") }
                note { try job.enqueue("customer_sync", source: "C-2", key: "b") { $0.hops = 9 } }
                try job.enqueue("customer_sync", source: "C-2", key: "c")
                note { try job.enqueue("customer_sync", source: "C-2", key: "c") }
            }
        }
        try await world.putCustomer("C-1", "Ada")
        try await engine.deliver(world.request("1"))
        #expect(codes.value == [.unknownType, .loop, .controllerFailed])
    }

    @Test func aChainOfFollowUpsEndsAsALoop() async throws {
        let world = try LocalWorld()
        let engine = try world.single {
            $0.update = { _, job in try job.enqueue("customer_sync", source: "C-1", key: "again") }
        }
        try await world.putCustomer("C-1", "Ada")
        try await engine.deliver(world.request("1"))
        let jobs = try await engine.runPending()
        #expect(jobs.count == 8)
        #expect(jobs.last?.error?.code == .loop)
        #expect(await engine.deadLetters.map(\.reason.code) == [.loop])
    }

    @Test func bindingsOfOtherTypesCanBeLookedUp() async throws {
        let world = try LocalWorld()
        let found = Box<Binding?>(nil)
        var asking = world.script
        asking.update = { _, job in found.set(try await job.binding(of: "Customer Sync", source: "C-1")) }
        let engine = try world.engine(
            world.type(ScriptedSingle(script: world.script)),
            world.type(ScriptedSingle(script: asking), name: "Other Sync", target: LocalWorld.shopAccount))
        try await world.putCustomer("C-1", "Ada")
        try await world.putCustomer("C-2", "Bob")
        try await engine.deliver(world.request("1"))
        try await engine.deliver(world.request("2", "C-2", type: "other_sync"))
        #expect(found.value?.target == DocumentKey(type: LocalWorld.account, name: "C-1"))
    }

    @Test func triggerAndTargetDocumentAreAtHand() async throws {
        let world = try LocalWorld()
        let trigger = Box<Document?>(nil)
        let target = Box<Document?>(nil)
        let engine = try world.single {
            $0.on = { word, job in
                guard word == "update", job.job.id == "2" else { return }
                trigger.set(try await job.triggerDocument())
                target.set(try await job.targetDocument())
            }
        } type: {
            $0.triggers = [Trigger(document: LocalWorld.shopOrder, events: [.update])]
        }
        world.outside.put("O-1", ["total": 7], type: "Order")
        try await world.putCustomer("C-1", "Ada")
        try await engine.deliver(world.request("1"))
        try await engine.deliver(
            world.request("2") {
                $0.triggeredByDocumentType = "Order"
                $0.triggeredByDocumentName = "O-1"
            })
        #expect(trigger.value?.fields == ["total": 7])
        #expect(target.value?.fields == ["label": "Ada"])
    }

    @Test func documentsOfAnySystemCanBeLookedUp() async throws {
        let world = try LocalWorld()
        let engine = try world.single {
            $0.update = { target, job in
                let key = DocumentKey(type: LocalWorld.shopOrder, name: "O-1")
                target["total"] = try await job.lookups.load(key).document?["total"]
            }
        }
        world.outside.put("O-1", ["total": 7], type: "Order")
        try await world.putCustomer("C-1", "Ada")
        try await engine.deliver(world.request("1"))
        #expect(try await world.account("C-1")?["total"] == 7)
    }

    @Test func notesAreKeptAndBounded() async throws {
        let world = try LocalWorld()
        let engine = try world.single {
            $0.update = { _, job in
                for number in 0..<100 { job.note("\(number) " + String(repeating: "x", count: 1_000)) }
            }
        }
        try await world.putCustomer("C-1", "Ada")
        try await engine.deliver(world.request("1"))
        let notes = try await world.job("1").notes
        #expect(notes.count == 50)
        #expect(notes.allSatisfy { $0.count == 500 })
        #expect(notes.first?.hasPrefix("0 ") == true)
    }

    @Test func aFailedJobKeepsItsNotes() async throws {
        let world = try LocalWorld()
        let engine = try world.single {
            $0.update = { _, job in
                job.note("the last page was 7")
                throw JobFailure.permanent("no")
            }
        }
        try await world.putCustomer("C-1", "Ada")
        #expect(try await engine.deliver(world.request("1")).notes == ["the last page was 7"])
    }

    @Test func theSourceOfADeleteIsItsLastImage() async throws {
        let world = try LocalWorld()
        let seen = Box<JSONValue?>(nil)
        let engine = try world.single {
            $0.target = { job in
                if job.isSourceDeleted { seen.set(job.source?["name"]) }
                return job.defaultTarget
            }
        }
        try await world.putCustomer("C-1", "Ada")
        try await engine.deliver(world.request("1"))
        try await world.deleteCustomer("C-1")
        try await engine.deliver(world.request("2"))
        #expect(seen.value == "Ada")
    }
}
