// What became of an action on one or many jobs: counted, with the reasons of what was refused; named where few are.

internal import JobStore
internal import SyncJobs

/// The results of an action, collected.
struct JobActionReport: Sendable, Hashable {
    /// One job's result, for people.
    struct Line: Sendable, Hashable {
        let text: String
        let isRefusal: Bool
    }

    /// A job that was refused.
    struct Refusal: Sendable, Hashable {
        let id: String
        let reason: String
    }

    /// How many results are kept by name.
    static let maximumNamed = 1_000
    /// How many reasons the summary tells.
    private static let maximumReasons = 3

    let action: JobStore.OperatorAction
    /// How many it was done to.
    private(set) var done = 0
    /// How many were asked: to stop, or to be canceled when they come.
    private(set) var asked = 0
    /// How many were refused.
    private(set) var refused = 0
    /// The first results, each as a line.
    private(set) var lines: [Line] = []
    /// The first refusals.
    private(set) var refusals: [Refusal] = []
    /// The jobs that may owe the broker something now, each once, in the order in which it happened.
    private(set) var owing: [String] = []
    private var isOwing: Set<ExactString> = []
    private var reasons: [String: Int] = [:]

    init(action: JobStore.OperatorAction) { self.action = action }

    /// How many there were.
    var total: Int { done + asked + refused }

    /// Takes note of one result.
    mutating func add(_ result: JobStore.ActionResult, id: String) {
        let name = VisibleText.bare(id)
        switch result {
        case .done(let job):
            done += 1
            // The end of a relay's last child is owed by the relay.
            for id in [job.id, job.request.parentSyncJob].compactMap({ $0 })
            where isOwing.insert(ExactString(id)).inserted {
                owing.append(id)
            }
            say("\(action.done) \(name)")
        case .asked(let job?):
            asked += 1
            let node = job.running.map { " on \(VisibleText.bare($0.node))" } ?? ""
            say("asked \(name) to stop: it runs\(node)")
        case .asked(nil):
            asked += 1
            say("\(name) has no record yet; its request is canceled when it comes, if it does within 30 days")
        case .refused(let reason):
            refused += 1
            reasons[reason, default: 0] += 1
            if refusals.count < Self.maximumNamed { refusals.append(Refusal(id: id, reason: reason)) }
            say("refused \(name): \(VisibleText.bare(reason)). ferry jobs why \(name) says more.", isRefusal: true)
        }
    }

    private mutating func say(_ text: String, isRefusal: Bool = false) {
        if lines.count < Self.maximumNamed { lines.append(Line(text: text, isRefusal: isRefusal)) }
    }

    /// `retried 123, asked 1, refused 2 (it is Finished …: 2)`.
    var summary: String {
        var parts = ["\(action.done) \(VisibleText.grouped(done))"]
        if asked > 0 { parts.append("asked \(VisibleText.grouped(asked))") }
        if refused > 0 { parts.append("refused \(VisibleText.grouped(refused)) (\(why))") }
        return parts.joined(separator: ", ")
    }

    private var why: String {
        let ranked = reasons.sorted { ($1.value, $0.key) < ($0.value, $1.key) }
        let told = ranked.prefix(Self.maximumReasons).map { reason, count in
            ranked.count == 1 ? VisibleText.bare(reason) : "\(VisibleText.bare(reason)): \(VisibleText.grouped(count))"
        }
        return told.joined(separator: "; ") + (ranked.count > told.count ? "; …" : "")
    }

    /// For programs.
    func json(actor: String, owed: OwedPublishing.Report) -> JSONValue {
        [
            "action": .string(action.rawValue), "actor": .string(actor), "done": .int(done), "asked": .int(asked),
            "refused": .int(refused),
            "refusals": .array(refusals.map { ["id": .string($0.id), "reason": .string($0.reason)] }),
            "published": .int(owed.published),
            "not_published": owed.problem.map { .string($0) } ?? .null,
        ]
    }
}
