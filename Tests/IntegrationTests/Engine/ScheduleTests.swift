// Schedules on a real broker: a due time becomes one job, however many workers look at the clock.
import JobStore
import SyncEngine
import SyncJobs
import Testing

@testable import Ferry

@Suite("Schedules on a real broker") struct WorkerScheduleTests {
    private static let types = """
          Nightly Sync:
            source: erp.Customer
            target: app.Account
            schedules: {each: {cron: "* * * * *", source_name: C-1}}
            match: {code: job.source_document_name}
            fields: {code: {from: job.source_document_name, only: insert}, label: source.customer_name}
        """

    /// A clock that stands three seconds before a full minute when the test begins.
    private static func clock() -> @Sendable () -> Timestamp {
        let begin = Composition.now()
        let minute = Timestamp(microseconds: (begin.microseconds / 60_000_000 + 1) * 60_000_000)
        let ahead = minute.since(begin) - .seconds(3)
        return { Composition.now().advanced(by: ahead) }
    }

    @Test func aDueTimeMakesOneJobHoweverManyWorkersLook() async throws {
        try await EngineWorld.with(types: Self.types) { world in
            try await world.putCustomers([("C-1", ["customer_name": "Ann", "revision": 1])])
            let now = Self.clock()
            // Two processes on one file, as far as the store can tell.
            let second = try world.composition.openStore()
            let workers = [
                try world.makeWorker(node: "a", now: now), try world.makeWorker(store: second, node: "b", now: now),
            ]
            try await withThrowingTaskGroup(of: Void.self) { group in
                for worker in workers { group.addTask { try await worker.run() } }
                group.addTask {
                    try await eventually("the scheduled job is finished") {
                        try await world.store.countJobs()[.finished] == 1
                    }
                }
                // The first to end is the one that waits: workers run until they are stopped.
                try await group.next()
                group.cancelAll()
                // A worker that is cancelled says so.
                while await group.nextResult() != nil {}
            }
            try second.close()
            let jobs = try await world.store.jobs(JobFilter())
            #expect(jobs.count == 1)
            let job = try #require(jobs.first)
            #expect(job.id.hasPrefix("nightly_sync@each@") && job.request.triggerType == .scheduler)
            #expect(try await world.account("C-1")?["label"] == "Ann")
        }
    }
}
