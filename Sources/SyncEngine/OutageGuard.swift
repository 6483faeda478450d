// Watches over the systems that jobs use: what runs have found is counted, enough failures open a system's circuit, and a probe
// that succeeds closes it. Invariant: what is open stands in the store; here is only what this process has counted, and
// which probes it has under way. The embedded system has no circuit: when the store is busy, the engine waits.

internal import DocumentSystems
internal import JobStore
internal import Logging
internal import Metrics
internal import Synchronization
internal import SyncJobs

/// Opens and closes circuits.
final class OutageGuard: Sendable {
    /// How long a probe is believed to go on that is not renewed.
    static let probeLease = Duration.seconds(15)

    private struct State {
        var circuits: [ExactString: Circuit] = [:]
        var probing: Set<ExactString> = []
    }

    private let systems: DocumentSystems
    private let settings: [ExactString: CircuitSettings]
    private let store: JobStore
    private let patience: StorePatience
    private let events: EventStream
    private let node: String
    private let now: @Sendable () -> Timestamp
    private let logger: Logger
    private let state = Mutex(State())

    /// - Parameter settings: by the systems' names; others have the defaults.
    init(
        systems: DocumentSystems, settings: [String: CircuitSettings], store: JobStore, patience: StorePatience,
        events: EventStream, node: String, now: @escaping @Sendable () -> Timestamp, logger: Logger
    ) {
        self.systems = systems
        self.settings = Dictionary(settings.map { (ExactString($0.key), $0.value) }) { first, _ in first }
        self.store = store
        self.patience = patience
        self.events = events
        self.node = node
        self.now = now
        self.logger = logger
    }

    func settings(of system: String) -> CircuitSettings { settings[ExactString(system)] ?? CircuitSettings() }

    private func isOutside(_ system: String) -> Bool { systems[system]?.isEmbedded != true }

    // MARK: runs

    /// Takes note of what a committed run has found.
    func ran(_ job: QueuedJob, _ result: Executor.Execution.Result) async throws(JobStoreError) {
        guard case .outcome(let outcome) = result else { return }
        if case .failed(let failure) = outcome.end, failure.isOutage {
            let outside = [failure.system, job.type.target?.system, job.type.source.system].compactMap { $0 }
            guard let system = outside.first(where: { isOutside($0) }) else { return }
            return try await failed(system, failure, job: job)
        }
        guard job.request.relayFinished == nil, outcome.provesItsSystems else { return }
        for system in job.type.systems where isOutside(system) { try await succeeded(system, job: job) }
    }

    private func succeeded(_ system: String, job: QueuedJob) async throws(JobStoreError) {
        let settings = settings(of: system)
        let time = now()
        let isProbe = state.withLock { state in
            state.circuits[ExactString(system), default: Circuit(settings)].succeeded(at: time)
            return job.isProbe(of: system) && state.probing.remove(ExactString(system)) != nil
        }
        if isProbe { try await close(system) }
    }

    private func failed(_ system: String, _ failure: JobFailure, job: QueuedJob) async throws(JobStoreError) {
        let settings = settings(of: system)
        let time = now()
        let (isProbe, opens) = state.withLock { state in
            if job.isProbe(of: system), state.probing.remove(ExactString(system)) != nil { return (true, false) }
            return (
                false, state.circuits[ExactString(system), default: Circuit(settings)].failed(job.request.id, at: time)
            )
        }
        if isProbe {
            let circuit = try await end(system) {
                $0.afterFailedProbe(reason: failure.message, at: time, settings: settings)
            }
            logger.warning(
                "A probe has failed: the system is still not available",
                metadata: [
                    "system": .string(system), "job_id": .string(job.request.id),
                    "failed_probes": .stringConvertible(circuit?.failedProbes ?? 0),
                    "next_probe": .string(circuit?.nextProbeAt.description ?? "-"), "remedy": .string(failure.remedy),
                ])
        } else if opens {
            try await open(system, failure, at: time)
        }
    }

    // MARK: circuits

    private func open(_ system: String, _ failure: JobFailure, at time: Timestamp) async throws(JobStoreError) {
        state.withLock { _ = $0.circuits.removeValue(forKey: ExactString(system)) }
        let circuit = OpenCircuit(
            system: system, openedAt: time, reason: failure.message, settings: settings(of: system))
        let isNew = try await patience.attempt { () async throws(JobStoreError) in
            try await store.openCircuit(circuit)
        }
        guard isNew else { return }
        logger.error(
            "A system is not available: its jobs are parked, and one at a time tries it until it is back",
            metadata: [
                "system": .string(system), "reason": .string(failure.message), "remedy": .string(failure.remedy),
                "next_probe": .string(circuit.nextProbeAt.description),
            ])
        Counter(label: "ferry_circuit_opened_total", dimensions: [("system", system)]).increment()
        events.send(
            "circuit.opened.\(system.slug)",
            [
                "system": .string(system), "opened_at": .string(time.description), "reason": .string(failure.message),
                "next_probe_at": .string(circuit.nextProbeAt.description),
            ])
    }

    private func close(_ system: String) async throws(JobStoreError) {
        let closed = try await patience.attempt { () async throws(JobStoreError) in
            try await store.closeCircuit(of: system)
        }
        guard let closed else { return }
        let duration = now().since(closed.openedAt)
        logger.notice(
            "A system is available again: what was parked for it goes on",
            metadata: [
                "system": .string(system), "after": .string(duration.text),
                "failed_probes": .stringConvertible(closed.failedProbes),
            ])
        events.send(
            "circuit.closed.\(system.slug)",
            [
                "system": .string(system), "opened_at": .string(closed.openedAt.description),
                "closed_at": .string(now().description), "failed_probes": .int(closed.failedProbes),
            ])
    }

    private func end(
        _ system: String, _ change: @escaping @Sendable (OpenCircuit) -> OpenCircuit
    ) async throws(JobStoreError) -> OpenCircuit? {
        try await patience.attempt { () async throws(JobStoreError) in try await store.endProbe(of: system, change) }
    }

    // MARK: probes

    /// The parked job that is to probe a system now, claimed for this process; nil when none is due.
    func claimProbe(of system: String) async throws(JobStoreError) -> SyncJob? {
        let time = now()
        let claimed = try await patience.attempt { () async throws(JobStoreError) in
            try await store.claimProbe(
                of: system, node: node, now: time, until: time.advanced(by: Self.probeLease))
        }
        switch claimed {
        case .notDue: return nil
        case .job(let job):
            state.withLock { _ = $0.probing.insert(ExactString(system)) }
            return job
        case .nothingParked:
            // Nobody has proved that it is back: the next failure opens the circuit again.
            let settings = settings(of: system)
            state.withLock { $0.circuits[ExactString(system)] = .suspecting(settings) }
            logger.notice(
                "Nothing is parked that could try the system: its next job does",
                metadata: ["system": .string(system)])
            return nil
        }
    }

    /// Keeps the probes of this process that are still under way.
    func renewProbes() async throws(JobStoreError) {
        let until = now().advanced(by: Self.probeLease)
        for system in state.withLock({ Array($0.probing) }) {
            try await patience.attempt { () async throws(JobStoreError) in
                try await store.renewProbe(of: system.text, node: node, until: until)
            }
        }
    }

    /// The delivery of a probe has ended, with or without a run; when that said nothing, the next one is due at once.
    func probeEnded(_ job: QueuedJob) async throws(JobStoreError) {
        guard let system = job.probing,
            state.withLock({ $0.probing.remove(ExactString(system)) != nil })
        else { return }
        let time = now()
        _ = try await end(system) { $0.afterVainProbe(at: time) }
    }
}

extension QueuedJob {
    fileprivate func isProbe(of system: String) -> Bool { probing?.hasSameBytes(as: system) == true }
}

extension Outcome {
    /// Whether a run that ended so has read its source and been at its target.
    fileprivate var provesItsSystems: Bool {
        switch end {
        case .finished: true
        case .skipped(let reason):
            switch reason {
            case .dryRun, .noChanges, .insertDisabled, .updateDisabled, .deleteDisabled: true
            case .stale, .superseded, .duplicate: false
            }
        case .failed(let failure): failure.code == .constraintViolated || failure.code == .writeConflict
        case .noTarget, .relayed, .canceled: false
        }
    }
}
