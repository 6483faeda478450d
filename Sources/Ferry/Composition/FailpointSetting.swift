// FERRY_FAILPOINT, read and refused: which point of which process a test wants to end. Invariant: without
// FERRY_FAILPOINTS_ALLOWED=1 beside it a command does not start, so that a variable that was left over ends no worker by
// surprise.

internal import JobStore

/// The variables that arm a failpoint.
enum FailpointSetting {
    /// `point[:pass[:action]]`.
    static let variable = "FERRY_FAILPOINT"
    /// Must be `1` for the other to count.
    static let permission = "FERRY_FAILPOINTS_ALLOWED"

    /// Arms what the environment asks for; nothing where it asks for nothing.
    ///
    /// - Throws: ``CommandFailure`` (usage) when it is not allowed, or can't be read.
    static func arm(_ environment: [String: String]) throws(CommandFailure) {
        if let plan = try read(environment) { Failpoint.arm(plan) }
    }

    /// What the environment asks for.
    ///
    /// - Throws: ``CommandFailure`` (usage) when it is not allowed, or can't be read.
    static func read(_ environment: [String: String]) throws(CommandFailure) -> Failpoint.Plan? {
        guard let text = environment[variable], !text.isEmpty else { return nil }
        guard environment[permission] == "1" else {
            throw CommandFailure(
                .usage, "\(variable) is set, which ends this process in the middle of its work",
                remedy: "unset it; for a test of what a crash leaves behind, set \(permission)=1 as well")
        }
        let parts = text.split(separator: ":", omittingEmptySubsequences: false).map(String.init)
        guard let point = Failpoint(rawValue: parts[0]) else {
            throw unreadable("\"\(parts[0].prefix(140))\" is no point", one(of: Failpoint.self))
        }
        var plan = Failpoint.Plan(point)
        if parts.count > 1 {
            guard let pass = Int(parts[1]), pass > 0 else {
                throw unreadable(
                    "\"\(parts[1].prefix(140))\" is no number of a pass", "count from 1, such as \(point.rawValue):7")
            }
            plan.pass = pass
        }
        if parts.count > 2 {
            guard let action = Failpoint.Action(rawValue: parts[2]), parts.count == 3 else {
                throw unreadable(
                    "\"\(parts[2...].joined(separator: ":").prefix(140))\" is no action", one(of: Failpoint.Action.self)
                )
            }
            plan.action = action
        }
        return plan
    }

    private static func one<Words: CaseIterable & RawRepresentable<String>>(of words: Words.Type) -> String {
        "write one of " + words.allCases.map(\.rawValue).joined(separator: ", ")
    }

    private static func unreadable(_ what: String, _ remedy: String) -> CommandFailure {
        CommandFailure(.usage, "\(variable): \(what)", remedy: remedy)
    }
}
