// A decoded request on its way through the engine, with the delivery that brought it.

internal import SyncBroker
internal import SyncJobs

/// A request with its type, the message that brought it and the key it runs under.
struct QueuedJob: Sendable {
    /// The delivery to answer; nil where no broker is in play.
    let delivery: Delivery?
    let request: SyncRequest
    let type: SyncJobType
    /// The queue it was taken from, by its short name.
    let queue: String
    let orderKey: String
    let receivedAt: Timestamp
    /// The delivery's turn.
    let turn: Int
    /// The message's body, as received.
    let body: [UInt8]
    /// The ids of jobs that this one stands for.
    var superseded: [String] = []
    /// Whether its run can wait for nothing outside the store; see ``JobRunner/needsOnlyStore(_:)``.
    var needsOnlyStore = false
    /// The system whose open circuit this job is to try; nil for every other job.
    var probing: String?

    init(
        delivery: Delivery?, request: SyncRequest, type: SyncJobType, queue: String, receivedAt: Timestamp,
        turn: Int, body: [UInt8]
    ) {
        self.delivery = delivery
        self.request = request
        self.type = type
        self.queue = queue
        self.receivedAt = receivedAt
        self.turn = turn
        self.body = body
        orderKey = request.orderKey(of: type)
    }

    /// A record of it that nothing has happened to yet.
    func newRecord() -> SyncJob {
        var job = SyncJob(request: request, type: type, queue: queue, createdAt: receivedAt)
        if type.onFailure == .block { job.orderKey = orderKey }
        return job
    }
}
