// What an operator does to jobs: which are meant, what is asked before, what is said and stored after.

import JobStore
import SyncJobs
import Testing

@testable import Ferry

@Suite struct JobActionTests {
    @Test func retryQueuesAFailedJobAgainAndSaysThatAWorkerPublishesIt() async throws {
        try await CommandWorld.with { world in
            try await world.end(CommandWorld.job("a"), .failed(CommandWorld.permanent))
            let answer = try await world.run("jobs", "retry", "a", "--reason", "the target is back")
            #expect(answer.status == .good)
            #expect(answer.output == "retried a\n")
            #expect(answer.errors.contains("nobody accepts connections at 127.0.0.1:1"), "\(answer.errors)")
            #expect(answer.errors.contains("A worker on this store publishes it within seconds."))
            let job = try #require(try await world.store.job(id: "a"))
            #expect(job.status == .queued && job.nextTurn == 2)
            #expect(try await world.owed("a").contains(.again))
            let entry = try #require(try await world.store.auditEntries(subject: "a").first)
            #expect(entry.action == "retry" && entry.actor == "ada" && entry.reason == "the target is back")
        }
    }

    @Test func aJobThatDidNotFailIsRefusedAndTheStatusIsOne() async throws {
        try await CommandWorld.with { world in
            try await world.end(CommandWorld.job("a"), .failed(CommandWorld.permanent))
            try await world.end(CommandWorld.job("b"), .finished)
            let answer = try await world.run("jobs", "retry", "a", "b", "nobody")
            #expect(answer.status == .failed)
            #expect(answer.lines.first == "retried a")
            #expect(answer.lines.last?.hasPrefix("retried 1, refused 2 (") == true, "\(answer.output)")
            #expect(answer.errors.contains("refused b: it is Finished since"))
            #expect(
                answer.errors.contains("refused nobody: there is no record of it. ferry jobs why nobody says more."))
            #expect(try await world.store.auditEntries().count == 1, "what was refused is not in the audit")
        }
    }

    @Test func startSetsAHeldJobOff() async throws {
        try await CommandWorld.with { world in
            try await world.wait(CommandWorld.job("a"), for: .hold)
            let answer = try await world.run("jobs", "start", "a")
            #expect(answer.status == .good && answer.output == "started a\n")
            #expect(try await world.store.job(id: "a")?.status == .queued)
            #expect(try await world.owed("a") == [.again])
            #expect(try await world.run("jobs", "start", "a").status == .failed, "it is not held any more")
        }
    }

    @Test func cancelStopsWhatWaitsAsksWhatRunsAndWaitsForWhatIsUnknown() async throws {
        try await CommandWorld.with { world in
            let (waiting, running) = (CommandWorld.job("waiting"), CommandWorld.job("running"))
            try await world.wait(waiting, for: .snooze, until: Sample.instant.advanced(by: .seconds(60)))
            _ = try await world.store.beat([
                JobStore.Heartbeat(
                    job: running, turn: 0, runID: "r", node: "host:9", startedAt: Sample.instant, at: Sample.instant,
                    progress: nil, leaseKey: nil, leaseUntil: nil)
            ])
            let answer = try await world.run("jobs", "cancel", "waiting", "running", "later", "--reason", "by mistake")
            #expect(answer.status == .good)
            #expect(
                answer.lines == [
                    "canceled waiting", "asked running to stop: it runs on host:9",
                    "later has no record yet; its request is canceled when it comes, if it does within 30 days",
                    "canceled 1, asked 2",
                ])
            let canceled = try await world.store.job(id: "waiting")
            #expect(canceled?.status == .canceled && canceled?.cancelReason == "by mistake")
            #expect(try await world.store.job(id: "running")?.running?.isCancelAsked == true)
            #expect(try await world.store.situation(id: "later").cancelReason == "by mistake")
        }
    }

    @Test func jobsByTheirPropertiesAreShownFirstAndNeedAYesWhereNobodyCanBeAsked() async throws {
        try await CommandWorld.with { world in
            for number in 1...12 {
                try await world.end(CommandWorld.job("c\(number)"), .failed(CommandWorld.permanent))
            }
            try await world.end(CommandWorld.job("t", type: "City Sync"), .failed(CommandWorld.permanent))
            try await world.end(CommandWorld.job("good"), .finished)
            let refused = try await world.run("jobs", "retry", "--since", "3650d")
            #expect(refused.status == .usage)
            #expect(refused.output == "")
            #expect(refused.errors.contains("13 jobs: Failed 13\n"), "\(refused.errors)")
            #expect(refused.errors.contains("types: country_sync 12 · city_sync 1"))
            #expect(refused.errors.contains("  t  Failed (target_gone)  City: N-t\n"))
            #expect(refused.errors.contains("… and 3 more"))
            #expect(refused.errors.contains("--yes does it without asking"))
            #expect(try await world.store.countJobs()[.failed] == 13, "nothing was done")
            let answer = try await world.run("jobs", "retry", "--type", "Country Sync", "--yes")
            #expect(answer.status == .good)
            #expect(answer.output == "retried 12\n")
            #expect(try await world.store.countJobs() == [.failed: 1, .finished: 1, .queued: 12])
        }
    }

    @Test func aDryRunShowsAndDoesNothing() async throws {
        try await CommandWorld.with { world in
            try await world.end(CommandWorld.job("a"), .failed(CommandWorld.permanent))
            try await world.end(CommandWorld.job("b"), .finished)
            let shown = try await world.run("jobs", "retry", "--type", "country_sync", "--dry-run")
            #expect(shown.status == .good)
            #expect(shown.lines.first == "1 job: Failed 1")
            let named = try await world.run("jobs", "retry", "a", "b", "x", "--preview")
            #expect(
                named.lines == [
                    "2 jobs: Finished 1 · Failed 1", "types: country_sync 2", "  a  Failed (target_gone)  Country: N-a",
                    "  b  Finished  Country: N-b", "no record: x", "cannot be retried: Finished",
                ])
            let json = try await world.run("jobs", "retry", "--status", "failed", "--dry-run", "--json").json
            #expect(json.objectValue?["total"]?.numberValue?.text == "1")
            #expect(json.objectValue?["by_type"]?.objectValue?["country_sync"]?.numberValue?.text == "1")
            #expect(try await world.store.countJobs() == [.failed: 1, .finished: 1])
            #expect(try await world.store.auditEntries().isEmpty)
        }
    }

    @Test func manyJobsAreDoneInChunksOldestFirst() async throws {
        try await CommandWorld.with { world in
            let transitions = (0..<1_201).map { number in
                JobTransition.next(
                    JobRun(
                        job: CommandWorld.job("j\(number)"), turn: 0, runID: "r\(number)", node: "host:1",
                        startedAt: Sample.instant, body: []),
                    outcome: Outcome(.failed(CommandWorld.permanent)), type: CommandWorld.type("Country Sync"),
                    chance: 0,
                    now: Sample.instant)
            }
            _ = try await world.store.commit(transitions)
            let answer = try await world.run("jobs", "retry", "--status", "failed", "--yes", "--json")
            let report = try answer.json.objectValue
            #expect(report?["done"]?.numberValue?.text == "1201")
            #expect(report?["published"]?.numberValue?.text == "0")
            #expect(report?["not_published"]?.stringValue?.contains("127.0.0.1:1") == true)
            #expect(try await world.store.countJobs() == [.queued: 1_201])
            let entries = try await world.store.auditEntries(limit: 2_000)
            #expect(entries.last?.subject == "j0" && entries.first?.subject == "j1200", "newest entry first")
        }
    }

    @Test func cancelByPropertiesMeansWhatIsStillToComeUnlessAStatusIsNamed() async throws {
        try await CommandWorld.with { world in
            try await world.end(CommandWorld.job("over"), .failed(CommandWorld.permanent))
            try await world.end(CommandWorld.job("again"), .failed(CommandWorld.retryable))
            try await world.wait(CommandWorld.job("held"), for: .hold)
            #expect(try await world.run("jobs", "cancel", "--type", "country_sync", "--yes").output == "canceled 2\n")
            #expect(try await world.store.job(id: "over")?.status == .failed)
            #expect(try await world.run("jobs", "cancel", "--status", "failed", "--yes").output == "canceled 1\n")
            let none = try await world.run("jobs", "cancel", "--type", "country_sync", "--yes")
            #expect(none.status == .good && none.errors.contains("no job there can be canceled"))
        }
    }

    @Test func aStatusThatTheActionCanDoNothingToIsRefusedWithThoseThatAreMeant() async throws {
        try await CommandWorld.with { world in
            let answer = try await world.run("jobs", "retry", "--status", "finished", "--yes")
            #expect(answer.status == .usage)
            #expect(
                answer.errors.contains("a job that is Finished cannot be retried. Leave --status out, or use Failed."))
        }
    }

    @Test func aChildThatIsCanceledEndsItsRelayWhichIsOwedThenToo() async throws {
        try await CommandWorld.with { world in
            var child = SyncRequest(id: "p/1", type: "country_sync", sourceName: "N")
            child.parentSyncJob = "p"
            try await world.end(CommandWorld.job("p"), .relayed([child])) { $0.runsRelayFinished = true }
            let answer = try await world.run("jobs", "cancel", "--parent", "p", "--yes")
            #expect(answer.output == "canceled 1\n", "\(answer.errors)")
            #expect(try await world.owed("p").contains(.relayFinished))
            var report = JobActionReport(action: .cancel)
            report.add(.done(try #require(try await world.store.job(id: "p/1"))), id: "p/1")
            #expect(report.owing == ["p/1", "p"])
        }
    }

    @Test func theQuestionIsAskedAtATerminalAndNoMeansNothing() async throws {
        try await CommandWorld.with { world in
            try await world.end(CommandWorld.job("a"), .failed(CommandWorld.permanent))
            let options = try JobActionOptions.parse(["--status", "failed"])
            for (said, expected) in [("n", CommandStatus.failed), ("", .failed), (" YES ", .good)] {
                let run = JobActionRun(
                    action: .retry, options: options,
                    confirmation: Confirmation(isInteractive: true, readAnswer: { said }))
                let answer = try await world.capture(isInteractive: true) { context in
                    do { try await run.perform(context) } catch let failure as CommandFailure {
                        context.say(failure)
                        throw EndedWith(status: failure.status)
                    }
                }
                #expect(answer.status == expected, "\(said)")
                #expect(answer.errors.contains("Retry 1 job? [y/N] "), "\(answer.errors)")
            }
            #expect(try await world.store.job(id: "a")?.status == .queued)
        }
    }

    @Test func idsAndFlagsTogetherOrNeitherAreRefused() {
        func refusal(_ arguments: String...) -> String {
            do {
                _ = try FerryCommand.parseAsRoot(arguments)
                return ""
            } catch { return FerryCommand.message(for: error) }
        }
        #expect(refusal("jobs", "retry").contains("Name jobs by their ids, or say which are meant"))
        #expect(refusal("jobs", "cancel", "a", "--type", "x").contains("not by both"))
        #expect(refusal("jobs", "list", "--waiting", "holt").contains("did you mean hold?"))
    }

    @Test(arguments: [
        (["FERRY_ACTOR": "deploy script", "USER": "root"], "deploy script"),
        (["SUDO_USER": "ada", "USER": "root"], "ada@h"),
        (["USER": "bob"], "bob@h"), (["FERRY_ACTOR": "", "LOGNAME": "eve"], "eve@h"),
    ])
    func theActorIsWhoeverSaysSoElseTheUser(environment: [String: String], name: String) {
        #expect(Operator.name(environment: environment, host: "h") == name)
    }
}
