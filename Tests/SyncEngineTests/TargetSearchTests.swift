// First contacts that are decided together: their targets are searched for at once, and each comes to what it would come to
// alone.
import DocumentSystems
import SyncJobs
import Testing

@testable import JobStore
@testable import SyncEngine
@testable import SyncJobs

@Suite struct TargetSearchTests {
    private let world: LocalWorld
    private let app: WatchedSystem
    private let type: SyncJobType

    init() throws {
        world = try LocalWorld()
        app = WatchedSystem(system: EmbeddedSystem(name: "app", store: world.store), log: world.log)
        type = world.type(Matching())
    }

    /// The engine's parts, whose system app is watched.
    private func parts() throws -> EngineParts {
        EngineParts(
            types: try SyncJobTypes([type]),
            systems: DocumentSystems([EmbeddedSystem(name: "erp", store: world.store), app]), store: world.store,
            publisher: DeafSink(), maximumDocumentBytes: 1_000_000, storePatience: .seconds(1), controllerThreads: 1,
            node: "test", logger: quietLogger, now: { [clock = world.clock] in clock.now })
    }

    private func queued(_ source: String, id: String? = nil) -> QueuedJob {
        var job = QueuedJob(
            delivery: nil, request: world.request(id ?? "job \(source)", source), type: type, queue: "default",
            receivedAt: TestClock.start, turn: 0, body: [])
        job.pace = .storeOnly
        return job
    }

    /// Decides a wave and commits it; answers which jobs have to be run by themselves.
    private func run(_ sources: [String], in parts: EngineParts) async throws -> [QueuedJob] {
        let jobs = sources.map { queued($0) }
        let wave = await parts.runner.decide(jobs, try await parts.runner.prepare(jobs))
        return wave.others + (try await parts.runner.commit(wave.decided)).filter { $0.ending == nil }.map(\.job)
    }

    private func runAlone(_ job: QueuedJob, in parts: EngineParts) async throws {
        _ = try await parts.runner.run(job, preparation: try await parts.runner.prepare([job])[0])
    }

    @Test func theTargetsOfAWaveAreSearchedForAtOnceAndNotReadAgain() async throws {
        for name in ["a", "b", "c", "new"] { try await world.putCustomer(name, "Ada") }
        for name in ["a", "b", "c"] {
            try await world.putAccount("A-\(name)", ["code": .string(name), "label": "old"])
        }
        try await world.store.ensureIndex(type: LocalWorld.account, fields: ["code"])
        let parts = try parts()
        let transactions = world.store.transactionCount
        let alone = try await run(["a", "b", "c", "new"], in: parts)
        #expect(alone.isEmpty)
        #expect(world.log.all == ["find 4"])
        #expect(world.store.transactionCount == transactions + 1)
        for name in ["a", "b", "c"] {
            #expect(try await world.account("A-\(name)") == ["code": .string(name), "label": "Ada"])
            #expect(try await world.binding(name)?.target.name == "A-\(name)")
        }
        #expect(try await world.job("job new").operation == .insert)
    }

    @Test func whoNeedsNoSearchWaitsForNoneAndKeepsItsPlace() async throws {
        for name in ["a", "bound", "b"] { try await world.putCustomer(name, "Ada") }
        let parts = try parts()
        #expect(try await run(["bound"], in: parts).isEmpty)
        try await world.putCustomer("bound", "Bea", version: 2)
        world.log.clear()
        var jobs = ["a", "bound", "b"].map { queued($0) }
        jobs[1] = queued("bound", id: "again")
        let wave = await parts.runner.decide(jobs, try await parts.runner.prepare(jobs))
        #expect(wave.decided.map(\.job.request.id) == ["job a", "again", "job b"])
        #expect(wave.others.isEmpty)
        #expect(world.log.all == ["find 2"])
    }

    @Test func whatWasFoundCountsForTheSizeOfTheNextWave() async throws {
        let long = JSONValue.string(String(repeating: "x", count: 50_000))
        try await world.putCustomer("a", "Ada")
        try await world.putAccount("A-a", ["code": "a", "long": long])
        let parts = try parts()
        let found = try await parts.runner.prepare([queued("a")])
        let wave = await parts.runner.decide([queued("a")], found)
        #expect(wave.foundBytes > 50_000)
        var size = WaveSize()
        size.note(found, foundBytes: wave.foundBytes)
        #expect(size.count < WaveSize.most)
    }

    @Test func anAmbiguousMatchAndASearchThatFailsAreTheirJobsOwnFailures() async throws {
        for name in ["a", "twice", "bad"] { try await world.putCustomer(name, "Ada") }
        for (account, code) in [("A-a", "a"), ("A-1", "twice"), ("A-2", "twice")] {
            try await world.putAccount(account, ["code": .string(code)])
        }
        let parts = try parts()
        #expect(try await run(["a", "twice"], in: parts).isEmpty)
        #expect(try await world.job("job twice").error?.code == .ambiguousMatch)
        #expect(try await world.job("job a").status == .finished)

        for name in ["b", "c"] { try await world.putCustomer(name, "Ada") }
        world.log.clear()
        #expect(try await run(["b", "bad", "c"], in: parts).isEmpty)
        #expect(world.log.all == ["find 3", "find 1", "find 1", "find 1"])
        #expect(try await world.job("job bad").error?.code == .invalidTarget)
        for name in ["b", "c"] { #expect(try await world.job("job \(name)").status == .finished) }
    }

    @Test func ofTwoSourcesThatMatchOneDocumentTheSecondFindsItBound() async throws {
        for name in ["a", "b"] { try await world.putCustomer(name, "Ada", ["code": "same"]) }
        try await world.putAccount("A", ["code": "same"])
        let parts = try parts()
        let alone = try await run(["a", "b"], in: parts)
        #expect(alone.map(\.request.id) == ["job b"])
        try await runAlone(alone[0], in: parts)
        #expect(try await world.job("job b").error?.code == .targetBound)
        #expect(try await world.store.bindings(target: DocumentKey(type: LocalWorld.account, name: "A")).count == 1)
        // And so does one that comes later.
        try await world.putCustomer("c", "Ada", ["code": "same"])
        #expect(try await run(["c"], in: parts).isEmpty)
        #expect(try await world.job("job c").error?.code == .targetBound)
    }

    @Test func ofTwoSourcesThatMatchOneDocumentWhichNeitherChangesTheSecondFindsItBoundToo() async throws {
        for name in ["a", "b"] { try await world.putCustomer(name, "Ada", ["code": "same"]) }
        try await world.putAccount("A", ["code": "same", "label": "Ada"])
        let parts = try parts()
        let alone = try await run(["a", "b"], in: parts)
        #expect(try await world.job("job a").skipReason == .noChanges)
        #expect(alone.map(\.request.id) == ["job b"])
        try await runAlone(alone[0], in: parts)
        #expect(try await world.job("job b").error?.code == .targetBound)
        #expect(try await world.store.bindings(target: DocumentKey(type: LocalWorld.account, name: "A")).count == 1)
    }

    @Test func theBindingOfASourceThatIsGoneIsTakenOver() async throws {
        try await world.putCustomer("a", "Ada", ["code": "same"])
        try await world.putAccount("A", ["code": "same"])
        let parts = try parts()
        #expect(try await run(["a"], in: parts).isEmpty)
        try await world.deleteCustomer("a")
        try await world.putCustomer("b", "Bea", version: 2, ["code": "same"])
        #expect(try await run(["b"], in: parts).isEmpty)
        #expect(try await world.account("A")?["label"] == "Bea")
        #expect(try await world.binding("a") == nil)
        #expect(try await world.binding("b")?.target.name == "A")
    }
}

/// Matches by a code: the source's, else its name.
private struct Matching: DeclarativeController {
    var mapping = Mapping()
    var target = LocalWorld.account

    func plan(for job: JobHandle) async throws -> TargetPlan {
        if let bound = job.boundTargetName { return .decided(.update(bound)) }
        let code = job.source?["code"] ?? .string(job.source?.key?.name ?? "")
        return .search(TargetSearch(query: DocumentQuery(type: target, fields: ["code": code]), isUpdate: false))
    }

    func target(for job: JobHandle) async throws -> TargetDecision {
        try await plan(for: job).decision(in: job.lookups)
    }

    func update(_ target: inout Document, for job: JobHandle) async throws { target["label"] = job.source?["name"] }
    func trace(of job: JobHandle, target before: Document?) async throws -> [FieldTrace] { [] }
}

/// The embedded system, which notes what it is asked, and can't search for the code `bad`.
private struct WatchedSystem: DocumentSystem {
    let system: EmbeddedSystem
    let log: WordLog

    var name: String { system.name }
    var isEmbedded: Bool { true }

    func shape(of typeName: String) -> DocumentShape? { system.shape(of: typeName) }

    func load(_ keys: [DocumentKey]) async throws(JobFailure) -> [DocumentState] {
        log.add("load \(keys.count)")
        return try await system.load(keys)
    }

    func find(_ queries: [DocumentQuery]) async throws(JobFailure) -> [[Document]] {
        log.add("find \(queries.count)")
        if queries.contains(where: { $0.fields["code"] == "bad" }) {
            throw JobFailure(.invalidTarget, "bad", remedy: "search for something else")
        }
        return try await system.find(queries)
    }

    func write(_ writes: [DocumentWrite]) async throws(JobFailure) -> [WriteResult] { try await system.write(writes) }
    func list(typeName: String, after name: String?, limit: Int) async throws(JobFailure) -> [Document] { [] }
    func count(typeName: String) async throws(JobFailure) -> Int { 0 }
    func check() async throws(JobFailure) -> [SystemProblem] { [] }
    func check(
        typeName: String, fields: [String], matches: [[String]]
    ) async throws(JobFailure) -> [SystemProblem] { [] }
    func drafts(of names: [String]) async throws(JobFailure) -> [DocumentDraft] { [] }
}
