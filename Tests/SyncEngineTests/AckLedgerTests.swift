// The ledger decides what the broker may forget: its rules are the promise "commit before ack" in numbers.
import SyncBroker
import Testing

@testable import SyncEngine

@Suite struct AckLedgerTests {
    /// A quarter of the prefetch may wait.
    private func ledger(prefetch: Int = 400, tracking count: UInt64) -> AckLedger {
        var ledger = AckLedger()
        ledger.open(epoch: 1)
        for number in 1...count { ledger.track(tag(number), from: .work(queue: "q"), prefetch: prefetch) }
        return ledger
    }

    private func tag(_ number: UInt64, epoch: UInt64 = 1, channel: UInt16 = 1) -> DeliveryTag {
        DeliveryTag(epoch: epoch, channel: channel, number: number)
    }
    private func all(upTo number: UInt64, channel: UInt16 = 1) -> Acknowledgement {
        Acknowledgement(of: tag(number, channel: channel), multiple: true)
    }
    private func one(
        _ number: UInt64, _ kind: Acknowledgement.Kind = .acknowledge, channel: UInt16 = 1
    ) -> Acknowledgement {
        Acknowledgement(of: tag(number, channel: channel), multiple: false, kind: kind)
    }

    @Test func nothingIsAnsweredBeforeItIsSettled() {
        var ledger = ledger(tracking: 3)
        #expect({ ledger.takeAcknowledgements() }().isEmpty)
        #expect(ledger.unsettled == 3)
    }

    @Test func theSettledPrefixIsAnsweredAtOnce() {
        var ledger = ledger(tracking: 4)
        ledger.settle(tag(2), kind: .acknowledge)
        #expect({ ledger.takeAcknowledgements() }().isEmpty, "delivery 1 is still under way")
        ledger.settle(tag(1), kind: .acknowledge)
        ledger.settle(tag(3), kind: .acknowledge)
        #expect({ ledger.takeAcknowledgements() }() == [all(upTo: 3)])
        #expect({ ledger.takeAcknowledgements() }().isEmpty, "nothing is answered twice")
        ledger.settle(tag(4), kind: .acknowledge)
        #expect({ ledger.takeAcknowledgements() }() == [all(upTo: 4)])
    }

    @Test func whatIsUrgentIsAnsweredBehindALongJobAtOnce() {
        var ledger = ledger(tracking: 3)
        #expect(ledger.isUnsettled(tag(2)))
        ledger.settle(tag(2), kind: .acknowledge)
        #expect(!ledger.isUnsettled(tag(2)))
        #expect({ ledger.takeAcknowledgements() }().isEmpty)
        #expect({ ledger.takeAcknowledgements(isUrgent: true) }() == [one(2)])
        #expect({ ledger.takeAcknowledgements(isUrgent: true) }().isEmpty, "nothing is answered twice")
        #expect(!ledger.isUnsettled(tag(1, epoch: 2)), "another epoch")
        #expect(ledger.isUnsettled(tag(1)))
    }

    @Test func whatPilesUpBehindALongJobIsAnsweredSingly() {
        var ledger = ledger(prefetch: 8, tracking: 5)
        for number: UInt64 in 2...3 { ledger.settle(tag(number), kind: .acknowledge) }
        #expect({ ledger.takeAcknowledgements() }().isEmpty)
        ledger.settle(tag(4), kind: .acknowledge)
        #expect({ ledger.takeAcknowledgements() }() == [one(2), one(3), one(4)])
        ledger.settle(tag(1), kind: .acknowledge)
        // The multiple acknowledgement must not name a tag that was answered already.
        #expect({ ledger.takeAcknowledgements() }() == [all(upTo: 1)])
        ledger.settle(tag(5), kind: .acknowledge)
        #expect({ ledger.takeAcknowledgements() }() == [all(upTo: 5)])
    }

    @Test func whatTakesLongHoldsUpTheAnswersOfItsOwnQueueOnly() {
        var ledger = ledger(tracking: 2)
        for number: UInt64 in 1...50 { ledger.track(tag(number, channel: 2), from: .work(queue: "q"), prefetch: 400) }
        for number: UInt64 in 1...50 { ledger.settle(tag(number, channel: 2), kind: .acknowledge) }
        #expect({ ledger.takeAcknowledgements() }() == [all(upTo: 50, channel: 2)])
        ledger.settle(tag(2), kind: .acknowledge)
        #expect({ ledger.takeAcknowledgements() }().isEmpty, "the first of its own channel is under way")
        #expect(ledger.unsettled == 1)
    }

    @Test func eachQueueIsMeasuredByItsOwnPrefetch() {
        var ledger = ledger(tracking: 102)
        for number: UInt64 in 2...101 { ledger.settle(tag(number), kind: .acknowledge) }
        for number: UInt64 in 1...3 { ledger.track(tag(number, channel: 2), from: .work(queue: "q"), prefetch: 4) }
        ledger.settle(tag(2, channel: 2), kind: .acknowledge)
        #expect({ ledger.takeAcknowledgements() }().isEmpty, "a quarter of each prefetch")
        ledger.settle(tag(3, channel: 2), kind: .acknowledge)
        #expect({ ledger.takeAcknowledgements() }() == [one(2, channel: 2), one(3, channel: 2)])
        ledger.settle(tag(102), kind: .acknowledge)
        #expect({ ledger.takeAcknowledgements() }().count == 101)
    }

    @Test func aRejectionNamesItsOwnTagBeforeTheMultipleAnswer() {
        var ledger = ledger(tracking: 3)
        for (number, kind) in [(1, .acknowledge), (2, .reject), (3, .acknowledge)] as [(UInt64, Acknowledgement.Kind)] {
            ledger.settle(tag(number), kind: kind)
        }
        #expect({ ledger.takeAcknowledgements() }() == [one(2, .reject), all(upTo: 3)])
    }

    @Test func aNewEpochForgetsTheOldTags() {
        var ledger = ledger(tracking: 3)
        ledger.open(epoch: 2)
        ledger.settle(tag(1), kind: .acknowledge)
        #expect({ ledger.takeAcknowledgements() }().isEmpty)
        ledger.track(tag(9), from: .work(queue: "q"), prefetch: 8)
        #expect(ledger.unsettled == 0, "a delivery of an old epoch will come again under a new tag")
        ledger.track(tag(1, epoch: 2), from: .work(queue: "q"), prefetch: 8)
        ledger.settle(tag(1, epoch: 2), kind: .acknowledge)
        #expect({ ledger.takeAcknowledgements() }() == [Acknowledgement(of: tag(1, epoch: 2), multiple: true)])
    }

    @Test func whatWasTakenUpIsCountedForEachQueue() {
        var ledger = ledger(tracking: 3)
        for number: UInt64 in 1...5 { ledger.track(tag(number, channel: 2), from: .changes, prefetch: 8) }
        ledger.settle(tag(2), kind: .acknowledge)
        ledger.settle(tag(4, channel: 2), kind: .acknowledge)
        ledger.settle(tag(5, channel: 2), kind: .reject)
        #expect(ledger.intake(of: .work(queue: "q")) == (3, 2))
        #expect(ledger.intake(of: .changes) == (5, 3))
        #expect(ledger.intake(of: .work(queue: "other")) == (0, 0))
        #expect(ledger.intake() == (8, 5))
        ledger.open(epoch: 2)
        #expect(ledger.intake() == (0, 0))
    }

    /// Thousands in hand, settled in waves whose order is anybody's, while more come.
    @Test func everyoneOfManyIsAnsweredOnce() {
        var random = SeededGenerator(seed: 7)
        var ledger = ledger(tracking: 1)
        var (next, answered): (UInt64, UInt64) = (2, 0)
        var open: [UInt64] = [1]
        for _ in 0..<40 {
            while open.count < 3_000 {
                ledger.track(tag(next), from: .work(queue: "q"), prefetch: 1_000_000)
                open.append(next)
                next += 1
            }
            let wave = open.prefix(1_500).shuffled(using: &random)
            open.removeFirst(1_500)
            for number in wave { ledger.settle(tag(number), kind: .acknowledge) }
            #expect(wave.allSatisfy { !ledger.isUnsettled(tag($0)) } && ledger.isUnsettled(tag(open[0])))
            answered += 1_500
            #expect({ ledger.takeAcknowledgements() }() == [all(upTo: answered)])
            #expect(ledger.unsettled == open.count)
        }
    }

    @Test func settlingTwiceAnswersOnce() {
        var ledger = ledger(tracking: 2)
        ledger.settle(tag(1), kind: .acknowledge)
        ledger.settle(tag(1), kind: .acknowledge)
        #expect(ledger.unsettled == 1)
        #expect({ ledger.takeAcknowledgements() }() == [all(upTo: 1)])
    }

    /// Whatever the order in which deliveries settle: each is answered exactly once, and never before it settled.
    @Test(arguments: 0..<50) func everyDeliveryIsAnsweredExactlyOnce(seed: UInt64) {
        var random = SeededGenerator(seed: seed)
        let count: UInt64 = 40
        var ledger = ledger(prefetch: Int.random(in: 1...40, using: &random), tracking: count)
        var settled: Set<UInt64> = []
        var answered: Set<UInt64> = []
        for number in (1...count).shuffled(using: &random) {
            ledger.settle(tag(number), kind: Bool.random(using: &random) ? .acknowledge : .reject)
            settled.insert(number)
            for answer in ledger.takeAcknowledgements() {
                let named = answer.multiple ? Set(1...answer.tag.number).subtracting(answered) : [answer.tag.number]
                #expect(named.isSubset(of: settled), "answered before it settled")
                #expect(named.isDisjoint(with: answered), "answered twice")
                answered.formUnion(named)
            }
        }
        #expect(answered.count == Int(count))
    }
}

/// SplitMix64 (Steele, Lea, Flood 2014): the same seed gives the same test.
struct SeededGenerator: RandomNumberGenerator {
    private var state: UInt64

    init(seed: UInt64) { state = seed }

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return mixed ^ (mixed >> 31)
    }
}
