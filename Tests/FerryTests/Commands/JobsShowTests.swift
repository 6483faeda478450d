// What a record shows of its way: what it waits for, its children, its follow-ups; and lists that are narrowed to those.

import JobStore
import SyncJobs
import Testing

@testable import Ferry

@Suite struct JobsShowTests {
    /// A relay of which one child is done, one failed for good, one will be retried, one was canceled and one waits.
    private func relay(in world: CommandWorld) async throws {
        let children = (1...5).map { number in
            CommandWorld.job("p/\(number)") { $0.parentSyncJob = "p" }.request
        }
        try await world.end(CommandWorld.job("p"), .relayed(children))
        func child(_ number: Int) async throws -> SyncJob { try #require(try await world.store.job(id: "p/\(number)")) }
        try await world.end(try await child(1), .finished)
        try await world.end(try await child(2), .failed(CommandWorld.permanent))
        try await world.end(try await child(3), .failed(CommandWorld.retryable))
        try await world.end(try await child(4), .canceled("by mistake"))
    }

    @Test func aRelayShowsItsChildrenByStatusAndThoseThatFailed() async throws {
        try await CommandWorld.with { world in
            try await relay(in: world)
            let lines = try await world.run("jobs", "show", "p").lines
            let start = try #require(lines.firstIndex { $0.hasPrefix("children") })
            #expect(
                Array(lines[start...].prefix(3)) == [
                    "children 5, 2 not over: Queued 1 · Finished 1 · Failed 2 · Canceled 1",
                    "  p/2  Failed (target_gone): the target is gone", "  p/4  Canceled",
                ])
            let json = try await world.run("jobs", "show", "p", "--json").json.objectValue
            #expect(json?["multiple_target_documents"]?.objectValue?["total"] == 5)
            #expect(json?["open_children"] == 2)
            let failed = json?["failed_children"]?.arrayValue?.compactMap { $0.objectValue?["id"]?.stringValue }
            #expect(failed == ["p/2", "p/4"])
        }
    }

    @Test func aJobThatWaitsShowsForWhatAndUntilWhen() async throws {
        try await CommandWorld.with { world in
            try await world.end(CommandWorld.job("again"), .failed(CommandWorld.retryable))
            let text = try await world.run("jobs", "show", "again").output
            #expect(text.contains("waits for  retry, attempt 2 of 4, until 2023-11-14T22:18:20.003000Z"), "\(text)")
            #expect(text.contains("1  Failed   2023-11-14T22:13:20.000000Z"), "its attempts: \(text)")
            try await world.wait(CommandWorld.job("held"), for: .hold)
            #expect(try await world.run("jobs", "show", "held").output.contains("waits for  hold\n"))
        }
    }

    @Test func aCanceledASkippedAndARunningJobShowWhy() {
        var job = CommandWorld.job("a")
        func text(_ change: (inout SyncJob) -> Void) -> String {
            job = CommandWorld.job("a")
            change(&job)
            return JobText().lines(job).joined(separator: "\n")
        }
        #expect(
            text {
                $0.status = .canceled
                $0.cancelReason = "by mistake"
                $0.superseded = (1...12).map { "s\($0)" }
            }.contains("stands for  s1, s2, s3, s4, s5, s6, s7, s8, s9, s10 and 2 more"))
        #expect(job.cancelReason == "by mistake")
        #expect(
            text {
                $0.status = .skipped
                $0.skipReason = .superseded
                $0.relatedJob = "newer"
            }.contains("superseded by  newer"))
        #expect(
            text {
                $0.status = .skipped
                $0.skipReason = .duplicate
                $0.relatedJob = "first"
            }.contains("duplicate of  first"))
        let running = text {
            $0.status = .started
            $0.running = RunningRun(runID: "r", node: "h:1", heartbeat: Sample.instant, isCancelAsked: true)
            $0.progress = JobProgress(done: 1, total: 4)
        }
        #expect(running.contains("runs on   h:1, last sign of life 2023-11-14T22:13:20.000000Z, asked to stop"))
        #expect(running.contains("progress  25 % (1 of 4)"))
    }

    @Test func theJobsThatAControllerAskedForAreFound() async throws {
        try await CommandWorld.with { world in
            for id in ["a>next", "a>other", "a#relay_finished:1", "ab>next"] {
                try await world.end(CommandWorld.job(id), .finished)
            }
            try await world.end(CommandWorld.job("a"), .finished)
            let lines = try await world.run("jobs", "show", "a").lines
            let start = try #require(lines.firstIndex { $0 == "follow-ups" })
            #expect(
                Array(lines[start...]) == [
                    "follow-ups", "  a>next  Finished  Country: N-a>next", "  a>other  Finished  Country: N-a>other",
                    "  a#relay_finished:1  Finished  Country: N-a#relay_finished:1",
                ])
        }
        let long = String(repeating: "x", count: 230)
        let derived = SyncRequest.derivedID(of: long, mark: ">", key: String(repeating: "k", count: 40))
        #expect(JobDetails.followUpPrefixes(of: long).contains { derived.hasPrefix($0) }, "a long id is hashed")
        #expect(JobDetails.followUpPrefixes(of: "a") == ["a>", "a#"])
    }

    @Test func listsAreNarrowedByParentWaitAndOpennessAndShowWhenAJobComesAgain() async throws {
        try await CommandWorld.with { world in
            try await relay(in: world)
            try await world.wait(CommandWorld.job("held"), for: .hold)
            func ids(_ arguments: String...) async throws -> [String] {
                let command = try FerryCommand.parseAsRoot(
                    ["jobs", "list", "--json", "--config", world.folder + "/ferry.yaml"] + arguments)
                let list = try #require(command as? JobsListCommand)
                let answer = try await world.capture { try await list.run(in: $0) }
                return try answer.json.arrayValue?.compactMap { $0.objectValue?["id"]?.stringValue } ?? []
            }
            #expect(try await ids("--parent", "p") == ["p/5", "p/4", "p/3", "p/2", "p/1"])
            #expect(try await ids("--parent", "p", "--open") == ["p/5", "p/3"])
            #expect(try await ids("--waiting", "retry") == ["p/3"])
            #expect(try await ids("--waiting", "HOLD") == ["held"])
            let table = try await world.run("jobs", "list", "--parent", "p").lines
            #expect(table[0].hasSuffix("RECEIVED              AGAIN"))
            #expect(table[3].hasSuffix("2023-11-14T22:18:20Z"), "\(table)")
            #expect(
                try await world.run("jobs", "count", "--parent", "p", "--open", "--json").json.objectValue?["Failed"]
                    == 1)
        }
    }
}
