// A controller that the engine takes for a mapping, and that does what its script says: so a test can look into jobs that run
// together, and disturb them.
@testable import SyncJobs

/// A type without code, as the engine sees it.
struct ScriptedMapping: DeclarativeController {
    let script: Script
    var mapping = Mapping()
    var target = LocalWorld.account

    func target(for job: JobHandle) async throws -> TargetDecision { try await script.target(job) }
    func update(_ target: inout Document, for job: JobHandle) async throws {
        try await script.say("update", job)
        try await script.update(&target, job)
    }
    func trace(of job: JobHandle, target before: Document?) async throws -> [FieldTrace] { [] }
}
