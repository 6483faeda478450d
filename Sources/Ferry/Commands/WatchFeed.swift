// What happens to jobs, as it happens: each look asks the store what has changed, and tells lines from mere progress.

internal import JobStore
internal import SyncJobs

/// Follows all jobs, or those of one type.
struct WatchFeed: Sendable {
    /// What one look has found.
    struct Look: Sendable {
        /// Jobs that ended or are somewhere else now, in the order in which that happened.
        var changed: [SyncJob] = []
        /// Jobs that run on, and told how far they have come.
        var progressed: [SyncJob] = []
        /// Whether the next look is due at once.
        var hasMore = false
    }

    /// Where an open job was when a line was last made of it.
    private struct Place: Sendable, Hashable {
        let status: JobStatus
        let nextTurn: Int
        let waitReason: WaitReason?
        let retryAfter: Timestamp?
        let isCancelAsked: Bool

        init(_ job: SyncJob) {
            status = job.status
            nextTurn = job.nextTurn
            waitReason = job.waitReason
            retryAfter = job.retryAfter
            isCancelAsked = job.running?.isCancelAsked ?? false
        }
    }

    /// How many running jobs are known when a watch begins.
    static let maximumRunning = 100

    let store: JobStore
    let typeSlug: String?
    private var position: JobStore.WatchPosition
    private var places: [ExactString: Place] = [:]
    /// The jobs that run, by id.
    private(set) var running: [ExactString: SyncJob] = [:]

    /// Begins to follow: what happened before is not told, but what runs is known.
    init(store: JobStore, typeSlug: String?) async throws {
        self.store = store
        self.typeSlug = typeSlug
        position = try await store.watchPosition(typeSlug: typeSlug)
        var filter = JobFilter()
        filter.statuses = [.started]
        filter.typeSlug = typeSlug
        filter.limit = Self.maximumRunning
        for job in try await store.jobs(filter) { note(job) }
    }

    /// Looks once.
    mutating func look() async throws -> Look {
        let changes = try await store.changes(since: position, typeSlug: typeSlug)
        position = changes.position
        var look = Look(hasMore: changes.hasMore)
        for job in changes.jobs {
            let before = places[ExactString(job.id)]
            note(job)
            if let before, job.isOpen, before == Place(job) {
                look.progressed.append(job)
            } else {
                look.changed.append(job)
            }
        }
        // The end of one that ended, the present of all others.
        look.changed.sort {
            ($0.isOpen ? .max : $0.endedAt?.microseconds ?? 0) < ($1.isOpen ? .max : $1.endedAt?.microseconds ?? 0)
        }
        return look
    }

    /// Remembers where open jobs are, and nothing of others.
    private mutating func note(_ job: SyncJob) {
        let id = ExactString(job.id)
        places[id] = job.isOpen ? Place(job) : nil
        running[id] = job.status == .started ? job : nil
    }
}
