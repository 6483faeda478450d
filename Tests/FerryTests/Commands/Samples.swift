// Records that the tests of the command's output share.

import SyncJobs

/// A type without logic; what is printed does not run it.
struct NoController: SingleTargetController {
    func update(_ target: inout Document, for job: JobHandle) async throws {}
}

/// Records as the store answers them.
enum Sample {
    static let type = SyncJobType(
        name: "Country Sync", source: DocumentType(system: "iso", name: "Country"),
        target: DocumentType(system: "registry", name: "Nation"), queue: "short", controller: NoController())

    static let instant = Timestamp(microseconds: 1_700_000_000_000_000)

    /// A job that inserted Türkiye.
    static func finished() -> SyncJob {
        var request = SyncRequest(id: "country:TR:1", type: "country_sync", sourceName: "TR")
        request.maxRetries = 0
        var job = SyncJob(request: request, type: type, queue: "short", createdAt: instant)
        job.status = .finished
        job.operation = .insert
        job.targetType = type.target
        job.targetName = "TUR"
        job.diff = Diff(changed: [
            .init(field: "code2", old: .null, new: "TR"), .init(field: "label", old: .null, new: "Türkiye"),
        ])
        job.startedAt = instant.advanced(by: .milliseconds(1))
        job.endedAt = instant.advanced(by: .milliseconds(4))
        job.attempts = [
            Attempt(
                number: 1, runID: "r", turn: 0, node: "host:1", startedAt: instant.advanced(by: .milliseconds(1)),
                endedAt: instant.advanced(by: .milliseconds(4)), outcome: .finished, error: nil)
        ]
        return job
    }

    /// A job whose source is not there.
    static func failed() -> SyncJob {
        var job = SyncJob(
            request: SyncRequest(id: "country:XX:1", type: "country_sync", sourceName: "XX"), type: type,
            queue: "short",
            createdAt: instant)
        job.status = .failed
        job.error = JobFailure(.sourceNotVisible, "the source is not there", remedy: "check the name")
        return job
    }
}
