// Per key in arrival order, different keys in parallel.
import Testing

@testable import SyncEngine

@Suite struct LanesTests {
    @Test func theFirstJobOfAKeyIsReadyAtOnceAndTheOthersFollowInOrder() {
        var lanes = Lanes<Int>()
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
        var lanes = Lanes<Int>()
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
}
