// The engine put together: the same parts for a worker on a broker and for a run in process.

internal import DocumentSystems
internal import JobStore
internal import Logging
internal import SyncBroker
internal import SyncJobs

/// What runs jobs, from inbox to commit.
struct EngineParts: Sendable {
    let runner: JobRunner
    let runs: ActiveRuns
    let outbox: OutboxPublisher
    let events: EventStream
    let patience: StorePatience
    let parking: ParkingWatch

    init(
        types: SyncJobTypes, systems: DocumentSystems, store: JobStore, publisher: any MessageSink,
        maximumDocumentBytes: Int, storePatience: Duration, controllerThreads: Int, node: String, logger: Logger,
        now: @escaping @Sendable () -> Timestamp, leavesOwed: Bool = false, outage: StoreOutage? = nil,
        queues: [String] = [], maximumParked: Int = 100_000, circuits: [String: CircuitSettings] = [:]
    ) {
        patience = StorePatience(limit: storePatience, logger: logger, outage: outage)
        runs = ActiveRuns(store: store, now: now, logger: logger)
        events = EventStream()
        outbox = OutboxPublisher(
            store: store, publisher: publisher, patience: patience, now: now, logger: logger,
            leavesOwed: leavesOwed)
        let committer = Committer(store: store, outbox: outbox, patience: patience, events: events, now: now)
        let services = EngineServices(
            types: types, store: store, patience: patience, runs: runs, events: events)
        let executor = Executor(
            systems: systems, types: types,
            sourceLoader: SourceLoader(systems: systems, maximumDocumentBytes: maximumDocumentBytes),
            targetResolver: TargetResolver(systems: systems, store: store, patience: patience),
            targetWriter: TargetWriter(systems: systems, store: store, patience: patience, now: now),
            relay: RelayRunner(store: store, patience: patience), services: services, logger: logger)
        let inbox = Inbox(
            systems: systems, store: store, committer: committer, publisher: publisher, patience: patience, now: now,
            logger: logger)
        let outages = OutageGuard(
            systems: systems, settings: circuits, store: store, patience: patience, events: events, node: node,
            now: now, logger: logger)
        parking = ParkingWatch(
            types: types, store: store, outbox: outbox, outages: outages, patience: patience, queues: queues,
            maximumParked: maximumParked, now: now, logger: logger)
        runner = JobRunner(
            executor: executor,
            supervisor: RunSupervisor(runs: runs, threads: ControllerThreads(size: controllerThreads)), inbox: inbox,
            committer: committer, outages: outages, store: store, patience: patience, node: node,
            storeOnlyTypes: Self.storeOnlyTypes(types, systems), convoyTypes: Self.convoyTypes(types, systems),
            now: now, logger: logger)
    }

    /// The convoys of types without a user's code that have documents elsewhere, by their slugs; named after the systems.
    private static func convoyTypes(_ types: SyncJobTypes, _ systems: DocumentSystems) -> [String: String] {
        var convoys: [String: String] = [:]
        for type in types.all {
            guard let controller = type.controller as? any DeclarativeController, !controller.mapping.callsFunctions
            else { continue }
            let elsewhere = type.systems.filter { systems[$0]?.isEmbedded == false }
            // What is written back into a source elsewhere is a call for each.
            let writesBack = !controller.mapping.writtenBackFields.isEmpty && elsewhere.contains(type.source.system)
            if !elsewhere.isEmpty, !writesBack { convoys[type.slug] = elsewhere.joined(separator: " ") }
        }
        return convoys
    }

    /// The slugs of types whose runs can wait for nothing outside the store: no document elsewhere, no code of a user.
    private static func storeOnlyTypes(_ types: SyncJobTypes, _ systems: DocumentSystems) -> Set<String> {
        Set(
            types.all.filter { type in
                guard let controller = type.controller as? any DeclarativeController else { return false }
                return !controller.mapping.callsFunctions
                    && type.systems.allSatisfy { systems[$0]?.isEmbedded == true }
            }.map(\.slug))
    }
}
