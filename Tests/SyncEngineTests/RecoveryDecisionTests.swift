// The decisions behind recovery, without a broker: how wide the intake is, what runs alone, when a subscription is lost, and
// what an outage of the store means.
import AMQP
import JobStore
import Logging
import Synchronization
import SyncJobs
import Testing

@testable import SyncBroker
@testable import SyncEngine

/// A delivery of a work queue, delivered `count` times before.
private func delivery(_ tag: UInt64 = 1, count: Int = 0, queue: String = "default", epoch: UInt64 = 1) -> Delivery {
    Delivery(
        AMQPDelivery(
            epoch: epoch, tag: tag, queue: "ferry.\(queue)", redelivered: count > 0,
            properties: AMQPProperties(headers: count > 0 ? ["x-delivery-count": .int(Int64(count))] : [:]), body: []),
        origin: .work(queue: queue))
}

@Suite struct WideningTests {
    @Test func threeAnswersWithoutHarmOpenAQueueWideAndNoOther() {
        var widening = Widening()
        func answered(_ delivery: Delivery) -> Bool { widening.answered(delivery) }
        func lasted(_ delivery: Delivery) -> Bool { widening.lasted(delivery) }
        #expect(!answered(delivery(1)))
        #expect(!answered(delivery(2, count: 2)))
        #expect(!answered(delivery(1, queue: "long")))
        #expect(widening.isNarrow(.work(queue: "default")))
        #expect(answered(delivery(3)))
        #expect(!widening.isNarrow(.work(queue: "default")))
        #expect(widening.isNarrow(.work(queue: "long")))
        #expect(!answered(delivery(4)), "once")
    }

    @Test func suspectsOpenNothingHoweverManyAreAnswered() {
        var widening = Widening()
        func answered(_ delivery: Delivery) -> Bool { widening.answered(delivery) }
        func lasted(_ delivery: Delivery) -> Bool { widening.lasted(delivery) }
        for tag in 1...20 { #expect(!answered(delivery(UInt64(tag), count: 3))) }
        #expect(!lasted(delivery(21, count: 49)))
        #expect(widening.isNarrow(.work(queue: "default")))
    }

    @Test func aDeliveryThatLastsOpensItsQueueSoThatALongJobHoldsUpNobody() {
        var widening = Widening()
        func answered(_ delivery: Delivery) -> Bool { widening.answered(delivery) }
        func lasted(_ delivery: Delivery) -> Bool { widening.lasted(delivery) }
        #expect(lasted(delivery(count: 1)))
        #expect(!lasted(delivery(2)), "once")
        #expect(!widening.isNarrow(.work(queue: "default")))
    }

    @Test func aSubscriptionThatIsMadeAnewBeginsNarrow() {
        var widening = Widening()
        func answered(_ delivery: Delivery) -> Bool { widening.answered(delivery) }
        func lasted(_ delivery: Delivery) -> Bool { widening.lasted(delivery) }
        _ = lasted(delivery())
        widening.narrow(.work(queue: "default"))
        #expect(widening.isNarrow(.work(queue: "default")))
        #expect(!answered(delivery()), "what was answered before does not count")
    }

    @Test func aCountIsTheBrokersAndNeverAProducers() {
        let forged = Delivery(
            AMQPDelivery(
                epoch: 1, tag: 1, queue: "ferry.default", redelivered: false,
                properties: AMQPProperties(headers: ["x-delivery-count": .int(40)]), body: []),
            origin: .work(queue: "default"))
        #expect(forged.deliveryCount == 0)
        #expect(delivery(count: 7).deliveryCount == 7)
    }
}

@Suite struct SuspectsTests {
    private let start = ContinuousClock.now
    private let type = SyncJobType(
        name: "Customer Sync", source: DocumentType(system: "erp", name: "Customer"),
        target: DocumentType(system: "shop", name: "Account"), controller: IdleController())

    private func job(_ id: String, count: Int = 0) -> QueuedJob {
        QueuedJob(
            delivery: delivery(count: count), request: SyncRequest(id: id, type: type.slug, sourceName: id), type: type,
            queue: "default", receivedAt: Timestamp(microseconds: 0), turn: 0, body: [])
    }

    private func ready(_ jobs: QueuedJob...) -> FIFO<QueuedJob> {
        var queue = FIFO<QueuedJob>()
        for job in jobs { queue.append(job) }
        return queue
    }

    @Test func aSuspectRunsWhenNothingElseDoesAndNothingBeginsBesideIt() {
        var suspects = Suspects()
        let poison = job("poison", count: 3)
        var ready = ready(job("a"), job("b", count: 2), poison, job("c"))
        func next(running: Int, after time: Duration = .zero) -> [String] {
            suspects.next(from: &ready, running: running, places: 8, at: start + time).map(\.request.id)
        }
        #expect(next(running: 0) == ["a", "b"], "what came before it")
        #expect(next(running: 2) == [])
        #expect(suspects.isOneWaiting)
        #expect(next(running: 1) == [])
        #expect(next(running: 0) == ["poison"])
        #expect(suspects.isOneRunning)
        #expect(next(running: 1) == [], "nothing beside it")
        suspects.ended(poison)
        #expect(next(running: 0) == ["c"])
    }

    @Test func aSuspectWaitsForALongRunOnlySoLong() {
        var suspects = Suspects()
        var ready = ready(job("poison", count: 9))
        func next(after time: Duration) -> Int {
            suspects.next(from: &ready, running: 1, places: 7, at: start + time).count
        }
        #expect(next(after: .zero) == 0)
        #expect(next(after: Suspects.patience - .milliseconds(1)) == 0)
        #expect(next(after: Suspects.patience) == 1)
    }

    @Test func withoutAPlaceNothingBegins() {
        var suspects = Suspects()
        var ready = ready(job("a"))
        let wave = suspects.next(from: &ready, running: 4, places: 0, at: start)
        #expect(wave.isEmpty)
        #expect(ready.count == 1)
    }
}

@Suite struct SubscriptionDoubtTests {
    private func look(
        epoch: UInt64 = 1, taken: Int = 5, inHand: Int = 0, messages: Int = 0, consumers: Int = 1
    ) -> SubscriptionDoubt.Look {
        SubscriptionDoubt.Look(epoch: epoch, taken: taken, inHand: inHand, messages: messages, consumers: consumers)
    }

    @Test func aQueueWithoutConsumersTwiceInARowIsLost() {
        var doubt = SubscriptionDoubt()
        func isLost(_ queue: String, _ look: SubscriptionDoubt.Look) -> Bool { doubt.isLost(queue, look) }
        #expect(!isLost("q", look(consumers: 0)))
        #expect(!isLost("other", look(consumers: 0)), "each queue by itself")
        #expect(isLost("q", look(consumers: 0)))
        #expect(!isLost("q", look(consumers: 0)), "it begins anew")
    }

    @Test func messagesThatNobodyHandsToEmptyHandsAreALostSubscriptionWhoeverElseConsumes() {
        var doubt = SubscriptionDoubt()
        func isLost(_ queue: String, _ look: SubscriptionDoubt.Look) -> Bool { doubt.isLost(queue, look) }
        #expect(!isLost("q", look(messages: 7, consumers: 2)), "nothing to compare with")
        #expect(!isLost("q", look(messages: 7, consumers: 2)))
        #expect(isLost("q", look(messages: 7, consumers: 2)))
    }

    @Test func aBusyAnIdleAndAMovingQueueAreFine() {
        var doubt = SubscriptionDoubt()
        func isLost(_ queue: String, _ look: SubscriptionDoubt.Look) -> Bool { doubt.isLost(queue, look) }
        for step in 0..<5 {
            #expect(!isLost("busy", look(inHand: 3, messages: 90)))
            #expect(!isLost("idle", look()))
            #expect(!isLost("moving", look(taken: step, messages: 90)))
        }
    }

    @Test func aWorkerThatHasBecomeIdleIsSoOncePerConnection() {
        var doubt = SubscriptionDoubt()
        func isIdle(_ epoch: UInt64, _ taken: Int, inHand: Int = 0) -> Bool {
            doubt.isIdle(epoch: epoch, taken: taken, inHand: inHand)
        }
        #expect(!isIdle(1, 4), "it was at work")
        #expect(!isIdle(1, 4, inHand: 1), "it is at work")
        #expect(!isIdle(1, 5))
        #expect(isIdle(1, 5))
        for _ in 0..<5 { #expect(!isIdle(2, 0), "a connection without a past swallows nothing") }
    }

    @Test func aNewConnectionIsGivenTimeOfItsOwn() {
        var doubt = SubscriptionDoubt()
        func isLost(_ queue: String, _ look: SubscriptionDoubt.Look) -> Bool { doubt.isLost(queue, look) }
        #expect(!isLost("q", look(consumers: 0)))
        #expect(!isLost("q", look(epoch: 2, consumers: 0)))
        doubt.forget("q")
        #expect(!isLost("q", look(epoch: 2, consumers: 0)))
    }
}

@Suite struct StorePatienceTests {
    private static let busy = JobStoreError(.busy, operation: "commit", message: "locked", remedy: "wait")
    private static let corrupt = JobStoreError(.corrupt, operation: "commit", message: "bad", remedy: "restore")

    private func patience(_ outage: StoreOutage?, limit: Duration = .zero) -> StorePatience {
        var logger = Logger(label: "test")
        logger.logLevel = .critical
        return StorePatience(limit: limit, logger: logger, outage: outage)
    }

    @Test func aWorkerWaitsOnAfterItsPatienceAndTellsWhenItBeginsAndEnds() async throws {
        let outage = StoreOutage()
        let failures = Mutex(2)
        let answer = try await patience(outage).attempt { () async throws(JobStoreError) -> Int in
            let left = failures.withLock { count in
                count -= 1
                return count
            }
            if left >= 0 { throw Self.busy }
            return 7
        }
        #expect(answer == 7)
        var changes = outage.changes.makeAsyncIterator()
        // The latest word only: it began, and it is over.
        let last = await changes.next()
        #expect(last != nil && last??.code == nil)
    }

    @Test func theOutageLastsAsLongAsAnyCallIsOverdue() async {
        let outage = StoreOutage()
        var changes = outage.changes.makeAsyncIterator()
        outage.enter(Self.busy)
        let first = await changes.next()
        #expect(first??.code == .busy)
        outage.enter(Self.busy)
        outage.leave()
        outage.leave()
        let last = await changes.next()
        #expect(last != nil && last??.code == nil, "not before the last")
    }

    @Test func withoutAListenerPatienceEndsAndADamagedStoreEndsItAtOnce() async {
        await #expect(throws: JobStoreError.self) {
            try await patience(nil).attempt { () async throws(JobStoreError) in throw Self.busy }
        }
        let calls = Mutex(0)
        await #expect(throws: JobStoreError.self) {
            try await patience(StoreOutage(), limit: .seconds(600)).attempt { () async throws(JobStoreError) in
                calls.withLock { $0 += 1 }
                throw Self.corrupt
            }
        }
        #expect(calls.withLock { $0 } == 1)
    }
}
