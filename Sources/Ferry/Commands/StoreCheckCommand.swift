// ferry store check: whether the file is whole, and whether what it says agrees with itself.

internal import ArgumentParser
internal import JobStore
internal import SyncJobs

/// `ferry store check`.
struct StoreCheckCommand: FerrySubcommand {
    static let configuration = CommandConfiguration(
        commandName: "check", abstract: "Looks through the whole file for damage and for what does not agree.",
        discussion: """
            It reads all of the file: seconds for each gigabyte, while workers go on. Damage is exit status 4. Jobs \
            that need a look (their time has long passed, they wait behind nobody, what is owed about them has no \
            record) are named with what to do, and are exit status 1.

            EXAMPLES
              ferry store check
              ferry store check --json
            """)

    @Flag(help: "Print JSON.") var json = false
    @OptionGroup var options: CommonOptions

    func perform(_ context: CommandContext) async throws {
        let store = try context.composition().openExistingStore()
        let start = ContinuousClock.now
        context.screen.progress("checking")
        let ending = try await UntilStopped.run { try await store.check(now: Composition.now()) }
        context.screen.clearProgress()
        try store.close()
        guard case .done(let findings) = ending else {
            if case .signal(let number) = ending { throw EndedWith(status: .signal(number)) }
            return
        }
        let text = StoreCheckText(findings: findings, took: ContinuousClock.now - start)
        if json { context.print(json: text.json) } else { context.print(text.lines(style: context.style)) }
        if let first = findings.first { throw EndedWith(status: first.kind.isDamage ? .store : .failed) }
    }
}
