// What start, cancel and retry are called, and which jobs each can mean: the words of the commands in one place.

internal import JobStore
internal import SyncJobs

extension JobStore.OperatorAction {
    /// "Retry", for a question.
    var verb: String {
        switch self {
        case .start: "Start"
        case .cancel: "Cancel"
        case .retry: "Retry"
        }
    }

    /// "retried".
    var done: String {
        switch self {
        case .start: "started"
        case .cancel: "canceled"
        case .retry: "retried"
        }
    }

    /// The statuses of jobs that the action can do anything to.
    var statuses: Set<JobStatus> {
        switch self {
        case .start: [.pending]
        case .cancel: [.pending, .queued, .started, .failed]
        case .retry: [.failed]
        }
    }

    /// The filter with only what the action can mean.
    ///
    /// A cancel that names no status means what is still to come, and leaves alone what failed for good.
    ///
    /// - Throws: ``CommandFailure`` (usage) for a status that the action can do nothing to.
    func narrowed(_ filter: JobFilter) throws -> JobFilter {
        var filter = filter
        guard !filter.statuses.isEmpty else {
            filter.statuses = statuses
            if self == .cancel { filter.isOpen = true }
            return filter
        }
        let vain = filter.statuses.subtracting(statuses).map(\.rawValue).sorted()
        guard vain.isEmpty else {
            let possible = JobStatus.allCases.filter { statuses.contains($0) }.map(\.rawValue)
            throw CommandFailure(
                .usage, "a job that is \(vain.joined(separator: " or ")) cannot be \(done)",
                remedy: "leave --status out, or use \(possible.joined(separator: ", "))")
        }
        return filter
    }
}
