// The keys of a type that say how its jobs stand to each other (order, overtaking, coalescing, leases) and to a target that
// is gone. A key that could have no effect is a problem: a promise that nothing keeps is worse than none.

struct RunRulesReader {
    /// The keys of a type that it reads.
    static let keys = ["order_by", "on_failure", "coalesce", "exclusive", "on_gone"]

    let rules: RuleReader

    /// Reads the keys into `type`; `controller` is nil when it could not be read.
    func read(
        _ section: ConfigSection, of controller: (any SyncController)?, into type: inout SyncJobType,
        problems: inout [ConfigProblem]
    ) {
        if let node = section["order_by"] { type.orderBy = orderBy(node, problems: &problems) }
        type.onFailure = section.choice("on_failure", SyncJobType.OnFailure.self, problems: &problems) ?? .overtake
        type.coalesces = section.bool("coalesce", problems: &problems) ?? false
        type.isExclusive = section.bool("exclusive", problems: &problems) ?? false
        type.onGone = section.choice("on_gone", SyncJobType.OnGone.self, problems: &problems) ?? .fail
        guard let controller else { return }
        if case .bypass = controller.way {
            refuseOnGone(section, type: type, problems: &problems)
        } else if type.isExclusive, let node = section["exclusive"] {
            problems.append(
                ConfigProblem(
                    node,
                    "exclusive is for a bypass controller, whose side effects Ferry can't compare before it writes",
                    remedy: "leave it out: here every write is conditional, and a key's jobs run one at a time"))
        }
    }

    /// A path over what a request says: the source is not loaded when jobs are put in order.
    private func orderBy(_ node: ConfigNode, problems: inout [ConfigProblem]) -> Path? {
        let fields = SyncRequestField.allCases.map(\.rawValue)
        return rules.path(node, roots: [.context, .job, .document], jobFields: fields, problems: &problems)
    }

    private func refuseOnGone(_ section: ConfigSection, type: SyncJobType, problems: inout [ConfigProblem]) {
        guard type.onGone != .fail, let node = section["on_gone"] else { return }
        problems.append(
            ConfigProblem(
                node, "on_gone has no meaning for a bypass controller, which finds its target itself",
                remedy: "leave it out"))
    }
}
