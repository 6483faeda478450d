// A reference to another document that another type has synced: its source name becomes the name of its target. Asking
// the bindings is I/O, so it is done before the rules run; here are only the question, its answers, and what a missing
// answer means.

/// The origin `lookup:` of a field rule.
struct Lookup: Sendable, Hashable {
    /// What it means that the other type has bound no target yet.
    enum Missing: String, Sendable, CaseIterable {
        /// The job fails and is tried again by the type's policy.
        case retry
        /// The job fails for good.
        case fail
        /// The value is null, and the job's request is made again once the target is bound.
        case null
    }

    /// The other type, by name or slug, as it is written.
    var type: ExactString
    /// Where the name of the other source document stands.
    var key: Path
    var missing: Missing

    init(type: String, key: Path, missing: Missing) {
        self.type = ExactString(type)
        self.key = key
        self.missing = missing
    }

    /// What has to be asked for `value`, the value at ``key``; nil where nothing is to be found: missing, null, "".
    ///
    /// - Throws: ``NoName`` for a value that names no document.
    func question(_ value: JSONValue?) throws(NoName) -> LookupQuestion? {
        guard let value, !value.isNull, value != "" else { return nil }
        guard let name = value.nameText else { throw NoName() }
        return LookupQuestion(type: type, source: ExactString(name))
    }

    /// A list, an object or a truth value stands where a document's name belongs.
    struct NoName: Error {}
}

/// Asks which target the source document `source` of the type `type` has.
struct LookupQuestion: Sendable, Hashable {
    var type: ExactString
    var source: ExactString
}

/// The names of the targets by question; a question without an answer has no live binding.
typealias LookupAnswers = [LookupQuestion: String]
