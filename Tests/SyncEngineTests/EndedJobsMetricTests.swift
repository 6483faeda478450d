// The metric of ended jobs: each under its own type and status, however they follow each other.
import MetricsTestKit
import SyncJobs
import Testing

@testable import SyncEngine

@Suite struct EndedJobsMetricTests {
    @Test func eachJobIsCountedUnderItsOwnTypeAndStatus() throws {
        let world = try LocalWorld()
        let metrics = TestMetrics()
        var metric = EndedJobsMetric(factory: metrics)
        let (a, b) = (
            world.type(ScriptedSingle(script: world.script), name: "A"),
            world.type(ScriptedSingle(script: world.script), name: "B")
        )
        let order: [(SyncJobType, JobStatus)] = [
            (a, .finished), (a, .finished), (a, .failed), (b, .failed), (b, .failed), (a, .finished), (b, .failed),
        ]
        for (type, status) in order {
            var job = SyncJob(
                request: world.request("1", "C-1", type: type.slug), type: type, queue: "default",
                createdAt: TestClock.start)
            job.status = status
            metric.count(job)
        }
        func counted(_ type: SyncJobType, _ status: JobStatus) throws -> Int64 {
            try metrics.expectCounter("ferry_jobs_total", [("type", type.slug), ("status", status.rawValue)]).totalValue
        }
        #expect(try counted(a, .finished) == 3)
        #expect(try counted(a, .failed) == 1)
        #expect(try counted(b, .failed) == 3)
    }
}
