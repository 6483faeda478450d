// Threads of users' controllers: a lost one is replaced at once, and what waits for a thread is not forgotten.
import Foundation
import Synchronization
import Testing

@testable import SyncEngine

@Suite struct ControllerThreadsTests {
    @Test func whatWaitsForAThreadRunsWhenALostOneIsWrittenOff() async throws {
        let threads = ControllerThreads(size: 1)
        let isLost = DispatchSemaphore(value: 0)
        let hasBegun = DispatchSemaphore(value: 0)
        // Owned by the test: it ends when the semaphore is signalled below.
        let stuck = Task(executorPreference: threads) {
            hasBegun.signal()
            Self.wait(for: isLost)
        }
        #expect(Self.wait(for: hasBegun, seconds: 10))
        // Owned by the test: awaited below.
        let waiting = Task(executorPreference: threads) { 7 }
        #expect(threads.writeOff())
        #expect(await waiting.value == 7, "no further work had to come")
        #expect(threads.writtenOff == 1)
        isLost.signal()
        await stuck.value
        threads.takeBack()
        #expect(threads.writtenOff == 0)
    }

    @Test func tooManyLostThreadsAreNotBearable() {
        let threads = ControllerThreads(size: 1)
        for _ in 0..<ControllerThreads.maximumWrittenOff { #expect(threads.writeOff()) }
        #expect(!threads.writeOff())
    }

    @Test func aHundredTasksShareAFewThreads() async {
        let threads = ControllerThreads(size: 3)
        let names = Names()
        await withTaskGroup(of: Void.self) { group in
            for _ in 0..<100 {
                group.addTask(executorPreference: threads) {
                    names.all.withLock { _ = $0.insert("\(pthread_self())") }
                }
            }
        }
        let seen = names.all.withLock { $0 }
        #expect((1...3).contains(seen.count))
    }

    /// Names that tasks write down.
    private final class Names: Sendable { let all = Mutex<Set<String>>([]) }

    /// Blocks the calling thread.
    private static func wait(for semaphore: DispatchSemaphore) { semaphore.wait() }

    /// Blocks the calling thread for a while at most.
    private static func wait(for semaphore: DispatchSemaphore, seconds: Int) -> Bool {
        semaphore.wait(timeout: .now() + .seconds(seconds)) == .success
    }
}
