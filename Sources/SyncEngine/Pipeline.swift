// The engine's one place of coordination: deliveries come in, lanes keep the order, what is ready is prepared together,
// jobs run side by side, and the settled prefix goes back to the broker. Bounded by the prefetch of the consumer.
// Here: its state, and how a job gets its turn and ends. Deliveries come in through Pipeline+Deliveries, what begins is in
// Pipeline+Waves and Pipeline+Series, answers go out through Pipeline+Answers.

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

    var ledger = AckLedger()
    let prefetch: @Sendable (Delivery.Origin) -> Int
    var epoch: UInt64 = 0
    var lanes = Lanes<Int, QueuedJob>()
    var ready = ReadyJobs()
    var changes = FIFO<Delivery>()
    /// Jobs under way, and those of them that may wait for something outside the store: their number is bounded.
    var running = 0
    var runningAlone = 0
    var wavesTogether = 0
    var waveSize = WaveSize()
    /// Convoys under way, by their names.
    var convoys: [String: Int] = [:]
    var isPreparing = false
    /// Series that are not committed, and whether one of them is being run.
    var series = 0
    var isSeriesRunning = false
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
    var crowding = Crowding()
    var suspects = Suspects()
    let threads: ControllerThreads

    /// How long a write that was under way when its run was cut off may still land.
    static let writeDeadline = Duration.seconds(30)
    var counts = WorkerStatistics()
    var endedJobs = EndedJobsMetric()

    /// Work that `run()` owns: waves of jobs, batches of change events, single messages.
    let errands: AsyncStream<@Sendable () async throws -> Void>
    let errandSink: AsyncStream<@Sendable () async throws -> Void>.Continuation

    init(
        intake: Intake, runner: JobRunner, coalescing: Coalescing, router: ChangeRouter, consumer: WorkConsumer,
        concurrency: Int, prefetch: @escaping @Sendable (Delivery.Origin) -> Int,
        now: @escaping @Sendable () -> Timestamp, logger: Logger
    ) {
        self.intake = intake
        self.runner = runner
        inbox = runner.inbox
        self.coalescing = coalescing
        self.router = router
        self.consumer = consumer
        self.concurrency = max(1, concurrency)
        self.prefetch = prefetch
        self.now = now
        self.logger = logger
        threads = runner.supervisor.threads
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
        job.pace = runner.pace(of: arrived)
        guard job.type.coalesces, var waiting = lanes.lastWaiting(key: job.lane),
            coalescing.canMerge(waiting, job)
        else { return enqueue(job) }
        guard coalescing.arrivingWins(waiting, job) else {
            waiting.superseded.append(job.request.id)
            lanes.replaceLastWaiting(key: job.lane, with: waiting)
            return supersede(job, by: waiting)
        }
        var winner = job
        winner.superseded = waiting.superseded + [waiting.request.id]
        lanes.replaceLastWaiting(key: job.lane, with: winner)
        if let delivery = waiting.delivery { crowding.waitsNoMore(delivery) }
        if let delivery = winner.delivery { crowding.waits(delivery) }
        supersede(waiting, by: winner)
    }

    /// Puts a job into its lane, whatever else waits there.
    private func enqueue(_ job: QueuedJob) {
        if lanes.submit(job, key: job.lane) {
            ready.append(job)
        } else if let delivery = job.delivery {
            crowding.waits(delivery)
        }
    }

    /// Puts a parked job into its lane that is to try a system; no delivery stands behind it, and nothing stands for it.
    func submit(probe: QueuedJob) {
        guard !isStopping else { return }
        enqueue(probe)
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
            } else if job.delivery?.epoch == epoch {
                // Nobody stands for it after all. What came with an earlier connection is delivered again.
                enqueue(job)
            }
        }
        endLosers()
        dispatch()
    }

    /// Counts a job's end, enters its delivery as settled and gives its key to the next.
    func conclude(_ job: QueuedJob, _ ending: JobRunner.Ending) {
        running -= 1
        if job.pace == .open { runningAlone -= 1 }
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
        case .committed(let record, _) where record.isOpen: counts.deferred += 1
        case .committed(let record, _):
            counts.count(record)
            endedJobs.count(record)
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
        guard let next = lanes.release(key: job.lane) else { return }
        if let delivery = next.delivery { crowding.waitsNoMore(delivery) }
        ready.append(next)
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
