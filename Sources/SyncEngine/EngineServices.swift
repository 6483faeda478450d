// What the engine does for a running job, behind the doors of its handle.

internal import JobStore
internal import SyncJobs

/// The services of a worker's jobs.
struct EngineServices: JobServices {
    /// The largest checkpoint in bytes of JSON.
    static let maximumCheckpointBytes = 1_048_576

    let types: SyncJobTypes
    let store: JobStore
    let patience: StorePatience
    let runs: ActiveRuns
    let events: EventStream

    func report(_ progress: JobProgress, jobID: String) {
        guard let run = runs.run(ofJob: jobID), run.report(progress) else { return }
        var event = progress.json.objectValue ?? JSONObject()
        event["job"] = .string(jobID)
        events.send("job.progress.\(run.run.job.typeSlug)", .object(event))
    }

    func saveCheckpoint(_ state: JSONValue, jobID: String) async throws {
        let bytes = state.canonicalBytes.count
        guard bytes <= Self.maximumCheckpointBytes else {
            throw JobFailure(
                .documentTooLarge, "the checkpoint has \(bytes) bytes",
                remedy: "at most \(Self.maximumCheckpointBytes) are taken; save where the work stands, not the work")
        }
        guard let run = runs.run(ofJob: jobID) else { return }
        try run.requireActive()
        try await patience.attempt { () async throws(JobStoreError) in
            try await store.saveCheckpoint(jobID: jobID, turn: run.run.turn, state: state)
        }
    }

    func binding(_ key: BindingKey) async throws -> Binding? {
        try await patience.attempt { () async throws(JobStoreError) in try await store.binding(key) }
    }

    func bindings(typeSlug: String, source: DocumentKey) async throws -> [Binding] {
        try await patience.attempt { () async throws(JobStoreError) in
            try await store.bindings(typeSlug: typeSlug, source: source)
        }
    }

    func type(_ nameOrSlug: String) -> SyncJobType? { types[nameOrSlug] }
}
