// What a worker has done since it started, for its progress line and its last words.

public import SyncJobs

/// Counts since the worker's start.
public struct WorkerStatistics: Sendable, Hashable {
    /// Ended jobs by status.
    public var jobs: [JobStatus: Int] = [:]
    /// Skipped jobs by reason.
    public var skips: [SkipReason: Int] = [:]
    /// Deliveries of jobs that had ended before: acknowledged, not run again.
    public var duplicates = 0
    /// Messages that could not become jobs: dead letters.
    public var refused = 0
    /// Change events turned into requests.
    public var changes = 0
    /// Deliveries taken.
    public var deliveries = 0
    /// Deliveries that the broker had handed out before.
    public var redelivered = 0
    /// Subscriptions that the broker ended because their queue was deleted; each is taken up again.
    public var lostSubscriptions = 0
    /// Runs after which the job comes again: a retry, a snooze, a time to wait for.
    public var deferred = 0
    /// Jobs that a worker gave up as it stopped; they run again, and it was no attempt.
    public var handedBack = 0
    /// Controllers that did not end although their run was over.
    public var stuck = 0
    /// Jobs under way.
    public var running = 0
    /// Jobs waiting behind others of their key, or for a place.
    public var waiting = 0
    /// Jobs that are parked: what they need is paused or not available.
    public var parked = 0
    /// The systems that are taken for down.
    public var openCircuits: [String] = []
    /// The queues of which nothing is taken for now.
    public var pausedQueues: [String] = []
    /// Whether the broker is connected.
    public var isConnected = false
    /// Queues that are not there although the worker is to consume them, by their names on the broker.
    public var lostQueues: Set<String> = []
    /// Why the worker takes nothing for now although the broker is there.
    public var standBy: [String] = []
    /// Whether the broker takes nothing for now (memory or disk alarm).
    public var blockedReason: String?

    /// Nothing yet.
    public init() {}

    /// All ended jobs.
    public var ended: Int { jobs.values.reduce(0, +) }

    /// Counts an ended job.
    mutating func count(_ job: SyncJob) {
        jobs[job.status, default: 0] += 1
        if let reason = job.skipReason { skips[reason, default: 0] += 1 }
    }
}
