// The engine's one place of coordination: deliveries come in, lanes keep the order, what is ready is prepared together,
// jobs run side by side, and the settled prefix goes back to the broker. Bounded by the prefetch of the consumer.
// Longer than other files: it is the one actor whose state all these share, and each part is a few lines of it.

internal import JobStore
internal import Logging
internal import SyncBroker
internal import SyncJobs

/// Moves jobs from delivery to acknowledgement.
actor Pipeline {
    private let intake: Intake
    private let runner: JobRunner
    private let inbox: Inbox
    private let coalescing: Coalescing
    private let router: ChangeRouter
    private let consumer: WorkConsumer
    private let concurrency: Int
    private let now: @Sendable () -> Timestamp
    private let logger: Logger

    private var ledger: AckLedger
    private var epoch: UInt64 = 0
    private var lanes = Lanes<QueuedJob>()
    private var ready = FIFO<QueuedJob>()
    private var changes = FIFO<Delivery>()
    private var running = 0
    private var isPreparing = false
    private var isRouting = false
    private var isAnswering = false
    private var isStopping = false
    private var failure: (any Error)?
    private var publishing = 0
    private var losers = FIFO<(loser: QueuedJob, winner: QueuedJob)>()
    private var isEndingLosers = false
    private let threads: ControllerThreads

    /// How long a write that was under way when its run was cut off may still land.
    static let writeDeadline = Duration.seconds(30)
    private var counts = WorkerStatistics()

    /// Work that `run()` owns: waves of jobs, batches of change events, single messages.
    private let errands: AsyncStream<@Sendable () async throws -> Void>
    private let errandSink: AsyncStream<@Sendable () async throws -> Void>.Continuation

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
    private func fail(_ error: any Error) {
        guard !(error is CancellationError) else { return stop() }
        if failure == nil { failure = error }
        isStopping = true
        stop()
    }

    // MARK: events of the consumer

    /// Takes what the consumer reports.
    func handle(_ event: ConsumerEvent) {
        switch event {
        case .opened(let epoch): open(epoch)
        case .deliveries(let deliveries): receive(deliveries)
        case .cancelled(let queue):
            counts.lostSubscriptions += 1
            logger.error("The broker ended a subscription; it is taken up again", metadata: ["queue": .string(queue)])
        case .closed(let error):
            counts.isConnected = false
            guard !isStopping else { return }
            logger.warning("The broker's connection is gone; reconnecting", metadata: ["reason": .string("\(error)")])
        case .blocked(let reason):
            counts.blockedReason = reason
            logger.warning("The broker takes nothing for now", metadata: ["reason": .string(reason)])
        case .unblocked: counts.blockedReason = nil
        }
    }

    /// A new connection: what was delivered before and has not begun will be delivered again, so it is dropped here.
    private func open(_ epoch: UInt64) {
        self.epoch = epoch
        counts.isConnected = true
        ledger.open(epoch: epoch)
        lanes.removeWaiting { $0.delivery?.epoch != epoch }
        var kept = FIFO<QueuedJob>()
        while let job = ready.popFirst() {
            if job.delivery?.epoch == epoch { kept.append(job) } else { releaseLane(of: job, into: &kept) }
        }
        ready = kept
        changes.removeAll { $0.epoch != epoch }
        dispatch()
    }

    private func receive(_ deliveries: [Delivery]) {
        for delivery in deliveries {
            ledger.track(epoch: delivery.epoch, tag: delivery.tag)
            counts.deliveries += 1
            if delivery.isRedelivered { counts.redelivered += 1 }
            switch delivery.origin {
            case .changes where delivery.isBodyOmitted: reject(delivery)
            case .changes: changes.append(delivery)
            case .work(let queue): admit(delivery, queue: queue)
            }
        }
        dispatch()
        routeChanges()
    }

    private func admit(_ delivery: Delivery, queue: String) {
        switch intake.receive(delivery, queue: queue, at: now()) {
        case .job(let job): submit(job)
        case .forward(let queue, let slug): publish(.forward(delivery, queue: queue, slug: slug), for: delivery)
        case .canary(let report): publish(report, for: delivery)
        case .refuse(let failure, let id, let slug):
            counts.refused += 1
            let inbox = self.inbox
            publishing += 1
            errandSink.yield {
                let isPublished = await inbox.refuse(
                    body: delivery.body, messageID: delivery.messageID, turn: delivery.turn, failure: failure, id: id,
                    typeSlug: slug, queue: queue)
                await self.published(delivery, isPublished)
            }
        case .reject: reject(delivery)
        }
    }

    private func reject(_ delivery: Delivery) {
        counts.refused += 1
        logger.warning(
            "A message is over the size limit; the broker moves it to the dead letters as it is",
            metadata: [
                "bytes": .stringConvertible(delivery.bodyBytes),
                "reason": .string(JobFailure.Code.bodyTooLarge.rawValue),
            ])
        settle(delivery, kind: .reject)
    }

    private func publish(_ message: OutgoingMessage, for delivery: Delivery) {
        let inbox = self.inbox
        publishing += 1
        errandSink.yield { await self.published(delivery, await inbox.publishForCertain(message)) }
    }

    /// Answers a delivery once what stands for it is safe with the broker, and never before.
    private func published(_ delivery: Delivery, _ isPublished: Bool) {
        publishing -= 1
        if isPublished { settle(delivery) }
    }

    // MARK: jobs

    /// Puts a job into its lane; where two waiting jobs are the same work, the loser ends superseded.
    private func submit(_ job: QueuedJob) {
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

    private func supersede(_ loser: QueuedJob, by winner: QueuedJob) {
        losers.append((loser, winner))
        endLosers()
    }

    /// Ends those that lost, one batch at a time and in the order of their losing: so a winner that lost in its turn is
    /// still found as one that is to run.
    private func endLosers() {
        guard !isEndingLosers else { return }
        let batch = losers.popFirst(256)
        guard !batch.isEmpty else { return }
        isEndingLosers = true
        let runner = self.runner
        errandSink.yield { await self.endedLosers(batch, try await runner.supersede(batch)) }
    }

    private func endedLosers(_ batch: [(loser: QueuedJob, winner: QueuedJob)], _ endings: [JobRunner.Ending?]) {
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
    private func dispatch() {
        guard !isPreparing, !isStopping else { return }
        let wave = ready.popFirst(min(concurrency - running, 256))
        guard !wave.isEmpty else { return }
        isPreparing = true
        running += wave.count
        let runner = self.runner
        errandSink.yield {
            let preparations = try await runner.prepare(wave)
            await self.prepared()
            try await withThrowingDiscardingTaskGroup { group in
                for (job, preparation) in zip(wave, preparations) {
                    group.addTask { await self.finish(job, try await runner.run(job, preparation: preparation)) }
                }
            }
        }
    }

    private func prepared() {
        isPreparing = false
        dispatch()
    }

    private func finish(_ job: QueuedJob, _ ending: JobRunner.Ending) {
        running -= 1
        count(ending)
        if case .abandoned = ending { return }
        if let delivery = job.delivery { settle(delivery) }
        if case .committed(_, let leftover?) = ending {
            closeLane(of: job, until: leftover)
        } else {
            releaseLane(of: job, into: &ready)
        }
        dispatch()
    }

    private func count(_ ending: JobRunner.Ending) {
        switch ending {
        case .committed(let record, _): if record.isOpen { counts.deferred += 1 } else { counts.count(record) }
        case .waiting: counts.deferred += 1
        case .duplicate: counts.duplicates += 1
        case .refused: counts.refused += 1
        case .abandoned: break
        }
    }

    /// The key of a controller that does not end stays closed until it does, or until no write of it can land any more;
    /// its place goes to others at once.
    private func closeLane(of job: QueuedJob, until leftover: RunSupervisor.Leftover) {
        counts.stuck += 1
        if !threads.writeOff() { fail(StuckControllers(count: threads.writtenOff)) }
        leftover.whenEnded { [threads] in threads.takeBack() }
        errandSink.yield {
            _ = await leftover.ended(within: Self.writeDeadline)
            await self.openLane(of: job)
        }
    }

    private func openLane(of job: QueuedJob) {
        releaseLane(of: job, into: &ready)
        dispatch()
    }

    private func releaseLane(of job: QueuedJob, into queue: inout FIFO<QueuedJob>) {
        if let next = lanes.release(key: job.orderKey) { queue.append(next) }
    }

    // MARK: change events

    private func routeChanges() {
        guard !isRouting, !isStopping else { return }
        let batch = changes.popFirst(500)
        guard !batch.isEmpty else { return }
        isRouting = true
        let router = self.router
        errandSink.yield {
            var pending = batch
            while !pending.isEmpty {
                let settled = await router.route(pending)
                await self.routed(zip(pending, settled).compactMap { $1 ? $0 : nil })
                pending = zip(pending, settled).compactMap { $1 ? nil : $0 }
                if !pending.isEmpty { try await Task.sleep(for: .seconds(1)) }
            }
            await self.endedRouting()
        }
    }

    private func routed(_ deliveries: [Delivery]) {
        counts.changes += deliveries.count
        for delivery in deliveries { ledger.settle(epoch: delivery.epoch, tag: delivery.tag, kind: .acknowledge) }
        answer()
    }

    private func endedRouting() {
        isRouting = false
        routeChanges()
    }

    // MARK: answers

    private func settle(_ delivery: Delivery, kind: Acknowledgement.Kind = .acknowledge) {
        ledger.settle(epoch: delivery.epoch, tag: delivery.tag, kind: kind)
        answer()
    }

    /// Answers the broker, one batch at a time: what is settled meanwhile goes into the next.
    private func answer() {
        guard !isAnswering else { return }
        let answers = ledger.takeAcknowledgements()
        guard !answers.isEmpty else { return }
        isAnswering = true
        let consumer = self.consumer
        errandSink.yield {
            await consumer.acknowledge(answers)
            await self.answered()
        }
    }

    private func answered() {
        isAnswering = false
        answer()
    }

    // MARK: stopping

    /// Begins nothing new.
    ///
    /// What has not begun stays unanswered and goes back to the broker with the connection.
    func beginStopping() { isStopping = true }

    /// Whether nothing is under way: no job, no routing, no answer.
    var isQuiet: Bool { running == 0 && publishing == 0 && !isEndingLosers && !isRouting && !isAnswering }

    /// Whether nothing is under way and no delivery is unanswered.
    var isIdle: Bool { isQuiet && ledger.unsettled == 0 }

    /// Lets `run()` return.
    func stop() { errandSink.finish() }

    /// What has been done so far.
    var statistics: WorkerStatistics {
        var result = counts
        result.running = running
        result.waiting = lanes.waitingCount + ready.count
        return result
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
