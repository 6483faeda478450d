// What a run leaves behind that did not end in time: known, waited for with a bound, and told of when it ends after all.
import Logging
import Synchronization
import SyncJobs
import Testing

@testable import SyncEngine

@Suite struct LeftoverTests {
    @Test func whoWaitsForALeftoverIsLetGoWhenItIsCancelled() async throws {
        let leftover = RunSupervisor.Leftover()
        // Owned by the test: cancelled and awaited below.
        let waiting = Task { await leftover.ended(within: .seconds(600)) }
        waiting.cancel()
        #expect(await waiting.value == false)
        #expect(await leftover.ended(within: .milliseconds(1)) == false, "it can be asked again")
    }

    @Test func theEndIsToldOnceHoweverLateItIsAskedFor() async {
        let leftover = RunSupervisor.Leftover()
        let ends = Mutex(0)
        leftover.whenEnded { ends.withLock { $0 += 1 } }
        leftover.end()
        leftover.whenEnded { ends.withLock { $0 += 10 } }
        #expect(ends.withLock { $0 } == 11)
        #expect(await leftover.ended(within: .seconds(600)))
    }
}
