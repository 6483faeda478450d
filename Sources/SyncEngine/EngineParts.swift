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
        let places = AllPlaces(types, in: systems)
        let executor = Executor(
            systems: systems, places: places, types: types,
            sourceLoader: SourceLoader(systems: systems, maximumDocumentBytes: maximumDocumentBytes),
            targetResolver: TargetResolver(systems: systems, store: store, patience: patience),
            targetWriter: TargetWriter(systems: systems, store: store, patience: patience, now: now),
            relay: RelayRunner(store: store, patience: patience), services: services, logger: logger)
        let inbox = Inbox(
            places: places, store: store, committer: committer, publisher: publisher, patience: patience, now: now,
            logger: logger)
        let outages = OutageGuard(
            systems: systems, settings: circuits, store: store, patience: patience, events: events, node: node,
            now: now, logger: logger)
        parking = ParkingWatch(
            types: types, store: store, outbox: outbox, outages: outages, patience: patience, queues: queues,
            maximumParked: maximumParked, now: now, logger: logger)
        let isEmbedded = { (system: String) in systems[system]?.isEmbedded == true }
        runner = JobRunner(
            executor: executor,
            supervisor: RunSupervisor(runs: runs, threads: ControllerThreads(size: controllerThreads)), inbox: inbox,
            committer: committer, outages: outages, store: store, patience: patience, node: node,
            storeOnlyTypes: Set(types.all.filter { $0.needsOnlyStore(isEmbedded) }.map(\.slug)),
            convoyTypes: Self.convoyTypes(types, isEmbedded),
            quickTypes: QuickTypes(types.all.filter { $0.mayBeQuick && $0.isInStore(isEmbedded) }.map(\.slug)),
            now: now, logger: logger)
    }

    /// The convoys of types without a user's code that have documents elsewhere, by their slugs; named after the systems.
    private static func convoyTypes(_ types: SyncJobTypes, _ isEmbedded: (String) -> Bool) -> [String: String] {
        var convoys: [String: String] = [:]
        for type in types.all {
            guard let controller = type.controller as? any DeclarativeController, !controller.mapping.callsFunctions
            else { continue }
            let elsewhere = type.systems.filter { !isEmbedded($0) }
            // What is written back into a source elsewhere is a call for each.
            let writesBack = !controller.mapping.writtenBackFields.isEmpty && elsewhere.contains(type.source.system)
            if !elsewhere.isEmpty, !writesBack { convoys[type.slug] = elsewhere.joined(separator: " ") }
        }
        return convoys
    }
}

extension SyncJobType {
    /// Whether it is a user's code that may be run in series with others.
    ///
    /// A bypass controller writes by itself, perhaps elsewhere: of those no more are begun before a commit than there are
    /// places.
    fileprivate var mayBeQuick: Bool {
        if case .bypass = controller.way { return false }
        return hasForeignController
    }
}
