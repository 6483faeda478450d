// Turns due times of schedules into jobs. However many processes look, a due time makes one job: its id derives from type,
// schedule and time, and the store creates record, message and the schedule's last due time in one transaction.

internal import JobStore
internal import Logging
internal import Synchronization
internal import SyncJobs

/// Looks after the schedules of all types.
final class Scheduler: Sendable {
    /// Between two looks.
    static let interval = Duration.seconds(1)

    private let types: SyncJobTypes
    private let store: JobStore
    private let outbox: OutboxPublisher
    private let patience: StorePatience
    private let now: @Sendable () -> Timestamp
    private let logger: Logger
    /// When each schedule is due next, by type and name; what is not here has not been looked at yet.
    private let nextDue = Mutex<[String: Timestamp]>([:])

    init(
        types: SyncJobTypes, store: JobStore, parts: EngineParts, logger: Logger,
        now: @escaping @Sendable () -> Timestamp
    ) {
        self.types = types
        self.store = store
        outbox = parts.outbox
        patience = parts.patience
        self.now = now
        self.logger = logger
    }

    /// Looks once a second until it is cancelled.
    ///
    /// - Throws: ``JobStoreError`` that waiting does not mend.
    func run() async throws {
        guard types.all.contains(where: { !$0.isDisabled && !$0.schedules.isEmpty }) else { return }
        while !Task.isCancelled {
            try await look()
            do { try await Task.sleep(for: Self.interval) } catch { return }
        }
    }

    /// Makes the jobs that are due now; answers them.
    @discardableResult
    func look() async throws(JobStoreError) -> [SyncJob] {
        var made: [SyncJob] = []
        let instant = now()
        for type in types.all where !type.isDisabled {
            for schedule in type.schedules {
                let key = "\(type.slug)@\(schedule.name)"
                if let next = nextDue.withLock({ $0[key] }), instant < next { continue }
                if let job = try await look(at: schedule, of: type, now: instant) { made.append(job) }
                if let next = schedule.next(after: instant) { nextDue.withLock { $0[key] = next } }
            }
        }
        return made
    }

    private func look(
        at schedule: Schedule, of type: SyncJobType, now: Timestamp
    ) async throws(JobStoreError) -> SyncJob? {
        let slug = type.slug
        let name = schedule.name
        let last = try await patience.attempt { () async throws(JobStoreError) in
            try await store.lastDue(typeSlug: slug, schedule: name)
        }
        guard let last else {
            try await patience.attempt { () async throws(JobStoreError) in
                try await store.noteFirstSight(typeSlug: slug, schedule: name, at: now)
            }
            return nil
        }
        guard let due = schedule.dueTimes(after: last, upTo: now).last else { return nil }
        let request = type.request(for: schedule, due: due)
        let job = SyncJob(request: request, type: type, queue: type.queue, createdAt: now)
        let scheduled = try await patience.attempt { () async throws(JobStoreError) in
            try await store.schedule(job, name: name, due: due, skipsOverlap: schedule.overlap == .skip)
        }
        switch scheduled {
        case .exists: return nil
        case .overlaps(let running):
            logger.warning(
                "A scheduled time is passed over: the schedule's last job is still going on",
                metadata: [
                    "type": .string(slug), "schedule": .string(name), "due": .string(due.description),
                    "job_id": .string(running),
                ])
            return nil
        case .created(let record, let message):
            try await outbox.publish([message])
            return record
        }
    }
}
