// The ledger decides what the broker may forget: its rules are the promise "commit before ack" in numbers.
import SyncBroker
import Testing

@testable import SyncEngine

@Suite struct AckLedgerTests {
    /// A quarter of the prefetch may wait.
    private func ledger(prefetch: Int = 400, tracking count: UInt64) -> AckLedger {
        var ledger = AckLedger()
        ledger.open(epoch: 1)
        for tag in 1...count { ledger.track(epoch: 1, tag: tag, prefetch: prefetch) }
        return ledger
    }

    private func all(upTo tag: UInt64) -> Acknowledgement { Acknowledgement(epoch: 1, tag: tag, multiple: true) }
    private func one(_ tag: UInt64, _ kind: Acknowledgement.Kind = .acknowledge) -> Acknowledgement {
        Acknowledgement(epoch: 1, tag: tag, multiple: false, kind: kind)
    }

    @Test func nothingIsAnsweredBeforeItIsSettled() {
        var ledger = ledger(tracking: 3)
        #expect({ ledger.takeAcknowledgements() }().isEmpty)
        #expect(ledger.unsettled == 3)
    }

    @Test func theSettledPrefixIsAnsweredAtOnce() {
        var ledger = ledger(tracking: 4)
        ledger.settle(epoch: 1, tag: 2, kind: .acknowledge)
        #expect({ ledger.takeAcknowledgements() }().isEmpty, "delivery 1 is still under way")
        ledger.settle(epoch: 1, tag: 1, kind: .acknowledge)
        ledger.settle(epoch: 1, tag: 3, kind: .acknowledge)
        #expect({ ledger.takeAcknowledgements() }() == [all(upTo: 3)])
        #expect({ ledger.takeAcknowledgements() }().isEmpty, "nothing is answered twice")
        ledger.settle(epoch: 1, tag: 4, kind: .acknowledge)
        #expect({ ledger.takeAcknowledgements() }() == [all(upTo: 4)])
    }

    @Test func whatIsUrgentIsAnsweredBehindALongJobAtOnce() {
        var ledger = ledger(tracking: 3)
        #expect(ledger.isUnsettled(epoch: 1, tag: 2))
        ledger.settle(epoch: 1, tag: 2, kind: .acknowledge)
        #expect(!ledger.isUnsettled(epoch: 1, tag: 2))
        #expect({ ledger.takeAcknowledgements() }().isEmpty)
        #expect({ ledger.takeAcknowledgements(isUrgent: true) }() == [one(2)])
        #expect({ ledger.takeAcknowledgements(isUrgent: true) }().isEmpty, "nothing is answered twice")
        #expect(!ledger.isUnsettled(epoch: 2, tag: 1), "another epoch")
        #expect(ledger.isUnsettled(epoch: 1, tag: 1))
    }

    @Test func whatPilesUpBehindALongJobIsAnsweredSingly() {
        var ledger = ledger(prefetch: 8, tracking: 5)
        for tag: UInt64 in 2...3 { ledger.settle(epoch: 1, tag: tag, kind: .acknowledge) }
        #expect({ ledger.takeAcknowledgements() }().isEmpty)
        ledger.settle(epoch: 1, tag: 4, kind: .acknowledge)
        #expect({ ledger.takeAcknowledgements() }() == [one(2), one(3), one(4)])
        ledger.settle(epoch: 1, tag: 1, kind: .acknowledge)
        // The multiple acknowledgement must not name a tag that was answered already.
        #expect({ ledger.takeAcknowledgements() }() == [all(upTo: 1)])
        ledger.settle(epoch: 1, tag: 5, kind: .acknowledge)
        #expect({ ledger.takeAcknowledgements() }() == [all(upTo: 5)])
    }

    @Test func eachQueueIsMeasuredByItsOwnPrefetch() {
        var ledger = AckLedger()
        ledger.open(epoch: 1)
        ledger.track(epoch: 1, tag: 1, prefetch: 4)
        for tag: UInt64 in 2...102 { ledger.track(epoch: 1, tag: tag, prefetch: 400) }
        ledger.track(epoch: 1, tag: 103, prefetch: 4)
        for tag: UInt64 in 2...101 { ledger.settle(epoch: 1, tag: tag, kind: .acknowledge) }
        #expect({ ledger.takeAcknowledgements() }().isEmpty, "a quarter of the prefetch of their queue")
        ledger.settle(epoch: 1, tag: 102, kind: .acknowledge)
        #expect({ ledger.takeAcknowledgements() }().count == 101)
        ledger.settle(epoch: 1, tag: 103, kind: .acknowledge)
        #expect({ ledger.takeAcknowledgements() }().isEmpty)
        ledger.track(epoch: 1, tag: 104, prefetch: 4)
        ledger.settle(epoch: 1, tag: 104, kind: .acknowledge)
        #expect({ ledger.takeAcknowledgements() }() == [one(103), one(104)], "half of the small queue's")
    }

    @Test func aRejectionNamesItsOwnTagBeforeTheMultipleAnswer() {
        var ledger = ledger(tracking: 3)
        for (tag, kind) in [(1, .acknowledge), (2, .reject), (3, .acknowledge)] as [(UInt64, Acknowledgement.Kind)] {
            ledger.settle(epoch: 1, tag: tag, kind: kind)
        }
        #expect({ ledger.takeAcknowledgements() }() == [one(2, .reject), all(upTo: 3)])
    }

    @Test func aNewEpochForgetsTheOldTags() {
        var ledger = ledger(tracking: 3)
        ledger.open(epoch: 2)
        ledger.settle(epoch: 1, tag: 1, kind: .acknowledge)
        #expect({ ledger.takeAcknowledgements() }().isEmpty)
        ledger.track(epoch: 1, tag: 9, prefetch: 8)
        #expect(ledger.unsettled == 0, "a delivery of an old epoch will come again under a new tag")
        ledger.track(epoch: 2, tag: 1, prefetch: 8)
        ledger.settle(epoch: 2, tag: 1, kind: .acknowledge)
        #expect({ ledger.takeAcknowledgements() }() == [Acknowledgement(epoch: 2, tag: 1, multiple: true)])
    }

    @Test func settlingTwiceAnswersOnce() {
        var ledger = ledger(tracking: 2)
        ledger.settle(epoch: 1, tag: 1, kind: .acknowledge)
        ledger.settle(epoch: 1, tag: 1, kind: .acknowledge)
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
        for tag in (1...count).shuffled(using: &random) {
            ledger.settle(epoch: 1, tag: tag, kind: Bool.random(using: &random) ? .acknowledge : .reject)
            settled.insert(tag)
            for answer in ledger.takeAcknowledgements() {
                let named = answer.multiple ? Set(1...answer.tag).subtracting(answered) : [answer.tag]
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
