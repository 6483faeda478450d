// A job that its worker gives up: queued as it was, at no cost.
import SyncJobs
import Testing

@Suite struct HandBackTests {
    private struct NoController: SingleTargetController {
        func update(_ target: inout Document, for job: JobHandle) async throws {}
    }

    private let now = Timestamp(microseconds: 1_700_000_000_000_000)

    /// A job that has failed once and runs again.
    private var job: SyncJob {
        let type = SyncJobType(
            name: "Customer Sync", source: DocumentType(system: "erp", name: "Customer"),
            target: DocumentType(system: "shop", name: "Account"), controller: NoController())
        var job = SyncJob(
            request: SyncRequest(id: "1", type: type.slug, sourceName: "C-1"), type: type, queue: "long", createdAt: now
        )
        job.retryCount = 1
        job.attemptCount = 1
        job.nextTurn = 1
        job.status = .started
        job.startedAt = now
        job.error = .retryable("try again")
        job.progress = JobProgress(done: 1, total: 2)
        job.running = RunningRun(runID: "r", node: "host:1", heartbeat: now, isCancelAsked: false)
        return job
    }

    private func run(_ job: SyncJob) -> JobRun {
        JobRun(job: job, turn: 1, runID: "r", node: "host:1", startedAt: now, body: [])
    }

    @Test func costsNeitherAnAttemptNorARetryAndOwesOneMessageOfTheNextTurn() throws {
        let transition = JobTransition.handBack(job, turn: 1, run: run(job), until: nil, now: now)
        let queued = transition.job
        #expect(queued.status == .queued && queued.isOpen)
        #expect(queued.retryCount == 1 && queued.attemptCount == 1 && queued.error == job.error)
        #expect(queued.running == nil && queued.progress == nil && queued.waitReason == nil && queued.retryAfter == nil)
        #expect(queued.nextTurn == 2 && transition.turn == 1)
        #expect(transition.attempt == nil && transition.runID == "r", "a run that lost its lease is fenced here too")
        let message = try #require(transition.outbox.first)
        #expect(transition.outbox.count == 1)
        #expect(message.kind == .again && message.queue == "long" && message.dueAt == nil)
        #expect(message.headers[OutboxMessage.Header.turn] == 2)
    }

    @Test func waitsWhereTheRunMayStillGoOn() {
        let due = now.advanced(by: .seconds(5))
        let transition = JobTransition.handBack(job, turn: 1, run: run(job), until: due, now: now)
        #expect(transition.job.waitReason == .snooze && transition.job.retryAfter == due)
        #expect(transition.outbox.map(\.dueAt) == [due])
    }
}
