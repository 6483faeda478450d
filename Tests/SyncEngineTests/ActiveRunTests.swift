// What a run tells of itself while it is under way: not more often than it should.
import SyncJobs
import Testing

@testable import SyncEngine

@Suite struct ActiveRunTests {
    private let begin = ContinuousClock.now
    private let active: ActiveRun

    init() throws {
        let type = try LocalWorld().type(ScriptedSingle(script: Script(WordLog())))
        let job = SyncJob(
            request: SyncRequest(id: "1", type: type.slug, sourceName: "C-1"), type: type, queue: "default",
            createdAt: TestClock.start)
        active = ActiveRun(
            run: JobRun(job: job, turn: 0, runID: "r", node: "n", startedAt: TestClock.start, body: []),
            timeout: .seconds(60), leaseKey: nil)
    }

    @Test func progressIsToldAtMostTwiceASecond() {
        // 10 seconds with a report each millisecond.
        let told = (0..<10_000).filter { millisecond in
            active.report(JobProgress(done: millisecond), at: begin + .milliseconds(millisecond))
        }
        #expect(told == Array(stride(from: 0, to: 10_000, by: 500)))
    }

    @Test func aHeartbeatCarriesTheLatestProgress() {
        active.start()
        _ = active.report(JobProgress(done: 1), at: begin)
        _ = active.report(JobProgress(done: 2), at: begin + .milliseconds(1))
        #expect(!active.takeBeat(at: .now).isDue, "not in the first two seconds")
        let beat = active.takeBeat(at: .now + .seconds(3))
        #expect(beat.isDue)
        #expect(beat.progress == JobProgress(done: 2))
    }
}
