// ferry pauses: what stands still, and how many jobs are parked for it.

internal import ArgumentParser
internal import JobStore
internal import SyncJobs

/// `ferry pauses`.
struct PausesCommand: FerrySubcommand {
    static let configuration = CommandConfiguration(
        commandName: "pauses", abstract: "Shows what is paused and which systems are down, with the parked jobs.",
        discussion: """
            A job is counted for what stops it first: a pause before a system that is down. What nothing stops any \
            more is on its way, in the order of its receipt.

            EXAMPLES
              ferry pauses
              ferry pauses --json
              ferry jobs list --waiting outage
            """)

    @Flag(help: "Print JSON.") var json = false
    @OptionGroup var options: CommonOptions

    func perform(_ context: CommandContext) async throws {
        let store = try context.composition().openExistingStore()
        let (standstill, groups) = try await store.parkedGroups()
        try store.close()
        let report = StandstillReport(standstill, groups: groups, now: Composition.now())
        if json { return context.print(json: report.json) }
        guard !report.isEmpty else { return context.screen.note("nothing is paused, and no system is down") }
        context.print(report.lines(style: context.style))
    }
}
