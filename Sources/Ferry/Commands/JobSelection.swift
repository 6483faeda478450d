// Which jobs an action is about to be done to: counted for the preview, then listed by id, oldest first, so that what arrived
// first comes back first.

internal import JobStore
internal import SyncJobs

/// Jobs that are named, or that a filter finds.
struct JobSelection: Sendable {
    /// How the jobs are told.
    enum Means: Sendable {
        case ids([String])
        case filter(JobFilter)
    }

    let means: Means
    let store: JobStore
    /// The types that may be counted by name.
    let types: SyncJobTypes

    /// How many records are read at a time.
    private static let page = 1_000
    /// How many jobs a preview shows.
    static let shown = 10

    /// What is selected now.
    func preview() async throws -> JobPreview {
        switch means {
        case .ids(let ids): try await preview(of: ids)
        case .filter(let filter): try await preview(of: filter)
        }
    }

    private func preview(of filter: JobFilter) async throws -> JobPreview {
        var preview = JobPreview(counts: try await store.countJobs(filter))
        guard preview.total > 0 else { return preview }
        if let slug = filter.typeSlug {
            preview.types = [.init(slug: slug, count: preview.total)]
        } else {
            for type in types.all {
                var ofType = filter
                ofType.typeSlug = type.slug
                let count = try await store.countJobs(ofType).values.reduce(0, +)
                if count > 0 { preview.types.append(.init(slug: type.slug, count: count)) }
            }
        }
        var first = filter
        first.limit = Self.shown
        preview.first = try await store.jobs(first).map { JobPreview.Job($0) }
        return preview
    }

    private func preview(of ids: [String]) async throws -> JobPreview {
        var preview = JobPreview()
        var types: [String: Int] = [:]
        for id in ids {
            guard let job = try await store.job(id: id) else {
                preview.missing.append(id)
                continue
            }
            preview.counts[job.status, default: 0] += 1
            types[job.typeSlug, default: 0] += 1
            if preview.first.count < Self.shown { preview.first.append(JobPreview.Job(job)) }
        }
        preview.types = types.sorted { $0.key < $1.key }.map { .init(slug: $0.key, count: $0.value) }
        return preview
    }

    /// The ids, oldest first; named ones as they are named, each once.
    func ids() async throws -> [String] {
        switch means {
        case .ids(let ids):
            var seen: Set<ExactString> = []
            return ids.filter { seen.insert(ExactString($0)).inserted }
        case .filter(var filter):
            filter.limit = Self.page
            var ids: [String] = []
            while true {
                let page = try await store.jobPage(filter)
                ids += page.jobs.map(\.id)
                guard let next = page.nextSequence else { return ids.reversed() }
                filter.afterSequence = next
            }
        }
    }
}
