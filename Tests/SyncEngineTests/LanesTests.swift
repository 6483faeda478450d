// Per key in arrival order, different keys in parallel.
import Testing

@testable import SyncEngine

@Suite struct LanesTests {
    @Test func theFirstJobOfAKeyIsReadyAtOnceAndTheOthersFollowInOrder() {
        var lanes = Lanes<String, Int>()
        #expect({ lanes.submit(1, key: "a") }())
        #expect(!{ lanes.submit(2, key: "a") }())
        #expect(!{ lanes.submit(3, key: "a") }())
        #expect({ lanes.submit(4, key: "b") }(), "another key does not wait")
        #expect(lanes.waitingCount == 2)
        #expect({ lanes.release(key: "a") }() == 2)
        #expect({ lanes.release(key: "a") }() == 3)
        #expect({ lanes.release(key: "a") }() == nil)
        #expect({ lanes.release(key: "b") }() == nil)
        #expect(lanes.isEmpty)
        #expect({ lanes.submit(5, key: "a") }(), "a key that has run dry is free again")
    }

    @Test func whatIsForgottenDoesNotComeBackAndTheKeyStaysTaken() {
        var lanes = Lanes<String, Int>()
        _ = lanes.submit(1, key: "a")
        _ = lanes.submit(2, key: "a")
        _ = lanes.submit(3, key: "a")
        lanes.removeWaiting { $0 == 2 }
        #expect(lanes.waitingCount == 1)
        #expect(!{ lanes.submit(4, key: "a") }(), "1 is still running")
        #expect({ lanes.release(key: "a") }() == 3)
        #expect({ lanes.release(key: "a") }() == 4)
        #expect({ lanes.release(key: "a") }() == nil)
    }

    @Test func aQueueKeepsItsOrderOverManyElements() {
        var queue = FIFO<Int>()
        var expected = 0
        for value in 0..<5_000 {
            queue.append(value)
            if value % 3 == 0 {
                let first = queue.popFirst()
                #expect(first == expected)
                expected += 1
            }
        }
        while let value = queue.popFirst() {
            #expect(value == expected)
            expected += 1
        }
        #expect(expected == 5_000)
        let rest = queue.popFirst(10)
        #expect(rest.isEmpty)
    }

    @Test func aQueueIsTheSameFromBothEndsHoweverItIsTaken() {
        var queue = FIFO<Int>()
        for value in 1...9 { queue.append(value) }
        #expect({ queue.popFirst(3) }() == [1, 2, 3], "less than there is")
        queue.append(10)
        #expect(queue.first == 4 && queue.last == 10 && queue.count == 7)
        #expect(queue.all == [4, 5, 6, 7, 8, 9, 10])
        queue.removeAll { $0 == 6 || $0 == 10 }
        queue.last = 11
        #expect(queue.all == [4, 5, 7, 8, 11], "the last one, wherever it stands")
        #expect({ queue.popFirst(9) { $0 < 8 } }() == [4, 5, 7])
        queue.append(12)
        #expect({ queue.popFirst(.max) }() == [8, 11, 12])
        queue.last = 13
        #expect(queue.count == 0 && queue.first == nil && queue.last == nil, "there is no last one to replace")
        for value in 1...3 { queue.append(value) }
        #expect({ queue.popFirst(3) { $0 != 2 } }() == [1])
        #expect({ queue.popFirst(2) }() == [2, 3], "all of it")
    }
}
