// Following along: what a watch says about all jobs and about one, and when it ends.

import JobStore
import SyncJobs
import Testing

@testable import Ferry

@Suite struct WatchTests {
    private let now = Sample.instant.advanced(by: .seconds(60))

    // MARK: lines

    @Test func anEndedJobIsALineWithTimeStatusTimeTakenDifferencesTitleAndID() {
        #expect(
            JobLine.text(Sample.finished(), now: now, style: .plain)
                == "22:13:20.004Z  Finished                 3 ms  2 changes   Country > Nation: TUR  country:TR:1")
        var job = CommandWorld.job("a")
        job.status = .failed
        job.waitReason = .retry
        job.error = CommandWorld.retryable
        job.startedAt = Sample.instant
        job.endedAt = Sample.instant.advanced(by: .milliseconds(20))
        job.retryAfter = now
        #expect(
            JobLine.text(job, now: now, style: .plain)
                == "22:13:20.020Z  Failed (controller_failed)    20 ms              Country: N-a  a  again 22:14:20Z")
        job.status = .queued
        job.waitReason = .snooze
        #expect(JobLine.text(job, now: now, style: .plain).hasPrefix("22:14:20.000Z  Queued (snooze)"))
        job.status = .relayed
        job.childCounts = [.finished: 1, .failed: 2]
        #expect(JobLine.text(job, now: now, style: .plain).contains("3 children"))
    }

    @Test func aRunningJobHasABar() {
        var job = CommandWorld.job("a")
        job.status = .started
        job.startedAt = Sample.instant
        #expect(ProgressText.line(job, now: now) == "░░░░░░░░░░░░░░░░░░░░       Country: N-a · 1m")
        job.progress = JobProgress(done: 5_200, total: 10_000, title: "rows", description: "the last page")
        job.running = RunningRun(runID: "r", node: "h:1", heartbeat: now, isCancelAsked: true)
        #expect(
            ProgressText.line(job, now: now)
                == "██████████░░░░░░░░░░  52 %  Country: N-a · 1m · 52 % (5,200 of 10,000), rows: the last page"
                + " · asked to stop")
        #expect(ProgressText.words(JobProgress(done: 7)) == "7 done")
        #expect(ProgressText.words(JobProgress(percent: 250)) == "100 %")
        let many = (0..<11).map { number in
            var job = CommandWorld.job("\(number)")
            job.startedAt = Sample.instant.advanced(by: .seconds(number))
            return job
        }
        let bars = WatchBars.lines(many.shuffled(), now: now)
        #expect(bars.count == 9 && bars[0].contains("N-0 ") && bars[8] == "… and 3 more running")
    }

    // MARK: all jobs

    private func beat(_ job: SyncJob, done: Int? = nil, in world: CommandWorld) async throws {
        _ = try await world.store.beat([
            JobStore.Heartbeat(
                job: job, turn: 0, runID: "run-\(job.id)-0", node: "host:1", startedAt: Sample.instant,
                at: Sample.instant,
                progress: done.map { JobProgress(done: $0, total: 10) })
        ])
    }

    @Test func aLookTellsWhatEndedAndKeepsProgressApart() async throws {
        try await CommandWorld.with { world in
            try await world.end(CommandWorld.job("before"), .finished)
            try await beat(CommandWorld.job("long"), in: world)
            var feed = try await WatchFeed(store: world.store, typeSlug: nil)
            #expect(feed.running.values.map(\.id) == ["long"], "what runs already is known")
            try await beat(CommandWorld.job("long"), done: 3, in: world)
            try await world.end(
                CommandWorld.job("second"), .finished, at: Sample.instant.advanced(by: .seconds(9)))
            try await world.end(CommandWorld.job("first"), .canceled("no"))
            try await world.wait(CommandWorld.job("held"), for: .hold)
            let look = try await feed.look()
            #expect(look.changed.map(\.id) == ["first", "second", "held"], "in the order of their ends")
            #expect(look.progressed.map(\.id) == ["long"])
            #expect(feed.running.values.first?.progress?.done == 3)
            try await world.end(CommandWorld.job("long"), .finished)
            #expect(try await feed.look().changed.map(\.id) == ["long"])
            #expect(feed.running.isEmpty)
            #expect(try await feed.look().changed.isEmpty)
        }
    }

    @Test func onlyTheTypeIsFollowed() async throws {
        try await CommandWorld.with { world in
            var feed = try await WatchFeed(store: world.store, typeSlug: "city_sync")
            try await world.end(CommandWorld.job("country"), .finished)
            try await world.end(CommandWorld.job("city", type: "City Sync"), .finished)
            #expect(try await feed.look().changed.map(\.id) == ["city"])
        }
    }

    // MARK: one job

    private func follow(_ drawn: Bool = false) -> JobFollowing {
        JobFollowing(maximumAttempts: 4, style: .plain, isProgressDrawn: drawn)
    }

    @Test func oneJobTellsItsMovesAndItsAttempts() {
        var following = follow()
        var job = CommandWorld.job("a")
        job.status = .started
        job.startedAt = Sample.instant
        let first = following.lines(JobEnd(job: job, openChildren: 0), now: now)
        #expect(first == ["22:14:20.000Z  Started                                    Country: N-a  a"])
        #expect(following.lines(JobEnd(job: job, openChildren: 0), now: now) == [])
        job.progress = JobProgress(done: 1, total: 10)
        #expect(following.lines(JobEnd(job: job, openChildren: 0), now: now) == ["22:14:20.000Z  10 % (1 of 10)"])
        job.progress = JobProgress(done: 19, total: 100)
        #expect(following.lines(JobEnd(job: job, openChildren: 0), now: now) == [], "a line for each tenth")
        job.running = RunningRun(runID: "r", node: "h:1", heartbeat: now, isCancelAsked: true)
        #expect(following.lines(JobEnd(job: job, openChildren: 0), now: now) == ["22:14:20.000Z  asked to stop"])
        job.status = .failed
        job.error = CommandWorld.retryable
        job.endedAt = Sample.instant.advanced(by: .seconds(1))
        job.retryAfter = now
        job.waitReason = .retry
        job.attempts = [
            Attempt(
                number: 1, runID: "r", turn: 0, node: "h:1", startedAt: Sample.instant,
                endedAt: Sample.instant.advanced(by: .seconds(1)), outcome: .failed, error: CommandWorld.retryable)
        ]
        let end = JobEnd(job: job, openChildren: 0)
        let lines = following.lines(end, now: now)
        #expect(
            lines.first
                == "22:13:21.000Z  attempt 1 of 4  Failed  1.0 s  h:1  controller_failed: the target is busy")
        #expect(lines.last?.hasSuffix("again 22:14:20Z") == true, "\(lines)")
        #expect(!end.isOver)
    }

    @Test func aRelayTellsHowManyChildrenAreOverAndIsOverWithTheLast() {
        var following = follow()
        var job = CommandWorld.job("p")
        job.status = .relayed
        job.endedAt = Sample.instant
        job.childCounts = [.queued: 20]
        let begun = JobEnd(job: job, openChildren: 20)
        #expect(!begun.isOver && !begun.isGood)
        #expect(following.lines(begun, now: now).last == "22:14:20.000Z  0 of 20 children over: Queued 20")
        job.childCounts = [.queued: 19, .finished: 1]
        #expect(following.lines(JobEnd(job: job, openChildren: 19), now: now) == [], "a line for each tenth")
        job.childCounts = [.queued: 18, .finished: 2]
        #expect(following.lines(JobEnd(job: job, openChildren: 18), now: now).count == 1)
        #expect(
            JobFollowing.progress(JobEnd(job: job, openChildren: 18), now: now)
                == ["██░░░░░░░░░░░░░░░░░░  10 %  children: Queued 18 · Finished 2"])
        job.childCounts = [.finished: 19, .failed: 1]
        let end = JobEnd(job: job, openChildren: 0)
        #expect(
            following.lines(end, now: now) == ["22:14:20.000Z  20 of 20 children over: Finished 19 · Failed 1"])
        #expect(end.isOver && !end.isGood, "a child failed")
        job.childCounts = [.finished: 20]
        #expect(JobEnd(job: job, openChildren: 0).isGood)
    }

    @Test(arguments: [
        ("good", JobStatus.finished, CommandStatus.good), ("skipped", .skipped, .good), ("bad", .failed, .failed),
        ("no", .canceled, .failed),
    ])
    func oneJobThatIsOverEndsTheWatchWithItsStatus(id: String, status: JobStatus, expected: CommandStatus) async throws
    {
        try await CommandWorld.with { world in
            try await world.end(CommandWorld.job("good"), .finished)
            try await world.end(CommandWorld.job("skipped"), .skipped(.noChanges))
            try await world.end(CommandWorld.job("bad"), .failed(CommandWorld.permanent))
            try await world.end(CommandWorld.job("no"), .canceled("by mistake"))
            let answer = try await world.run("watch", id)
            #expect(answer.status == expected)
            #expect(answer.output.contains(status.rawValue))
            let json = try await world.run("watch", id, "--json")
            #expect(json.lines.count == 1)
            #expect(try json.json.objectValue?["status"]?.stringValue == status.rawValue)
        }
    }

    @Test func aJobWithoutARecordIsWaitedForUntilItEnds() async throws {
        try await CommandWorld.with { world in
            let answer = try await withThrowingTaskGroup(of: CommandAnswer?.self) { tasks in
                tasks.addTask { try await world.run("watch", "later", "--interval", "20ms") }
                tasks.addTask {
                    try await world.end(CommandWorld.job("later"), .finished)
                    return nil
                }
                var answer: CommandAnswer?
                for try await ended in tasks { answer = ended ?? answer }
                return try #require(answer)
            }
            #expect(answer.status == .good)
            #expect(answer.lines.last?.contains("Finished") == true)
        }
    }

    @Test func aSignalEndsWhatGoesOn() async throws {
        let (signals, sink) = AsyncStream<Int32>.makeStream()
        sink.yield(2)
        let ending = try await UntilStopped.run(signals: signals) {
            while true { try await Task.sleep(for: .milliseconds(5)) }
        }
        guard case .signal(2) = ending else {
            Issue.record("not ended by the signal: \(ending)")
            return
        }
        let (silent, _) = AsyncStream<Int32>.makeStream()
        guard case .done(7) = try await UntilStopped.run(signals: silent, { 7 }) else {
            Issue.record("work that ends by itself ends the wait")
            return
        }
    }

    @Test func lookingTakesAtMostAFifthOfTheTime() {
        let pace = Pace(interval: .milliseconds(200))
        #expect(pace.rest(after: .milliseconds(10)) == .milliseconds(190))
        #expect(pace.rest(after: .milliseconds(100)) == .milliseconds(400))
        #expect(Pace(interval: .zero).rest(after: .zero) == .milliseconds(1))
    }

    // MARK: the screen

    @Test func severalLinesOfProgressAreRewrittenInPlace() async throws {
        try await CommandWorld.with { world in
            let answer = try await world.capture(isInteractive: true) { context in
                context.screen.progress(["one", "two"])
                context.screen.note("said")
                context.screen.progress(["three"])
                context.screen.clearProgress()
            }
            let (line, up) = ("\r\u{1B}[2K", "\u{1B}[1A\u{1B}[2K")
            #expect(answer.errors == "one\ntwo\(line)\(up)said\none\ntwo\(line)\(up)three\(line)")
            let silent = try await world.capture { context in context.screen.progress(["one", "two"]) }
            #expect(silent.errors == "", "nobody watches")
        }
    }
}
