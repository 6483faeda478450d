// A decoded request on its way through the engine, with the delivery that brought it.

internal import SyncBroker
internal import SyncJobs

/// A request with its type, the message that brought it and the key it runs under.
struct QueuedJob: Sendable {
    /// What does not change on the way, held once by all who pass the job on.
    private final class Arrival: Sendable {
        let delivery: Delivery?
        let request: SyncRequest
        let type: SyncJobType
        let queue: String
        let orderKey: OrderKey
        let lane: Int
        let receivedAt: Timestamp
        let turn: Int
        let body: [UInt8]

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
            orderKey = OrderKey(request, type: type)
            lane = orderKey.hashValue
        }
    }

    /// What few jobs have; it is replaced as a whole.
    private final class Exception: Sendable {
        let superseded: [String]
        let conflictedRun: String?
        let probing: String?

        init(superseded: [String], conflictedRun: String?, probing: String?) {
            self.superseded = superseded
            self.conflictedRun = conflictedRun
            self.probing = probing
        }
    }

    private let arrival: Arrival
    private var exception: Exception?
    /// How long its run may take; see ``JobRunner/pace(of:)``.
    var pace = JobPace.open

    init(
        delivery: Delivery?, request: SyncRequest, type: SyncJobType, queue: String, receivedAt: Timestamp,
        turn: Int, body: [UInt8]
    ) {
        arrival = Arrival(
            delivery: delivery, request: request, type: type, queue: queue, receivedAt: receivedAt, turn: turn,
            body: body)
    }

    /// The ids of jobs that this one stands for.
    var superseded: [String] {
        get { exception?.superseded ?? [] }
        set { exception = Exception(superseded: newValue, conflictedRun: conflictedRun, probing: probing) }
    }
    /// The run of it that met a conflict in its convoy: it has written nothing, whatever it noted.
    var conflictedRun: String? {
        get { exception?.conflictedRun }
        set { exception = Exception(superseded: superseded, conflictedRun: newValue, probing: probing) }
    }
    /// The system whose open circuit this job is to try; nil for every other job.
    var probing: String? {
        get { exception?.probing }
        set { exception = Exception(superseded: superseded, conflictedRun: conflictedRun, probing: newValue) }
    }

    /// The delivery to answer; nil where no broker is in play.
    var delivery: Delivery? { arrival.delivery }
    var request: SyncRequest { arrival.request }
    var type: SyncJobType { arrival.type }
    /// The queue it was taken from, by its short name.
    var queue: String { arrival.queue }
    var orderKey: OrderKey { arrival.orderKey }
    /// A 64-bit hash of the key: should two keys ever fall on one, they wait for each other, which breaks no promise.
    var lane: Int { arrival.lane }
    var receivedAt: Timestamp { arrival.receivedAt }
    /// The delivery's turn.
    var turn: Int { arrival.turn }
    /// The message's body, as received.
    var body: [UInt8] { arrival.body }

    /// The same job, run at another pace.
    func with(pace: JobPace) -> QueuedJob {
        var job = self
        job.pace = pace
        return job
    }

    /// A record of it that nothing has happened to yet.
    func newRecord() -> SyncJob {
        var job = SyncJob(request: request, type: type, queue: queue, createdAt: receivedAt)
        if type.onFailure == .block { job.orderKey = orderKey.text }
        return job
    }
}
