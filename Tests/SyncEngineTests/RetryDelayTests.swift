// Delays that are longer than the broker's ladder of delays reaches.
import SyncBroker
import SyncJobs
import Testing

@testable import SyncEngine

@Suite struct RetryDelayTests {
    @Test func aRetryFurtherAwayThanTheLadderReachesWalksItAgainAndRunsAtItsTime() async throws {
        let world = try LocalWorld()
        try await world.putCustomer("C-1", "Ada")
        let runs = Box(0)
        var script = world.script
        script.on = { word, _ in
            guard word == "update", runs.next() == 1 else { return }
            throw JobFailure.retryable("closed for the season", after: .seconds(30 * 86_400))
        }
        let parts = try world.parts([world.type(ScriptedSingle(script: script))])
        guard case .committed(let first, _) = try await parts.deliver(world.request("1")) else {
            Issue.record("it was not committed")
            return
        }
        let due = world.clock.now.advanced(by: .seconds(30 * 86_400))
        #expect(first.retryAfter == due)
        var walks = 0
        while world.clock.now < due {
            let owed = try #require(try await world.store.owedMessages(jobID: "1").last)
            #expect(owed.dueAt == due)
            // The ladder takes twelve days at most, and then the message is there.
            let ladder = Duration.seconds(Topology.maximumDelaySeconds)
            world.clock.advance(by: min(ladder, due.since(world.clock.now)))
            walks += 1
            let turn = try await world.job("1").nextTurn
            switch try await parts.deliver(world.request("1"), turn: turn) {
            case .waiting(let job): #expect(job.retryAfter == due && world.clock.now < due)
            case .committed(let job, _): #expect(job.status == .finished && world.clock.now >= due)
            case let ending: Issue.record("\(ending)")
            }
        }
        #expect(walks == 3)
        let job = try await world.job("1")
        #expect(job.attempts.map(\.outcome) == [.failed, .finished])
        #expect(job.attempts.last?.startedAt == due)
        #expect(job.retryCount == 1, "what came back too early was no attempt")
    }
}
