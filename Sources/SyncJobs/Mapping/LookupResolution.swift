// Lookups are answered before any rule runs: what the rules will ask is collected from the document, each question once,
// and the bindings are read a few at a time. That way the rules stay pure, and a mapping without lookups never waits.

/// The questions that the rules of one document ask.
struct LookupResolution {
    /// How many bindings are asked for at a time: enough to fill one read of the store.
    private static let width = 64

    private(set) var questions: [LookupQuestion] = []
    private var known: Set<LookupQuestion> = []

    /// Collects what `rules` will ask about `object`.
    mutating func collect(_ rules: [FieldRule], object: JSONObject, isInsert: Bool, scope: Scope) {
        for rule in rules {
            guard case .lookup(let lookup) = rule.origin,
                rule.applies(isInsert: isInsert, current: object[rule.field])
            else { continue }
            collect(lookup, in: scope)
        }
    }

    /// Collects what the rules of a child table will ask; rows that its condition leaves out ask nothing.
    mutating func collect(_ table: TableRule, scope: Scope) {
        let lookups = ([table.rowKey] + table.fields).compactMap { rule -> Lookup? in
            if case .lookup(let lookup) = rule.origin { lookup } else { nil }
        }
        guard !lookups.isEmpty else { return }
        for element in table.from.value(in: scope)?.arrayValue ?? [] {
            guard let row = element.objectValue else { continue }
            var rowScope = scope
            rowScope.row = row
            if let when = table.when, !when.isTrue(in: rowScope) { continue }
            for lookup in lookups { collect(lookup, in: rowScope) }
        }
    }

    private mutating func collect(_ lookup: Lookup, in scope: Scope) {
        let question: LookupQuestion?
        // A value that names no document is said by the rule, which knows its field.
        do { question = try lookup.question(lookup.key.value(in: scope)) } catch { question = nil }
        if let question, known.insert(question).inserted { questions.append(question) }
    }

    /// The names of the live bound targets.
    ///
    /// - Throws: ``JobFailure`` for an unknown type, or when the store can't be read.
    func answers(by job: JobHandle) async throws -> LookupAnswers {
        var answers = LookupAnswers()
        try await withThrowingTaskGroup(of: (LookupQuestion, String?).self) { group in
            for (position, question) in questions.enumerated() {
                if position >= Self.width, let (question, name) = try await group.next() { answers[question] = name }
                group.addTask {
                    let binding = try await job.binding(of: question.type.text, source: question.source.text)
                    return (question, binding.flatMap { $0.isDeleted ? nil : $0.target.name })
                }
            }
            for try await (question, name) in group { answers[question] = name }
        }
        // A rule that can't do without fails the job, and then nothing waits.
        for question in questions where answers[question] == nil {
            try job.runAgain(onceBound: question.type.text, source: question.source.text)
        }
        return answers
    }
}

/// Types that wait for each other's targets: what a failed lookup says beside the type and name it looked for.
enum LookupCircle {
    /// The types from `start` through `next` and on by lookups that wait (`missing: retry` or `fail`) back to `start`, as
    /// names; nil when there is no such way.
    static func names(
        from start: SyncJobType, through next: String, type: (String) -> SyncJobType?
    ) -> [String]? {
        guard let first = type(next) else { return nil }
        var ways: [[SyncJobType]] = [[start, first]]
        var seen: Set<String> = [first.slug]
        while !ways.isEmpty {
            let way = ways.removeFirst()
            guard let last = way.last else { break }
            if last.slug == start.slug { return way.map(\.name) }
            for name in last.waitsForTypes {
                guard let following = type(name), seen.insert(following.slug).inserted else { continue }
                ways.append(way + [following])
            }
        }
        return nil
    }
}

extension SyncJobType {
    /// The types without whose targets its jobs fail, as they are named in its lookups.
    var waitsForTypes: [String] {
        guard let controller = controller as? any DeclarativeController else { return [] }
        return controller.mapping.lookups.filter { $0.lookup.missing != .null }.map(\.lookup.type.text)
    }
}
