// How a declarative type comes to its target: what can be told without asking anybody, and what a search has to be asked for.
// The two are apart so that the searches of many jobs go together.

/// How far the target of a job is known.
public enum TargetPlan: Sendable, Hashable {
    /// It is told.
    case decided(TargetDecision)
    /// No target is bound: it is the one that this finds, if any.
    case search(TargetSearch)
}

/// The search for the target of a source that is not bound.
public struct TargetSearch: Sendable, Hashable {
    /// The fields of `match`.
    public let query: DocumentQuery
    /// Whether an update is asked for, so that there must be a target.
    let isUpdate: Bool

    /// What follows from the documents that were found.
    ///
    /// - Throws: ``JobFailure``: `ambiguous_match`, `target_not_found`.
    public func decision(finding found: [Document]) throws(JobFailure) -> TargetDecision {
        let names = found.compactMap { $0.key?.name }
        if names.count == 1 { return .update(names[0]) }
        guard names.isEmpty else {
            let shown = names.prefix(5).map { JSONValue.string($0).shortText }.joined(separator: ", ")
            throw JobFailure(
                .ambiguousMatch,
                "\(query.fields.keys.joined(separator: ", ")) matches \(names.count) or more documents of \(query.type): \(shown)",
                remedy: "merge them, or match by fields that only one document has")
        }
        guard !isUpdate else {
            throw JobFailure(
                .targetNotFound, "an update is asked for, and no target is bound or matched",
                remedy: "send the request without operation, so that the target is inserted")
        }
        return .insert()
    }
}

extension TargetPlan {
    /// The decision, after the search where there has to be one.
    ///
    /// - Throws: ``JobFailure`` as ``TargetSearch/decision(finding:)``, and what the search fails with.
    public func decision(in lookups: any DocumentLookups) async throws -> TargetDecision {
        switch self {
        case .decided(let decision): decision
        case .search(let search): try search.decision(finding: try await lookups.find(search.query))
        }
    }
}
