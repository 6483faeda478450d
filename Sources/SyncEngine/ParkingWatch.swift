// Looks after what is parked: ends pauses whose time has passed, brings parked jobs onto their way again once nothing stops
// them, chooses the probes of open circuits, and says of which queues nothing is to be taken. Every worker looks; the
// store's transactions see to it that each thing happens once.

internal import JobStore
internal import Logging
internal import Metrics
internal import Synchronization
internal import SyncJobs

/// Looks after parked jobs.
final class ParkingWatch: Sendable {
    /// What a look has found and done.
    struct Look: Sendable {
        /// Jobs that are to run now, each to find out whether its system is back.
        var probes: [QueuedJob] = []
        /// How many parked jobs it brought onto their way.
        var released = 0
        /// How many jobs are parked.
        var parked = 0
        /// The systems whose circuit is open.
        var openCircuits: [String] = []
        /// The queues, by their short names, of which nothing is to be taken.
        var pausedQueues: Set<String> = []
    }

    /// Between two looks.
    static let interval = Duration.seconds(1)
    /// Between two looks while parked jobs are brought onto their way.
    static let drainInterval = Duration.milliseconds(50)
    /// How many parked jobs may be on their way at a time.
    static let inFlight = 500

    private struct State {
        var look = Look()
        var lookedAt: ContinuousClock.Instant?
    }

    private let types: SyncJobTypes
    private let store: JobStore
    private let outbox: OutboxPublisher
    private let outages: OutageGuard
    private let patience: StorePatience
    private let queues: [String]
    private let maximumParked: Int
    private let now: @Sendable () -> Timestamp
    private let logger: Logger
    private let state = Mutex(State())

    /// - Parameter maximumParked: from so many parked jobs on nothing is taken of the queues that they came from.
    init(
        types: SyncJobTypes, store: JobStore, outbox: OutboxPublisher, outages: OutageGuard, patience: StorePatience,
        queues: [String], maximumParked: Int, now: @escaping @Sendable () -> Timestamp, logger: Logger
    ) {
        self.types = types
        self.store = store
        self.outbox = outbox
        self.outages = outages
        self.patience = patience
        self.queues = queues
        self.maximumParked = maximumParked
        self.now = now
        self.logger = logger
    }

    /// What the last look has found.
    var lastLook: Look { state.withLock { $0.look } }

    /// Looks once.
    func look() async throws(JobStoreError) -> Look {
        var look = lastLook
        look.probes = []
        look.released = try await release()
        // While much is on its way, the whole is looked at once a second all the same.
        let instant = ContinuousClock.now
        let isRecent = state.withLock { $0.lookedAt.map { instant - $0 < Self.interval } ?? false }
        if look.released == 0 || !isRecent {
            try await survey(&look)
            state.withLock { $0.lookedAt = instant }
        }
        let found = look
        state.withLock { $0.look = found }
        return found
    }

    private func release() async throws(JobStoreError) -> Int {
        let time = now()
        let owed = try await patience.attempt { () async throws(JobStoreError) in
            try await store.releaseParked(inFlight: Self.inFlight, now: time)
        }
        if !owed.isEmpty { try await outbox.publish(owed) }
        return owed.count
    }

    private func survey(_ look: inout Look) async throws(JobStoreError) {
        let time = now()
        let (standstill, groups) = try await patience.attempt { () async throws(JobStoreError) in
            try await store.parkedGroups()
        }
        if standstill.pauses.contains(where: { pause in pause.until.map { $0 <= time } ?? false }) {
            let ended = try await patience.attempt { () async throws(JobStoreError) in
                try await store.endPauses(until: time)
            }
            if !ended.isEmpty { look.released += try await release() }
            for pause in ended {
                logger.notice(
                    "A pause is over: its time has passed",
                    metadata: ["kind": .string(pause.kind.rawValue), "name": .string(pause.name)])
            }
        }
        try await outages.renewProbes()
        for circuit in standstill.circuits where circuit.isProbeDue(at: time) {
            if let probe = try await probe(of: circuit) { look.probes.append(probe) }
        }
        look.parked = groups.reduce(0) { $0 + $1.waiting }
        look.openCircuits = standstill.circuits.map(\.system)
        let paused = pausedQueues(standstill, groups, isFull: isFull(parked: look.parked))
        report(paused, before: look.pausedQueues, parked: look.parked)
        look.pausedQueues = paused
        Gauge(label: "ferry_parked_jobs").record(look.parked)
        Gauge(label: "ferry_open_circuits").record(look.openCircuits.count)
    }

    // MARK: probes

    private func probe(of circuit: OpenCircuit) async throws(JobStoreError) -> QueuedJob? {
        guard let job = try await outages.claimProbe(of: circuit.system) else { return nil }
        guard let type = types[job.typeSlug], !type.isDisabled else {
            // Its claim ends with its time; meanwhile a worker that knows the type may come.
            return nil
        }
        var probe = QueuedJob(
            delivery: nil, request: job.request, type: type, queue: job.queue, receivedAt: now(),
            turn: job.nextTurn, body: JSONValue.object(job.request.json).canonicalBytes)
        probe.probing = circuit.system
        return probe
    }

    // MARK: queues

    private func isFull(parked: Int) -> Bool {
        // A little below the bound it begins again, so that it does not begin and end with each job.
        let wasFull = state.withLock { $0.look.parked >= maximumParked }
        return parked >= (wasFull ? maximumParked - maximumParked / 10 : maximumParked)
    }

    private func pausedQueues(
        _ standstill: Standstill, _ groups: [JobStore.ParkedGroup], isFull: Bool
    ) -> Set<String> {
        var paused = standstill.pausedQueues(among: queues, types: types.all)
        guard isFull else { return paused }
        for group in groups where group.waiting > 0 && standstill.stop(of: group.needs) != nil {
            paused.insert(group.needs.queue)
        }
        return paused
    }

    private func report(_ paused: Set<String>, before: Set<String>, parked: Int) {
        for queue in paused.subtracting(before).sorted() {
            logger.notice(
                "Nothing is taken of a queue: it stands still, and its messages stay with the broker",
                metadata: ["queue": .string(queue), "parked": .stringConvertible(parked)])
        }
        for queue in before.subtracting(paused).sorted() {
            logger.notice("A queue is taken from again", metadata: ["queue": .string(queue)])
        }
    }
}
