// A store that is busy for longer than its timeout in the middle of a job: nothing counts as an attempt, and the job goes
// on where it was once the store is free.
import Foundation
import GRDB
import SyncJobs
import Testing

@testable import JobStore
@testable import SyncEngine

@Suite struct StoreOutageTests {
    @Test func aCommitThatMeetsABusyStoreIsTriedAgainAndUsesNoAttempt() async throws {
        let world = try LocalWorld(busyTimeout: .milliseconds(20))
        try await world.putCustomer("C-1", "Ada")
        var configuration = Configuration()
        configuration.allowsUnsafeTransactions = true
        let other = try DatabaseQueue(path: world.folder.path + "/jobs.sqlite", configuration: configuration)
        let failures = Box(0)
        let script = world.script
        var scripted = script
        scripted.on = { word, _ in
            guard word == "update" else { return }
            // Between its reading and its commit another program takes the lock, for some twenty time-outs.
            try await other.writeWithoutTransaction { try $0.execute(sql: "BEGIN IMMEDIATE") }
            // Owned by the test, which waits for the job that waits for it.
            Task {
                do throws(JobStoreError) {
                    try await world.store.audit(action: "test", actor: "test", subject: "1", reason: nil)
                } catch { _ = failures.next() }
                try await other.writeWithoutTransaction { try $0.execute(sql: "COMMIT") }
            }
        }
        let parts = try world.parts([world.type(ScriptedSingle(script: scripted))], storePatience: .seconds(60))
        guard case .committed(let job, _) = try await parts.deliver(world.request("1")) else {
            Issue.record("it was not committed")
            return
        }
        #expect(failures.value == 1, "the store was busy")
        #expect(job.status == .finished)
        #expect(try await world.job("1").attempts.map(\.number) == [1])
        #expect(world.log.count("update") == 1, "and it did not run twice")
        #expect(try await world.store.countDocuments(type: LocalWorld.account) == 1)
    }
}
