// Users' code one piece after the other: on one thread, in its order, and nobody waits for a slow piece but its own job.
import Foundation
import Synchronization
import Testing

@testable import SyncEngine

@Suite struct SeriesTests {
    private let threads = ControllerThreads(size: 2)

    @Test func piecesRunOneAfterTheOtherInTheirOrder() async {
        let running = Box(0)
        let series = Series(100) { number in
            running.change { $0 += 1 }
            #expect(running.value == 1)
            await Task.yield()
            running.change { $0 -= 1 }
            return (number, true)
        }
        let ended = await series.run(on: threads)
        #expect(ended.values == Array(0..<100))
        #expect(ended.late == nil)
    }

    @Test func nothingIsNothing() async {
        let ended = await Series(0) { _ in (0, true) }.run(on: threads)
        #expect(ended.values.isEmpty && ended.late == nil)
    }

    @Test func aPieceThatTakesItsTimeEndsTheSeriesAndGoesOn() async throws {
        let gate = Door()
        let begun = Box<[Int]>([])
        let series = Series(10) { number in
            begun.change { $0.append(number) }
            if number == 3 { await gate.opened() }
            return (number, true)
        }
        let ended = await series.run(on: threads)
        #expect(ended.values == [0, 1, 2])
        let late = try #require(ended.late)
        gate.open()
        #expect(await late.promise.answer.value == 3)
        await late.task.value
        #expect(begun.value == [0, 1, 2, 3], "those behind it have not begun")
    }

    @Test func aPieceThatHoldsItsThreadEndsTheSeriesToo() async throws {
        let isHeld = Atomic(true)
        let series = Series(3) { number in
            while number == 1, isHeld.load(ordering: .relaxed) {}
            return (number, true)
        }
        let ended = await series.run(on: threads)
        #expect(ended.values == [0])
        isHeld.store(false, ordering: .relaxed)
        #expect(await ended.late?.promise.answer.value == 1)
    }

    @Test func waitingForAThreadIsNoneOfItsTime() async throws {
        let threads = ControllerThreads(size: 1)
        let isHeld = Atomic(true)
        // Owned by the test: it ends when it is let go, below.
        let holder = Task(executorPreference: threads) { while isHeld.load(ordering: .relaxed) { sched_yield() } }
        let hasEnded = Box(false)
        // Owned by the test: awaited below.
        let waiting = Task {
            let ended = await Series(3) { ($0, true) }.run(on: threads)
            hasEnded.set(true)
            return ended
        }
        for _ in 0..<6 { try await Task.sleep(for: .milliseconds(10)) }
        #expect(!hasEnded.value)
        // Owned by the test: cancelled and awaited below.
        let cancelled = Task { await Series(3) { ($0, true) }.run(on: threads) }
        cancelled.cancel()
        #expect(await cancelled.value.values.isEmpty, "who is cancelled waits for no thread")
        isHeld.store(false, ordering: .relaxed)
        #expect(await waiting.value.values == [0, 1, 2])
        await holder.value
    }

    @Test func noneBeginsBehindOneThatIsNotWorthIt() async {
        let ended = await Series(10) { ($0, $0 < 4) }.run(on: threads)
        #expect(ended.values == [0, 1, 2, 3, 4])
        #expect(ended.late == nil)
    }

    @Test func cancellingIsHeardByThePieceUnderWayAndByNoOther() async {
        let hasBegun = Door()
        let series = Series(10) { number in
            hasBegun.open()
            while !Task.isCancelled { await Task.yield() }
            return (number, true)
        }
        let threads = self.threads
        // Owned by the test: awaited below.
        let task = Task { await series.run(on: threads) }
        await hasBegun.opened()
        task.cancel()
        let ended = await task.value
        // Where the machine was slow, the piece was found to take its time before it heard.
        var values = ended.values
        if let late = ended.late { values.append(await late.promise.answer.value) }
        #expect(values == [0])
    }

    // MARK: how quick a type is

    @Test func aTypeIsQuickUntilItsRunsTakeTheirTime() {
        var pace = RunPace()
        let start = ContinuousClock.now
        for _ in 0..<1_000 { pace.note(.microseconds(900), at: start) }
        #expect(pace.isQuick(at: start))
        var runs = 0
        while pace.isQuick(at: start) {
            pace.note(.milliseconds(2), at: start)
            runs += 1
        }
        #expect((1...16).contains(runs))
        #expect(!pace.isQuick(at: start + RunPace.slowTime - .milliseconds(1)))
        #expect(pace.isQuick(at: start + RunPace.slowTime), "it is tried again")
    }

    @Test func oneHiccupMakesNoTypeSlowButTwoLongRunsDo() {
        var pace = RunPace()
        let now = ContinuousClock.now
        pace.note(Series<Void>.patience, at: now)
        #expect(pace.isQuick(at: now))
        pace.note(Series<Void>.patience, at: now)
        #expect(!pace.isQuick(at: now))
    }

    @Test func typesAreQuickEachForItself() {
        let types = QuickTypes(["one", "two"])
        let now = ContinuousClock.now
        #expect(types.contains("one", at: now) && !types.contains("three", at: now))
        var isQuick = true
        for _ in 0..<16 where isQuick { isQuick = types.note("one", .seconds(1), at: now) }
        #expect(!types.contains("one", at: now) && types.contains("two", at: now))
    }
}

/// Waited for without a thread.
final class Door: Sendable {
    private let isOpen = Box(false)

    func open() { isOpen.set(true) }
    func opened() async { while !isOpen.value { await Task.yield() } }
}
