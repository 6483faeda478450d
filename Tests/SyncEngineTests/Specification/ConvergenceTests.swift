// Whatever happens on the way (reordering, duplicates, cancels, crashes of controllers, conflicts, lost answers), once all is
// delivered and each document has had a last event, the targets are what a plain model of the sources says.
import DocumentSystems
import JobStore
import SyncEngine
import SyncJobs
import Testing

@Suite struct ConvergenceTests {
    /// 200 seeds, each with 30 steps; a seed that failed once is one of them for good.
    @Test(arguments: 0..<200) func targetsBecomeWhatTheirSourcesAre(seed: Int) async throws {
        let story = try Story(seed: seed)
        for _ in 0..<30 {
            try await story.step()
            try await story.checkOnTheWay()
        }
        try await story.settle()
        try await story.check()
    }
}

/// One random sequence of events on three documents, which are synced into app and into the shop.
private actor Story {
    private static let names = ["C-1", "C-2", "C-3"]
    private static let hooks = ["after_start", "target", "update", "before_sync", "after_sync", "finished"]

    private let seed: Int
    private let world: LocalWorld
    private let engine: LocalEngine
    private let crash = Box<String?>(nil)
    private var random: SeededGenerator
    /// What the sources are.
    private var model: [String: String] = [:]
    private var version = 0
    private var undelivered: [SyncRequest] = []
    private var delivered: [SyncRequest] = []
    private var told: [String] = []
    /// The highest version that each embedded target has shown.
    private var shown: [String: Int] = [:]

    init(seed: Int) throws {
        self.seed = seed
        random = SeededGenerator(seed: UInt64(seed))
        world = try LocalWorld()
        var script = world.script
        script.isDeclarative = true
        script.on = { [crash] word, _ in
            let isMeant = crash.change { meant in
                defer { if meant == word { meant = nil } }
                return meant == word
            }
            if isMeant { throw JobFailure.retryable("crash in \(word)") }
        }
        script.target = { job in
            guard job.boundTargetName == nil, let name = job.job.request.sourceDocumentName,
                job.type.target == LocalWorld.shopAccount
            else { return job.defaultTarget }
            let query = DocumentQuery(type: LocalWorld.shopAccount, fields: ["code": .string(name)])
            guard let found = try await job.lookups.find(query).first?.key else { return job.defaultTarget }
            return job.isDelete ? .delete(found.name) : .update(found.name)
        }
        script.update = { target, job in
            target["code"] = .string(job.job.request.sourceDocumentName ?? "")
            target["label"] = job.source?["name"]
        }
        let controller = ScriptedSingle(script: script)
        engine = try world.engine(
            world.type(controller), world.type(controller, name: "Shop Sync", target: LocalWorld.shopAccount))
    }

    func step() async throws {
        switch Int.random(in: 0..<20, using: &random) {
        case 0..<6: try await change()
        case 6..<7: try await delete()
        case 7..<13:
            // In any order.
            guard let position = undelivered.indices.randomElement(using: &random) else { return }
            try await deliver(undelivered.remove(at: position))
        case 13..<14: if let again = delivered.randomElement(using: &random) { try await deliver(again) }
        case 14..<15: try await cancel()
        case 15..<16: crash.set(Self.hooks.randomElement(using: &random))
        case 16..<18:
            let fault = [OutsideSystem.Fault.conflict, .lost, .unavailable].randomElement(using: &random)
            if let fault {
                told.append("\(fault)")
                world.outside.fail(fault)
            }
        default: try await pass()
        }
    }

    private func change() async throws {
        guard let name = Self.names.randomElement(using: &random) else { return }
        version += 1
        let label = "\(name) v\(version)"
        model[name] = label
        told.append("put \(label)")
        try await world.putCustomer(name, label, version: version)
        let carries = Int.random(in: 0..<4, using: &random) == 0
        let version = version
        ask(name) {
            $0.sourceVersion = String(version)
            if carries { $0.document = ["name": .string(label), "version": .int(version)] }
        }
    }

    private func delete() async throws {
        guard let name = model.keys.sorted().randomElement(using: &random), let label = model[name] else { return }
        version += 1
        model[name] = nil
        told.append("delete \(label)")
        try await world.deleteCustomer(name)
        let version = version
        ask(name) {
            $0.operation = .delete
            $0.sourceVersion = String(version)
            $0.triggerType = .documentHook
        }
    }

    /// A request for each of the two types.
    private func ask(_ name: String, _ adjust: (inout SyncRequest) -> Void) {
        for type in ["customer_sync", "shop_sync"] {
            undelivered.append(
                world.request("\(type) \(undelivered.count + delivered.count)", name, type: type, adjust))
        }
    }

    private func deliver(_ request: SyncRequest) async throws {
        delivered.append(request)
        let job = try await engine.deliver(request)
        let why = job.skipReason?.rawValue ?? job.noTargetReason?.rawValue ?? job.error?.message ?? ""
        told.append("\(request.id) of \(request.sourceDocumentName ?? "") \(job.status.rawValue) \(why)")
    }

    private func cancel() async throws {
        guard let id = (undelivered + delivered).randomElement(using: &random)?.id else { return }
        told.append("cancel \(id)")
        try await world.perform(.cancel, id, in: engine)
    }

    private func pass() async throws {
        for job in try await world.pass(.seconds(Int.random(in: 0..<90, using: &random)), in: engine) {
            told.append("again \(job.id) \(job.status.rawValue)")
        }
    }

    /// Delivers everything, and then a last event for each document.
    func settle() async throws {
        crash.set(nil)
        world.outside.with { $0.faults = [] }
        for request in undelivered { try await deliver(request) }
        undelivered = []
        while try await hasMore() { try await world.pass(.seconds(60), in: engine) }
        told.append("settled")
        for name in Self.names {
            guard try await world.customer(name) != nil else { continue }
            let isThere = model[name] != nil
            ask(name) { if !isThere { $0.operation = .delete } }
        }
        for request in undelivered { try await deliver(request) }
        while try await hasMore() { try await world.pass(.seconds(60), in: engine) }
    }

    /// Whether anything waits for its time: with the broker, or parked.
    private func hasMore() async throws -> Bool {
        if await !engine.pending.isEmpty { return true }
        return try await engine.nextParkedDue() != nil
    }

    /// At no time are there two targets of one source, and an embedded target never goes back.
    func checkOnTheWay() async throws {
        for name in Self.names {
            let count = world.outside.all().values.count { $0["code"] == .string(name) }
            if count > 1 { fail("\(name) has \(count) targets in the shop") }
            guard let label = try await world.account(name)?["label"]?.stringValue,
                let version = label.split(separator: "v").last.flatMap({ Int($0) })
            else { continue }
            if version < shown[name, default: 0] { fail("\(name) went back to \(label)") }
            shown[name] = version
        }
    }

    private func fail(_ what: String) {
        Issue.record("seed \(seed): \(what)\n\(told.joined(separator: "\n"))")
    }

    func check() async throws {
        for name in Self.names {
            let wanted: JSONObject? = model[name].map { ["code": .string(name), "label": .string($0)] }
            let embedded = try await world.account(name)
            let outside = world.outside.all().values.filter { $0["code"] == .string(name) }
            guard embedded != wanted || Array(outside) != (wanted.map { [$0] } ?? []) else { continue }
            fail(
                "\(name) is \(String(describing: model[name])), embedded \(String(describing: embedded)), outside \(outside)"
            )
        }
    }
}
