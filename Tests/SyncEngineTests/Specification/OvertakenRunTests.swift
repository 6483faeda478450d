// Two runs about one source at once, as of two workers: whoever is overtaken between its reading of the source and its write
// notices, also where the write's own condition cannot tell.
import DocumentSystems
import JobStore
import SyncEngine
import SyncJobs
import Testing

@Suite struct OvertakenRunTests {
    /// Runs `body` once, when the world's outside system is about to be written.
    ///
    /// The clock goes on meanwhile, here as in all these tests: of two runs that begin at one instant a heartbeat, which a
    /// busy machine may come to, takes the second for the older.
    private func beforeFirstWrite(of world: LocalWorld, _ body: @escaping @Sendable () async throws -> Void) {
        let isFirst = Box(true)
        world.outside.with { state in
            state.willWrite = { _ in
                guard isFirst.takeFirst() else { return }
                world.clock.advance(by: .seconds(1))
                await #expect(throws: Never.self) { try await body() }
            }
        }
    }

    @Test func aRunThatReadsItsTargetAfterANewerWriteDoesNotWriteItsOlderSource() async throws {
        let world = try LocalWorld()
        let other = try world.single(target: LocalWorld.shopAccount)
        try await world.putCustomer("C-1", "v1", version: 1)
        try await other.deliver(world.request("first"))
        let isFirst = Box(true)
        let engine = try world.single(target: LocalWorld.shopAccount) {
            $0.on = { word, _ in
                // The source is read, the target is not.
                guard word == "after_start", isFirst.takeFirst() else { return }
                world.clock.advance(by: .seconds(1))
                try await world.putCustomer("C-1", "v3", version: 3)
                try await other.deliver(world.request("fast"))
            }
        }
        try await world.putCustomer("C-1", "v2", version: 2)
        let job = try await engine.deliver(world.request("slow"))
        #expect(job.skipReason == .noChanges, "its second run finds what the other wrote")
        #expect(world.outside.writes.compactMap { $0.after?.fields["label"] } == ["v1", "v3"], "never back to v2")
    }

    @Test func aSourceThatChangesWhileItsTargetIsWrittenIsSyncedAgain() async throws {
        let world = try LocalWorld()
        let engine = try world.single(target: LocalWorld.shopAccount)
        try await world.putCustomer("C-1", "v1", version: 1)
        try await engine.deliver(world.request("first"))
        try await world.putCustomer("C-1", "v2", version: 2)
        // Back to what the target has: the job of that change finds nothing to do, and its turn does not show.
        beforeFirstWrite(of: world) {
            try await world.putCustomer("C-1", "v1", version: 3)
            let other = try world.single(target: LocalWorld.shopAccount)
            #expect(try await other.deliver(world.request("back")).skipReason == .noChanges)
        }
        let job = try await engine.deliver(world.request("slow"))
        #expect(job.status == .finished)
        #expect(world.outside.all()["S-1"]?["label"] == "v1", "what the source says")
    }

    @Test func aSourceThatIsDeletedWhileItsTargetIsInsertedLeavesNoOrphan() async throws {
        let world = try LocalWorld()
        let engine = try world.single(target: LocalWorld.shopAccount)
        try await world.putCustomer("C-1", "Ada", version: 1)
        beforeFirstWrite(of: world) {
            try await world.deleteCustomer("C-1")
            let other = try world.single(target: LocalWorld.shopAccount)
            let deleted = try await other.deliver(Self.delete(in: world))
            #expect(deleted.noTargetReason == .alreadyGone, "there was nothing to delete yet")
        }
        let job = try await engine.deliver(world.request("slow"))
        #expect(world.outside.writes.count == 2, "inserted, and deleted")
        #expect(world.outside.all().isEmpty)
        #expect(job.operation == .delete)
    }

    @Test func aSourceWithoutATombstoneThatGoesWhileItsTargetIsInsertedIsGivenARetryToShow() async throws {
        let world = try LocalWorld()
        @Sendable func engine() throws -> LocalEngine {
            try world.engine(
                world.type(
                    ScriptedSingle(script: world.script), source: LocalWorld.shopOrder, target: LocalWorld.shopAccount))
        }
        world.outside.put("C-1", ["name": "Ada", "version": 1], type: "Order")
        beforeFirstWrite(of: world) {
            world.outside.put("C-1", nil, type: "Order")
            let deleted = try await engine().deliver(Self.delete(in: world))
            #expect(deleted.noTargetReason == .alreadyGone)
        }
        let slow = try engine()
        let job = try await slow.deliver(world.request("slow"))
        #expect(job.status == .failed)
        #expect(job.error?.code == .sourceNotVisible)
        #expect(world.outside.all().count == 1)
        try await world.pass(.seconds(60), in: slow)
        #expect(try await world.job("slow").operation == .delete)
        #expect(world.outside.all().isEmpty, "it did not show again, so it is gone")
    }

    private static func delete(in world: LocalWorld) -> SyncRequest {
        world.request("delete") {
            $0.operation = .delete
            $0.sourceVersion = "2"
        }
    }

    @Test func anOlderDocumentIsNotWrittenOverANewerOneThatIsNotCommittedYet() async throws {
        let world = try LocalWorld()
        let other = try world.single(target: LocalWorld.shopAccount)
        // Documents that travel with their messages: nobody can look whether they are still what the source is.
        try await other.deliver(world.request("first") { $0.document = ["name": "v4", "version": 4] })
        let engine = try world.single(target: LocalWorld.shopAccount) {
            $0.on = { word, job in
                // Its write is made, its commit is not.
                guard word == "after_sync", job.job.id == "newer" else { return }
                let older = try await other.deliver(
                    world.request("older") { $0.document = ["name": "v5", "version": 5] })
                #expect(older.skipReason == .stale)
            }
        }
        let job = try await engine.deliver(world.request("newer") { $0.document = ["name": "v6", "version": 6] })
        #expect(job.status == .finished)
        #expect(world.outside.writes.compactMap { $0.after?.fields["label"] } == ["v4", "v6"], "never back to v5")
    }

    @Test func aBoundTargetThatIsDeletedWhileItIsLookedForIsNoErrorOfTheJob() async throws {
        let world = try LocalWorld()
        let other = try world.single(target: LocalWorld.shopAccount)
        let isFirst = Box(true)
        let engine = try world.single(target: LocalWorld.shopAccount) {
            $0.target = { job in
                guard isFirst.takeFirst() else { return job.defaultTarget }
                world.clock.advance(by: .seconds(1))
                try await world.deleteCustomer("C-1")
                try await other.deliver(Self.delete(in: world))
                try await world.putCustomer("C-1", "anew", version: 3)
                return job.defaultTarget
            }
        }
        try await world.putCustomer("C-1", "Ada", version: 1)
        try await other.deliver(world.request("first"))
        let job = try await engine.deliver(world.request("slow"))
        #expect(job.error == nil)
        #expect(world.outside.all().values.map { $0["label"] } == ["anew"])
    }

    @Test func aTargetThatIsDeletedWhileItIsLookedForIsNoErrorOfTheJob() async throws {
        let world = try LocalWorld()
        let isFirst = Box(true)
        let engine = try world.single {
            $0.target = { _ in
                guard isFirst.takeFirst() else { return .insert() }
                world.clock.advance(by: .seconds(1))
                _ = try await world.store.deleteDocument(DocumentKey(type: LocalWorld.account, name: "C-1"))
                return .update("C-1")
            }
        }
        try await world.putCustomer("C-1", "Ada", version: 1)
        try await world.putAccount("C-1", ["label": "somebody's"])
        let job = try await engine.deliver(world.request("slow"))
        #expect(job.status == .finished)
        #expect(job.operation == .insert)
    }

    @Test func aTargetThatIsMadeAnewWhileItIsLookedForIsFound() async throws {
        let world = try LocalWorld()
        let other = try world.single()
        let engine = try world.single {
            $0.target = { _ in
                // What prepared this run knows the tombstone alone.
                try await other.deliver(world.request("fast"))
                return .update("C-1")
            }
        }
        try await world.putCustomer("C-1", "Ada", version: 1)
        try await other.deliver(world.request("first"))
        try await world.deleteCustomer("C-1")
        try await other.deliver(Self.delete(in: world))
        try await world.putCustomer("C-1", "anew", version: 3)
        let job = try await engine.deliver(world.request("slow"))
        #expect(job.skipReason == .noChanges, "\(job.error?.message ?? "")")
        #expect(try await world.account("C-1")?["label"] == "anew")
    }

    @Test func aDeleteOfWhatWasNeverMadeFencesTheInsertThatItOvertook() async throws {
        let world = try LocalWorld()
        let other = try world.single()
        let engine = try world.single {
            $0.beforeSync = { _, job in
                guard job.job.id == "slow" else { return }
                world.clock.advance(by: .seconds(1))
                try await world.deleteCustomer("C-1")
                _ = try await other.deliver(Self.delete(in: world))
            }
        }
        try await world.putCustomer("C-1", "Ada", version: 1)
        let job = try await engine.deliver(world.request("slow"))
        #expect(job.status != .finished)
        #expect(try await world.account("C-1") == nil)
    }

    @Test func aSourceThatIsMadeAnewAfterADeleteThatFoundNothingIsInserted() async throws {
        let world = try LocalWorld()
        let engine = try world.single()
        let deleted = try await engine.deliver(
            world.request("delete") {
                $0.operation = .delete
                $0.sourceVersion = "7"
            })
        #expect(deleted.noTargetReason == .alreadyGone)
        try await world.putCustomer("C-1", "Ada", version: 1)
        let job = try await engine.deliver(world.request("anew"))
        #expect(job.status == .finished)
        #expect(try await world.account("C-1")?["label"] == "Ada")
    }
}
