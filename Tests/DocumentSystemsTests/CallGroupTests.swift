// The doors of the registry: single calls become batches, nobody waits for a batch to fill, every caller is answered.
import Foundation
import SyncJobs
import Synchronization
import Testing

@testable import DocumentSystems

/// A gate that the batched call of a test waits at.
private actor Gate {
    private var isOpen = false
    private var waiters: [CheckedContinuation<Void, Never>] = []
    private(set) var batches: [[Int]] = []

    func pass(_ batch: [Int]) async {
        batches.append(batch)
        if !isOpen { await withCheckedContinuation { waiters.append($0) } }
    }

    func open() {
        isOpen = true
        for waiter in waiters { waiter.resume() }
        waiters = []
    }
}

/// Waits until `condition` holds; false when it does not within five minutes.
private func eventually(_ condition: @Sendable () async -> Bool) async throws -> Bool {
    let deadline = ContinuousClock.now.advanced(by: .seconds(300))
    while ContinuousClock.now < deadline {
        if await condition() { return true }
        try await Task.sleep(for: .milliseconds(2))
    }
    return await condition()
}

/// Runs so many pieces of tasks, then none until it is let go.
private final class HeldThreads: TaskExecutor {
    private let state = Mutex<(left: Int, jobs: [UnownedJob])>((.max, []))

    func enqueue(_ job: consuming ExecutorJob) {
        let job = UnownedJob(job)
        let isHeld = state.withLock { state in
            if state.left > 0 {
                state.left -= 1
                return false
            }
            state.jobs.append(job)
            return true
        }
        if !isHeld { start(job) }
    }

    func hold(after count: Int) { state.withLock { $0.left = count } }

    func letGo() {
        let jobs = state.withLock { state in
            defer { state = (.max, []) }
            return state.jobs
        }
        for job in jobs { start(job) }
    }

    private func start(_ job: UnownedJob) {
        Thread.detachNewThread { job.runSynchronously(on: self.asUnownedTaskExecutor()) }
    }
}

@Suite("A call group")
struct CallGroupTests {
    private static let bad = JobFailure(.documentTooLarge, "it is too large", remedy: "make it smaller")

    @Test("passes a lone call on at once, alone")
    func passesLoneCall() async throws {
        let gate = Gate()
        await gate.open()
        let group = CallGroup<Int, Int>(cancellation: .leaves) { batch async throws(JobFailure) in
            await gate.pass(batch)
            return batch.map { $0 * 2 }
        }
        #expect(try await group.call(21) == 42)
        #expect(await gate.batches == [[21]])
    }

    @Test("gathers what arrives while a batch runs, up to its bound")
    func gathers() async throws {
        let gate = Gate()
        let group = CallGroup<Int, Int>(maximumBatch: 4, cancellation: .stays) { batch async throws(JobFailure) in
            await gate.pass(batch)
            return batch.map { $0 * 2 }
        }
        let answers = try await withThrowingTaskGroup(of: (Int, Int).self) { tasks in
            tasks.addTask { (0, try await group.call(0)) }
            #expect(try await eventually { await gate.batches.count == 1 })
            for number in 1...9 { tasks.addTask { (number, try await group.call(number)) } }
            #expect(try await eventually { group.waitingCount == 9 })
            await gate.open()
            return try await tasks.reduce(into: [Int: Int]()) { $0[$1.0] = $1.1 }
        }
        #expect(answers == Dictionary(uniqueKeysWithValues: (0...9).map { ($0, $0 * 2) }))
        #expect(await gate.batches.map(\.count) == [1, 4, 4, 1])
    }

    /// A task that prefers threads of its own takes an actor along to them; when those are held, everybody waits for the actor.
    @Test("holds up nobody whose threads are free")
    func heldThreads() async throws {
        let threads = HeldThreads()
        let group = CallGroup<Int, Int>(cancellation: .leaves) { batch async throws(JobFailure) in
            await Task.yield()
            return batch
        }
        for _ in 0..<50 {
            // Owned by the test: they end when the threads are let go, below.
            let held = (0..<20).map { number in
                Task(executorPreference: threads) { try await group.call(number) }
            }
            threads.hold(after: .random(in: 0..<60))
            let answers = try await withThrowingTaskGroup(of: Int.self) { tasks in
                for number in 0..<20 { tasks.addTask { try await group.call(number) } }
                return try await tasks.reduce(into: []) { $0.append($1) }
            }
            #expect(answers.sorted() == Array(0..<20))
            threads.letGo()
            for task in held { _ = try await task.value }
        }
    }

    @Test("lets a call that can't be answered fail alone")
    func isolatesFailure() async throws {
        let gate = Gate()
        let group = CallGroup<Int, Int>(cancellation: .leaves) { batch async throws(JobFailure) in
            await gate.pass(batch)
            if batch.contains(3) { throw Self.bad }
            return batch
        }
        let answers = await withTaskGroup(of: Result<Int, JobFailure>.self) { tasks in
            for number in 0...5 {
                tasks.addTask {
                    do throws(JobFailure) { return .success(try await group.call(number)) } catch {
                        return .failure(error)
                    }
                }
            }
            await gate.open()
            return await tasks.reduce(into: [Result<Int, JobFailure>]()) { $0.append($1) }
        }
        #expect(answers.count { $0 == .failure(Self.bad) } == 1)
        #expect(answers.count == 6)
    }

    @Test("passes an unavailable system on to every caller, and goes on afterwards")
    func passesFailureOn() async throws {
        let gate = Gate()
        let down = JobFailure(
            .systemUnavailable, "the system is down", remedy: "start it", disposition: .retryable(after: nil))
        let group = CallGroup<Int, Int>(cancellation: .stays) { batch async throws(JobFailure) in
            await gate.pass(batch)
            if batch.contains(where: { $0 < 10 }) { throw down }
            return batch
        }
        await withTaskGroup(of: Void.self) { tasks in
            for number in 0...5 {
                tasks.addTask { await #expect(throws: down) { try await group.call(number) } }
            }
            await gate.open()
        }
        #expect(try await group.call(10) == 10)
        #expect(await gate.batches.joined().count == 7)
    }

    @Test("answers a cancelled reader at once, and never makes a cancelled write that still waits")
    func cancels() async throws {
        for cancellation in [CallGroup<Int, Int>.Cancellation.leaves, .stays] {
            let gate = Gate()
            let group = CallGroup<Int, Int>(maximumBatch: 1, cancellation: cancellation) {
                batch async throws(JobFailure) in
                await gate.pass(batch)
                return batch
            }
            let running = Task { try await group.call(1) }
            #expect(try await eventually { await gate.batches.count == 1 })
            let waiting = Task { try await group.call(2) }
            #expect(try await eventually { group.waitingCount == 1 })
            waiting.cancel()
            running.cancel()
            await #expect(throws: JobFailure(CancellationError())) { try await waiting.value }
            if cancellation == .leaves {
                await #expect(throws: JobFailure(CancellationError())) { try await running.value }
                await gate.open()
            } else {
                await gate.open()
                #expect(try await running.value == 1)
            }
            #expect(try await group.call(3) == 3)
            #expect(await gate.batches == [[1], [3]])
        }
    }

    @Test("refuses calls beyond its bound")
    func isBounded() async throws {
        let gate = Gate()
        let group = CallGroup<Int, Int>(maximumWaiting: 2, cancellation: .stays) { batch async throws(JobFailure) in
            await gate.pass(batch)
            return batch
        }
        let first = Task { try await group.call(1) }
        #expect(try await eventually { await gate.batches.count == 1 })
        let second = Task { try await group.call(2) }
        #expect(try await eventually { group.waitingCount == 1 })
        let refusal = await #expect(throws: JobFailure.self) { try await group.call(3) }
        #expect(refusal?.code == .systemUnavailable)
        await gate.open()
        #expect(try await first.value == 1)
        #expect(try await second.value == 2)
    }

    @Test("says so when the answers don't match the calls")
    func noticesMissingAnswers() async throws {
        let group = CallGroup<Int, Int>(cancellation: .stays) { _ async throws(JobFailure) in [] }
        await #expect(throws: JobFailure.self) { try await group.call(1) }
    }
}
