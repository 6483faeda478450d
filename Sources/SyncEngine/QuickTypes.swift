// Which of the types with a user's code are quick, for all jobs of a process.

internal import Synchronization

/// Types whose documents are all in the store and whose sync logic is a user's code, with how quick they have been.
final class QuickTypes: Sendable {
    private let paces: Mutex<[String: RunPace]>

    /// - Parameter slugs: the types that may be quick.
    init(_ slugs: some Sequence<String>) {
        paces = Mutex(Dictionary(slugs.map { ($0, RunPace()) }) { first, _ in first })
    }

    /// Whether a run of this type may be expected to be quick.
    func contains(_ slug: String, at instant: ContinuousClock.Instant = .now) -> Bool {
        paces.withLock { $0[slug]?.isQuick(at: instant) ?? false }
    }

    /// Takes note of a run that took so long; true while the type counts as quick.
    func note(_ slug: String, _ time: Duration, at instant: ContinuousClock.Instant = .now) -> Bool {
        paces.withLock { paces in
            paces[slug]?.note(time, at: instant)
            return paces[slug]?.isQuick(at: instant) ?? false
        }
    }

    /// Takes note of a run that is waited for no more.
    func noteLate(_ slug: String) { _ = note(slug, Series<Void>.patience) }
}
