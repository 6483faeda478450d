// ferry store backup: a whole copy while workers write.
// Invariant: Ctrl-C or a failure leaves nothing behind, and what was there before stays as it was.

internal import ArgumentParser
internal import Foundation
internal import JobStore
internal import SyncJobs

/// `ferry store backup`.
struct StoreBackupCommand: FerrySubcommand {
    static let configuration = CommandConfiguration(
        commandName: "backup", abstract: "Copies the store into a file while workers write to it.",
        discussion: """
            The copy is complete as of one moment, is checked, and gets its name only then; it is readable for its \
            owner alone, and one file without a log beside it. To copy the store's file by other means while it is \
            in use is no backup: the newest commits are in the log beside it.

            EXAMPLES
              ferry store backup /backup/jobs-2026-11-21.sqlite
              ferry store backup /backup/jobs.sqlite --force --json
            """)

    @Argument(help: ArgumentHelp("The file to make.", valueName: "file")) var file: String

    @Flag(name: .long, help: "Replace the file when it is there, once the copy is whole.") var force = false
    @Flag(help: "Print what was made as JSON.") var json = false
    @OptionGroup var options: CommonOptions

    func perform(_ context: CommandContext) async throws {
        let store = try context.composition().openExistingStore()
        let path = URL(fileURLWithPath: file).path
        let start = ContinuousClock.now
        let screen = context.screen
        let replaces = force
        let ending: UntilStopped.Ending<Int>
        do {
            ending = try await UntilStopped.run {
                try await store.backup(to: path, replacing: replaces) { screen.progress(StoreBackupText.progress($0)) }
            }
        } catch let error as JobStoreError where error.code == .invalidArgument {
            throw CommandFailure(.usage, error.message, remedy: error.remedy)
        }
        context.screen.clearProgress()
        try store.close()
        switch ending {
        case .signal(let number):
            context.screen.note("ferry: stopped; nothing was left at \(VisibleText.bare(path))")
            throw EndedWith(status: .signal(number))
        case .done(let size):
            let text = StoreBackupText(path: path, size: size, took: ContinuousClock.now - start)
            if json { context.print(json: text.json) } else { context.print(text.line) }
        }
    }
}
