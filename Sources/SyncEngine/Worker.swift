// A worker: the pipeline with its connections, started together and stopped in order.

public import AMQP
public import DocumentSystems
public import JobStore
public import Logging
public import ServiceLifecycle
public import SyncBroker
public import SyncJobs

/// Takes requests from the broker and syncs documents until it is told to stop.
public struct Worker: Service {
    private let settings: Settings
    private let store: JobStore
    private let consumer: WorkConsumer
    private let publisher: MessagePublisher
    private let depths: QueueDepths
    private let parts: EngineParts
    private let scheduler: Scheduler
    private let pruner: Pruner
    private let leftovers: Leftovers
    private let outage: StoreOutage
    private let standBy: StandBy
    private let watch: QueueWatch
    private let keeper: DeadLetterKeeper?
    private let pipeline: Pipeline
    private let logger: Logger

    /// Composes a worker.
    ///
    /// Nothing is connected before `run()`.
    ///
    /// - Parameters:
    ///   - broker: where to connect; publisher and consumer get a connection each, as an alarm stops the broker from
    ///     reading a publishing socket, acknowledgements included.
    ///   - node: who this is in records: `host:pid`.
    ///   - now: the clock of records.
    public init(
        settings: Settings, types: SyncJobTypes, systems: DocumentSystems, store: JobStore,
        broker: AMQPConfiguration, topology: Topology, node: String, logger: Logger,
        now: @escaping @Sendable () -> Timestamp
    ) {
        self.settings = settings
        self.store = store
        self.logger = logger
        func connection(_ part: String) -> AMQPConfiguration {
            var configuration = broker
            configuration.connectionName = "\(broker.connectionName) \(part)"
            return configuration
        }
        consumer = WorkConsumer(
            configuration: connection("consumer"), topology: topology, queues: settings.prefetches,
            changesPrefetch: settings.takesChanges ? settings.prefetch : nil,
            maximumBodyBytes: settings.maximumBodyBytes, logger: logger)
        publisher = MessagePublisher(configuration: connection("publisher"), topology: topology, logger: logger)
        depths = QueueDepths(configuration: connection("depths"), logger: logger)
        outage = StoreOutage()
        parts = EngineParts(
            types: types, systems: systems, store: store, publisher: publisher,
            maximumDocumentBytes: settings.maximumDocumentBytes, storePatience: settings.storePatience,
            controllerThreads: settings.controllerThreads, node: node, logger: logger, now: now,
            outage: outage, queues: settings.queues, maximumParked: settings.maximumParked,
            circuits: settings.circuits)
        scheduler = Scheduler(types: types, store: store, parts: parts, logger: logger, now: now)
        pruner = Pruner(store: store, retention: settings.retention, now: now, logger: logger)
        keeper =
            settings.keepsDeadLetters
            ? Self.keeper(
                settings, types: types, store: store, broker: connection("keeper"), topology: topology,
                parts: parts, now: now, logger: logger) : nil
        pipeline = Pipeline(
            intake: Intake(types: types, topology: topology, maximumDepth: settings.maximumDepth),
            runner: parts.runner, coalescing: Coalescing { systems.shape(of: $0) },
            router: ChangeRouter(
                types: types, publisher: publisher, maximumDepth: settings.maximumDepth, logger: logger, now: now),
            consumer: consumer,
            concurrency: settings.concurrency, prefetch: { settings.prefetch(of: $0) }, now: now, logger: logger)
        leftovers = Leftovers(store: store, outbox: parts.outbox, patience: parts.patience, logger: logger)
        standBy = StandBy(consumer: consumer, pipeline: pipeline, logger: logger)
        watch = QueueWatch(
            interval: settings.queueWatchInterval, consumer: consumer, pipeline: pipeline,
            depths: QueueDepths(configuration: connection("queue watch"), logger: logger), logger: logger)
    }

    private static func keeper(
        _ settings: Settings, types: SyncJobTypes, store: JobStore, broker: AMQPConfiguration, topology: Topology,
        parts: EngineParts, now: @escaping @Sendable () -> Timestamp, logger: Logger
    ) -> DeadLetterKeeper {
        DeadLetterKeeper(
            consumer: DeadLetterConsumer(configuration: broker, topology: topology, logger: logger),
            keeping: DeadLetterKeeping(
                reading: DeadLetterReading(topology: topology, maximumMessageBytes: settings.maximumBodyBytes),
                types: types, maximumDepth: settings.maximumDepth, store: store, committer: parts.runner.committer,
                patience: parts.patience, now: now, logger: logger),
            topology: topology, inbox: parts.runner.inbox, logger: logger)
    }

    /// What has been done so far.
    public var statistics: WorkerStatistics {
        get async {
            var statistics = await pipeline.statistics
            let look = parts.parking.lastLook
            statistics.parked = look.parked
            statistics.openCircuits = look.openCircuits
            statistics.pausedQueues = look.pausedQueues.sorted()
            return statistics
        }
    }

    /// Works until a graceful shutdown, until the queues are empty if so set, or until something fails that waiting
    /// does not mend.
    ///
    /// - Throws: `AMQPError` (credentials, virtual host, configuration) or ``JobStoreError``.
    public func run() async throws {
        let (stop, stopSink) = AsyncStream<Void>.makeStream()
        try await withGracefulShutdownHandler {
            try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask { try await publisher.run() }
                group.addTask { try await consumer.run() }
                group.addTask { for await event in consumer.events { await pipeline.handle(event) } }
                group.addTask { try await pipeline.run() }
                group.addTask { try await leftovers.run() }
                group.addTask { await standBy.watch(outage) }
                group.addTask { await standBy.watch(publisher) }
                group.addTask { await watch.run() }
                group.addTask { await parts.runs.watch() }
                group.addTask { try await watchParking() }
                group.addTask { try await scheduler.run() }
                group.addTask { await pruner.run() }
                group.addTask { await parts.events.run(into: publisher) }
                if let keeper {
                    group.addTask { try await keeper.connect() }
                    group.addTask { try await keeper.run() }
                }
                if settings.stopsWhenEmpty { group.addTask { try await waitUntilEmpty(then: stopSink) } }
                group.addTask {
                    for await _ in stop { break }
                    try Task.checkCancellation()
                    await shutDown()
                    throw Stopped()
                }
                do {
                    // Not waitForAll(), which would keep the first error until the last task has ended.
                    while try await group.next() != nil {}
                } catch is Stopped {
                    group.cancelAll()
                }
            }
        } onGracefulShutdown: {
            stopSink.finish()
        }
    }

    /// Thrown inside `run()` alone, to end its group.
    private struct Stopped: Error {}

    /// The order of a stop: no more intake, running jobs get their grace, what goes on after it is handed back, what is
    /// settled is answered, then the connections go; what has not begun is the broker's again.
    private func shutDown() async {
        logger.info("Stopping", metadata: ["grace": .string(settings.grace.text)])
        await pipeline.beginStopping()
        await consumer.stopIntake()
        await keeper?.stopIntake()
        await pipeline.handBackWorn()
        if await !isQuiet(within: settings.grace) {
            let running = await pipeline.statistics.running
            logger.notice(
                "The grace is over; jobs that still run are handed back, and run again elsewhere",
                metadata: ["running": .stringConvertible(running)])
            parts.runs.handBack()
            _ = await isQuiet(within: Self.handBackTime)
        }
        await pipeline.stop()
        await consumer.close()
        await keeper?.close()
        await publisher.close()
        await depths.close()
    }

    /// How long handing back may take: a controller hears of its end, a commit, a publish.
    static let handBackTime = Duration.seconds(3)

    /// What a worker gets beyond the grace, to hand back what runs, to answer the broker and to close.
    public static let closingTime = Duration.seconds(5)

    private func isQuiet(within limit: Duration) async -> Bool {
        let deadline = ContinuousClock.now + limit
        while await !(pipeline.isQuiet && keeper?.isIdle ?? true) {
            guard ContinuousClock.now < deadline else { return false }
            do { try await Task.sleep(for: .milliseconds(5)) } catch { return false }
        }
        return true
    }

    /// Brings parked jobs onto their way, runs probes, and takes nothing of queues that stand still.
    private func watchParking() async throws {
        while !Task.isCancelled, await !pipeline.isStopping {
            let look = try await parts.parking.look()
            for probe in look.probes { await pipeline.submit(probe: probe) }
            await consumer.setPaused(look.pausedQueues)
            let pause = look.released > 0 ? ParkingWatch.drainInterval : ParkingWatch.interval
            do { try await Task.sleep(for: pause) } catch { return }
        }
    }

    /// Two looks in a row must find every queue empty and nothing under way: what is on its way from the broker to here
    /// shows in neither.
    ///
    /// The dead letters' queue is one of them where they are kept here.
    private func waitUntilEmpty(then stop: AsyncStream<Void>.Continuation) async throws {
        var looks = 0
        while looks < 2 {
            do { try await Task.sleep(for: .milliseconds(100)) } catch { return }
            guard await pipeline.statistics.isConnected, await isIdle else {
                looks = 0
                continue
            }
            do {
                let look = parts.parking.lastLook
                let queues = consumer.queueNames(except: look.pausedQueues) + [keeper?.queue].compactMap { $0 }
                let ready = try await depths.ready(in: queues)
                let isAllQuiet = await isIdle && look.released == 0
                looks = isAllQuiet && ready.values.allSatisfy { $0 == 0 } ? looks + 1 : 0
            } catch {
                logger.warning(
                    "The queues' depth is not known; asking again", metadata: ["reason": .string("\(error)")])
                looks = 0
            }
        }
        stop.finish()
    }

    private var isIdle: Bool { get async { await pipeline.isIdle && keeper?.isIdle ?? true } }
}
