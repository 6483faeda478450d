// Why a command could not do what it was asked: what, remedy, exit status. Errors of every layer end here, so that
// all of them read alike: `ferry: what. remedy`.

internal import AMQP
internal import DocumentSystems
internal import JobStore
internal import SyncBroker
internal import SyncJobs

/// What a command tells its user before it ends.
struct CommandFailure: Error, Sendable, Hashable, CustomStringConvertible {
    /// How the process ends.
    let status: ExitStatus
    /// What went wrong, in one sentence.
    let message: String
    /// What to do about it; empty when the message says it.
    let remedy: String

    init(_ status: ExitStatus, _ message: String, remedy: String) {
        self.status = status
        self.message = message
        self.remedy = remedy
    }

    /// Any thrown error, in the words of its layer.
    init(_ error: any Error) {
        switch error {
        case let failure as CommandFailure: self = failure
        case let error as ConfigurationError: self.init(configuration: error)
        case let error as AMQPError:
            self.init(.broker, "\(error.operation): \(error.message)", remedy: error.remedy)
        case let error as TopologyError: self.init(topology: error)
        case let error as JobStoreError:
            self.init(.store, "the job store (\(error.operation)): \(error.message)", remedy: error.remedy)
        case let failure as JobFailure:
            self.init(failure.code == .systemUnavailable ? .store : .failed, failure.message, remedy: failure.remedy)
        case is CancellationError:
            self.init(.failed, "stopped before it was done", remedy: "run it again")
        default:
            self.init(.failed, "\(type(of: error)): \(error)", remedy: "")
        }
    }

    private init(configuration error: ConfigurationError) {
        guard !error.problems.isEmpty else {
            self.init(.usage, error.description, remedy: "")
            return
        }
        // The lines begin at the margin, as editors and other tools look for them.
        self.init(
            .usage, error.description.withHeading("\(error.message) with the configuration"), remedy: error.remedy)
    }

    private init(topology error: TopologyError) {
        let status: ExitStatus =
            switch error.code {
            case .invalidPrefix, .invalidQueue, .invalidManagementURL: .usage
            case .managementUnreachable, .managementRefused: .broker
            }
        let cause = error.cause.map { " (\($0))" } ?? ""
        self.init(status, "\(error.operation): \(error.message)\(cause)", remedy: error.remedy)
    }

    /// What went wrong, then the remedy, as two sentences.
    var description: String {
        let what = Self.sentence(message)
        guard !remedy.isEmpty else { return what }
        return what + (what.hasSuffix("\n") ? "" : " ") + Self.sentence(Self.capitalised(remedy))
    }

    private static func sentence(_ text: String) -> String {
        guard let last = text.last, !".!?:\n".contains(last) else { return text }
        return text + "."
    }

    /// A remedy begins with a capital, unless it begins with a command or a key, which are written as they are typed.
    private static func capitalised(_ text: String) -> String {
        let word = text.prefix { $0.isLetter }
        let isCode = text.hasPrefix("ferry ") || text.dropFirst(word.count).first.map { "_:=.".contains($0) } ?? false
        return isCode ? text : text.prefix(1).uppercased() + text.dropFirst()
    }
}
