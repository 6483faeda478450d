// How the process ends, as a closed list, and the one error with which a command says so itself.

/// The exit codes of the specification.
enum ExitStatus: Sendable, Hashable {
    /// 0: a good end.
    case good
    /// 1: a job failed, or what was asked for is not there.
    case failed
    /// 2: usage or configuration.
    case usage
    /// 3: the broker.
    case broker
    /// 4: the store, or another system of documents.
    case store
    /// 128 + the signal that ended it, as shells count.
    case signal(Int32)

    /// The number.
    var code: Int32 {
        switch self {
        case .good: 0
        case .failed: 1
        case .usage: 2
        case .broker: 3
        case .store: 4
        case .signal(let number): 128 + number
        }
    }
}

/// Ends a command with a status, after everything was said; thrown to leave it, never shown.
struct EndedWith: Error, Hashable {
    let status: ExitStatus
}
