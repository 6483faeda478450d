// The engine's one place of coordination: deliveries come in, lanes keep the order, what is ready is prepared together,
// jobs run side by side, and the settled prefix goes back to the broker. Bounded by the prefetch of the consumer.
// Here: its state and the way of jobs. Deliveries come in through Pipeline+Deliveries, answers go out through
// Pipeline+Answers.

internal import JobStore
internal import Logging
internal import SyncBroker
internal import SyncJobs

/// Moves jobs from delivery to acknowledgement.
actor Pipeline {
    let intake: Intake
    let runner: JobRunner
    let inbox: Inbox
    let coalescing: Coalescing
    let router: ChangeRouter
    let consumer: WorkConsumer
    let concurrency: Int
    let now: @Sendable () -> Timestamp
    let logger: Logger

    var ledger: AckLedger
    var epoch: UInt64 = 0
    var lanes = Lanes<QueuedJob>()
    var ready = ReadyJobs()
    var changes = FIFO<Delivery>()
    /// Jobs under way, and those of them that may wait for something outside the store: their number is bounded.
    var running = 0
    var runningAlone = 0
    var wavesTogether = 0
    var isPreparing = false
    var isRouting = false
    var isAnswering = false
    /// Whether a queue that hands out one at a time waits for an answer, which a long job of another must not hold up.
    var isAnswerUrgent = false
    var isStopping = false
    var failure: (any Error)?
    var publishing = 0
    var losers = FIFO<(loser: QueuedJob, winner: QueuedJob)>()
    var isEndingLosers = false
    var widening = Widening()
    var suspects = Suspects()
    /// Deliveries of this epoch, and those of them that are not settled.
    var taken: [Delivery.Origin: Int] = [:]
    var inHand: [Delivery.Origin: Int] = [:]
    let threads: ControllerThreads

    /// The most jobs that are prepared together.
    static let maximumWave = 256
    /// How long a write that was under way when its run was cut off may still land.
    static let writeDeadline = Duration.seconds(30)
    var counts = WorkerStatistics()

    /// Work that `run()` owns: waves of jobs, batches of change events, single messages.
    let errands: AsyncStream<@Sendable () async throws -> Void>
    let errandSink: AsyncStream<@Sendable () async throws -> Void>.Continuation

    init(
        intake: Intake, runner: JobRunner, coalescing: Coalescing, router: ChangeRouter, consumer: WorkConsumer,
        concurrency: Int, smallestPrefetch: Int, now: @escaping @Sendable () -> Timestamp, logger: Logger
    ) {
        self.intake = intake
        self.runner = runner
        inbox = runner.inbox
        self.coalescing = coalescing
        self.router = router
        self.consumer = consumer
        self.concurrency = max(1, concurrency)
        self.now = now
        self.logger = logger
        threads = runner.supervisor.threads
        ledger = AckLedger(patience: smallestPrefetch / 4)
        // Bounded by the prefetch: every errand holds at least one delivery.
        (errands, errandSink) = AsyncStream.makeStream(bufferingPolicy: .unbounded)
    }

    /// Runs what the pipeline has to do until `stop()`; whatever is under way is cancelled when the caller is.
    ///
    /// - Throws: the error of the store that no patience mends.
    nonisolated func run() async throws {
        await withDiscardingTaskGroup { group in
            for await errand in errands {
                group.addTask {
                    // Errands beside it go on: what they have committed may still be answered.
                    do { try await errand() } catch { await self.fail(error) }
                }
            }
        }
        if let failure = await failure { throw failure }
    }

    /// Ends the pipeline for an error that waiting does not mend; what is not answered goes back to the broker.
    func fail(_ error: any Error) {
        guard !(error is CancellationError) else { return stop() }
        if failure == nil { failure = error }
        isStopping = true
        stop()
    }

    // MARK: jobs

    /// Puts a job into its lane; where two waiting jobs are the same work, the loser ends superseded.
    func submit(_ arrived: QueuedJob) {
        var job = arrived
        job.needsOnlyStore = runner.needsOnlyStore(arrived)
        guard var waiting = lanes.lastWaiting(key: job.orderKey), coalescing.canMerge(waiting, job) else {
            if lanes.submit(job, key: job.orderKey) { ready.append(job) }
            return
        }
        guard coalescing.arrivingWins(waiting, job) else {
            waiting.superseded.append(job.request.id)
            lanes.replaceLastWaiting(key: job.orderKey, with: waiting)
            return supersede(job, by: waiting)
        }
        var winner = job
        winner.superseded = waiting.superseded + [waiting.request.id]
        lanes.replaceLastWaiting(key: job.orderKey, with: winner)
        supersede(waiting, by: winner)
    }

    /// Puts a parked job into its lane that is to try a system; no delivery stands behind it, and nothing stands for it.
    func submit(probe: QueuedJob) {
        guard !isStopping else { return }
        if lanes.submit(probe, key: probe.orderKey) { ready.append(probe) }
        dispatch()
    }

    func supersede(_ loser: QueuedJob, by winner: QueuedJob) {
        losers.append((loser, winner))
        endLosers()
    }

    /// Ends those that lost, one batch at a time and in the order of their losing: so a winner that lost in its turn is
    /// still found as one that is to run.
    func endLosers() {
        guard !isEndingLosers else { return }
        let batch = losers.popFirst(256)
        guard !batch.isEmpty else { return }
        isEndingLosers = true
        let runner = self.runner
        errandSink.yield { await self.endedLosers(batch, try await runner.supersede(batch)) }
    }

    func endedLosers(_ batch: [(loser: QueuedJob, winner: QueuedJob)], _ endings: [JobRunner.Ending?]) {
        isEndingLosers = false
        for (job, ending) in zip(batch.map(\.loser), endings) {
            if let ending {
                count(ending)
                if case .abandoned = ending { continue }
                if let delivery = job.delivery { settle(delivery) }
            } else if job.delivery?.epoch == epoch, lanes.submit(job, key: job.orderKey) {
                // Nobody stands for it after all. What came with an earlier connection is delivered again.
                ready.append(job)
            }
        }
        endLosers()
        dispatch()
    }

    /// Prepares what is ready, one batch at a time: what becomes ready meanwhile goes into the next.
    func dispatch() {
        guard !isPreparing, !isStopping else { return }
        let wasWaiting = suspects.isOneWaiting
        var wave = suspects.next(
            from: &ready.alone, running: running, places: min(concurrency - runningAlone, Self.maximumWave), at: .now)
        runningAlone += wave.count
        if suspects.isOneWaiting, !wasWaiting { dispatchAgain(after: Suspects.patience) }
        if suspects.isOneRunning { warnOfSuspect(wave) }
        if !suspects.isOneRunning, !suspects.isOneWaiting, ready.together.count >= leastTogether {
            let together = ready.together.popFirst(Self.maximumWave)
            wavesTogether += together.isEmpty ? 0 : 1
            wave += together
        }
        guard !wave.isEmpty else { return }
        isPreparing = true
        running += wave.count
        errandSink.yield { [wave] in try await self.run(wave) }
    }

    /// How many jobs that run together are worth a wave of their own: any number when no other wave is on its way, many when one
    /// is, as what waits for its commit goes into one with the next.
    private var leastTogether: Int {
        switch wavesTogether {
        case 0: 1
        case 1: Self.maximumWave / 4
        default: .max
        }
    }

    /// Takes a wave of jobs to their ends: those that need only the store together, each other one by itself.
    private nonisolated func run(_ wave: [QueuedJob]) async throws {
        let preparations = try await runner.prepare(wave)
        let (decided, others) = await runner.decide(wave, preparations)
        // The next wave is prepared while this one is committed.
        await prepared()
        try await withThrowingDiscardingTaskGroup { group in
            for (job, preparation) in zip(wave, preparations) where !job.needsOnlyStore {
                group.addTask { try await self.run(job, preparation: preparation) }
            }
            var again = others
            if decided.count + others.count > 0 {
                let ended = try await runner.commit(decided)
                await finish(ended)
                again += ended.filter { $0.ending == nil }.map(\.job)
            }
            guard !again.isEmpty else { return }
            for (job, preparation) in zip(again, try await runner.prepare(again)) {
                group.addTask { try await self.run(job, preparation: preparation) }
            }
        }
    }

    private nonisolated func run(_ job: QueuedJob, preparation: JobStore.Preparation) async throws {
        await finish(job, try await runner.run(job, preparation: preparation))
    }

    private func dispatchAgain(after delay: Duration) {
        let end = ContinuousClock.now + delay
        errandSink.yield {
            // In small steps, as the pipeline does not end before this; cancelled with it, nothing is to begin.
            while ContinuousClock.now < end, await !self.isStopping {
                do { try await Task.sleep(for: .milliseconds(500)) } catch { return }
            }
            await self.dispatch()
        }
    }

    private func warnOfSuspect(_ wave: [QueuedJob]) {
        for job in wave {
            logger.warning(
                "A message was delivered again and again without an answer; its job runs alone",
                metadata: [
                    "job_id": .string(job.request.id),
                    "deliveries": .stringConvertible(job.delivery?.deliveryCount ?? 0),
                ])
        }
    }

    func prepared() {
        isPreparing = false
        dispatch()
    }

    func finish(_ job: QueuedJob, _ ending: JobRunner.Ending) {
        conclude(job, ending)
        answer()
        dispatch()
    }

    private func finish(_ ended: [JobRunner.Ended]) {
        wavesTogether -= 1
        for job in ended { if let ending = job.ending { conclude(job.job, ending) } }
        answer()
        dispatch()
    }

    private func conclude(_ job: QueuedJob, _ ending: JobRunner.Ending) {
        running -= 1
        if !job.needsOnlyStore { runningAlone -= 1 }
        suspects.ended(job)
        count(ending)
        if case .abandoned = ending { return }
        if let delivery = job.delivery { enter(delivery) }
        if case .committed(_, let leftover?) = ending {
            closeLane(of: job, until: leftover)
        } else {
            releaseLane(of: job)
        }
    }

    func count(_ ending: JobRunner.Ending) {
        switch ending {
        case .committed(let record, _): if record.isOpen { counts.deferred += 1 } else { counts.count(record) }
        case .waiting: counts.deferred += 1
        case .handedBack: counts.handedBack += 1
        case .duplicate: counts.duplicates += 1
        case .refused: counts.refused += 1
        case .abandoned: break
        }
    }

    /// The key of a controller that does not end stays closed until it does, or until no write of it can land any more;
    /// its place goes to others at once.
    func closeLane(of job: QueuedJob, until leftover: RunSupervisor.Leftover) {
        counts.stuck += 1
        if !threads.writeOff() { fail(StuckControllers(count: threads.writtenOff)) }
        leftover.whenEnded { [threads] in threads.takeBack() }
        errandSink.yield {
            _ = await leftover.ended(within: Self.writeDeadline)
            await self.openLane(of: job)
        }
    }

    func openLane(of job: QueuedJob) {
        releaseLane(of: job)
        dispatch()
    }

    func releaseLane(of job: QueuedJob) {
        if let next = lanes.release(key: job.orderKey) { ready.append(next) }
    }
}

/// So many controllers do not end that the process can't be trusted to go on.
struct StuckControllers: Error, CustomStringConvertible {
    let count: Int

    var description: String {
        "\(count) controllers did not end although their runs were over; the process ends so that its supervisor starts "
            + "a fresh one. Find out what they wait for: each is named in the log"
    }
}
