// ferry types check: proves the configuration against the systems, and says each type's plan in words.

internal import ArgumentParser
internal import DocumentSystems
internal import JobStore
internal import SyncJobs

/// `ferry types check`.
struct TypesCheckCommand: FerrySubcommand {
    static let configuration = CommandConfiguration(
        commandName: "check", abstract: "Proves the configuration: its text, the systems, tables and columns.",
        discussion: """
            Problems of the text are printed as file:line: place: problem (remedy). Then each system is looked \
            at, and each type's plan is said in words: target field ← where its value comes from.

            EXAMPLES
              ferry types check
              ferry types check country_sync --json
            """)

    @Argument(help: "Only this type's plan, by name or slug.") var type: String?
    @Flag(help: "Print JSON.") var json = false
    @OptionGroup var options: CommonOptions

    func perform(_ context: CommandContext) async throws {
        let composition: Composition
        do { composition = try context.composition() } catch let error as ConfigurationError {
            if json { context.print(json: error.json) }
            throw error
        }
        let types = try type.map { [try composition.type($0)] } ?? composition.configuration.types.all
        let store = try composition.openStore()
        let problems = try await composition.fittingProblems(in: try composition.systems(store: store))
        let now = Composition.now()
        try store.close()
        if json {
            context.print(json: report(types, problems, composition, now: now))
        } else {
            for type in types { context.print(Self.plan(type, now: now, style: context.style)) }
            for problem in problems {
                let label = problem.problem.isFatal ? context.style(.bad, "error") : context.style(.notice, "warning")
                context.print("\(label): \(problem)")
            }
        }
        let fatal = problems.count { $0.problem.isFatal }
        guard fatal == 0 else {
            throw CommandFailure(
                .usage, "\(Quantity.count(fatal, "problem")) with the systems", remedy: "mend what is named above")
        }
        if !json {
            let warnings = problems.isEmpty ? "" : ", \(Quantity.count(problems.count, "warning"))"
            context.print(
                "\(composition.configuration.file): \(Quantity.count(types.count, "type")), "
                    + "\(Quantity.count(composition.configuration.systems.count, "system")): good\(warnings)")
        }
    }

    /// A type's plan, a line each; its schedules say when they are due next after `now`.
    static func plan(_ type: SyncJobType, now: Timestamp, style: Style) -> [String] {
        let target = type.target.map { " → \($0)" } ?? ""
        var lines = [
            "\(style(.heading, VisibleText.bare(type.name))) (\(type.slug)): \(type.source)\(target), "
                + "queue \(type.queue), timeout \(type.timeout.text)\(type.isDisabled ? ", disabled" : "")"
        ]
        lines += type.triggers.map { "  \($0.explain())" }
        lines += type.schedules.map { schedule in
            let name = schedule.sourceName.map { ", source \(VisibleText.bare($0))" } ?? ""
            let next = nextDue(schedule, of: type, after: now).map { ", next due \($0)" } ?? ""
            return "  schedule \(schedule.name): \(schedule.cron) in \(schedule.zone)\(name)\(next), "
                + "overlap \(schedule.overlap.rawValue), missed \(schedule.missed.rawValue)"
        }
        lines += type.explainRuns().map { "  \($0)" }
        if let controller = type.controller as? any DeclarativeController {
            lines += controller.mapping.explain().map { "  \($0)" }
        } else {
            lines.append("  controller \(Swift.type(of: type.controller))")
        }
        return lines
    }

    /// Nil for a type that is disabled: nothing of it runs.
    private static func nextDue(_ schedule: Schedule, of type: SyncJobType, after now: Timestamp) -> Timestamp? {
        type.isDisabled ? nil : schedule.next(after: now)
    }

    /// The schedules with `next_due`, null where none is to come.
    static func schedules(of type: SyncJobType, after now: Timestamp) -> JSONValue {
        .array(
            type.schedules.map { schedule in
                var object = schedule.json.objectValue ?? JSONObject()
                object["next_due"] = nextDue(schedule, of: type, after: now).map { .string($0.description) } ?? .null
                return .object(object)
            })
    }

    private func report(
        _ types: [SyncJobType], _ problems: [FittingProblem], _ composition: Composition, now: Timestamp
    ) -> JSONValue {
        [
            "file": .string(composition.configuration.file),
            "types": .array(
                types.map { type in
                    var object = type.json.objectValue ?? JSONObject()
                    let plan = (type.controller as? any DeclarativeController)?.mapping.explain()
                    object["schedules"] = Self.schedules(of: type, after: now)
                    object["plan"] = plan.map { .array($0.map { .string($0) }) }
                    return .object(object)
                }),
            "problems": .array(problems.map(\.json)),
        ]
    }
}
