// A target that every tenth time can't be reached at once.
import SyncJobs

/// The same as `AccountController`, but the first attempt of the jobs whose source's name ends with 0 fails.
struct FailingController: SingleTargetController {
    private let accounts = AccountController()

    func target(for job: JobHandle) async throws -> TargetDecision { try await accounts.target(for: job) }

    func update(_ target: inout Document, for job: JobHandle) async throws {
        if job.job.retryCount == 0, job.job.request.sourceDocumentName?.hasSuffix("0") == true {
            throw JobFailure.retryable("the first attempt of every tenth job fails")
        }
        try await accounts.update(&target, for: job)
    }
}
