// Runs jobs in this process, without a broker, through the same code as a worker: for tests of controllers, for a first try,
// and for a look at what a job would do. What jobs owe to the broker waits here, and runs when it is due.

public import DocumentSystems
public import JobStore
public import Logging
internal import SyncBroker
public import SyncJobs
internal import Synchronization

/// A job that waits for its delivery.
public struct PendingJob: Sendable, Hashable {
    /// The request.
    public var request: SyncRequest
    /// The turn of its delivery.
    public var turn: Int
    /// When it is due; nil for now.
    public var dueAt: Timestamp?
}

/// What a job would do.
public struct Trial: Sendable {
    /// What the run decided; its values are masked where they are declared sensitive.
    public let outcome: Outcome
    /// The controller's view of the job; nil when the run did not come so far.
    public let handle: JobHandle?
    /// The target as it is; nil for an insert, and when the run did not come so far.
    public let before: Document?
    /// The target as it would be; nil for a delete, and when the run did not come so far.
    public let after: Document?
}

/// Runs jobs in this process.
///
/// ```swift
/// let engine = LocalEngine(types: types, systems: systems, store: store, logger: logger, now: { clock.now })
/// let job = try await engine.deliver(SyncRequest(id: "1", type: "Customer Sync", sourceName: "C-1"))
/// try await engine.runPending(until: nil)
/// ```
public actor LocalEngine {
    /// How it runs.
    public struct Settings: Sendable {
        /// The largest source document in bytes of JSON.
        public var maximumDocumentBytes = 8_388_608
        /// Who ran the jobs, in their records.
        public var node = "local"
        /// Whether what jobs owe (children, retries, follow-ups, dead letters) stays in the store's outbox, from where
        /// a worker publishes it, instead of waiting in ``LocalEngine/pending``.
        public var leavesOwed = false

        /// The defaults.
        public init() {}
    }

    /// The most jobs that ``runPending(until:)`` runs before it takes them for a loop.
    public static let maximumPendingRuns = 1_000_000

    private let types: SyncJobTypes
    private let store: JobStore
    private let parts: EngineParts
    private let sink: LocalSink
    private let scheduler: Scheduler
    private let now: @Sendable () -> Timestamp

    /// Composes an engine.
    ///
    /// - Parameter now: the clock of records and due times.
    public init(
        types: SyncJobTypes, systems: DocumentSystems, store: JobStore, settings: Settings = Settings(),
        logger: Logger, now: @escaping @Sendable () -> Timestamp
    ) {
        self.types = types
        self.store = store
        self.now = now
        sink = LocalSink()
        parts = EngineParts(
            types: types, systems: systems, store: store, publisher: sink,
            maximumDocumentBytes: settings.maximumDocumentBytes, storePatience: .seconds(10), controllerThreads: 4,
            node: settings.node, logger: logger, now: now, leavesOwed: settings.leavesOwed)
        scheduler = Scheduler(types: types, store: store, parts: parts, logger: logger, now: now)
    }

    /// Delivers a request as if the broker had brought it, once; its record after that.
    ///
    /// What the job owes (children, a retry, follow-ups) waits in ``pending``.
    ///
    /// - Throws: ``JobFailure`` for a request that can't become a job (unknown or disabled type, an id used before), and
    ///   ``JobStoreError``.
    @discardableResult
    public func deliver(_ request: SyncRequest) async throws -> SyncJob { try await deliver(request, turn: 0) }

    /// Routes a change event by the triggers and delivers the requests.
    ///
    /// - Throws: as ``deliver(_:)``.
    @discardableResult
    public func publish(_ event: ChangeEvent) async throws -> [SyncJob] {
        var jobs: [SyncJob] = []
        for type in types.all {
            if let request = try type.request(for: event) { jobs.append(try await deliver(request)) }
        }
        return jobs
    }

    /// Jobs that wait for their delivery, by due time.
    public var pending: [PendingJob] { sink.pending }

    /// When what is parked changes by itself, later than now: a job's time, the next probe of a system that is down, the end
    /// of a pause; nil when nothing will.
    ///
    /// - Throws: ``JobStoreError``.
    public func nextParkedDue() async throws -> Timestamp? { try await store.nextParkedDue(after: now()) }

    /// What went to the dead letters, oldest first.
    public var deadLetters: [DeadLetter] { sink.deadLetters }

    /// Delivers what is due until `until` (now, by default), earliest first, and what that brings, until nothing is left.
    ///
    /// What the engine's clock calls later than now waits on, whatever `until` says: move the clock first. What is parked
    /// goes on with it: when its pause is over, when its time has come, or when a probe has found its system available.
    ///
    /// - Throws: as ``deliver(_:)``; ``JobFailure`` (`loop`) after a million jobs.
    @discardableResult
    public func runPending(until: Timestamp? = nil) async throws -> [SyncJob] {
        var jobs: [SyncJob] = []
        while true {
            let next = sink.takeNext(until: until.map { min($0, now()) } ?? now())
            if let next {
                jobs.append(try await deliver(next.request, turn: next.turn))
            } else {
                let look = try await parts.parking.look()
                for probe in look.probes { jobs.append(try await deliver(probe)) }
                if look.released == 0, look.probes.isEmpty { return jobs }
            }
            guard jobs.count < Self.maximumPendingRuns else {
                throw JobFailure(
                    .loop, "\(jobs.count) jobs have run, and more come", remedy: "find the jobs that bring each other")
            }
        }
    }

    /// Makes the jobs of all schedules that are due now; they wait in ``pending``.
    ///
    /// The first call only notes that the schedules were seen: a new schedule has missed nothing.
    ///
    /// - Throws: ``JobStoreError``.
    @discardableResult
    public func runSchedules() async throws -> [SyncJob] { try await scheduler.look() }

    /// Publishes what an operator's action owes: `ferry jobs retry` and its like write it into the store.
    ///
    /// - Throws: ``JobStoreError``.
    public func collectOwed() async throws {
        while true {
            let owed = try await store.owedMessages(limit: OutboxPublisher.batchSize)
            guard !owed.isEmpty, try await parts.outbox.publish(owed) else { return }
        }
    }

    /// Runs a request as a dry run and stores nothing.
    ///
    /// - Throws: ``JobFailure`` for an unknown type, and ``JobStoreError``.
    public func trial(_ request: SyncRequest) async throws -> Trial {
        var dry = request
        dry.dryRun = true
        let job = try queued(dry, turn: 0)
        let preparation = try await parts.runner.prepare([job])[0]
        let run = JobRun(
            job: job.newRecord(), turn: 0, runID: "trial", node: "local", startedAt: now(), body: job.body)
        let active = ActiveRun(run: run, timeout: job.request.timeout ?? job.type.timeout, leaseKey: nil)
        let execution = try await parts.runner.executor.execute(job, active: active, preparation: preparation)
        guard case .outcome(let outcome) = execution.result else {
            throw JobFailure(
                .writeConflict, "the target changed while it was compared", remedy: "try it again")
        }
        return Trial(
            outcome: outcome, handle: execution.handle, before: execution.change?.before, after: execution.change?.after
        )
    }

    private func queued(_ request: SyncRequest, turn: Int) throws(JobFailure) -> QueuedJob {
        let type = try types.type(for: request)
        return QueuedJob(
            delivery: nil, request: request, type: type, queue: request.queue ?? type.queue, receivedAt: now(),
            turn: turn, body: JSONValue.object(request.json).canonicalBytes)
    }

    private func deliver(_ request: SyncRequest, turn: Int) async throws -> SyncJob {
        try await deliver(try queued(request, turn: turn))
    }

    private func deliver(_ job: QueuedJob) async throws -> SyncJob {
        // Ends the run when its time is up or it is canceled; cancelled itself when this returns.
        async let _ = parts.runs.watch()
        let preparation = try await parts.runner.prepare([job])[0]
        switch try await parts.runner.run(job, preparation: preparation) {
        case .committed(let record, nil): return record
        case .committed(let record, _?):
            // Its thread is lost to others; another one takes its place.
            _ = parts.runner.supervisor.threads.writeOff()
            return record
        case .waiting, .duplicate, .abandoned, .handedBack: break
        case .refused:
            throw JobFailure(
                .idReused, "the id \"\(job.request.id.prefix(140))\" was used before, for a request with other content",
                remedy: "give every request an id of its own")
        }
        guard let record = try await store.job(id: job.request.id) else { throw CancellationError() }
        return record
    }
}

/// The broker of a local engine: what is published waits here.
private final class LocalSink: MessageSink {
    private struct State {
        /// What may run now, in the order of its arrival.
        var ready = FIFO<PendingJob>()
        /// What is due later, earliest first.
        var later: [PendingJob] = []
        var deadLetters: [DeadLetter] = []
    }

    private let state = Mutex(State())

    var pending: [PendingJob] { state.withLock { $0.ready.all + $0.later } }
    var deadLetters: [DeadLetter] { state.withLock { $0.deadLetters } }

    func takeNext(until: Timestamp) -> PendingJob? {
        state.withLock { state in
            if let next = state.ready.popFirst() { return next }
            guard let next = state.later.first, let due = next.dueAt, due <= until else { return nil }
            return state.later.removeFirst()
        }
    }

    private func add(_ job: PendingJob) {
        state.withLock { state in
            guard let due = job.dueAt else { return state.ready.append(job) }
            let position = state.later.firstIndex { $0.dueAt.map { $0 > due } ?? false } ?? state.later.endIndex
            state.later.insert(job, at: position)
        }
    }

    func publish(_ messages: [OutgoingMessage]) async -> [PublishOutcome] {
        messages.map { message in
            switch message {
            case .owed(let owed, _): return take(owed)
            case .deadLetter(let letter, _, _):
                state.withLock { $0.deadLetters.append(letter) }
                return .confirmed
            default: return .confirmed
            }
        }
    }

    private func take(_ owed: OutboxMessage) -> PublishOutcome {
        if owed.kind == .deadLetter {
            guard let letter = DeadLetter(headers: owed.headers) else {
                return .failed("its headers are no dead letter's")
            }
            state.withLock { $0.deadLetters.append(letter) }
            return .confirmed
        }
        do {
            let request = try SyncRequest(decoding: owed.body, messageID: owed.messageID)
            let turn = owed.headers[OutboxMessage.Header.turn]?.numberValue?.int64 ?? 0
            add(PendingJob(request: request, turn: Int(turn), dueAt: owed.dueAt))
            return .confirmed
        } catch { return .failed(error.description) }
    }
}
