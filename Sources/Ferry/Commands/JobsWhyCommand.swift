// ferry jobs why: gathers the facts and says the explanation.

internal import ArgumentParser
internal import JobStore
internal import SyncJobs

/// `ferry jobs why`.
struct JobsWhyCommand: FerrySubcommand {
    static let configuration = CommandConfiguration(
        commandName: "why", abstract: "Says why a job is where it is, and what to do about it.",
        discussion: """
            It reads the store, and asks the broker about the queue where that matters; without a broker it says \
            what the store knows. The id may belong to a request that has no record yet.

            EXAMPLES
              ferry jobs why country:TR:1
              ferry jobs why country:TR:1 --json
            """)

    @Argument(help: "The job's id, or the beginning of it when only one job has it.") var id: String
    @Flag(help: "Print JSON.") var json = false
    @OptionGroup var options: CommonOptions

    func perform(_ context: CommandContext) async throws {
        let composition = try context.composition()
        let store = try composition.openExistingStore()
        let whole = try await JobLookup(store: store).wholeID(id) ?? id
        if !whole.hasSameBytes(as: id) {
            context.screen.note("no job has the id \"\(VisibleText.bare(id))\"; this one alone begins with it")
        }
        let facts = try await JobFacts.gather(id: whole, composition: composition, store: store)
        try store.close()
        let explanation = JobExplanation(facts)
        if json {
            context.print(json: explanation.json(id: whole))
        } else {
            let title = facts.situation.job.map { " · \($0.title) · \(JobText.status($0))" } ?? ""
            context.print("\(context.style(.heading, "job")) \(VisibleText.bare(whole))\(VisibleText.bare(title))")
            context.print(explanation.lines(style: context.style))
        }
    }
}
