// The metric of ended jobs. A counter is found by its name and dimensions, which takes longer than to count: so the last is
// kept, as most jobs end like the one before.

internal import Metrics
internal import SyncJobs

/// Counts ended jobs by type and status in the metrics of the process.
struct EndedJobsMetric: Sendable {
    private let factory: (any MetricsFactory)?
    private var last: (typeSlug: String, status: JobStatus, counter: Counter)?

    /// Counts where `factory` says, else in the metrics of the process.
    init(factory: (any MetricsFactory)? = nil) { self.factory = factory }

    /// Counts an ended job.
    mutating func count(_ job: SyncJob) {
        if let last, last.status == job.status, last.typeSlug.hasSameBytes(as: job.typeSlug) {
            return last.counter.increment()
        }
        let counter = Counter(
            label: "ferry_jobs_total", dimensions: [("type", job.typeSlug), ("status", job.status.rawValue)],
            factory: factory ?? MetricsSystem.factory)
        counter.increment()
        last = (job.typeSlug, job.status, counter)
    }
}
