// When a queue is subscribed to anew because a slow key holds its places.
import AMQP
import Testing

@testable import SyncBroker
@testable import SyncEngine

@Suite struct CrowdingTests {
    private let queue = Delivery.Origin.work(queue: "default")

    private func delivery(_ number: UInt64, of origin: Delivery.Origin) -> Delivery {
        Delivery(AMQPDelivery(epoch: 1, tag: number, queue: "q", body: []), origin: origin)
    }

    private func wait(_ numbers: ClosedRange<UInt64>, in crowding: inout Crowding) {
        for number in numbers { crowding.waits(delivery(number, of: queue)) }
    }

    @Test func aQuarterOfThePrefetchThatWaitsIsMadeUpForOnce() {
        var crowding = Crowding()
        func isToRenew() -> Bool { crowding.isToRenew(queue, prefetch: 40) }
        #expect(!isToRenew())
        wait(2...10, in: &crowding)
        #expect(!isToRenew())
        wait(11...11, in: &crowding)
        #expect(isToRenew())
        #expect(!isToRenew(), "the new subscription has its whole prefetch")
        wait(21...29, in: &crowding)
        #expect(!isToRenew())
        wait(30...30, in: &crowding)
        #expect(isToRenew(), "and a quarter of that waits too")
    }

    @Test func eachQueueHasPlacesOfItsOwn() {
        var crowding = Crowding()
        for number: UInt64 in 1...2 { crowding.waits(delivery(number, of: .work(queue: "other"))) }
        wait(1...1, in: &crowding)
        #expect(!{ crowding.isToRenew(queue, prefetch: 8) }())
        #expect({ crowding.isToRenew(.work(queue: "other"), prefetch: 8) }())
        #expect(Set(crowding.origins) == [queue, .work(queue: "other")])
    }

    @Test func whoseTurnItIsHoldsNoPlaceOfThoseThatWait() {
        var crowding = Crowding()
        func isToRenew() -> Bool { crowding.isToRenew(queue, prefetch: 8) }
        wait(2...3, in: &crowding)
        #expect(isToRenew())
        crowding.waitsNoMore(delivery(2, of: queue))
        wait(4...5, in: &crowding)
        crowding.waitsNoMore(delivery(4, of: queue))
        #expect(!isToRenew(), "one of the present subscription waits")
        wait(6...6, in: &crowding)
        #expect(isToRenew())
    }

    @Test func noMoreThanAWholePrefetchWaits() {
        var crowding = Crowding()
        func isToRenew() -> Bool { crowding.isToRenew(queue, prefetch: 8) }
        wait(2...10, in: &crowding)
        #expect(!isToRenew())
        crowding.waitsNoMore(delivery(2, of: queue))
        #expect(isToRenew())
        for number: UInt64 in 3...4 { crowding.waitsNoMore(delivery(number, of: queue)) }
        wait(11...13, in: &crowding)
        #expect(!isToRenew(), "those of earlier subscriptions count as well")
        crowding.waitsNoMore(delivery(5, of: queue))
        #expect(isToRenew())
    }
}
