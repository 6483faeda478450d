// Where a job is in its life, and why it ended without a write. Raw values are the specification's spelling.

/// A job's status.
public enum JobStatus: String, Sendable, Hashable, CaseIterable {
    case pending = "Pending"
    case queued = "Queued"
    case started = "Started"
    case finished = "Finished"
    case skipped = "Skipped"
    case relayed = "Relayed"
    case noTarget = "No Target"
    case failed = "Failed"
    case canceled = "Canceled"

    /// Whether a job of this status is over, unless an operator acts.
    public var isEnd: Bool {
        switch self {
        case .pending, .queued, .started: false
        case .finished, .skipped, .relayed, .noTarget, .failed, .canceled: true
        }
    }

    /// Reads a status in any case, with `_`, `-` or a space between words; nil for anything else.
    public init?(anyCase text: String) {
        guard let status = Self.allCases.first(where: { $0.rawValue.slug == text.slug }) else { return nil }
        self = status
    }
}

/// What a job waits for that is neither with the broker nor running.
public enum WaitReason: String, Sendable, Hashable, CaseIterable {
    /// To be started by hand.
    case hold
    /// Its `not_before`.
    case notBefore = "not_before"
    /// Its next attempt.
    case retry
    /// The end of a snooze.
    case snooze
    /// An earlier job of its key that failed and will be retried (`on_failure: block`).
    case blocked
    /// The end of a pause of its type, its queue or a system that it needs.
    case paused
    /// A system that it needs and that is not available.
    case outage

    /// Whether it is parked: a record whose delivery is answered, until what it needs goes on.
    public var isParked: Bool { self == .paused || self == .outage }
}

/// Why a job was skipped.
public enum SkipReason: String, Sendable, Hashable, CaseIterable {
    case dryRun = "dry_run"
    case noChanges = "no_changes"
    case insertDisabled = "insert_disabled"
    case updateDisabled = "update_disabled"
    case deleteDisabled = "delete_disabled"
    case stale
    case superseded
    case duplicate
}

/// Why a job found no target.
public enum NoTargetReason: String, Sendable, Hashable, CaseIterable {
    case condition
    case sourceDeleted = "source_deleted"
    case alreadyGone = "already_gone"
    case controller
}
