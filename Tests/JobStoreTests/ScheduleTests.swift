// A due time makes one job, whoever looks at the clock, and waits for no predecessor that goes on.
import Foundation
@testable import JobStore
import SyncJobs
import Testing

@Suite struct ScheduleTests {
    let fixture: StoreFixture
    var store: JobStore { fixture.store }

    init() throws { fixture = try StoreFixture() }

    private func due(_ hour: Int) -> Timestamp { Sample.start.advanced(by: .seconds(hour * 3_600)) }

    private func schedule(_ hour: Int, skipsOverlap: Bool = true) async throws -> JobStore.Scheduled {
        try await store.schedule(Sample.job("s@\(hour)"), name: "nightly", due: due(hour), skipsOverlap: skipsOverlap)
    }

    @Test func aDueTimeBecomesAQueuedJobWithItsMessage() async throws {
        guard case .created(let job, let message) = try await schedule(1) else {
            Issue.record("nothing was created")
            return
        }
        #expect(try await store.known("s@1") == job)
        #expect(job.status == .queued && job.nextTurn == 0)
        #expect(message.kind == .child && message.jobID == "s@1" && message.messageID == "s@1")
        #expect(message.body == JSONValue.object(job.request.json).canonicalBytes)
        #expect(try await store.owedMessages(jobID: "s@1") == [message])
        #expect(try await store.lastDue(typeSlug: Sample.type.slug, schedule: "nightly") == due(1))
        #expect(try await store.rerun("s@1").job?.status == .finished)
    }

    @Test func aDueTimeIsTakenOnceHoweverManyProcessesLook() async throws {
        let stores = [store, try StoreFixture.open(fixture.path)]
        let created = try await withThrowingTaskGroup(of: Bool.self) { group in
            for number in 0..<20 {
                group.addTask {
                    let answer = try await stores[number % 2].schedule(
                        Sample.job("s"), name: "n", due: Sample.start, skipsOverlap: false)
                    if case .created = answer { return true }
                    return answer != .exists
                }
            }
            return try await group.reduce(0) { $0 + ($1 ? 1 : 0) }
        }
        #expect(created == 1)
        #expect(try await store.countJobs() == [.queued: 1])
        #expect(try await store.owedMessages(limit: 10).count == 1)
    }

    @Test func anEarlierDueTimeIsOver() async throws {
        _ = try await schedule(2)
        #expect(try await schedule(1, skipsOverlap: false) == .exists)
        #expect(try await schedule(2, skipsOverlap: false) == .exists)
    }

    @Test func aDueTimeIsPassedOverWhileTheLastJobGoesOn() async throws {
        _ = try await schedule(1)
        #expect(try await schedule(2) == .overlaps(jobID: "s@1"))
        #expect(try await store.job(id: "s@2") == nil)
        #expect(try await store.lastDue(typeSlug: Sample.type.slug, schedule: "nightly") == due(2))
        _ = try await store.rerun("s@1", end: .failed(Sample.mishap))
        #expect(try await schedule(3) == .overlaps(jobID: "s@1"), "it will be retried")
        _ = try await store.rerun("s@1", end: .failed(.permanent("no")))
        #expect(try await schedule(3) == .exists, "a time that was passed over is not made up for")
        guard case .created = try await schedule(4) else {
            Issue.record("the last job is over")
            return
        }
        guard case .created = try await schedule(5, skipsOverlap: false) else {
            Issue.record("overlap is allowed")
            return
        }
    }

    @Test func aRelayThatGoesOnIsAnOverlap() async throws {
        _ = try await store.schedule(Sample.job("p"), name: "nightly", due: due(1), skipsOverlap: true)
        _ = try await store.commit(Sample.relay("p", children: 1))
        #expect(try await schedule(2) == .overlaps(jobID: "p"))
        _ = try await store.rerun("p/0")
        guard case .created = try await schedule(3) else {
            Issue.record("the relay has ended")
            return
        }
    }

    @Test func theFirstSightIsNotedOnce() async throws {
        let slug = Sample.type.slug
        #expect(try await store.lastDue(typeSlug: slug, schedule: "nightly") == nil)
        try await store.noteFirstSight(typeSlug: slug, schedule: "nightly", at: due(1))
        try await store.noteFirstSight(typeSlug: slug, schedule: "nightly", at: due(7))
        #expect(try await store.lastDue(typeSlug: slug, schedule: "nightly") == due(1))
        #expect(try await store.lastDue(typeSlug: slug, schedule: "other") == nil)
        #expect(try await store.lastDue(typeSlug: "other", schedule: "nightly") == nil)
        #expect(try await schedule(1) == .exists)
        guard case .created = try await schedule(2) else {
            Issue.record("it was due after the first sight")
            return
        }
    }

    @Test func aJobThatIsKnownOrRememberedIsNotMadeAgain() async throws {
        _ = try await store.commit(Sample.transition("s@1"))
        #expect(try await schedule(1) == .exists)
        _ = try await store.commit(Sample.transition("s@2"))
        _ = try await store.prune(.init(good: .zero), now: due(10))
        #expect(try await store.job(id: "s@2") == nil)
        #expect(try await schedule(2) == .exists)
    }
}
