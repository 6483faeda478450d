// ferry try --watch: the same look again whenever the configuration's text or the source document is another. A mistake in
// the configuration is said and waited out; only a signal ends it.

internal import Foundation
internal import SyncJobs

/// Repeats a trial.
struct TrialWatch: Sendable {
    let command: TryCommand
    let context: CommandContext
    /// How often the file and the source are looked at.
    static let pace = Pace(interval: .milliseconds(300))

    /// Goes on until it is cancelled.
    func run() async throws -> Never {
        while true {
            let file = configurationMark()
            do {
                let session = try TrialSession(try context.composition())
                do { try await look(session, since: file) } catch {
                    try session.close()
                    throw error
                }
                try session.close()
            } catch let error as CancellationError {
                throw error
            } catch {
                context.say(CommandFailure(error))
                announce()
                try await wait { configurationMark() != file }
            }
        }
    }

    /// Looks once, then again for each change of the source, until the configuration changes.
    private func look(_ session: TrialSession, since file: Digest?) async throws {
        let request = try command.request(in: session.composition)
        while true {
            let source = await session.sourceMark(request)
            do { command.show(try await session.report(request), context) } catch let failure as JobFailure {
                context.say(CommandFailure(failure))
            }
            announce()
            try await wait {
                if configurationMark() != file { return true }
                let now = await session.sourceMark(request)
                return now != nil && now != source
            }
            if configurationMark() != file { return }
        }
    }

    private func announce() {
        let time = JobLine.clock(Composition.now(), isWhole: true)
        context.screen.note(context.style(.quiet, "\(time) watching the configuration and the source; Ctrl-C ends it"))
    }

    private func wait(until isChanged: () async -> Bool) async throws {
        while true {
            let start = ContinuousClock.now
            if await isChanged() { return }
            try await Self.pace.wait(since: start)
        }
    }

    /// Tells one text of the configuration from another; nil while there is no file, as between two steps of an editor.
    private func configurationMark() -> Digest? {
        let path = ConfigurationLocation.find(flag: context.options.config, environment: context.environment)
        // A file that can't be read is another one than any that can.
        let bytes = try? FilePath.read(path, maximumBytes: YAMLDocument.maximumBytes)
        return bytes.map { Digest(of: $0) }
    }
}
