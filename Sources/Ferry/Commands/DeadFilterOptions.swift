// Which dead letters are meant, as flags shared by the commands that list, group, export and act.

internal import ArgumentParser
internal import JobStore
internal import SyncJobs

/// Conditions on dead letters.
struct DeadFilterOptions: ParsableArguments {
    @Option(name: .long, help: ArgumentHelp("Only this type, by name or slug.", valueName: "type"))
    var type: String?

    @Option(
        name: .customLong("error"), help: ArgumentHelp("Only this reason, such as unknown_type.", valueName: "code"))
    var code: String?

    @Option(
        name: .long,
        help: ArgumentHelp("Only with this text in the error, the job's id or the body.", valueName: "text"))
    var text: String?

    @Option(name: .long, help: ArgumentHelp("Only this group; ferry dead groups shows them.", valueName: "key"))
    var group: String?

    @Option(
        name: .customLong("except-group"), help: ArgumentHelp("All but this group; repeat it.", valueName: "key"))
    var exceptGroup: [String] = []

    @Option(name: .long, help: ArgumentHelp("Only letters of this job.", valueName: "id"))
    var job: String?

    @Option(
        name: .long,
        help: ArgumentHelp("Only what failed since: RFC 3339, or a duration before now.", valueName: "time"),
        transform: Parsing.past)
    var since: Timestamp?

    @Option(
        name: .long,
        help: ArgumentHelp("Only what failed before: RFC 3339, or a duration before now.", valueName: "time"),
        transform: Parsing.past)
    var until: Timestamp?

    /// Whether nothing is asked for.
    var isEmpty: Bool { namesNone && exceptGroup.isEmpty }

    /// Whether no condition says which are meant; at most which are not.
    var namesNone: Bool {
        type == nil && code == nil && text == nil && group == nil && job == nil && since == nil && until == nil
    }

    /// The filter, of any state.
    ///
    /// A type that is no longer configured is still found by its slug.
    func filter(_ composition: Composition) -> DeadLetterFilter {
        var filter = DeadLetterFilter()
        filter.typeSlug = type.map { composition.configuration.types[$0]?.slug ?? $0 }
        filter.reason = code
        filter.text = text
        filter.group = group
        filter.exceptGroups = Set(exceptGroup)
        filter.jobID = job
        filter.since = since
        filter.until = until
        return filter
    }
}

/// Which states a list shows.
struct DeadStateOptions: ParsableArguments {
    @Option(
        name: .long,
        help: ArgumentHelp(
            "Letters of this state: open, replayed, discarded, superseded, or all; repeat it. Default: open.",
            valueName: "state"),
        transform: Parsing.letterStates)
    var state: [Set<DeadLetterState>] = []

    /// The states; open ones unless others are asked for.
    var states: Set<DeadLetterState> { state.isEmpty ? [.open] : state.reduce([]) { $0.union($1) } }
}

extension Parsing {
    /// An instant that has passed: RFC 3339, or a duration before now.
    static func past(_ text: String) throws -> Timestamp {
        if let instant = Timestamp(text) { return instant }
        guard let age = Duration(text: text) else {
            throw ValidationError(
                "\"\(text)\" is no time; write RFC 3339 with an offset, such as 2026-11-21T09:30:00+01:00, or a duration "
                    + "before now, such as 12h")
        }
        return Composition.now().advanced(by: .zero - age)
    }

    /// A state of dead letters, or all of them.
    static func letterStates(_ text: String) throws -> Set<DeadLetterState> {
        if text.lowercased() == "all" { return Set(DeadLetterState.allCases) }
        guard let state = DeadLetterState(rawValue: text.lowercased()) else {
            let known = DeadLetterState.allCases.map(\.rawValue) + ["all"]
            throw ValidationError("\"\(text)\" is no state; use one of: \(known.joined(separator: ", "))")
        }
        return [state]
    }
}
