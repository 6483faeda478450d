// A declarative type's plan, immutable: everything was parsed and checked at start. What it does to a document is in
// MappingRun; what start-up checks and people ask about it is in MappingFacts and MappingExplanation.

/// The plan of a declarative type.
public struct Mapping: Sendable {
    /// What happens to the target when the source was deleted.
    enum OnDelete: Sendable {
        case delete
        case keep
        case update([FieldRule])
    }

    var when: Condition?
    var require: [Requirement] = []
    var match: [FieldRule] = []
    var fields: [FieldRule] = []
    var tables: [TableRule] = []
    var onDelete: OnDelete?
    /// The rules for fields of the source, once the target is written.
    var writeBack: [FieldRule] = []
    /// The rule for a target per row.
    var relay: RelayRule?

    struct Condition: Sendable {
        var expression: Expression
        var line: Int
        var place: String
    }

    struct Requirement: Sendable {
        var path: Path
        var line: Int
        var place: String
    }

    /// Whether any rule reads the root `source`, or rows, which are in it.
    var readsSource: Bool { sourcePaths.contains { $0.path.root == .source || $0.path.root == .row } }

    /// What has to be made ready before the rules run; computed once for a type.
    struct Needs: Sendable, Hashable {
        /// Whether any path begins with the root `job`.
        let job: Bool
        /// Whether any rule looks something up.
        let lookups: Bool
    }

    var needs: Needs { Needs(job: sourcePaths.contains { $0.path.root == .job }, lookups: !lookups.isEmpty) }

    /// Whether the condition over the whole document holds.
    func holds(in scope: Scope) -> Bool { when?.expression.isTrue(in: scope) ?? true }

    /// What the end of the source means, without its rules.
    enum EndEffect: Sendable { case delete, keep, update }

    /// What the end of the source means.
    ///
    /// - Throws: ``JobFailure``, permanent, when the type does not say.
    var effectOfEnd: EndEffect {
        // The optimiser of Swift 6.3.1 crashes where it is inlined (CopyPropagation, "Found outside of lifetime use").
        @inline(never)
        get throws(JobFailure) {
            guard let onDelete else {
                throw JobFailure.permanent(
                    "the source was deleted, and the type does not say what that means for its target",
                    remedy: "add on_delete: delete, keep or {update: …} to the type, then send it again")
            }
            switch onDelete {
            case .delete: return .delete
            case .keep: return .keep
            case .update: return .update
            }
        }
    }
}
