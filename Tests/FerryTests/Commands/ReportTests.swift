// A worker's progress and last words.

import SyncEngine
import SyncJobs
import Testing

@testable import Ferry

@Suite("A worker's report")
struct ReportTests {
    private var statistics: WorkerStatistics {
        var statistics = WorkerStatistics()
        statistics.jobs = [.finished: 13_465, .failed: 2]
        statistics.deliveries = 13_600
        statistics.redelivered = 131
        statistics.refused = 1
        statistics.changes = 13_467
        statistics.isConnected = true
        return statistics
    }

    @Test("the last words count by status and say what became of the rest")
    func lastWords() {
        #expect(
            WorkReport(statistics, elapsed: .seconds(2)).lines(style: .plain) == [
                "Finished 13,465 · Failed 2",
                "13,467 jobs in 2.0 s · 6,734 jobs/s · 131 redelivered · 3 dead letters · 1 message refused"
                    + " · 13,467 change events",
            ])
        #expect(WorkReport(statistics, elapsed: .seconds(2)).hasFailures)
        var stopped = statistics
        stopped.handedBack = 4
        #expect(WorkReport(stopped, elapsed: .seconds(2)).lines(style: .plain)[1].hasSuffix(" · 4 handed back"))
    }

    @Test("without jobs there is nothing to count")
    func nothing() {
        let report = WorkReport(WorkerStatistics(), elapsed: .seconds(1))
        #expect(
            report.lines(style: .plain) == ["no jobs", "0 jobs in 1.0 s · 0.0 jobs/s · 0 redelivered · 0 dead letters"])
        #expect(!report.hasFailures)
    }

    @Test("the JSON has every end status, and numbers")
    func json() throws {
        let object = try #require(WorkReport(statistics, elapsed: .milliseconds(1500)).json.objectValue)
        #expect(
            object.keys == [
                "changes", "dead_letters", "deliveries", "duplicates", "ended", "handed_back", "jobs",
                "jobs_per_second",
                "redelivered", "refused", "seconds", "skip_reasons",
            ])
        #expect(object["seconds"]?.canonicalText == "1.5")
        let jobs = try #require(object["jobs"]?.objectValue)
        #expect(jobs.keys == ["Canceled", "Failed", "Finished", "No Target", "Relayed", "Skipped"])
    }

    @Test("the progress line shows the present rate and what the connection is like")
    func progress() {
        var progress = WorkProgress()
        var statistics = statistics
        statistics.running = 32
        statistics.waiting = 180
        #expect(
            progress.text(statistics, at: .seconds(2))
                == "13,467 done · 6,734 jobs/s · Finished 13,465 · Failed 2 · 32 running · 180 waiting · 13,467 changes"
        )
        statistics.isConnected = false
        #expect(progress.text(statistics, at: .seconds(9)).contains(" jobs/s · not connected · Finished "))
        #expect(progress.text(statistics, at: .seconds(10)).contains(" 0.0 jobs/s "))
        statistics.standBy = ["the store does not answer"]
        statistics.lostQueues = ["ferry.short"]
        #expect(
            progress.text(statistics, at: .seconds(11)).contains(
                " · not connected · standing by: the store does not answer · no queue ferry.short · "))
        let facts = progress.facts(statistics, at: .seconds(12))
        #expect(facts["standing_by"] == "the store does not answer" && facts["no_queue"] == "ferry.short")
    }
}
