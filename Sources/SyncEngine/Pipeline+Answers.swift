// How the pipeline answers the broker and how it ends. What is settled is answered in batches; what is not settled when it
// ends is the broker's again.

internal import JobStore
internal import SyncBroker

extension Pipeline {
    // MARK: answers

    /// Enters a delivery as settled, and answers what can be answered.
    func settle(_ delivery: Delivery, kind: Acknowledgement.Kind = .acknowledge) {
        enter(delivery, kind: kind)
        answer()
    }

    /// Enters a delivery as settled: committed, and everything it owed confirmed.
    func enter(_ delivery: Delivery, kind: Acknowledgement.Kind = .acknowledge) {
        if ledger.settle(delivery.tag, kind: kind) { release(delivery) }
    }

    /// Answers the broker, one batch at a time: what is settled meanwhile goes into the next.
    func answer() {
        guard !isAnswering else { return }
        let answers = ledger.takeAcknowledgements(isUrgent: isAnswerUrgent || !isMoreToCome)
        isAnswerUrgent = false
        guard !answers.isEmpty else { return }
        isAnswering = true
        let consumer = self.consumer
        errandSink.yield {
            Failpoint.beforeAck.pass()
            await consumer.acknowledge(answers)
            Failpoint.afterAck.pass()
            await self.answered()
        }
    }

    /// Whether more is about to be settled, or to begin: without it, nobody would be the better for answers that wait, and they
    /// may be all that keeps new deliveries away.
    private var isMoreToCome: Bool { wavesTogether + series > 0 || ready.count > 0 }

    /// Begins what can begin, and answers what can be answered, after jobs have ended.
    func goOn() {
        dispatch()
        answer()
        relieveQueues()
    }

    func answered() {
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
