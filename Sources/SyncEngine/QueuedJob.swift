// A decoded delivery on its way through the engine.

internal import SyncBroker
internal import SyncJobs

/// A request with its type, its delivery and the key it runs under.
struct QueuedJob: Sendable {
    let delivery: Delivery
    let request: SyncRequest
    let type: SyncJobType
    /// The queue it was taken from, by its short name.
    let queue: String
    let orderKey: String
    let receivedAt: Timestamp
}
