// What an action on many jobs is about to touch: counted by status and by type, and the first ones by name.

internal import SyncJobs

/// Jobs before something is done to them.
struct JobPreview: Sendable, Hashable {
    /// How many are of a type.
    struct TypeCount: Sendable, Hashable {
        let slug: String
        let count: Int
    }

    /// One of the first.
    struct Job: Sendable, Hashable {
        let id: String
        let status: String
        let title: String

        init(_ job: SyncJob) {
            id = job.id
            status = JobText.status(job)
            title = job.title
        }
    }

    /// How many have each status.
    var counts: [JobStatus: Int] = [:]
    /// How many are of each type; types that are no longer configured are left out.
    var types: [TypeCount] = []
    /// The first ones.
    var first: [Job] = []
    /// Ids without a record.
    var missing: [String] = []

    /// How many have a record.
    var total: Int { counts.values.reduce(0, +) }

    /// How many are of types that ``types`` does not name.
    private var ofOtherTypes: Int { total - types.reduce(0) { $0 + $1.count } }

    /// For people: a line of statuses, a line of types, then the first ones.
    func lines(style: Style) -> [String] {
        var lines = [
            Quantity.count(total, "job") + ": "
                + JobStatus.allCases.compactMap { status in
                    counts[status].map {
                        style(JobText.meaning(status), "\(status.rawValue) \(VisibleText.grouped($0))")
                    }
                }.joined(separator: " · ")
        ]
        if total == 0 { lines = [] }
        var named = types.map { "\(VisibleText.bare($0.slug)) \(VisibleText.grouped($0.count))" }
        if ofOtherTypes > 0 { named.append("other types \(VisibleText.grouped(ofOtherTypes))") }
        if !named.isEmpty { lines.append("types: " + named.joined(separator: " · ")) }
        lines += first.map { "  \(VisibleText.bare($0.id))  \($0.status)  \(VisibleText.bare($0.title))" }
        if total > first.count { lines.append("  … and \(VisibleText.grouped(total - first.count)) more") }
        if !missing.isEmpty {
            lines.append("no record: " + missing.map { VisibleText.bare($0) }.joined(separator: ", "))
        }
        return lines
    }

    /// For programs.
    var json: JSONObject {
        var byStatus = JSONObject()
        for status in JobStatus.allCases { byStatus[status.rawValue] = counts[status].map { .int($0) } }
        var byType = JSONObject()
        for type in types { byType[type.slug] = .int(type.count) }
        return [
            "total": .int(total), "by_status": .object(byStatus), "by_type": .object(byType),
            "first": .array(
                first.map { ["id": .string($0.id), "status": .string($0.status), "title": .string($0.title)] }),
            "missing": .array(missing.map { .string($0) }),
        ]
    }
}
