// How the pipeline widens the intake of its queues, and knows how much of each it has in hand.

internal import SyncBroker

extension Pipeline {
    /// Where a delivery's queue hands out one at a time, looks at it again after a moment.
    func take(_ delivery: Delivery) {
        guard delivery.epoch == epoch else { return }
        guard widening.isNarrow(delivery.origin), !delivery.isSuspect else { return }
        errandSink.yield {
            // Cancelled with the pipeline: then there is nothing to widen.
            do { try await Task.sleep(for: Widening.lastingTime) } catch { return }
            await self.lookAgain(at: delivery)
        }
    }

    /// A delivery that is still in hand has done no harm so far.
    private func lookAgain(at delivery: Delivery) {
        guard ledger.isUnsettled(delivery.tag), widening.lasted(delivery) else { return }
        widen(delivery)
    }

    /// A delivery is settled.
    func release(_ delivery: Delivery) {
        guard widening.isNarrow(delivery.origin) else { return }
        isAnswerUrgent = true
        if widening.answered(delivery) { widen(delivery) }
    }

    private func widen(_ delivery: Delivery) {
        guard !isStopping else { return }
        let consumer = self.consumer
        errandSink.yield { await consumer.widen(delivery.origin, epoch: delivery.epoch) }
    }

    /// Subscribes anew to queues of which much is in hand that waits behind others of its key, unless what is in hand has no
    /// places to run in: more of it would wait for these as well.
    func relieveQueues() {
        guard !isStopping, !isOneSuspect, ready.alone.count == 0 else { return }
        for origin in crowding.origins where !widening.isNarrow(origin) {
            guard crowding.isToRenew(origin, prefetch: prefetch(origin)) else { continue }
            let (consumer, epoch) = (self.consumer, self.epoch)
            errandSink.yield { await consumer.renew(origin, epoch: epoch) }
        }
    }

    /// What was delivered from a queue so far in this epoch, and how much of it is in hand.
    func intake(of origin: Delivery.Origin) -> (epoch: UInt64, taken: Int, inHand: Int) {
        let intake = ledger.intake(of: origin)
        return (epoch, intake.taken, intake.unsettled)
    }

    /// The same of all queues.
    var wholeIntake: (epoch: UInt64, taken: Int, inHand: Int) {
        let intake = ledger.intake()
        return (epoch, intake.taken, intake.unsettled)
    }

    // MARK: what others have noticed

    /// Whether deliveries should be coming.
    var isConsuming: Bool { counts.isConnected && !isStopping && counts.standBy.isEmpty }

    /// Whether deliveries wait for the broker to take what stands for them.
    var waitsForPublishing: Bool { publishing > 0 || isRouting }

    func noteStandBy(_ reasons: [String]) { counts.standBy = reasons }

    func noteLostSubscription() { counts.lostSubscriptions += 1 }

    /// The broker takes nothing, or takes messages again.
    func noteAlarm(_ reason: String?) {
        guard counts.blockedReason != reason else { return }
        counts.blockedReason = reason
        if let reason {
            logger.warning("The broker takes nothing for now", metadata: ["reason": .string(reason)])
        } else {
            logger.notice("The broker takes messages again")
        }
    }

    /// A queue is there, or is not.
    func noteQueue(_ queue: String, isThere: Bool) {
        guard isThere == lostQueue(queue) else { return }
        if isThere {
            counts.lostQueues.remove(queue)
            logger.notice("A queue is there again", metadata: ["queue": .string(queue)])
        } else {
            counts.lostQueues.insert(queue)
            logger.error(
                "A queue of this worker is not there; it is consumed again when somebody has made it",
                metadata: ["queue": .string(queue), "remedy": .string("ferry topology apply")])
        }
    }

    private func lostQueue(_ queue: String) -> Bool { counts.lostQueues.contains(queue) }

    // MARK: stopping

    /// Sends what has not begun, and was delivered often, on its way again by a message that counts from zero.
    func handBackWorn() {
        var worn: [QueuedJob] = []
        for job in ready.takeAll() {
            if job.delivery?.isWorn == true { worn.append(job) } else { ready.append(job) }
        }
        let jobs = worn + lanes.takeWaiting { $0.delivery?.isWorn == true }
        guard !jobs.isEmpty else { return }
        running += jobs.count
        let runner = self.runner
        errandSink.yield { await self.handedBack(jobs, try await runner.handBack(jobs)) }
    }

    /// Nothing begins any more: the lanes of these jobs stay as they are.
    private func handedBack(_ jobs: [QueuedJob], _ endings: [JobRunner.Ending]) {
        running -= jobs.count
        for (job, ending) in zip(jobs, endings) {
            count(ending)
            if case .abandoned = ending { continue }
            if let delivery = job.delivery { settle(delivery) }
        }
    }
}
