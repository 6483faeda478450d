// ferry dead show: everything about one dead letter, and the command that would mend it.

internal import ArgumentParser
internal import JobStore
internal import SyncJobs

/// `ferry dead show`.
struct DeadShowCommand: FerrySubcommand {
    static let configuration = CommandConfiguration(
        commandName: "show", abstract: "Shows all there is about one dead letter.",
        discussion: """
            Fields that the configuration declares sensitive are masked, and long bodies shortened. --body and \
            --original print the newest and the first body as they are, byte by byte and unmasked.

            EXAMPLES
              ferry dead show 4f0c
              ferry dead show country:TR:1
              ferry dead show 4f0c --body >letter.json
            """)

    @Argument(help: "The letter's id, the beginning of it when only one has it, or its job's id.")
    var id: String

    @Flag(help: "Show the body whole.") var full = false
    @Flag(help: "Print only the newest body, as it is: unmasked.") var body = false
    @Flag(help: "Print only the body as it came: unmasked.") var original = false
    @Flag(help: "Print the letter as JSON.") var json = false
    @OptionGroup var options: CommonOptions

    func validate() throws {
        if [body, original, json].count(where: { $0 }) > 1 {
            throw ValidationError("Choose one of --body, --original and --json")
        }
    }

    func perform(_ context: CommandContext) async throws {
        let composition = try context.composition()
        let store = try composition.openExistingStore()
        let letter = try await DeadLetterLookup(store: store).letter(id)
        let revisions = try await store.revisions(ofLetter: letter)
        let audit = try await store.auditEntries(limit: 100, letter: letter.id)
        let plan = try await store.planReplay(
            of: letter.id, rules: composition.deadLetterRules, at: Composition.now())
        try store.close()
        if body || original {
            let bytes = (original ? revisions.first : revisions.last)?.body ?? []
            return context.screen.print(bytes: bytes)
        }
        let details = DeadLetterDetails(
            letter: letter, revisions: revisions, audit: audit, plan: plan, configuration: composition.configuration)
        if json {
            context.print(json: details.json)
        } else {
            context.print(details.lines(style: context.style, isFull: full))
        }
    }
}
