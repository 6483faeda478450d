// Following along: what a look finds, that nothing is found twice, and that nothing is missed.
import JobStore
import SyncJobs
import Testing

@Suite struct JobChangesTests {
    /// Looks on from a position until nothing more is said to be there.
    private func look(
        _ store: JobStore, _ position: inout JobStore.WatchPosition, type: String? = nil, limit: Int = 1_000
    ) async throws -> [String] {
        var found: [String] = []
        while true {
            let changes = try await store.changes(since: position, typeSlug: type, limit: limit)
            position = changes.position
            found += changes.jobs.map { "\($0.id) \($0.status.rawValue)" }
            if !changes.hasMore { return found }
        }
    }

    private let retryable = JobFailure.retryable("busy")

    @Test func whatWasThereBeforeIsNotFoundAndWhatIsBornIsFoundOnce() async throws {
        let fixture = try StoreFixture()
        _ = try await fixture.store.commit(Sample.transition("old"))
        var position = try await fixture.store.watchPosition()
        #expect(try await look(fixture.store, &position) == [])
        _ = try await fixture.store.commit([Sample.transition("a"), Sample.transition("b", end: .canceled("no"))])
        #expect(try await look(fixture.store, &position) == ["a Finished", "b Canceled"])
        #expect(try await look(fixture.store, &position) == [])
    }

    @Test func anOpenJobIsFoundWhenItChangesAndWhenItEnds() async throws {
        let fixture = try StoreFixture()
        let job = Sample.job("a")
        func beat(_ second: Int, done: Int?) -> JobStore.Heartbeat {
            JobStore.Heartbeat(
                job: job, turn: 0, runID: "run-a-0", node: "host:1", startedAt: Sample.start,
                at: Sample.start.advanced(by: .seconds(second)), progress: done.map { JobProgress(done: $0, total: 4) },
                leaseKey: nil, leaseUntil: nil)
        }
        _ = try await fixture.store.beat([beat(1, done: nil)])
        var position = try await fixture.store.watchPosition()
        _ = try await fixture.store.beat([beat(2, done: nil)])
        #expect(try await look(fixture.store, &position) == [], "a heartbeat alone is no change")
        _ = try await fixture.store.beat([beat(3, done: 2)])
        #expect(try await look(fixture.store, &position) == ["a Started"], "progress is one")
        _ = try await fixture.store.commit(Sample.transition(of: job))
        #expect(try await look(fixture.store, &position) == ["a Finished"])
        #expect(try await look(fixture.store, &position) == [])
    }

    @Test func aJobThatIsRetriedByHandIsFoundEvenIfItHasEndedAgain() async throws {
        let fixture = try StoreFixture()
        let store = fixture.store
        let failed = JobFailure(.targetGone, "gone", remedy: "restore it")
        _ = try await store.commit([
            Sample.transition("a", end: .failed(failed)), Sample.transition("b", end: .failed(failed)),
        ])
        var position = try await store.watchPosition()
        let results = try await store.perform(.retry, ids: ["a", "b"], actor: "ada", reason: nil, at: Sample.start)
        guard case .done(let job) = results[0] else {
            Issue.record("not retried: \(results)")
            return
        }
        _ = try await store.commit(Sample.transition(of: job, turn: job.nextTurn))
        #expect(try await look(store, &position) == ["a Finished", "b Queued"])
        #expect(try await look(store, &position) == [])
    }

    @Test func aLookThatFindsMoreThanItsLimitGoesOnAndMissesNothing() async throws {
        let fixture = try StoreFixture()
        let store = fixture.store
        let waiting = (0..<25).map { Sample.transition("w\($0)", end: .failed(retryable)) }
        _ = try await store.commit(waiting)
        var position = try await store.watchPosition()
        _ = try await store.perform(
            .cancel, ids: (0..<25).map { "w\($0)" }, actor: "ada", reason: nil, at: Sample.start)
        _ = try await store.commit((0..<25).map { Sample.transition("n\($0)") })
        let found = try await look(store, &position, limit: 10)
        #expect(Set(found) == Set((0..<25).flatMap { ["w\($0) Canceled", "n\($0) Finished"] }))
        #expect(found.count == 50, "each once: \(found.count)")
    }

    @Test func endsWithoutAnyAuditAreFoundWithinTheLimitToo() async throws {
        let fixture = try StoreFixture()
        let store = fixture.store
        _ = try await store.commit((0..<25).map { Sample.transition("w\($0)", end: .failed(retryable)) })
        var position = try await store.watchPosition()
        let jobs = try await store.jobs(ids: (0..<25).map { "w\($0)" })
        _ = try await store.commit(jobs.map { Sample.transition(of: $0, turn: $0.nextTurn) })
        let found = try await look(store, &position, limit: 10)
        #expect(Set(found) == Set((0..<25).map { "w\($0) Finished" }) && found.count == 25, "\(found)")
    }

    @Test func onlyJobsOfTheTypeAreFound() async throws {
        let fixture = try StoreFixture()
        var position = try await fixture.store.watchPosition(typeSlug: "other_sync")
        _ = try await fixture.store.commit(Sample.transition("a"))
        #expect(try await look(fixture.store, &position, type: "other_sync") == [])
        var own = try await fixture.store.watchPosition(typeSlug: Sample.type.slug)
        _ = try await fixture.store.commit(Sample.transition("b"))
        #expect(try await look(fixture.store, &own, type: Sample.type.slug) == ["b Finished"])
    }

    @Test func recordsAreReadByTheirIDsAndRelaysWithTheirChildren() async throws {
        let fixture = try StoreFixture()
        var child = SyncRequest(id: "p/1", type: Sample.type.slug, sourceName: "C")
        child.parentSyncJob = "p"
        _ = try await fixture.store.commit(Sample.transition("p", end: .relayed([child])))
        let jobs = try await fixture.store.jobs(ids: ["p", "nobody", "p/1"])
        #expect(Set(jobs.map(\.id)) == ["p", "p/1"])
        #expect(jobs.first { $0.id == "p" }?.childCounts == [.queued: 1])
    }
}
