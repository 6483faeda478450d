// enqueue beyond its flags: what speaks against sending, and how a wait ends. Without a broker; what is really sent is in
// the integration tests.

import JobStore
import SyncBroker
import SyncJobs
import Testing

@testable import Ferry

@Suite struct EnqueueTests {
    private func request(_ id: String, _ change: (inout SyncRequest) -> Void = { _ in }) -> SyncRequest {
        CommandWorld.job(id, change).request
    }

    private func objection(
        _ request: SyncRequest, in world: CommandWorld
    ) async throws -> EnqueueObjection? {
        let composition = try await composition(of: world)
        let inspection = EnqueueInspection(store: world.store, types: composition.configuration.types)
        return try await inspection.objections(to: [request]).first ?? nil
    }

    private func composition(of world: CommandWorld) async throws -> Composition {
        var made: Composition?
        _ = try await world.capture { made = try $0.composition() }
        return try #require(made)
    }

    // MARK: objections

    @Test func aNewIDIsFree() async throws {
        try await CommandWorld.with { world in
            let found = try await objection(request("new"), in: world)
            #expect(found == nil)
        }
    }

    @Test func anIDThatFailedIsRefusedAndSaysToRetryIt() async throws {
        try await CommandWorld.with { world in
            try await world.end(CommandWorld.job("a"), .failed(CommandWorld.permanent))
            let found = try await objection(request("a"), in: world)
            #expect(
                found
                    == .refused(
                        CommandFailure(
                            .failed,
                            "a failed on 2023-11-14T22:13:20Z (target_gone: the target is gone), and is not run again by "
                                + "sending it", remedy: "ferry jobs retry a")))
        }
    }

    @Test func anIDThatEndedWellIsADuplicateAndNoError() async throws {
        try await CommandWorld.with { world in
            try await world.end(CommandWorld.job("a"), .skipped(.noChanges))
            let words =
                "not sent: a ended Skipped (no_changes) on 2023-11-14T22:13:20Z; a duplicate, which is not run again"
            #expect(try await objection(request("a"), in: world) == .known(jobID: "a", words: words))
        }
    }

    @Test func anIDThatIsOnItsWayIsKnown() async throws {
        try await CommandWorld.with { world in
            try await world.wait(CommandWorld.job("held") { $0.hold = true }, for: .hold)
            let held = try await objection(request("held") { $0.hold = true }, in: world)
            #expect(
                held
                    == .known(
                        jobID: "held",
                        words:
                            "not sent: held is Pending (hold) already, and does not run twice; ferry jobs start held "
                            + "sets it off"))
            try await world.end(CommandWorld.job("again"), .failed(CommandWorld.retryable))
            let again = try await objection(request("again"), in: world)
            guard case .known("again", let words) = again else {
                Issue.record("\(String(describing: again))")
                return
            }
            #expect(words.contains("does not run twice"), "a retry is ahead")
        }
    }

    @Test func anIDOfAnotherRequestACanceledOneAndATombstoneAreRefused() async throws {
        try await CommandWorld.with { world in
            func words(_ request: SyncRequest) async throws -> String {
                guard case .refused(let failure) = try await objection(request, in: world) else { return "" }
                return failure.description
            }
            try await world.end(CommandWorld.job("a"), .finished)
            #expect(
                try await words(request("a") { $0.sourceDocumentName = "other" })
                    .contains("stands for another request, which is Finished. Send it under an id of its own"))
            try await world.end(CommandWorld.job("b"), .canceled("by mistake"))
            #expect(try await words(request("b")).contains("b was canceled on"))
            _ = try await world.run("jobs", "cancel", "c", "--reason", "by mistake")
            #expect(try await words(request("c")).contains("canceled before it came (by mistake)"))
        }
    }

    @Test func aPrunedIDIsKnown() async throws {
        try await CommandWorld.with { world in
            try await world.end(CommandWorld.job("a"), .finished)
            _ = try await world.run("jobs", "prune", "--yes")
            guard case .known(nil, let words) = try await objection(request("a"), in: world) else {
                Issue.record("not known")
                return
            }
            #expect(words.contains("its record was pruned"))
        }
    }

    @Test func aDedupKeyThatIsHeldNamesItsHolder() async throws {
        try await CommandWorld.with { world in
            let holder = CommandWorld.job("first") { $0.dedupKey = "TR" }
            _ = try await world.store.admit(
                JobStore.AdmissionRequest(
                    job: holder, turn: 0, runID: "r", dedupKey: "TR", leaseUntil: Sample.instant, now: Sample.instant))
            try await world.wait(holder, for: .snooze, until: Composition.now().advanced(by: .seconds(60)))
            let found = try await objection(request("second") { $0.dedupKey = "TR" }, in: world)
            #expect(
                found
                    == .known(
                        jobID: "first",
                        words: "not sent: the dedup key \"TR\" is held by first, which is Queued (snooze)"))
            #expect(try await objection(request("third") { $0.dedupKey = "DE" }, in: world) == nil)
        }
    }

    @Test func theCommandSaysItAndSendsNothing() async throws {
        try await CommandWorld.with { world in
            try await world.end(CommandWorld.job("bad"), .failed(CommandWorld.permanent))
            try await world.end(CommandWorld.job("good"), .finished)
            let bad = try await world.run("enqueue", "country_sync", "--source", "N-bad", "--id", "bad")
            #expect(bad.status == .failed && bad.output == "")
            #expect(bad.errors.contains("bad failed on 2023-11-14T22:13:20Z"))
            #expect(bad.errors.contains("ferry jobs retry bad"))
            let good = try await world.run("enqueue", "Country Sync", "--source", "N-good", "--id", "good")
            #expect(good.status == .good && good.output.contains("a duplicate, which is not run again"))
            let json = try await world.run("enqueue", "country_sync", "--source", "N-good", "--id", "good", "--json")
            let object = try json.json.objectValue
            #expect(object?["sent"] == false && object?["known_job"] == "good")
            let waited = try await world.run("enqueue", "country_sync", "--source", "N-good", "--id", "good", "--wait")
            #expect(waited.status == .good, "the job that stands for it has ended well")
            #expect(waited.lines.last?.contains("Finished") == true)
            let forced = try await world.run(
                "enqueue", "country_sync", "--source", "N-bad", "--id", "bad", "--force")
            #expect(forced.status == .broker, "with --force it goes to the broker, which is not there")
        }
    }

    @Test func withoutAStoreItIsSentUncheckedButCannotBeWaitedFor() async throws {
        try await CommandWorld.with { world in
            try CommandWorld.configuration.replacing("jobs.sqlite", with: "none.sqlite")
                .write(toFile: world.folder + "/ferry.yaml", atomically: true, encoding: .utf8)
            let sent = try await world.run("enqueue", "country_sync", "--source", "N", "--id", "a")
            #expect(sent.status == .broker && !sent.errors.contains("unchecked"))
            let waited = try await world.run("enqueue", "country_sync", "--source", "N", "--wait")
            #expect(waited.status == .store)
            #expect(waited.errors.contains("--wait reads the records of jobs, and there is no job store at"))
        }
    }

    // MARK: waiting

    private func wait(
        _ ids: [String], timeout: Duration, in world: CommandWorld, isQuiet: Bool = false
    ) async throws -> CommandAnswer {
        let waiting = EnqueueWaiting(
            store: world.store, timeout: timeout, isQuiet: isQuiet, isJSON: false, isOne: false,
            pace: Pace(interval: .milliseconds(5)))
        return try await world.capture { context in
            do { try await waiting.wait(for: ids, context) } catch let failure as CommandFailure {
                context.say(failure)
                throw EndedWith(status: failure.status)
            }
        }
    }

    @Test func aWaitEndsWithTheLastJobAndTellsEachEnd() async throws {
        try await CommandWorld.with { world in
            try await world.end(CommandWorld.job("a"), .finished)
            try await world.end(CommandWorld.job("b"), .failed(CommandWorld.permanent))
            let good = try await wait(["a", "a"], timeout: .seconds(60), in: world)
            #expect(good.status == .good && good.lines.count == 1, "named twice, told once")
            let bad = try await wait(["a", "b"], timeout: .seconds(60), in: world)
            #expect(bad.status == .failed && bad.lines.count == 2)
            #expect(bad.errors.contains("the target is gone. ferry jobs why b"))
            #expect(bad.errors.contains("1 of 2 jobs did not end well"))
            let quiet = try await wait(["a", "b"], timeout: .seconds(60), in: world, isQuiet: true)
            #expect(quiet.output == "" && quiet.errors.contains("Failed (target_gone)"))
        }
    }

    @Test func aWaitWhoseTimeIsUpNamesWhatIsNotOver() async throws {
        try await CommandWorld.with { world in
            try await world.end(CommandWorld.job("a"), .finished)
            try await world.end(CommandWorld.job("again"), .failed(CommandWorld.retryable))
            let answer = try await wait(["a", "again", "unseen"], timeout: .milliseconds(30), in: world)
            #expect(answer.status == .failed)
            #expect(
                answer.errors.contains("2 of 3 jobs are not over after 30ms: again, unseen. ferry jobs why again says"),
                "\(answer.errors)")
        }
    }

    @Test func aRelayIsWaitedForUntilItsLastChildHasEnded() async throws {
        try await CommandWorld.with { world in
            let child = CommandWorld.job("p/1") { $0.parentSyncJob = "p" }
            try await world.end(CommandWorld.job("p"), .relayed([child.request]))
            let open = try await wait(["p"], timeout: .milliseconds(30), in: world)
            #expect(open.status == .failed && open.errors.contains("1 of 1 job is not over"))
            try await world.end(try #require(try await world.store.job(id: "p/1")), .failed(CommandWorld.permanent))
            let over = try await wait(["p"], timeout: .seconds(60), in: world)
            #expect(over.status == .failed, "its child failed")
            #expect(over.lines.first?.contains("Relayed") == true && over.lines.first?.contains("1 child") == true)
        }
    }

    // MARK: flags

    @Test func theFlagsOfARequestBecomeItsFields() throws {
        let command = try FerryCommand.parseAsRoot([
            "enqueue", "country_sync", "--source", "TR", "--retry-delay", "30s", "--not-before",
            "2026-11-21T09:30:00+01:00", "--dedup-key", "k", "--hold", "--target-key", "t", "--trigger-type",
            "document_hook",
        ])
        let enqueue = try #require(command as? EnqueueCommand)
        #expect(
            JSONValue.object(try enqueue.request.object(maximumBytes: 1_000)).canonicalText == """
                {"dedup_key":"k","hold":true,"not_before":"2026-11-21T08:30:00Z","retry_delay":"30s",\
                "source_document_name":"TR","target_key":"t","trigger_type":"Document Hook"}
                """)
        #expect(try Parsing.instant("10m") > Composition.now().advanced(by: .seconds(590)))
    }

    @Test(arguments: [
        (["--not-before", "tomorrow"], "write RFC 3339 with an offset"),
        (["--not-before", "2026-11-21T09:30:00"], "write RFC 3339 with an offset"),
        (["--trigger-type", "cron"], "use one of: Manual, Scheduler, Webhook, API, Document Hook"),
        (["--hold", "--wait"], "leave --wait or --hold out"), (["--retry-delay", "5"], "write it with its unit"),
    ])
    func whatCannotBeIsRefused(arguments: [String], words: String) {
        do {
            _ = try FerryCommand.parseAsRoot(["enqueue", "country_sync", "--source", "TR"] + arguments)
            Issue.record("taken: \(arguments)")
        } catch { #expect(FerryCommand.message(for: error).contains(words)) }
    }
}
