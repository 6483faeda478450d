// What an older store means, as docs/store.md says it: what was committed since the backup is forgotten, what was owed at
// that moment is owed again, and what comes from the broker runs.
import JobStore
import SyncJobs
import Testing

@testable import SyncEngine

@Suite struct RestoreTests {
    @Test func anOlderStoreRunsWhatItHasForgottenAndNamesWhatNobodyWillBring() async throws {
        let before = try LocalWorld()
        let backup = before.folder.path + "/backup.sqlite"
        let due = before.clock.now.advanced(by: .seconds(60))
        func request(_ id: String, _ world: LocalWorld) -> SyncRequest {
            world.request(id) { if id != "new" { $0.notBefore = due } }
        }
        try await before.putCustomer("C-1", "Ada")
        let parts = try before.parts([before.type(ScriptedSingle(script: before.script))])
        _ = try await parts.deliver(before.request("known"))
        for id in ["owed", "sent"] { _ = try await parts.deliver(request(id, before)) }
        // One of the two is on its way with the broker already.
        try await before.store.settle(try await before.store.owedMessages(jobID: "sent").map(\.id))
        try await before.store.deleteSettled()
        try await before.store.backup(to: backup)
        before.clock.advance(by: .seconds(60))
        for id in ["owed", "sent", "new"] {
            guard case .committed = try await parts.deliver(request(id, before), turn: id == "new" ? 0 : 1) else {
                Issue.record("\(id) was not committed")
                return
            }
        }

        let after = try LocalWorld(restoring: backup)
        after.clock.advance(by: .seconds(7_200))
        #expect(after.store.storeID == before.store.storeID)
        #expect(try await after.store.countJobs() == [.finished: 1, .queued: 2])
        #expect(try await after.store.owedMessages(limit: 10).map(\.jobID) == ["owed"], "and is published once more")
        let findings = try await after.store.check(now: after.clock.now)
        #expect(findings.map(\.kind) == [.overdue] && findings.first?.example == "sent")
        let restored = try after.parts([after.type(ScriptedSingle(script: after.script))])
        guard case .duplicate = try await restored.deliver(after.request("known")) else {
            Issue.record("what the backup knows has ended")
            return
        }
        for (id, turn) in [("new", 0), ("owed", 1), ("sent", 4)] {
            guard case .committed(let job, _) = try await restored.deliver(request(id, after), turn: turn) else {
                Issue.record("\(id) was not committed")
                return
            }
            #expect([.finished, .skipped].contains(job.status), "\(id): \(job.status)")
        }
        #expect(try await after.store.check(now: after.clock.now).isEmpty)
    }
}
