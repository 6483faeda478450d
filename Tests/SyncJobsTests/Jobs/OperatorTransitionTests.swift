// What an operator's action makes of a job in each status, and which it refuses.
import SyncJobs
import Testing

@Suite("An operator's action")
struct OperatorTransitionTests {
    private struct Nothing: SingleTargetController {
        func update(_ target: inout Document, for job: JobHandle) async throws {}
    }

    private let now = Timestamp(microseconds: 9_000_000)

    private func job(_ status: JobStatus) -> SyncJob {
        let type = SyncJobType(
            name: "Customer Sync", source: DocumentType(system: "erp", name: "Customer"),
            target: DocumentType(system: "shop", name: "Account"), controller: Nothing())
        var job = SyncJob(
            request: SyncRequest(id: "j-1", type: "Customer Sync", sourceName: "C-1"), type: type, queue: "default",
            createdAt: Timestamp(microseconds: 0))
        job.status = status
        job.nextTurn = 3
        job.endedAt = status.isEnd ? Timestamp(microseconds: 5_000_000) : nil
        return job
    }

    private func refusal(_ body: () throws -> SyncJob) -> String? {
        do {
            _ = try body()
            return nil
        } catch { return (error as? OperatorRefusal)?.sentence }
    }

    @Test("starts a held job at the turn that it waits for")
    func start() throws {
        var held = job(.pending)
        held.waitReason = .hold
        let started = try held.started()
        #expect(started.status == .queued && started.waitReason == nil && started.nextTurn == 3)
        for status in JobStatus.allCases where status != .pending {
            let sentence = try #require(refusal { try job(status).started() })
            #expect(sentence.contains(status.rawValue) && sentence.contains("only a Pending job"))
        }
    }

    @Test("cancels what waits or failed, and makes its deliveries void")
    func cancel() throws {
        for status in [JobStatus.pending, .queued, .failed] {
            var waiting = job(status)
            waiting.retryAfter = now
            waiting.waitReason = .retry
            let canceled = try waiting.canceled(reason: "no longer wanted", at: now)
            #expect(canceled.status == .canceled && canceled.cancelReason == "no longer wanted")
            #expect(canceled.nextTurn == 4 && canceled.endedAt == now && !canceled.isOpen)
            #expect(canceled.retryAfter == nil && canceled.waitReason == nil)
        }
        for status in [JobStatus.started, .finished, .skipped, .relayed, .noTarget, .canceled] {
            #expect(refusal { try job(status).canceled(reason: "x", at: now) } != nil, "\(status)")
        }
        #expect(refusal { try job(.relayed).canceled(reason: "x", at: now) }?.contains("children") == true)
    }

    @Test("that cancels a winner names the jobs that it stood for")
    func cancelOfAWinner() throws {
        var winner = job(.queued)
        winner.superseded = ["j-0"]
        #expect(try winner.canceled(reason: "x", at: now).notes == ["stood for the superseded j-0"])
    }

    @Test("retries a failed job with all its retries, at a turn of its own")
    func retry() throws {
        var failed = job(.failed)
        failed.error = .permanent("no")
        failed.retryCount = 3
        failed.attemptCount = 4
        failed.deadLetteredAt = now
        failed.retryAfter = now
        failed.waitReason = .retry
        let retried = try failed.retried()
        #expect(retried.status == .queued && retried.retryCount == 0 && retried.nextTurn == 4 && retried.isOpen)
        #expect(retried.deadLetteredAt == nil && retried.retryAfter == nil && retried.waitReason == nil)
        #expect(retried.error == nil && retried.endedAt == nil)
        #expect(retried.attemptCount == 4, "its attempts are counted on")
        for status in JobStatus.allCases where status != .failed {
            let sentence = try #require(refusal { try job(status).retried() })
            #expect(sentence.contains(status.rawValue) && sentence.contains("only a Failed job"))
        }
    }
}
