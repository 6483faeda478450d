// ferry dead groups: what many dead letters have in common.

internal import ArgumentParser
internal import JobStore
internal import SyncJobs

/// `ferry dead groups`.
struct DeadGroupsCommand: FerrySubcommand {
    static let configuration = CommandConfiguration(
        commandName: "groups", abstract: "Groups dead letters by type, reason and the shape of their error.",
        discussion: """
            Two errors have the same shape when they differ in numbers, quoted texts, ids, hashes and times alone. \
            A group's key is what --group and --except-group take.

            EXAMPLES
              ferry dead groups
              ferry dead groups --since 12h --json
              ferry dead list --group 1b2c3d4e5f
            """)

    @OptionGroup var conditions: DeadFilterOptions
    @OptionGroup var states: DeadStateOptions
    @Flag(help: "Print a JSON array.") var json = false
    @OptionGroup var options: CommonOptions

    func perform(_ context: CommandContext) async throws {
        let composition = try context.composition()
        let store = try composition.openExistingStore()
        var filter = conditions.filter(composition)
        filter.states = states.states
        let groups = try await store.deadLetterGroups(filter)
        try store.close()
        if json {
            context.print(json: .array(groups.map(\.json)))
            return
        }
        guard !groups.isEmpty else {
            context.screen.note("no dead letters" + (conditions.isEmpty ? "" : " of that kind"))
            return
        }
        context.print(DeadLetterTable.lines(groups, style: context.style))
        let total = groups.reduce(0) { $0 + $1.count }
        context.screen.note("\(Quantity.count(total, "dead letter")) in \(Quantity.count(groups.count, "group"))")
    }
}
