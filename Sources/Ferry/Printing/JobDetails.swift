// What stands around one record: its children, the jobs it asked for, how many attempts it may make.

internal import JobStore
internal import SyncJobs

/// What a record alone does not say.
struct JobDetails: Sendable {
    /// How its children have ended so far; nil where it did not relay.
    var relay: RelaySummary?
    /// How many children are not over.
    var openChildren = 0
    /// The first jobs that its controller asked for, and those that ran `relay_finished`.
    var followUps: [SyncJob] = []
    /// Its dead letters, and the one it was replayed from, oldest first.
    var deadLetters: [DeadLetterRecord] = []
    /// How many attempts it may make; nil when its type is no longer configured.
    var maximumAttempts: Int?

    /// How many failed children, and how many follow-ups, are named.
    static let maximumNamed = 10

    init() {}

    /// Reads them.
    ///
    /// - Throws: `JobStoreError`.
    init(_ job: SyncJob, composition: Composition, store: JobStore) async throws {
        let policy = composition.configuration.types[job.typeSlug]?.retryPolicy
        maximumAttempts = policy.map { $0.applying(job.request).maxRetries + 1 }
        deadLetters = try await store.deadLetters(ofJob: job.id)
        if job.status == .relayed {
            relay = try await store.relaySummary(of: job.id)
            openChildren = try await JobEnd(job, in: store).openChildren
        }
        for prefix in Self.followUpPrefixes(of: job.id) {
            var filter = JobFilter()
            filter.idPrefix = prefix
            filter.limit = Self.maximumNamed
            followUps += try await store.jobs(filter).reversed()
        }
        followUps = Array(followUps.prefix(Self.maximumNamed))
    }

    /// What the ids of follow-ups and of `relay_finished` jobs begin with: they derive from this one's, and where that is
    /// long, from its hash.
    static func followUpPrefixes(of id: String) -> [String] {
        var prefixes: [String] = []
        for (mark, length) in [(">", 1), (">", 60), ("#", 1), ("#", 60)] as [(Character, Int)] {
            let key = String(repeating: "-", count: length)
            let prefix = String(SyncRequest.derivedID(of: id, mark: mark, key: key).dropLast(length))
            if !prefixes.contains(where: { $0.hasSameBytes(as: prefix) }) { prefixes.append(prefix) }
        }
        return prefixes
    }

    /// What they add to a record for programs.
    func json(of job: SyncJob) -> JSONValue {
        var object = job.json.objectValue ?? JSONObject()
        if !job.superseded.isEmpty { object["superseded"] = .array(job.superseded.map { .string($0) }) }
        if let maximumAttempts { object["max_attempts"] = .int(maximumAttempts) }
        if let relay {
            object["open_children"] = .int(openChildren)
            object["failed_children"] = .array(
                relay.failedChildren.map { child in
                    [
                        "id": .string(child.id), "status": .string(child.status.rawValue),
                        "error": child.error?.json ?? .null,
                    ]
                })
        }
        if !deadLetters.isEmpty { object["dead_letters"] = .array(deadLetters.map(\.json)) }
        if !followUps.isEmpty {
            object["follow_ups"] = .array(
                followUps.map { ["id": .string($0.id), "status": .string($0.status.rawValue)] })
        }
        return .object(object)
    }
}
