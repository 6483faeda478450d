// The counting of confirms and of delivery tags.
import Testing

@testable import AMQP

@Suite("Publisher confirms") struct ConfirmLedgerTests {
    private final class Record {
        var ledger = ConfirmLedger<String>()
        var settled: [String] = []

        func confirm(_ tag: UInt64, multiple: Bool = false, acknowledged: Bool = true) {
            ledger.confirm(tag, multiple: multiple, acknowledged: acknowledged) { element, outcome in
                settled.append(outcome == .acknowledged ? element : "\(element) \(outcome)")
            }
        }
    }

    @Test("count from 1 and settle one by one, in any order")
    func single() {
        let record = Record()
        #expect(["a", "b", "c"].map { record.ledger.publish($0) } == [1, 2, 3])
        record.confirm(2)
        record.confirm(1)
        #expect(record.settled == ["b", "a"])
        #expect(record.ledger.count == 1)
        #expect(record.ledger.publish("d") == 4)
        record.confirm(4, multiple: true)
        #expect(record.settled == ["b", "a", "c", "d"])
        #expect(record.ledger.count == 0)
    }

    @Test("with multiple pass over what was settled before")
    func multiple() {
        let record = Record()
        for name in ["a", "b", "c", "d"] { _ = record.ledger.publish(name) }
        record.confirm(2)
        record.confirm(3, multiple: true)
        #expect(record.settled == ["b", "a", "c"])
        record.confirm(0, multiple: true)
        #expect(record.settled == ["b", "a", "c", "d"])
    }

    @Test("of unknown tags change nothing")
    func unknown() {
        let record = Record()
        record.confirm(1)
        record.confirm(0, multiple: true)
        _ = record.ledger.publish("a")
        record.confirm(2)
        record.confirm(0)
        #expect(record.settled.isEmpty)
        record.confirm(1)
        record.confirm(1)
        #expect(record.settled == ["a"])
        #expect(record.ledger.count == 0)
    }

    @Test("turn into returns when basic.return came first, and into refusals by nack")
    func outcomes() {
        let record = Record()
        for name in ["a", "b", "c"] { _ = record.ledger.publish(name) }
        record.ledger.markReturned(2, replyCode: 312, text: "NO_ROUTE")
        record.ledger.markReturned(9, replyCode: 312, text: "NO_ROUTE")
        record.confirm(2, multiple: true)
        record.confirm(3, acknowledged: false)
        #expect(record.settled == ["a", "b \(ConfirmOutcome.returned(replyCode: 312, text: "NO_ROUTE"))", "c refused"])
    }

    @Test("that never came are given back in order, and counting starts anew")
    func lost() {
        let record = Record()
        for name in ["a", "b", "c"] { _ = record.ledger.publish(name) }
        record.confirm(2)
        #expect(record.ledger.takeAll() == ["a", "c"])
        #expect(record.ledger.publish("a") == 1)
    }

    @Test("agree with a plain model over many random steps")
    func model() {
        var generator = SystemRandomNumberGenerator()
        for _ in 0..<50 {
            let record = Record()
            var open: [UInt64: String] = [:]
            var next: UInt64 = 1
            var expected: [String] = []
            for _ in 0..<500 {
                if Bool.random(using: &generator) || open.isEmpty {
                    #expect(record.ledger.publish("\(next)") == next)
                    open[next] = "\(next)"
                    next += 1
                } else {
                    let tag = UInt64.random(in: 1..<next, using: &generator)
                    let multiple = Int.random(in: 0..<10, using: &generator) == 0
                    for key in open.keys.sorted() where key == tag || (multiple && key < tag) {
                        expected.append(open.removeValue(forKey: key) ?? "")
                    }
                    record.confirm(tag, multiple: multiple)
                }
            }
            #expect(record.settled == expected)
            #expect(record.ledger.count == open.count)
            #expect(record.ledger.takeAll() == open.keys.sorted().map { "\($0)" })
        }
    }
}

@Suite("Delivery tags") struct DeliveryWindowTests {
    private func window(_ count: UInt64) -> DeliveryWindow {
        var window = DeliveryWindow()
        for tag in 1...count { window.deliver(tag) }
        return window
    }

    @Test("are answered once")
    func once() {
        var window = window(3)
        #expect(window.answer(2, multiple: false) == 2)
        #expect(window.answer(2, multiple: false) == nil)
        #expect(window.answer(4, multiple: false) == nil)
        #expect(window.answer(0, multiple: false) == nil)
        #expect(window.outstanding == 2)
    }

    @Test("with multiple become the highest that is still outstanding")
    func multiple() {
        var window = window(5)
        #expect(window.answer(4, multiple: false) == 4)
        #expect(window.answer(3, multiple: false) == 3)
        #expect(window.answer(4, multiple: true) == 2)
        #expect(window.answer(4, multiple: true) == nil)
        #expect(window.answer(9, multiple: true) == nil)
        #expect(window.answer(5, multiple: true) == 5)
        #expect(window.outstanding == 0)
        window.deliver(6)
        #expect(window.answer(6, multiple: true) == 6)
    }

    @Test("need no more room than what is outstanding")
    func long() {
        var window = DeliveryWindow()
        for tag in UInt64(1)...100_000 {
            window.deliver(tag)
            if tag > 10 { #expect(window.answer(tag - 10, multiple: false) == tag - 10) }
        }
        #expect(window.outstanding == 10)
        #expect(window.answer(100_000, multiple: true) == 100_000)
    }
}

@Suite("The queue") struct FIFOTests {
    @Test("keeps order over taking, adding and putting back")
    func order() {
        var queue = FIFO<Int>()
        var model: [Int] = []
        for step in 0..<20_000 {
            switch Int.random(in: 0..<10) {
            case 0..<6:
                queue.append(step)
                model.append(step)
            case 6..<9: #expect(queue.popFirst() == (model.isEmpty ? nil : model.removeFirst()))
            default:
                queue.prepend([-step, -step - 1])
                model = [-step, -step - 1] + model
            }
            #expect(queue.count == model.count)
            #expect(queue.first == model.first)
        }
        queue.removeAll { $0 % 3 == 0 }
        model.removeAll { $0 % 3 == 0 }
        #expect(queue.takeAll() == model)
        #expect(queue.isEmpty)
    }
}
