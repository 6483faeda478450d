// Parked jobs in the store: one key leaves in the order of its receipt, one at a time and across restarts; what comes meanwhile
// parks behind; and pauses and circuits are there for every process.
import Foundation
import JobStore
import SyncJobs
import Testing

@Suite struct ParkingTests {
    private let now = Sample.start.advanced(by: .seconds(10))

    private func needs(_ key: String, type: String = "customer_sync", queue: String = "default") -> JobNeeds {
        JobNeeds(typeSlug: type, queue: queue, orderKey: key, systems: ["erp", "shop"])
    }

    private func park(
        _ id: String, key: String, due: Timestamp? = nil, reason: WaitReason = .paused, type: String = "customer_sync",
        in store: JobStore
    ) async throws {
        let known = try await store.job(id: id)
        let parking = Parking(needs: needs(key, type: type), reason: reason, dueAt: due)
        let transition = JobTransition.park(
            known ?? Sample.job(id), turn: known?.nextTurn ?? 0, parking, now: Sample.start)
        #expect(try await store.commit(transition).job?.waitReason == reason)
    }

    private func pause(_ kind: Pause.Kind = .type, _ name: String = "customer_sync", until: Timestamp? = nil) -> Pause {
        Pause(kind: kind, name: name, reason: "moving", actor: "ada", since: Sample.start, until: until)
    }

    private func parking(of id: String, key: String, in store: JobStore) async throws -> Parking? {
        try await store.prepare([JobStore.Lookup(jobID: id, needs: needs(key))])[0].parking
    }

    private func release(_ store: JobStore, inFlight: Int = 500) async throws -> [String] {
        try await store.releaseParked(inFlight: inFlight, now: now).map(\.messageID)
    }

    @Test func aPausedTypeParksAndWhatIsParkedKeepsWhatCameMeanwhileBehindIt() async throws {
        let fixture = try StoreFixture()
        let store = fixture.store
        #expect(try await parking(of: "1", key: "a", in: store) == nil)
        try await store.pause([pause()])
        #expect(try await parking(of: "1", key: "a", in: store)?.reason == .paused)
        for id in ["1", "2", "3"] { try await park(id, key: "a", in: store) }
        try await park("4", key: "b", in: store)
        #expect(try await release(store) == [], "it is paused")
        #expect(try await store.resume([(.type, "customer_sync")], actor: "ada", reason: nil, at: now) == [pause()])
        #expect(try await release(store) == ["1", "4"], "the first of each key")
        #expect(try await release(store) == [], "the rest follows with the commit of the one before")
        #expect(try await parking(of: "new", key: "a", in: store)?.reason == .paused, "it parks behind")
        #expect(try await parking(of: "1", key: "a", in: store) == nil, "the first may run")
        #expect(try await parking(of: "2", key: "a", in: store) != nil)
        let first = try await store.rerun("1")
        #expect(first.owed?.filter { $0.kind == .again && $0.messageID == "2" }.count == 1)
        #expect(try await store.known("2").waitReason == nil)
        #expect(try await parking(of: "2", key: "a", in: store) == nil)
        #expect(try await parking(of: "new", key: "a", in: store) != nil)
        #expect(try await store.rerun("2").owed?.contains { $0.messageID == "3" } == true)
        _ = try await store.rerun("3")
        #expect(try await parking(of: "new", key: "a", in: store) == nil, "nothing of the key is parked any more")
        _ = try await store.rerun("4")
        #expect(try await store.parkedGroups().groups.isEmpty)
        #expect(try await store.auditEntries().map(\.action) == ["resume", "pause"])
        #expect(try await store.auditEntries(subject: "type customer_sync").count == 2)
    }

    @Test func pausesAndPlacesOutliveTheProcess() async throws {
        let fixture = try StoreFixture()
        try await fixture.store.pause([pause(.system, "shop")])
        try await park("1", key: "a", in: fixture.store)
        try await park("2", key: "a", in: fixture.store)
        try fixture.store.close()
        let store = try StoreFixture.open(fixture.path)
        #expect(try await store.standstill().pauses == [pause(.system, "shop")])
        #expect(try await release(store) == [])
        _ = try await store.resume([(.system, "shop")], actor: "ada", reason: nil, at: now)
        #expect(try await release(store) == ["1"])
        // On its way when the process ends: its message is owed, and its place is kept.
        try store.close()
        let other = try StoreFixture.open(fixture.path)
        #expect(try await other.owedMessages(limit: 10).map(\.messageID) == ["1"])
        #expect(try await parking(of: "3", key: "a", in: other) != nil)
        #expect(try await other.rerun("1").owed?.map(\.messageID).contains("2") == true)
        try other.close()
    }

    @Test func soManyAreOnTheirWayAndNoMore() async throws {
        let store = try StoreFixture().store
        for number in 0..<20 { try await park("j\(number)", key: "k\(number)", in: store) }
        #expect(try await release(store, inFlight: 8) == (0..<8).map { "j\($0)" })
        #expect(try await release(store, inFlight: 8) == [])
        for number in 0..<3 { _ = try await store.rerun("j\(number)") }
        #expect(try await release(store, inFlight: 8) == ["j8", "j9", "j10"])
        let group = try #require(try await store.parkedGroups().groups.first)
        #expect(group.waiting == 9 && group.released == 8)
    }

    @Test func aPauseInTheMiddleOfTheReleaseStopsTheRest() async throws {
        let store = try StoreFixture().store
        for id in ["1", "2", "3"] { try await park(id, key: "a", in: store) }
        #expect(try await release(store) == ["1"])
        try await store.pause([pause()])
        // Its message comes, and it parks again, in its old place.
        try await park("1", key: "a", in: store)
        #expect(try await release(store) == [])
        _ = try await store.resume([(.type, "customer_sync")], actor: "ada", reason: nil, at: now)
        #expect(try await release(store) == ["1"])
        try await store.pause([pause()])
        // A run that had begun ends; the next one waits for the resume.
        #expect(try await store.rerun("1").owed?.contains { $0.messageID == "2" } == false)
        #expect(try await store.known("2").waitReason == .paused)
        _ = try await store.resume([(.type, "customer_sync")], actor: "ada", reason: nil, at: now)
        #expect(try await release(store) == ["2"])
    }

    @Test func aCanceledOneLetsTheNextOfItsKeyGoOn() async throws {
        let store = try StoreFixture().store
        for id in ["1", "2", "3"] { try await park(id, key: "a", in: store) }
        #expect(try await store.act(.cancel, "2").done?.status == .canceled)
        #expect(try await store.act(.cancel, "1").done?.status == .canceled)
        #expect(try await store.known("3").waitReason == nil, "it is on its way")
        #expect(try await parking(of: "3", key: "a", in: store) == nil)
    }

    @Test func aRetryThatComesBackGoesBeforeWhatIsParkedAfterIt() async throws {
        let store = try StoreFixture().store
        _ = try await store.commit(Sample.transition("1", end: .failed(Sample.mishap)))
        try await park("2", key: "a", in: store)
        #expect(try await parking(of: "1", key: "a", in: store) == nil, "it was received first")
        try await park("1", key: "a", in: store)
        #expect(try await store.known("1").status == .queued)
        #expect(try await store.known("1").retryCount == 1)
    }

    @Test func aPauseEndsWithItsTime() async throws {
        let store = try StoreFixture().store
        let timed = pause(until: now)
        try await store.pause([timed, pause(.queue, "long")])
        #expect(try await store.endPauses(until: now.advanced(by: .milliseconds(-1))).isEmpty)
        #expect(try await store.endPauses(until: now) == [timed])
        #expect(try await store.standstill().pauses.map(\.name) == ["long"])
        try await store.pause([pause(.queue, "long", until: now)])
        #expect(try await store.standstill().pauses.map(\.until) == [now], "pausing again changes its end")
    }

    // MARK: circuits

    private var circuit: OpenCircuit {
        OpenCircuit(system: "shop", openedAt: Sample.start, reason: "closed", settings: CircuitSettings())
    }

    @Test func anOpenCircuitIsProbedByOneProcessWithOneJobAtATime() async throws {
        let store = try StoreFixture().store
        #expect(try await store.openCircuit(circuit))
        #expect(try await !store.openCircuit(circuit), "it is open already")
        let due = now.advanced(by: .seconds(60))
        try await park("1", key: "a", due: due, reason: .outage, in: store)
        try await park("2", key: "a", reason: .outage, in: store)
        try await park("3", key: "b", reason: .outage, in: store)
        #expect(try await parking(of: "9", key: "z", in: store)?.reason == .outage)
        #expect(try await release(store) == [])
        let early = now.advanced(by: .seconds(-1))
        #expect(try await store.claimProbe(of: "shop", node: "n", now: early, until: due) == .notDue)
        guard case .job(let probe) = try await store.claimProbe(of: "shop", node: "n", now: now, until: due) else {
            Issue.record("no probe")
            return
        }
        #expect(probe.id == "3", "the oldest first of its key that was not tried yet")
        #expect(try await store.claimProbe(of: "shop", node: "m", now: now, until: due) == .notDue)
        let probing = JobStore.Lookup(jobID: "3", needs: needs("b"), probing: "shop")
        #expect(try await store.prepare([probing])[0].parking == nil)
        try await store.renewProbe(of: "shop", node: "n", until: due.advanced(by: .seconds(60)))
        #expect(try await store.claimProbe(of: "shop", node: "m", now: due, until: due) == .notDue)
        let closed = try await store.closeCircuit(of: "shop")
        #expect(closed?.openedAt == Sample.start)
        #expect(try await release(store) == ["1", "3"], "what waited for a time is due at once")
        #expect(try await store.closeCircuit(of: "shop") == nil)
    }

    @Test func withoutAParkedJobTheNextOneTries() async throws {
        let store = try StoreFixture().store
        _ = try await store.openCircuit(circuit)
        #expect(try await store.claimProbe(of: "shop", node: "n", now: now, until: now) == .nothingParked)
        #expect(try await store.standstill().isEmpty)
    }

    @Test func aPausedTypeIsNotProbedWith() async throws {
        let store = try StoreFixture().store
        _ = try await store.openCircuit(circuit)
        try await store.pause([pause()])
        try await park("1", key: "a", in: store)
        try await park("2", key: "b", reason: .outage, type: "other_sync", in: store)
        guard case .job(let probe) = try await store.claimProbe(of: "shop", node: "n", now: now, until: now) else {
            Issue.record("no probe")
            return
        }
        #expect(probe.id == "2")
    }

    @Test func theSituationSaysWhatStopsAJobAndHowManyAreBeforeIt() async throws {
        let store = try StoreFixture().store
        try await store.pause([pause()])
        for id in ["1", "2", "3"] { try await park(id, key: "a", in: store) }
        let situation = try await store.situation(id: "3")
        #expect(situation.stop == .paused(pause()))
        #expect(situation.parkedAhead == 2)
        var filter = JobFilter()
        filter.waitReason = .paused
        #expect(try await store.jobs(filter).map(\.id) == ["3", "2", "1"])
    }
}
