// When a job is over for those who wait for it, and whether that is a good end: a relay is over with its last child.

internal import JobStore
internal import SyncJobs

/// A record with what its end depends on.
struct JobEnd: Sendable {
    /// The record.
    let job: SyncJob
    /// How many children are not over; 0 where it did not relay.
    let openChildren: Int

    /// Reads a job's record with its attempts; nil when there is none.
    ///
    /// - Throws: `JobStoreError`.
    static func read(_ id: String, from store: JobStore) async throws -> JobEnd? {
        guard let job = try await store.job(id: id) else { return nil }
        return try await JobEnd(job, in: store)
    }

    /// Completes a record.
    init(_ job: SyncJob, in store: JobStore) async throws {
        var open = 0
        if job.status == .relayed {
            var filter = JobFilter()
            filter.parent = job.id
            filter.isOpen = true
            open = try await store.countJobs(filter).values.reduce(0, +)
        }
        self.init(job: job, openChildren: open)
    }

    init(job: SyncJob, openChildren: Int) {
        self.job = job
        self.openChildren = openChildren
    }

    /// Whether nothing more happens by itself.
    var isOver: Bool { !job.isOpen && openChildren == 0 }

    /// Whether it ended neither failed nor canceled, and none of its children did.
    var isGood: Bool {
        guard isOver, ![.failed, .canceled].contains(job.status) else { return false }
        let counts = job.childCounts ?? [:]
        return job.status != .relayed || (counts[.failed] ?? 0) + (counts[.canceled] ?? 0) == 0
    }
}
