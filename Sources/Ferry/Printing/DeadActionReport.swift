// What became of an action on one or many dead letters, and what it is about to touch: counted, and named where few are.

internal import JobStore
internal import SyncJobs

/// The results of an action, collected.
struct DeadActionReport: Sendable, Hashable {
    /// One letter's result, for people.
    struct Line: Sendable, Hashable {
        let text: String
        let isRefusal: Bool
    }

    /// How many results are kept by name.
    private static let maximumNamed = 20

    /// "replayed".
    let done: String
    /// The word in the audit.
    let action: String
    /// How many it was done to.
    private(set) var count = 0
    /// How many were refused.
    private(set) var refused = 0
    /// The first results, each as a line.
    private(set) var lines: [Line] = []
    private var refusals: [JSONValue] = []

    init(done: String, action: String) {
        self.done = done
        self.action = action
    }

    /// How many there were.
    var total: Int { count + refused }

    /// Takes note of results; answers which jobs and events owe the broker something now.
    mutating func add(_ results: [JobStore.DeadLetterResult], ids: [String]) -> [String] {
        var owing: [String] = []
        for (id, result) in zip(ids, results) {
            switch result {
            case .done(let letter, let owner):
                count += 1
                if let owner { owing.append(owner) }
                let target = owner.map { " as \(VisibleText.bare($0))" } ?? ""
                say("\(done) \(letter.id)\(target)")
            case .refused(let reason):
                refused += 1
                if refusals.count < 1_000 {
                    refusals.append(["dead_letter": .string(id), "reason": .string(reason)])
                }
                say("refused \(id): \(VisibleText.bare(reason)). ferry dead show \(id) says more.", isRefusal: true)
            }
        }
        return owing
    }

    private mutating func say(_ text: String, isRefusal: Bool = false) {
        if lines.count(where: { $0.isRefusal == isRefusal }) < Self.maximumNamed {
            lines.append(Line(text: text, isRefusal: isRefusal))
        }
    }

    /// `replayed 123, refused 2`.
    var summary: String {
        "\(done) \(VisibleText.grouped(count))" + (refused > 0 ? ", refused \(VisibleText.grouped(refused))" : "")
    }

    /// For programs.
    func json(actor: String, owed: OwedPublishing.Report) -> JSONValue {
        [
            "action": .string(action), "actor": .string(actor), "done": .int(count), "refused": .int(refused),
            "refusals": .array(refusals), "published": .int(owed.published),
            "not_published": owed.problem.map { .string($0) } ?? .null,
        ]
    }
}

/// Dead letters before something is done to them.
struct DeadPreview: Sendable, Hashable {
    /// How many there are.
    var total: Int
    /// The letters, where they were named.
    var letters: [DeadLetterRecord] = []
    /// The largest groups, where they were not.
    var groups: [DeadLetterGroup] = []
    /// How many groups there are.
    var groupCount = 0

    /// For people.
    func lines(style: Style) -> [String] {
        guard total > 0 else { return ["no open dead letter there"] }
        var lines = ["\(Quantity.count(total, "dead letter"))"]
        if !letters.isEmpty { lines += DeadLetterTable.lines(letters, style: style) }
        if !groups.isEmpty { lines += DeadLetterTable.lines(groups, style: style) }
        if groupCount > groups.count { lines.append("… and \(groupCount - groups.count) more groups") }
        return lines
    }

    /// For programs.
    var json: JSONObject {
        [
            "total": .int(total), "letters": .array(letters.map(\.json)), "groups": .array(groups.map(\.json)),
        ]
    }
}
