// Jobs that take long and do nothing, beside which others are measured.
import SyncJobs

/// Sleeps for as many milliseconds as the request's context says under `milliseconds`.
struct SlowController: BypassController {
    func execute(_ job: JobHandle) async throws -> BypassResult {
        guard case .number(let number)? = job.context["milliseconds"], let time = number.int64 else {
            throw JobFailure.permanent("the context has no milliseconds")
        }
        try await Task.sleep(for: .milliseconds(time))
        return .noTarget
    }
}
