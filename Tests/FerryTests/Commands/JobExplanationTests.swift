// Why a job is where it is: a case each, from facts to words, word for word where the words carry the answer.

import JobStore
import SyncJobs
import Testing

@testable import Ferry

@Suite struct JobExplanationTests {
    private static let now = Sample.instant.advanced(by: .seconds(600))
    private static func later(_ seconds: Int) -> Timestamp { now.advanced(by: .seconds(seconds)) }

    /// Facts about a job, changed as a case needs it.
    private func facts(
        _ status: JobStatus?, _ change: (inout JobFacts, inout SyncJob) -> Void = { _, _ in }
    ) -> JobFacts {
        var job = CommandWorld.job("a")
        job.attemptCount = 1
        if let status { job.status = status }
        var facts = JobFacts(id: "a", situation: JobStore.JobSituation(), now: Self.now)
        facts.maximumAttempts = 4
        change(&facts, &job)
        if status != nil { facts.situation.job = job }
        return facts
    }

    private func expect(
        _ facts: JobFacts, is reason: JobExplanation.Reason, says words: String..., remedy: String? = nil,
        sourceLocation: SourceLocation = #_sourceLocation
    ) {
        let explanation = JobExplanation(facts)
        let text = explanation.sentences.joined(separator: " ")
        #expect(explanation.reason == reason, "\(text)", sourceLocation: sourceLocation)
        #expect(explanation.status == facts.situation.job?.status, sourceLocation: sourceLocation)
        for word in words { #expect(text.contains(word), "\(text)", sourceLocation: sourceLocation) }
        if let remedy {
            #expect(
                explanation.remedies.contains { $0.contains(remedy) }, "\(explanation.remedies)",
                sourceLocation: sourceLocation)
        }
        #expect((1...5).contains(explanation.sentences.count), "\(text)", sourceLocation: sourceLocation)
        for sentence in explanation.sentences {
            #expect(sentence.hasSuffix("."), "\(sentence)", sourceLocation: sourceLocation)
        }
    }

    // MARK: no record

    @Test func neverSeenWithMessagesThatNobodyTakes() {
        expect(
            facts(nil) { facts, _ in
                facts.broker = .queues([
                    .init(name: "short", waiting: 12, consumers: 0), .init(name: "long", waiting: 0, consumers: 0),
                    .init(name: "default", waiting: 3, consumers: 2),
                ])
            }, is: .neverSeen, says: "There is no record of it", "short: 12 messages waiting, nobody takes from it",
            "default: 3 messages waiting, 2 consumers.", remedy: "ferry work --queue short")
    }

    @Test func neverSeenAndNothingWaits() {
        expect(
            facts(nil) { facts, _ in facts.broker = .queues([.init(name: "short", waiting: 0, consumers: 1)]) },
            is: .neverSeen, says: "No work queue has messages waiting", remedy: "ferry dead list")
    }

    @Test func neverSeenAndTheBrokerCannotBeAsked() {
        expect(
            facts(nil) { facts, _ in facts.broker = .unreachable("nobody accepts connections at h:1") },
            is: .neverSeen, says: "The broker could not be asked: nobody accepts connections at h:1.",
            remedy: "start the broker")
    }

    @Test func canceledBeforeItCame() {
        expect(
            facts(nil) { facts, _ in facts.situation.cancelReason = "by mistake" }, is: .cancelWaits,
            says: "canceled beforehand (by mistake)", "ends Canceled when it comes")
    }

    @Test func askedForByAnotherJobAndNotPublishedYet() {
        var request = SyncRequest(id: "a", type: "city_sync", sourceName: "N")
        request.context = nil
        let owed = OutboxMessage.request(
            RoutedRequest(request, type: CommandWorld.type("City Sync")), owner: "parent", kind: .followUp)
        expect(
            facts(nil) { facts, _ in facts.situation.owed = [owed] }, is: .announced,
            says: "the job parent asked for it", remedy: "ferry work")
    }

    @Test func prunedButRemembered() {
        expect(
            facts(nil) { facts, _ in facts.situation.isSeen = true }, is: .remembered, says: "removed by retention",
            remedy: "under another id")
    }

    // MARK: waiting

    @Test func held() {
        expect(
            facts(.pending) { _, job in job.waitReason = .hold }, is: .held, says: "It is held",
            remedy: "ferry jobs start a")
    }

    @Test func waitsForItsTime() {
        expect(
            facts(.queued) { _, job in
                job.waitReason = .notBefore
                job.retryAfter = Self.later(3_600)
            }, is: .notBefore, says: "It is not to be run before 2023-11-14T23:23:20Z (in 1h).")
    }

    @Test func snoozed() {
        expect(
            facts(.queued) { _, job in
                job.waitReason = .snooze
                job.retryAfter = Self.later(5)
            }, is: .snooze, says: "put it off until 2023-11-14T22:23:25Z (in 5s)")
    }

    @Test func waitsForItsRetry() {
        expect(
            facts(.failed) { _, job in
                job.waitReason = .retry
                job.retryCount = 1
                job.retryAfter = Self.later(252)
                job.error = JobFailure(.systemUnavailable, "the shop is closed", remedy: "wait")
            }, is: .retry, says: "It failed, and waits until 2023-11-14T22:27:32Z (in 4m12s) for attempt 2 of 4.",
            "The last attempt ended with system_unavailable: the shop is closed.", remedy: "ferry jobs retry a")
    }

    @Test func waitsForARetryWhoseTimeHasPassed() {
        expect(
            facts(.failed) { _, job in
                job.waitReason = .retry
                job.retryCount = 3
                job.retryAfter = Self.later(-30)
            }, is: .retry, says: "(30s ago) for attempt 4 of 4", "Its time has passed",
            remedy: "ferry work, if no worker takes from the queue short")
    }

    @Test func aRetryThatIsNotPublishedYetSaysSo() {
        expect(
            facts(.failed) { facts, job in
                job.waitReason = .retry
                job.retryCount = 1
                job.retryAfter = Self.later(60)
                facts.situation.owed = [.again(job, dueAt: job.retryAfter)]
            }, is: .retry, says: "Its message is not published yet")
    }

    @Test func blockedBehindAFailedJob() {
        expect(
            facts(.queued) { facts, job in
                job.waitReason = .blocked
                var first = CommandWorld.job("first")
                first.status = .failed
                first.error = CommandWorld.retryable
                first.retryAfter = Self.later(60)
                facts.situation.blockedBehind = first
                facts.situation.openAhead = 3
            }, is: .blocked, says: "first is Failed (controller_failed)", "tried again at 2023-11-14T22:24:20Z (in 1m)",
            "3 jobs of the key are before it", remedy: "ferry jobs why first")
    }

    @Test func blockedBehindNothingAnyMore() {
        expect(facts(.queued) { _, job in job.waitReason = .blocked }, is: .blocked, says: "which is over")
    }

    @Test func itsKeyIsInUse() {
        expect(
            facts(.queued) { facts, _ in facts.situation.leaseHolder = ("other", Self.later(20)) }, is: .leased,
            says: "a run of other holds the lease until 2023-11-14T22:23:40Z (in 20s)", remedy: "ferry jobs why other")
    }

    @Test func notPublishedYet() {
        expect(
            facts(.queued) { facts, job in facts.situation.owed = [.again(job, dueAt: nil)] }, is: .owed,
            says: "not published yet", "in the outbox", remedy: "ferry work")
    }

    @Test func withTheBrokerAndNoConsumer() {
        expect(
            facts(.queued) { facts, _ in
                facts.broker = .queues([.init(name: "short", waiting: 8, consumers: 0)])
                facts.situation.openAhead = 7
            }, is: .queued, says: "with the broker, in short", "8 messages waiting, nobody takes from it (no consumer)",
            "At most 7 recorded jobs of the queue came before it", remedy: "ferry work --queue short")
    }

    @Test func withTheBrokerAndJobsAhead() {
        expect(
            facts(.queued) { facts, _ in facts.broker = .queues([.init(name: "short", waiting: 2, consumers: 1)]) },
            is: .queued, says: "short: 2 messages waiting, 1 consumer.")
        expect(
            facts(.queued) { facts, _ in facts.broker = .queues([.init(name: "short", waiting: 0, consumers: 1)]) },
            is: .queued, says: "Nothing waits there")
    }

    @Test func withTheBrokerWhileAnotherHoldsItsDedupKey() {
        expect(
            facts(.queued) { facts, _ in facts.situation.dedupHolder = "first" }, is: .queued,
            says: "Its dedup key is held by first")
    }

    // MARK: running

    private func run(heartbeat seconds: Int, cancelAsked: Bool = false) -> JobFacts {
        facts(.started) { facts, job in
            job.startedAt = Self.later(-90)
            job.running = RunningRun(
                runID: "r", node: "host:9", heartbeat: Self.later(seconds), isCancelAsked: cancelAsked)
            if cancelAsked { facts.situation.cancelReason = "by mistake" }
        }
    }

    @Test func runs() {
        var facts = run(heartbeat: -2)
        facts.situation.job?.progress = JobProgress(done: 5_200, total: 10_000, title: "rows")
        expect(
            facts, is: .running, says: "It runs since 2023-11-14T22:21:50Z (1m30s ago) on host:9",
            "the last sign of life came 2s ago", "52 % (5,200 of 10,000), rows", remedy: "ferry jobs cancel a")
    }

    @Test func isStuckWithoutASignOfLifeForAMinute() {
        expect(run(heartbeat: -60), is: .running)
        expect(
            run(heartbeat: -61), is: .stuck, says: "It is stuck since 2023-11-14T22:22:19Z (1m1s ago)", "on host:9",
            remedy: "host:9")
    }

    @Test func itsProcessIsGone() {
        var facts = run(heartbeat: -2)
        facts.isProcessGone = true
        expect(facts, is: .processGone, says: "that process is gone", remedy: "ferry work")
    }

    @Test func wasAskedToStop() {
        expect(run(heartbeat: -2, cancelAsked: true), is: .cancelAsked, says: "asked to stop (by mistake)")
    }

    // MARK: over

    @Test func failedForGood() {
        expect(
            facts(.failed) { _, job in
                job.attemptCount = 4
                job.endedAt = Self.later(-5)
                job.deadLetteredAt = job.endedAt
                job.error = CommandWorld.permanent
            }, is: .failed, says: "It failed for good at 2023-11-14T22:23:15Z (5s ago), after 4 attempts.",
            "target_gone: the target is gone.", "dead letters", remedy: "restore it")
    }

    private func relayed(_ counts: [JobStatus: Int], open: [SyncJob] = []) -> JobFacts {
        facts(.relayed) { facts, job in
            job.childCounts = counts
            facts.openChildren = Array(open.prefix(3))
            facts.openChildCount = open.count
        }
    }

    @Test func relayedWithOpenChildren() {
        let open = ["a/1", "a/2", "a/3", "a/4"].map { CommandWorld.job($0) }
        expect(
            relayed([.finished: 5, .failed: 1, .queued: 4], open: open), is: .relaying,
            says: "4 of its 10 children are not over: a/1 (Queued), a/2 (Queued), a/3 (Queued), ….",
            "So far: Queued 4, Finished 5, Failed 1.", remedy: "ferry jobs why a/1")
    }

    @Test func relayedAndOver() {
        expect(
            relayed([.finished: 2, .failed: 1]), is: .relayed, says: "all of its 3 children have ended",
            remedy: "ferry jobs retry --parent a")
        expect(relayed([:]), is: .relayed, says: "no children")
        #expect(JobExplanation(relayed([.finished: 2])).remedies == [])
    }

    @Test func duplicateOfAnother() {
        expect(
            facts(.skipped) { _, job in
                job.skipReason = .duplicate
                job.relatedJob = "first"
            }, is: .duplicate, says: "first held the same dedup key", remedy: "ferry jobs why first")
    }

    @Test func supersededByAnother() {
        expect(
            facts(.skipped) { _, job in
                job.skipReason = .superseded
                job.relatedJob = "newer"
            }, is: .superseded, says: "newer supersedes it", remedy: "ferry jobs why newer")
    }

    @Test(
        arguments: [
            (.noChanges, "already as it should be"), (.stale, "newer version"), (.dryRun, "dry run"),
            (.insertDisabled, "an insert, which is disabled"), (.updateDisabled, "an update"),
            (.deleteDisabled, "a delete"),
        ] as [(SkipReason, String)])
    func skipped(reason: SkipReason, words: String) {
        expect(facts(.skipped) { _, job in job.skipReason = reason }, is: .skipped, says: words)
    }

    @Test(arguments: NoTargetReason.allCases)
    func foundNoTarget(reason: NoTargetReason) {
        expect(facts(.noTarget) { _, job in job.noTargetReason = reason }, is: .noTarget, says: "nothing to write to")
    }

    @Test func canceled() {
        expect(
            facts(.canceled) { _, job in job.cancelReason = "by mistake" }, is: .canceled,
            says: "It was canceled: by mistake.")
    }

    @Test func finished() {
        var facts = facts(.finished)
        facts.situation.job = Sample.finished()
        expect(facts, is: .finished, says: "the target TUR was written (insert), with 2 changes.")
    }

    // MARK: the command

    @Test func theCommandSaysItForPeopleAndPrograms() async throws {
        try await CommandWorld.with { world in
            try await world.wait(CommandWorld.job("held"), for: .hold)
            let text = try await world.run("jobs", "why", "held")
            #expect(text.status == .good)
            #expect(
                text.lines == [
                    "job held · Country: N-held · Pending (hold)",
                    "It is held: it was created with \"hold\", and waits until somebody starts it.",
                    "→ ferry jobs start held", "→ ferry jobs cancel held",
                ])
            let json = try await world.run("jobs", "why", "held", "--json").json.objectValue
            #expect(json?["reason"]?.stringValue == "held" && json?["status"]?.stringValue == "Pending")
            let unknown = try await world.run("jobs", "why", "nobody", "--json").json.objectValue
            #expect(unknown?["reason"]?.stringValue == "never_seen" && unknown?["status"] == .null)
            #expect(unknown?["explanation"]?.stringValue?.contains("could not be asked") == true)
        }
    }

    @Test func aProcessOfThisHostThatIsGoneIsNoticed() async throws {
        try await CommandWorld.with { world in
            // No process has this number: it is above what Linux gives out.
            let node = Composition.node.split(separator: ":").dropLast().joined(separator: ":") + ":4194399"
            _ = try await world.store.beat([
                JobStore.Heartbeat(
                    job: CommandWorld.job("a"), turn: 0, runID: "r", node: node, startedAt: Composition.now(),
                    at: Composition.now(), progress: nil, leaseKey: nil, leaseUntil: nil)
            ])
            let json = try await world.run("jobs", "why", "a", "--json").json.objectValue
            #expect(json?["reason"]?.stringValue == "process_gone")
        }
    }
}
