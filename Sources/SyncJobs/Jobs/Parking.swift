// How a job is parked: its delivery is answered, and the store keeps it until what it needs goes on. Invariant: within one
// ordering key what is parked leaves in the order of its receipt, and what comes meanwhile parks behind it.

/// What a job needs that may stand still, and the key within which it keeps its place.
public struct JobNeeds: Sendable, Hashable {
    /// Its type's slug.
    public var typeSlug: String
    /// The queue it is taken from, by its short name.
    public var queue: String
    /// The key within which it runs in order.
    public var orderKey: String
    /// The systems that it reads or writes, in byte order.
    public var systems: [String]

    /// Collects what a job needs.
    public init(typeSlug: String, queue: String, orderKey: String, systems: [String]) {
        self.typeSlug = typeSlug
        self.queue = queue
        self.orderKey = orderKey
        self.systems = systems
    }

    /// The same with one more system.
    func including(_ system: String?) -> JobNeeds {
        guard let system, !systems.contains(where: { $0.hasSameBytes(as: system) }) else { return self }
        var needs = self
        needs.systems = (systems + [system]).sorted { $0.precedesByBytes($1) }
        return needs
    }

    /// What a job of `type` needs.
    public init(_ request: SyncRequest, type: SyncJobType, queue: String) {
        self.init(
            typeSlug: type.slug, queue: queue, orderKey: request.orderKey(of: type), systems: type.systems)
    }
}

/// How a job is parked.
public struct Parking: Sendable, Hashable {
    /// What it needs.
    public var needs: JobNeeds
    /// Why it is parked: `paused` or `outage`.
    public var reason: WaitReason
    /// Not before this instant, unless the system proves to be available; nil for as soon as it may.
    public var dueAt: Timestamp?

    /// Parks.
    public init(needs: JobNeeds, reason: WaitReason, dueAt: Timestamp? = nil) {
        self.needs = needs
        self.reason = reason
        self.dueAt = dueAt
    }
}

extension SyncJobType {
    /// The systems that its jobs read and write, each once and in byte order; a controller may use more.
    public var systems: [String] {
        guard let target = target?.system, !target.hasSameBytes(as: source.system) else { return [source.system] }
        return target.precedesByBytes(source.system) ? [target, source.system] : [source.system, target]
    }
}

extension JobFailure {
    /// Whether it says that a system is down, so that it counts against no job: the job is parked until the system is back.
    public var isOutage: Bool { code == .systemUnavailable && disposition != .cancel }

    /// How long a job waits after such a failure while nobody takes its system for down: as long as the failure asks for,
    /// else a tenth of its age, between five seconds and a minute.
    func outageDelay(age: Duration) -> Duration {
        switch disposition {
        case .retryable(let after?), .snooze(let after): max(after, .seconds(1))
        case .retryable, .permanent, .cancel: min(max(age / 10, .seconds(5)), .seconds(60))
        }
    }
}

extension JobTransition {
    /// The job is parked: what it needs stands still, or earlier jobs of its key are parked.
    ///
    /// Its delivery may be acknowledged after the commit; the store brings it onto its way again.
    public static func park(_ job: SyncJob, turn: Int, _ parking: Parking, now: Timestamp) -> JobTransition {
        var parked = job.waiting(turn: turn, reason: parking.reason, until: nil)
        parked.endedAt = nil
        return JobTransition(unrun: parked, turn: turn, parking: parking, at: now)
    }
}

extension SyncJob {
    /// A run that found a system down is no attempt: the job is parked, and those of its key behind it.
    mutating func park(after failure: JobFailure, type: SyncJobType, now: Timestamp) -> Parking {
        error = failure
        status = .queued
        endedAt = nil
        waitReason = .outage
        let due = now.advanced(by: failure.outageDelay(age: now.since(createdAt)))
        retryAfter = due
        let needs = JobNeeds(request, type: type, queue: queue).including(failure.system)
        return Parking(needs: needs, reason: .outage, dueAt: due)
    }
}
