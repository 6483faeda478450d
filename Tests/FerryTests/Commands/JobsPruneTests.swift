// Pruning and the audit: what goes, what stays, what is asked before, and what is written down after.

import JobStore
import SyncJobs
import Testing

@testable import Ferry

@Suite struct JobsPruneTests {
    private static func days(_ count: Int) -> Timestamp {
        Composition.now().advanced(by: .zero - .seconds(count * 86_400))
    }

    /// Records that ended `days` ago.
    private func end(_ id: String, _ end: Outcome.End, days: Int, in world: CommandWorld) async throws {
        var job = CommandWorld.job(id)
        job.createdAt = Self.days(days)
        try await world.end(job, end, at: Self.days(days))
    }

    private func fill(_ world: CommandWorld) async throws {
        try await end("old", .finished, days: 31, in: world)
        try await end("skipped", .skipped(.noChanges), days: 40, in: world)
        try await end("young", .finished, days: 29, in: world)
        try await end("canceled", .canceled("by mistake"), days: 40, in: world)
        try await end("dead", .failed(CommandWorld.permanent), days: 400, in: world)
        try await end("again", .failed(CommandWorld.retryable), days: 400, in: world)
    }

    @Test func aDryRunCountsByStatusAndRemovesNothing() async throws {
        try await CommandWorld.with { world in
            try await fill(world)
            let answer = try await world.run("jobs", "prune", "--dry-run")
            #expect(answer.status == .good)
            #expect(
                answer.output
                    == "would remove 2 records: Finished 1 · Skipped 1 (kept good 30d, failed 90d)\n")
            #expect(try await world.store.countJobs().values.reduce(0, +) == 6)
        }
    }

    @Test func whereNobodyCanBeAskedItNeedsAYes() async throws {
        try await CommandWorld.with { world in
            try await fill(world)
            let answer = try await world.run("jobs", "prune")
            #expect(answer.status == .usage)
            #expect(
                answer.errors.contains("Remove 2 records? Nobody can be asked here, so nothing was done. --yes does it")
            )
            #expect(try await world.store.countJobs().values.reduce(0, +) == 6)
        }
    }

    @Test func itRemovesWhatIsOldEnoughRemembersTheIdsAndIsInTheAudit() async throws {
        try await CommandWorld.with { world in
            try await fill(world)
            let answer = try await world.run("jobs", "prune", "--keep-good", "30d", "--keep-failed", "35d", "--yes")
            #expect(answer.status == .good)
            #expect(
                answer.output
                    == "removed 3 records: Finished 1 · Skipped 1 · Canceled 1 (kept good 30d, failed 35d)\n")
            #expect(try await world.store.job(id: "old") == nil)
            #expect(try await world.store.situation(id: "old").isSeen)
            for id in ["young", "dead", "again"] { #expect(try await world.store.job(id: id) != nil, "\(id)") }
            let entry = try #require(try await world.store.auditEntries().first)
            #expect(entry.action == "prune" && entry.actor == "ada")
            #expect(entry.reason?.contains("removed 3 records") == true)
            let again = try await world.run("jobs", "prune", "--yes", "--json")
            #expect(try again.json.objectValue?["total"]?.numberValue?.text == "0")
            #expect(try await world.store.auditEntries().count == 1, "what did nothing is not in the audit")
        }
    }

    @Test func theConfigurationSaysHowLongRecordsAreKept() async throws {
        try await CommandWorld.with { world in
            try await fill(world)
            try (CommandWorld.configuration + "\nretention: {good: 1d, failed: 200d}\n")
                .write(toFile: world.folder + "/ferry.yaml", atomically: true, encoding: .utf8)
            let answer = try await world.run("jobs", "prune", "--dry-run", "--json")
            let object = try answer.json.objectValue
            #expect(object?["by_status"] == ["Finished": 2, "Skipped": 1])
            #expect(object?["keep_good"]?.stringValue == "1d" && object?["keep_failed"]?.stringValue == "200d")
            let work = try #require(try FerryCommand.parseAsRoot(["work"]) as? WorkCommand)
            var settings: JobStore.Retention?
            _ = try await world.capture { settings = try work.settings(try $0.composition()).retention }
            #expect(settings?.good == .seconds(86_400), "a worker prunes by the same")
            #expect(object?["keep_ids"]?.stringValue == "90d" && object?["dry_run"] == true)
        }
    }

    @Test func theAuditListsWhatWasDoneAndCanBeAskedAboutOneJob() async throws {
        try await CommandWorld.with { world in
            #expect(try await world.run("audit").errors.contains("nothing was done by hand"))
            try await world.end(CommandWorld.job("a"), .failed(CommandWorld.permanent))
            try await world.wait(CommandWorld.job("b"), for: .hold)
            _ = try await world.run("jobs", "retry", "a", "--reason", "the target is back")
            _ = try await world.run("jobs", "start", "b", environment: ["SUDO_USER": "bob", "USER": "root"])
            let text = try await world.run("audit")
            #expect(text.lines[0].split(separator: " ") == ["AT", "ACTION", "BY", "TO", "WHY"])
            #expect(text.lines[1].contains("start") && text.lines[1].contains("bob@"), "newest first: \(text.output)")
            #expect(text.lines[2].contains("retry") && text.lines[2].hasSuffix("the target is back"))
            let json = try await world.run("audit", "--job", "a", "--json").json.arrayValue
            #expect(json?.count == 1)
            let entry = json?.first?.objectValue
            #expect(entry?["action"] == "retry" && entry?["actor"] == "ada" && entry?["subject"] == "a")
            let one = try await world.run("audit", "--limit", "1")
            #expect(one.lines.count == 2 && one.errors.contains("there may be more"))
        }
    }
}
