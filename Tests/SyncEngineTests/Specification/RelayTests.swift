// One source, many targets: what children inherit, how their ends become the relay's, and what comes when they are retried.
import JobStore
import SyncBroker
import SyncJobs
import Testing

@testable import SyncEngine

@Suite struct RelayTests {
    /// An engine that relays to `keys`; `fails` says which child fails for good.
    private func engine(
        _ world: LocalWorld, keys: [String], ends: Box<[RelaySummary]> = Box([]),
        fails: @escaping @Sendable (JobHandle) -> Bool = { _ in false }
    ) throws -> LocalEngine {
        try world.multiple {
            $0.targets = { _ in keys.map { RelayTarget(operation: .insert, name: $0, key: $0) } }
            $0.update = { target, job in
                if fails(job) { throw JobFailure.permanent("\(job.targetKey) is refused") }
                target["label"] = job.source?["name"]
            }
            $0.relayFinished = { summary, _ in ends.change { $0.append(summary) } }
        }
    }

    @Test func childrenHaveDerivedIDsAndInheritQueueTimeoutRetriesAndTrigger() async throws {
        let world = try LocalWorld()
        let engine = try world.multiple {
            $0.targets = { _ in
                [
                    RelayTarget(operation: .insert, key: "a", context: ["code": "A"]),
                    RelayTarget(operation: .update, name: "ACC-7"), RelayTarget(operation: .insert, key: "a/b"),
                ]
            }
        }
        try await world.putCustomer("C-1", "Ada")
        let parent = try await engine.deliver(
            world.request("p") {
                $0.context = ["code": "parent"]
                $0.queue = "long"
                $0.timeout = .seconds(7)
                $0.retryDelay = .seconds(9)
                $0.maxRetries = 2
                $0.triggerType = .webhook
                $0.triggeredByDocumentType = "Order"
                $0.triggeredByDocumentName = "O-1"
                $0.triggerDocumentTimestamp = "2026-01-01T00:00:00Z"
            })
        #expect(parent.status == .relayed)
        let children = await engine.pending.map(\.request)
        let hashed = Digest(ofParts: ["a/b"]).hex
        #expect(children.map(\.id) == ["p/a", "p/ACC-7", "p/~\(hashed)"])
        #expect(children.map(\.context) == [["code": "A"], ["code": "parent"], ["code": "parent"]])
        for child in children {
            #expect(child.parentSyncJob == "p")
            #expect(child.queue == "long")
            #expect(child.timeout == .seconds(7))
            #expect(child.retryDelay == .seconds(9))
            #expect(child.maxRetries == 2)
            #expect(child.triggerType == .webhook)
            #expect(child.triggeredByDocumentType == "Order")
            #expect(child.triggeredByDocumentName == "O-1")
            #expect(child.triggerDocumentTimestamp == "2026-01-01T00:00:00Z")
        }
        #expect(try await world.store.children(counts: "p") == [.queued: 3])
    }

    @Test func publishingAChildTwiceMakesOne() async throws {
        let world = try LocalWorld()
        let engine = try engine(world, keys: ["A", "B"])
        try await world.putCustomer("C-1", "Ada")
        try await engine.deliver(world.request("p"))
        for child in await engine.pending { try await engine.deliver(child.request) }
        try await engine.runPending()
        #expect(world.log.count("before_sync") == 2)
        #expect(try await world.store.children(counts: "p") == [.finished: 2])
        #expect(world.log.count("relay_finished") == 1)
    }

    @Test func aRelayThatRunsAgainBeforeItsCommitMakesTheSameChildren() async throws {
        let world = try LocalWorld()
        let engine = try world.multiple {
            $0.targets = { _ in ["A", "B"].map { RelayTarget(operation: .insert, name: $0, key: $0) } }
            $0.on = { word, job in
                if word == "after_relay", job.job.retryCount == 0 { throw JobFailure.retryable("once") }
            }
        }
        try await world.putCustomer("C-1", "Ada")
        let first = try await engine.deliver(world.request("p"))
        #expect(first.status == .failed)
        #expect(try await world.store.children(counts: "p").isEmpty, "children come with the commit only")
        try await world.pass(.seconds(60), in: engine)
        #expect(try await world.store.children(counts: "p") == [.finished: 2])
    }

    @Test func theParentShowsItsChildrenByStatusAndRelayFinishedHasTotalsAndErrors() async throws {
        let world = try LocalWorld()
        let ends = Box<[RelaySummary]>([])
        let engine = try engine(world, keys: ["A", "B", "C", "D"], ends: ends) { ["B", "D"].contains($0.targetKey) }
        try await world.putCustomer("C-1", "Ada")
        try await engine.deliver(world.request("p"))
        try await world.perform(.cancel, "p/C", in: engine)
        try await engine.runPending()
        #expect(try await world.store.children(counts: "p") == [.finished: 1, .failed: 2, .canceled: 1])
        #expect(try await world.job("p").status == .relayed)
        let summary = try #require(ends.value.first)
        #expect(ends.value.count == 1)
        #expect(summary.total == 4)
        #expect(summary.revision == 1)
        #expect(summary.failedChildren.map(\.id) == ["p/B", "p/C", "p/D"])
        #expect(summary.failedChildren.map(\.status) == [.failed, .canceled, .failed])
        #expect(summary.failedChildren.first?.error?.message == "B is refused")
        let event = try #require(summary.json.objectValue)
        #expect(event["total"] == 4)
        #expect(event["succeeded"] == 1)
        #expect(event["failed"] == 2)
        #expect(event["canceled"] == 1)
        #expect(event["skipped"] == 0)
        #expect(event["no_target"] == 0)
        #expect(event["errors"]?.arrayValue?.count == 3)
    }

    @Test func relayFinishedWaitsForAChildThatWillBeRetried() async throws {
        let world = try LocalWorld()
        let engine = try world.multiple {
            $0.targets = { _ in ["A", "B"].map { RelayTarget(operation: .insert, name: $0, key: $0) } }
            $0.update = { _, job in
                if job.targetKey == "A", job.job.retryCount == 0 { throw JobFailure.retryable("once") }
            }
        }
        try await world.putCustomer("C-1", "Ada")
        try await engine.deliver(world.request("p"))
        try await engine.runPending()
        #expect(world.log.count("relay_finished") == 0, "a failed child with a retry ahead has not ended")
        try await world.pass(.seconds(60), in: engine)
        #expect(world.log.count("relay_finished") == 1)
        #expect(try await world.store.children(counts: "p") == [.finished: 2])
    }

    @Test func aRetryOfTheFailedChildrenRunsRelayFinishedWithRevision2() async throws {
        let world = try LocalWorld()
        let ends = Box<[RelaySummary]>([])
        let isMended = Box(false)
        let engine = try engine(world, keys: ["A", "B", "C"], ends: ends) {
            $0.targetKey != "A" && !isMended.value
        }
        try await world.putCustomer("C-1", "Ada")
        try await engine.deliver(world.request("p"))
        try await engine.runPending()
        #expect(ends.value.map(\.counts) == [[.finished: 1, .failed: 2]])
        isMended.set(true)
        world.log.clear()
        try await world.perform(.retry, "p/B", "p/C", in: engine)
        try await engine.runPending()
        #expect(world.log.count("update") == 2, "only the failed ones run again")
        #expect(ends.value.map(\.revision) == [1, 2])
        #expect(ends.value.last?.counts == [.finished: 3])
        #expect(ends.value.last?.failedChildren.isEmpty == true)
    }

    @Test func withoutTargetsItIsNoTargetAndRelayFinishedHasZero() async throws {
        let world = try LocalWorld()
        let ends = Box<[RelaySummary]>([])
        let engine = try engine(world, keys: [], ends: ends)
        try await world.putCustomer("C-1", "Ada")
        let job = try await engine.deliver(world.request("p"))
        #expect(job.status == .noTarget)
        #expect(job.noTargetReason == .controller)
        #expect(world.log.all == ["after_start", "targets"], "there is no relay to prepare")
        try await engine.runPending()
        #expect(ends.value.map(\.total) == [0])
        #expect(ends.value.map(\.revision) == [1])
    }

    @Test func relayFinishedThatThrowsIsRetriedByTheTypesPolicy() async throws {
        let world = try LocalWorld()
        let engine = try world.multiple {
            $0.targets = { _ in ["A", "B"].map { RelayTarget(operation: .insert, name: $0, key: $0) } }
            $0.relayFinished = { _, job in
                try job.enqueue("customer_sync", source: "C-2", key: "next")
                if job.job.retryCount == 0 { throw JobFailure.retryable("the mail server is down") }
            }
            $0.on = { word, job in
                if word == "targets", job.job.request.sourceDocumentName == "C-2" {
                    throw JobFailure.permanent("enough")
                }
            }
        }
        try await world.putCustomer("C-1", "Ada")
        try await world.putCustomer("C-2", "Bob")
        try await engine.deliver(world.request("p"))
        let jobs = try await engine.runPending()
        let failed = try #require(jobs.last)
        #expect(failed.status == .failed)
        #expect(failed.retryAfter == world.clock.now.advanced(by: .seconds(60)))
        #expect(await engine.pending.count == 1, "what it enqueued goes with its commit only")
        let after = try await world.pass(.seconds(60), in: engine)
        #expect(after.map(\.status) == [.finished, .failed])
        #expect(after.last?.request.sourceDocumentName == "C-2")
        #expect(try await world.job("p").status == .relayed, "the relay itself is untouched")
    }

    @Test func anAnswerWithAnotherSourceMayRelayAgain() async throws {
        let world = try LocalWorld()
        let ends = Box<[RelaySummary]>([])
        let engine = try world.multiple {
            $0.targets = { job in
                guard job.job.request.sourceDocumentName == "C-1" else {
                    return ["x", "y"].map { RelayTarget(operation: .insert, key: $0) }
                }
                return [RelayTarget(source: "C-2"), RelayTarget(source: "C-3")]
            }
            $0.relayFinished = { summary, _ in ends.change { $0.append(summary) } }
        }
        for name in ["C-1", "C-2", "C-3"] { try await world.putCustomer(name, name) }
        try await engine.deliver(world.request("p"))
        try await engine.runPending()
        #expect(try await world.job("p/C-2").status == .relayed)
        #expect(try await world.job("p/C-2/x").status == .finished)
        #expect(try await world.job("p/C-3/y").status == .finished)
        #expect(try await world.account("C-3/y") == ["label": "C-3"], "targets of one source have names of their own")
        #expect(Set(ends.value.map(\.parentID)) == ["p", "p/C-2", "p/C-3"])
        let outer = try #require(ends.value.first { $0.parentID == "p" })
        #expect(outer.counts == [.relayed: 2])
        #expect(outer.json.objectValue?["succeeded"] == 2)
    }

    @Test func aDryRelayRelaysDryChildrenAndItsEndSendsNothing() async throws {
        let world = try LocalWorld()
        let engine = try world.multiple {
            $0.targets = { _ in ["A", "B"].map { RelayTarget(operation: .insert, name: $0, key: $0) } }
            $0.relayFinished = { _, job in try job.enqueue("customer_sync", source: "C-2", key: "next") }
        }
        try await world.putCustomer("C-1", "Ada")
        let parent = try await engine.deliver(world.request("p") { $0.dryRun = true })
        #expect(parent.status == .relayed)
        let jobs = try await engine.runPending()
        #expect(jobs.map(\.status) == [.skipped, .skipped, .skipped])
        #expect(jobs.map(\.skipReason) == [.dryRun, .dryRun, .dryRun])
        #expect(jobs.first?.diff?.changed.first?.new == "Ada")
        #expect(try await world.account("A") == nil)
        #expect(try await world.binding(key: "A") == nil)
        #expect(await engine.pending.isEmpty)
    }

    @Test func aRelayHoldsItsDedupKeyUntilItsLastChildHasEnded() async throws {
        let world = try LocalWorld()
        let engine = try engine(world, keys: ["A", "B"])
        try await world.putCustomer("C-1", "Ada")
        try await engine.deliver(world.request("p") { $0.dedupKey = "k" })
        let early = try await engine.deliver(world.request("q") { $0.dedupKey = "k" })
        #expect(early.skipReason == .duplicate)
        #expect(early.relatedJob == "p")
        try await engine.runPending()
        let late = try await engine.deliver(world.request("r") { $0.dedupKey = "k" })
        #expect(late.status == .relayed)
    }

    @Test func tenThousandChildrenAreAllMadeAndAllEnd() async throws {
        let world = try LocalWorld()
        let ends = Box<[RelaySummary]>([])
        let engine = try world.multiple {
            $0.isDeclarative = true
            $0.targets = { _ in (0..<10_000).map { RelayTarget(operation: .insert, name: "A-\($0)", key: String($0)) } }
            $0.relayFinished = { summary, _ in ends.change { $0.append(summary) } }
        }
        try await world.putCustomer("C-1", "Ada")
        try await engine.deliver(world.request("p"))
        #expect(try await world.store.children(counts: "p") == [.queued: 10_000])
        #expect(await engine.pending.count == 10_000)
        #expect(try await world.store.owedMessages(limit: 10).isEmpty, "all is published")
        // Ended by hand but for a few, so that this tests the relay and not ten thousand runs.
        let ids = (0..<10_000).map { "p/\($0)" }
        for start in stride(from: 20, to: 10_000, by: 500) {
            let part = Array(ids[start..<min(start + 500, 10_000)])
            _ = try await world.store.perform(.cancel, ids: part, actor: "tester", reason: nil, at: world.clock.now)
        }
        try await engine.runPending()
        #expect(ends.value.map(\.counts) == [[.finished: 20, .canceled: 9_980]])
        #expect(ends.value.first?.failedChildren.count == RelaySummary.maximumFailedChildren)
        #expect(ends.value.first?.json.objectValue?["errors"]?.arrayValue?.count == 20)
    }

    @Test func aWideRelayIsPublishedInPages() async throws {
        let world = try LocalWorld()
        let pages = PageSink()
        var script = world.script
        script.isDeclarative = true
        script.targets = { _ in (0..<1_203).map { RelayTarget(operation: .insert, key: String($0)) } }
        let parts = try world.parts([world.type(ScriptedMultiple(script: script))], sink: pages)
        try await world.putCustomer("C-1", "Ada")
        _ = try await parts.deliver(world.request("p"))
        #expect(pages.sizes.value == [500, 500, 203])
    }
}

/// Takes everything, and counts how much came at once.
private struct PageSink: MessageSink {
    let sizes = Box<[Int]>([])

    func publish(_ messages: [OutgoingMessage]) async -> [PublishOutcome] {
        sizes.change { $0.append(messages.count) }
        return messages.map { _ in .confirmed }
    }
}
